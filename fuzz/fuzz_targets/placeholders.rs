//! The placeholder engine on arbitrary bodies and values.
//!
//! An input is a body, a value for every placeholder, and a limit, with NUL characters between
//! them. What comes out is compared with the plainest way to do the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use msgflash_templates::engine::{
    ContactValues, Flaws, InstanceValues, MAX_FLAWS, MAX_PLACEHOLDER, MAX_PLACEHOLDERS, UserValues,
};
use msgflash_templates::{Program, RenderError, Values};
use serde_json::{Map, Value};

fuzz_target!(|input: &str| {
    let mut parts = input.splitn(3, '\0');
    let body = parts.next().unwrap_or_default();
    let value = parts.next().unwrap_or_default();
    let limit = parts.next().map_or(4096, str::len);
    match Program::parse(body) {
        Ok(program) => check_program(body, &program, value, limit),
        Err(flaws) => check_flaws(body, &flaws),
    }
});

/// Flaws have a place in the text, and come in order.
fn check_flaws(body: &str, Flaws(flaws): &Flaws) {
    assert!(!flaws.is_empty() && flaws.len() <= MAX_FLAWS);
    assert!(flaws.is_sorted_by_key(|flaw| flaw.offset));
    for flaw in flaws {
        let before = &body[..flaw.offset];
        let line_from = before.rfind('\n').map_or(0, |at| at + 1);
        assert!(flaw.offset < body.len());
        assert_eq!(flaw.line, before.matches('\n').count() + 1);
        assert_eq!(flaw.column, before[line_from..].chars().count() + 1);
        assert!(!flaw.to_string().is_empty());
    }
}

fn check_program(body: &str, program: &Program, value: &str, limit: usize) {
    let paths: Vec<&str> = program.variables().collect();
    assert_eq!(program.text(), body);
    assert!(paths.len() <= MAX_PLACEHOLDERS);
    assert!(paths.iter().all(|path| path.len() <= MAX_PLACEHOLDER));

    // Without any value a preview is the body, and everything is missing.
    let mut into = String::new();
    let missing = program
        .preview(&Values::default(), usize::MAX, &mut into)
        .expect("no limit");
    assert_eq!(into, body);
    assert_eq!(missing.0, paths);

    let custom: Map<String, Value> = paths
        .iter()
        .filter_map(|path| path.strip_prefix("custom."))
        .map(|key| (key.to_owned(), value.into()))
        .collect();
    let meta = serde_json::from_str(value).unwrap_or(Value::Null);
    let values = Values {
        contact: ContactValues {
            name: Some(value),
            phone: None,
            tags: None,
            meta: Some(&meta),
        },
        user: UserValues {
            full_name: Some(value),
            email: None,
            phone: None,
        },
        instance: InstanceValues::default(),
        custom: Some(&custom),
    };
    let missing = program
        .preview(&values, usize::MAX, &mut into)
        .expect("no limit");
    check_text(body, &into, value, &missing.0);

    // The same within a limit, or a refusal of the right kind.
    let whole = into.clone();
    let rendered = program.render(&values, limit, &mut into);
    let fits = whole.chars().count() <= limit;
    match rendered {
        Ok(()) => assert!(fits && into == whole && missing.0.is_empty()),
        Err(RenderError::Missing(told)) => assert!(told == missing && into.is_empty()),
        Err(RenderError::TooLong(_)) => assert!(!fits && into.is_empty()),
    }
}

/// What a body becomes, piece by piece; values of `meta`, which are any JSON, are left out.
fn check_text(body: &str, text: &str, value: &str, missing: &[String]) {
    let mut pieces = body.split("{{");
    let mut expected = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (inside, after) = piece.split_once("}}").expect("every placeholder is closed");
        let path = inside.trim_matches(|it: char| it.is_whitespace() || it == '\u{feff}');
        if path.starts_with("contact.meta.") {
            return;
        }
        let has_value = path.starts_with("custom.") && path.matches('.').count() == 1;
        if has_value || matches!(path, "contact.name" | "user.fullName") {
            expected += value;
        } else if path == "contact.firstName" {
            expected += value.split_whitespace().next().unwrap_or_default();
        } else {
            assert!(missing.iter().any(|it| it == path), "{path}");
            expected += "{{";
            expected += inside;
            expected += "}}";
        }
        expected += after;
    }
    assert_eq!(text, expected);
}
