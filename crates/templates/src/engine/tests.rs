//! The engine against the published matcher and a plain reference.

use std::collections::BTreeSet;

use msgflash_kernel::Phone;
use proptest::prelude::*;
use regex::{Captures, Regex};
use serde_json::{Value, json};

use super::*;

/// The published grammar of a placeholder.
fn matcher() -> Regex {
    Regex::new(r"\{\{\s*([a-zA-Z0-9_]+(?:\.[a-zA-Z0-9_]+)*)\s*\}\}").unwrap()
}

/// Texts in which braces, paths and blanks meet in every way.
fn texts() -> impl Strategy<Value = String> {
    let scraps = prop::sample::select(vec![
        "{",
        "}",
        "{{",
        "}}",
        ".",
        " ",
        "\n",
        "contact",
        "custom",
        "user",
        "name",
        "a",
        "_",
        "0",
        "é",
        "\u{1f600}",
        "-",
        "{{contact.name}}",
        "{{ custom.a }}",
        "{{contact.meta.list}}",
        "{{custom.gone}}",
        "{{nobody.a}}",
        "{{a}}",
        "{{contact.firstName}}",
        "Hello ",
    ]);
    prop::collection::vec(scraps, 0..30).prop_map(|scraps| scraps.concat())
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        texts().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c0-2]", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Whether the published matcher and the rules beside it accept a text.
fn is_sound(text: &str) -> bool {
    let matcher = matcher();
    let mut rest = 0;
    let mut paths = BTreeSet::new();
    for found in matcher.captures_iter(text) {
        let whole = found.get(0).unwrap();
        let before = &text[rest..whole.start()];
        rest = whole.end();
        let path = &found[1];
        let namespace = path.split('.').next().unwrap();
        let known = ["contact", "user", "instance", "custom"].contains(&namespace);
        if !known || !path.contains('.') || path.len() > MAX_PLACEHOLDER {
            return false;
        }
        paths.insert(path.to_owned());
        if before.contains("{{") || before.ends_with('{') {
            return false;
        }
    }
    !text[rest..].contains("{{") && paths.len() <= MAX_PLACEHOLDERS
}

/// A value as text, written down as the rules say it and without any thought of speed.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Object(_) => None,
        Value::Bool(it) => Some(it.to_string()),
        Value::String(it) => Some(it.clone()),
        Value::Number(it) if it.is_f64() => Some(match it.as_f64()? {
            0.0 => "0".to_owned(),
            float => format!("{float}"),
        }),
        Value::Number(it) => Some(it.to_string()),
        Value::Array(all) => {
            let all: Vec<_> = all.iter().filter(|it| !it.is_null()).collect();
            if all.iter().any(|it| it.is_array() || it.is_object()) {
                return None;
            }
            let each: Option<Vec<String>> = all.into_iter().map(plain).collect();
            Some(each?.join(", "))
        }
    }
}

/// Looks a path up in everything, written as one JSON value.
fn look<'a>(context: &'a Value, path: &str) -> Option<&'a Value> {
    // The variables of a call are flat.
    let is_deep = path.starts_with("custom.") && path.matches('.').count() > 1;
    if path == "contact.meta" || is_deep {
        return None;
    }
    let mut found = context;
    for name in path.split('.') {
        found = match found {
            Value::Object(map) => map.get(name)?,
            Value::Array(all) => {
                let place: usize = name.parse().ok()?;
                all.get(place).filter(|_| place.to_string() == name)?
            }
            _ => return None,
        };
    }
    Some(found)
}

proptest! {
    #[test]
    fn text_without_placeholders_is_itself(text in r"([^{]|\{[^{]){0,200}") {
        let program = Program::parse(text.as_str()).unwrap();
        let mut into = String::new();
        program.render(&Values::default(), MAX, &mut into).unwrap();
        prop_assert_eq!(into, text);
    }

    #[test]
    fn anything_can_be_parsed(text in any::<String>()) {
        let _ = Program::parse(text);
    }

    #[test]
    fn the_published_matcher_agrees(text in texts()) {
        prop_assert_eq!(Program::parse(text.as_str()).is_ok(), is_sound(&text));
    }

    #[test]
    fn flaws_have_a_place_in_the_text_and_come_in_order(text in texts()) {
        let Err(Flaws(flaws)) = Program::parse(text.as_str()) else { return Ok(()) };
        prop_assert!(!flaws.is_empty() && flaws.len() <= MAX_FLAWS);
        prop_assert!(flaws.is_sorted_by_key(|flaw| flaw.offset));
        for flaw in flaws {
            let before = &text[..flaw.offset];
            let line_from = before.rfind('\n').map_or(0, |at| at + 1);
            prop_assert!(flaw.offset < text.len());
            prop_assert_eq!(flaw.line, before.matches('\n').count() + 1);
            prop_assert_eq!(flaw.column, before[line_from..].chars().count() + 1);
        }
    }

    #[test]
    fn the_reader_takes_each_character_once(text in texts()) {
        let mut taken = 0;
        let _ = super::parse::parse(text.chars().inspect(|_| taken += 1));
        prop_assert_eq!(taken, text.chars().count());
    }

    #[test]
    fn rendering_equals_the_plain_reference(
        text in texts(),
        name in ".{0,12}",
        meta in values(),
        custom in prop::collection::btree_map("[a-c]", values(), 0..3),
    ) {
        let Ok(program) = Program::parse(text.as_str()) else { return Ok(()) };
        let custom: serde_json::Map<_, _> = custom.into_iter().collect();
        let phone = Phone::parse("+33612345678").unwrap();
        let values = Values {
            contact: ContactValues {
                name: Some(&name),
                phone: Some(phone),
                tags: None,
                meta: Some(&meta),
            },
            custom: Some(&custom),
            ..Values::default()
        };
        let first = name.split_whitespace().next().unwrap_or_default();
        let context = json!({
            "contact": { "name": name, "firstName": first, "phone": "+33612345678", "meta": meta },
            "custom": custom,
        });
        let mut missing: Vec<String> = Vec::new();
        let expected = matcher().replace_all(&text, |found: &Captures<'_>| {
            let value = look(&context, &found[1]).and_then(plain);
            value.unwrap_or_else(|| {
                if !missing.contains(&found[1].to_owned()) {
                    missing.push(found[1].to_owned());
                }
                found[0].to_owned()
            })
        });
        let mut into = String::new();
        let told = program.preview(&values, MAX, &mut into).unwrap();
        prop_assert_eq!(&into, &expected);
        prop_assert_eq!(&told.0, &missing);
        let rendered = program.render(&values, MAX, &mut into);
        if missing.is_empty() {
            prop_assert_eq!(rendered, Ok(()));
            prop_assert_eq!(into, expected);
        } else {
            prop_assert_eq!(rendered, Err(MissingVariables(missing).into()));
        }
    }

    #[test]
    fn a_value_comes_out_as_it_went_in(value in texts()) {
        let program = Program::parse("[{{custom.a}}]").unwrap();
        let custom: serde_json::Map<_, _> =
            [("a".to_owned(), Value::from(value.clone()))].into_iter().collect();
        let values = Values { custom: Some(&custom), ..Values::default() };
        let mut into = String::new();
        program.render(&values, MAX, &mut into).unwrap();
        prop_assert_eq!(into, format!("[{value}]"));
    }

    #[test]
    fn nothing_longer_than_allowed_comes_out(
        text in texts(),
        value in ".{0,40}",
        limit in 0usize..60,
    ) {
        let Ok(program) = Program::parse(text.as_str()) else { return Ok(()) };
        let custom: serde_json::Map<_, _> =
            [("a".to_owned(), Value::from(value))].into_iter().collect();
        let values = Values { custom: Some(&custom), ..Values::default() };
        let (mut whole, mut cut) = (String::new(), String::new());
        program.preview(&values, MAX, &mut whole).unwrap();
        let fits = whole.chars().count() <= limit;
        prop_assert_eq!(program.preview(&values, limit, &mut cut).is_ok(), fits);
        if fits {
            prop_assert_eq!(whole, cut);
        }
    }
}

/// No limit that counts here.
const MAX: usize = 1 << 20;
