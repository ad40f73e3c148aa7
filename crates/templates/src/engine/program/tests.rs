use msgflash_kernel::Phone;
use serde_json::{Map, Value, json};

use super::*;
use crate::engine::{ContactValues, InstanceValues, UserValues};

const LIMIT: usize = 4096;

fn phone() -> Phone {
    Phone::parse("+33612345678").unwrap()
}

/// Renders with one contact, one account and one instance.
fn render(text: &str, meta: &Value, custom: &Value) -> Result<String, RenderError> {
    let tags = ["vip".to_owned(), "paris".to_owned()];
    let values = Values {
        contact: ContactValues {
            name: Some("Awa Marie  Diop"),
            phone: Some(phone()),
            tags: Some(&tags),
            meta: Some(meta),
        },
        user: UserValues {
            full_name: Some("Ines Roy"),
            email: Some("ines@example.com"),
            phone: Some("+33700000000"),
        },
        instance: InstanceValues {
            name: Some("Main shop"),
            wa_number: Some(phone()),
        },
        custom: custom.as_object(),
    };
    let mut into = "left over".to_owned();
    let program = Program::parse(text).expect("a sound body");
    program.render(&values, LIMIT, &mut into).map(|()| into)
}

fn rendered(text: &str) -> String {
    let meta = json!({
        "city": "Dakar", "empty": "", "none": null, "n": 1_500, "big": 12_345_678_901_u64,
        "neg": -3, "half": 12.50, "whole": 1500.0, "tiny": 0.000_000_1, "huge": 1e21, "zero": -0.0,
        "yes": true, "no": false, "object": { "a": 1 }, "list": ["a", 1, true, 2.5],
        "gap": ["a", null, "b"], "nothing": [], "nested": ["a", ["b"]], "mixed": ["a", {}],
        "orders": [{ "total": 12 }, { "total": 30 }], "deep": { "er": { "est": "here" } },
        "1": "one", "keyed": { "0": "zero" }
    });
    let custom = json!({
        "code": "SPRING", "a": 1, "flag": false, "empty": "", "code.more": "never reached"
    });
    match render(text, &meta, &custom) {
        Ok(text) => text,
        Err(RenderError::Missing(missing)) => format!("missing {}", missing.0.join(" ")),
        Err(RenderError::TooLong(limit)) => limit.to_string(),
    }
}

#[test]
fn text_stays_as_it_is() {
    for text in ["", "a", "Grüße \u{1f600}\r\n{ } }}", "{ {contact.name} }"] {
        assert_eq!(rendered(text), text);
    }
}

#[test]
fn every_documented_path_has_its_value() {
    for (path, value) in [
        ("contact.name", "Awa Marie  Diop"),
        ("contact.firstName", "Awa"),
        ("contact.phone", "+33612345678"),
        ("contact.tags", "vip, paris"),
        ("contact.meta.city", "Dakar"),
        ("contact.meta.deep.er.est", "here"),
        ("user.fullName", "Ines Roy"),
        ("user.email", "ines@example.com"),
        ("user.phone", "+33700000000"),
        ("instance.name", "Main shop"),
        ("instance.waNumber", "+33612345678"),
        ("custom.code", "SPRING"),
    ] {
        assert_eq!(
            rendered(&format!("<{{{{ {path} }}}}>")),
            format!("<{value}>"),
            "{path}"
        );
    }
}

#[test]
fn values_print_as_people_write_them() {
    for (path, value) in [
        ("n", "1500"),
        ("big", "12345678901"),
        ("neg", "-3"),
        ("half", "12.5"),
        ("whole", "1500"),
        ("tiny", "0.0000001"),
        ("huge", "1000000000000000000000"),
        ("zero", "0"),
        ("yes", "true"),
        ("no", "false"),
        ("empty", ""),
        ("list", "a, 1, true, 2.5"),
        ("gap", "a, b"),
        ("nothing", ""),
    ] {
        assert_eq!(
            rendered(&format!("<{{{{contact.meta.{path}}}}}>")),
            format!("<{value}>"),
            "{path}"
        );
    }
    assert_eq!(
        rendered("{{custom.a}}{{custom.flag}}{{custom.empty}}"),
        "1false"
    );
}

#[test]
fn what_has_no_text_is_missing() {
    for path in [
        "contact.meta.none",
        "contact.meta.object",
        "contact.meta.nested",
        "contact.meta.mixed",
        "contact.meta.absent",
        "contact.meta.city.more",
        "contact.meta",
        "contact.tags.0",
        "contact.surname",
        "contact.name.first",
        "user.name",
        "instance.phone",
        "custom.absent",
        "custom.code.more",
    ] {
        assert_eq!(
            rendered(&format!("<{{{{{path}}}}}>")),
            format!("missing {path}"),
        );
    }
}

#[test]
fn a_number_in_a_path_is_a_place_in_an_array_or_a_member() {
    assert_eq!(rendered("{{contact.meta.orders.1.total}}"), "30");
    assert_eq!(rendered("{{contact.meta.list.0}}"), "a");
    assert_eq!(rendered("{{contact.meta.1}}"), "one");
    assert_eq!(rendered("{{contact.meta.keyed.0}}"), "zero");
    for path in [
        "orders.2.total",
        "orders.01.total",
        "orders.00.total",
        "list.length",
        "list.99999999999999999999",
    ] {
        let path = format!("contact.meta.{path}");
        assert_eq!(
            rendered(&format!("{{{{{path}}}}}")),
            format!("missing {path}")
        );
    }
}

#[test]
fn everything_missing_is_told_at_once_in_order_and_once() {
    let text = "{{custom.z}} {{contact.name}} {{custom.a}} {{user.x}} {{custom.z}} {{custom.b}}";
    assert_eq!(rendered(text), "missing custom.z user.x custom.b");
    let program = Program::parse(text).unwrap();
    let mut into = "left over".to_owned();
    let refused = program.render(&Values::default(), LIMIT, &mut into);
    let refused = refused.expect_err("nothing is known");
    assert_eq!(
        refused.to_string(),
        "Missing template variables: custom.z, contact.name, custom.a, user.x, custom.b"
    );
    assert_eq!(into, "", "half a text is none");
}

#[test]
fn all_twenty_can_be_missing() {
    let each = (0..20).map(|n| format!("{{{{custom.v{n}}}}}"));
    let program = Program::parse(each.collect::<String>()).unwrap();
    let refused = program.render(&Values::default(), LIMIT, &mut String::new());
    assert!(matches!(refused, Err(RenderError::Missing(it)) if it.0.len() == 20));
}

#[test]
fn a_preview_leaves_what_is_missing_as_it_is_written() {
    let text = "{{ custom.a }}-{{custom.b}}-{{\tcustom.b\n}}-{{contact.phone}}";
    let program = Program::parse(text).unwrap();
    let custom = json!({ "a": "A" });
    let values = Values {
        custom: custom.as_object(),
        ..Values::default()
    };
    let mut into = String::new();
    let missing = program.preview(&values, LIMIT, &mut into);
    assert_eq!(
        missing,
        Ok(MissingVariables(vec![
            "custom.b".into(),
            "contact.phone".into()
        ]))
    );
    assert_eq!(into, "A-{{custom.b}}-{{\tcustom.b\n}}-{{contact.phone}}");
}

#[test]
fn what_a_value_contains_is_never_read() {
    let custom = json!({ "code": "{{contact.name}} {{custom.code}} {{", "end": "}}" });
    let text = render("{{custom.code}}{{custom.end}}", &Value::Null, &custom);
    assert_eq!(text.as_deref(), Ok("{{contact.name}} {{custom.code}} {{}}"));
    // Nor do two values make a placeholder together.
    let custom = json!({ "code": "{", "end": "contact.name}}" });
    let text = render(
        "{{custom.code}}{{custom.code}}{{custom.end}}",
        &Value::Null,
        &custom,
    );
    assert_eq!(text.as_deref(), Ok("{{contact.name}}"));
}

#[test]
fn lengths_are_counted_in_characters() {
    let program = Program::parse("{{custom.a}}").unwrap();
    for symbol in ["a", "é", "\u{662f}", "\u{1f600}"] {
        for (count, fits) in [(10, true), (11, false), (40, false), (41, false)] {
            let custom = json!({ "a": symbol.repeat(count) });
            let values = Values {
                custom: custom.as_object(),
                ..Values::default()
            };
            let mut into = String::new();
            let rendered = program.render(&values, 10, &mut into);
            let expected = if fits {
                Ok(())
            } else {
                Err(TooLong(10).into())
            };
            assert_eq!(rendered, expected, "{count} of {symbol}");
            assert_eq!(into.is_empty(), !fits);
            assert_eq!(program.preview(&values, 10, &mut into).is_ok(), fits);
        }
    }
}

#[test]
fn what_is_missing_is_told_before_what_is_too_long() {
    let program = Program::parse("{{custom.long}}{{custom.gone}}").unwrap();
    let custom = json!({ "long": "x".repeat(100_000) });
    let values = Values {
        custom: custom.as_object(),
        ..Values::default()
    };
    let refused = program.render(&values, LIMIT, &mut String::new());
    assert!(matches!(refused, Err(RenderError::Missing(it)) if it.0 == ["custom.gone"]));
}

#[test]
fn huge_values_cost_no_memory() {
    let program = Program::parse("{{custom.a}}{{contact.meta.list}}".repeat(100)).unwrap();
    let custom = json!({ "a": "x".repeat(1_000_000) });
    let meta = json!({ "list": vec!["y".repeat(1_000); 1_000] });
    let values = Values {
        contact: ContactValues {
            meta: Some(&meta),
            ..ContactValues::default()
        },
        custom: custom.as_object(),
        ..Values::default()
    };
    let mut into = String::new();
    let refused = program.render(&values, LIMIT, &mut into);
    assert_eq!(refused, Err(TooLong(LIMIT).into()));
    assert!(into.capacity() <= 8 * LIMIT, "{}", into.capacity());
}

#[test]
fn an_empty_name_has_an_empty_first_word() {
    let program = Program::parse("<{{contact.firstName}}{{contact.tags}}>").unwrap();
    let values = Values {
        contact: ContactValues {
            name: Some("  "),
            tags: Some(&[]),
            ..ContactValues::default()
        },
        ..Values::default()
    };
    let mut into = String::new();
    assert_eq!(program.render(&values, LIMIT, &mut into), Ok(()));
    assert_eq!(into, "<>");
}

#[test]
fn a_program_says_what_it_needs() {
    let uses = |text: &str, namespace| Program::parse(text).unwrap().uses(namespace);
    assert!(uses("{{user.email}}", Namespace::User));
    assert!(!uses("{{custom.a}}", Namespace::User));
    let needs = |text: &str| Program::parse(text).unwrap().needs_contact();
    assert!(needs("{{contact.phone}}{{contact.tags}}"));
    assert!(!needs("{{contact.phone}}{{user.phone}}{{contact.surname}}"));
    assert!(!uses("", Namespace::Contact));
}

#[test]
fn one_text_serves_many_renderings() {
    let program = Program::parse("{{custom.a}}!").unwrap();
    let mut into = String::new();
    for word in ["long word", "short", ""] {
        let custom: Map<String, Value> = [("a".to_owned(), word.into())].into_iter().collect();
        let values = Values {
            custom: Some(&custom),
            ..Values::default()
        };
        program.render(&values, LIMIT, &mut into).unwrap();
        assert_eq!(into, format!("{word}!"));
    }
}
