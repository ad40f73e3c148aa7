//! What may be written about a contact, value by value: for bodies and for files alike.

use msgflash_kernel::{Phone, Problems};
use serde_json::Value;

/// How long a contact's name may be, in characters.
pub const MAX_NAME: usize = 255;
/// How many tags a contact may have.
pub const MAX_TAGS: usize = 50;
/// How long a tag may be, in characters.
pub const MAX_TAG: usize = 50;
/// How large the free fields of a contact may be, as JSON, in bytes.
pub const MAX_META: usize = 16 * 1024;

/// Why a value cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Machine-readable reason, lower snake case.
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
}

impl Wrong {
    /// A reason.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// The checked value; what is wrong is noted under `field`.
pub fn noted<T>(
    problems: &mut Problems,
    field: impl Into<String>,
    checked: Result<T, Wrong>,
) -> Option<T> {
    checked
        .map_err(|wrong| problems.add(field, wrong.code, wrong.message))
        .ok()
}

/// A contact's name, without the blanks around it.
pub fn name(raw: &str) -> Result<String, Wrong> {
    text(raw, MAX_NAME)
}

/// A contact's number.
pub fn phone(raw: &str) -> Result<Phone, Wrong> {
    Phone::parse(raw).map_err(|why| Wrong::new("invalid_phone", why.message()))
}

/// One tag, without the blanks around it.
pub fn tag(raw: &str) -> Result<String, Wrong> {
    text(raw, MAX_TAG)
}

/// Tags without repetitions, in the order they came. What is wrong is noted under `field`.
pub fn tags<T: AsRef<str>>(problems: &mut Problems, field: &str, raw: &[T]) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for (index, raw) in raw.iter().enumerate() {
        match tag(raw.as_ref()) {
            Ok(tag) if tags.contains(&tag) => {}
            // One more than allowed is enough to refuse, however many follow.
            Ok(tag) if tags.len() <= MAX_TAGS => tags.push(tag),
            Ok(_) => {}
            Err(wrong) => problems.add(format!("{field}.{index}"), wrong.code, wrong.message),
        }
    }
    if tags.len() > MAX_TAGS {
        problems.add(field, "length", format!("Give at most {MAX_TAGS} tags"));
    }
    tags
}

/// Free fields: an object, or nothing.
pub fn meta(raw: Option<Value>) -> Result<Option<Value>, Wrong> {
    let value = match raw {
        None | Some(Value::Null) => return Ok(None),
        Some(value @ Value::Object(_)) => value,
        Some(_) => return Err(Wrong::new("invalid_type", "Must be an object")),
    };
    let short = value.to_string().len();
    if short > MAX_META || short + unfolded(&value) > MAX_META {
        return Err(Wrong::new("too_long", "Must have at most 16 KB as JSON"));
    }
    if has_nul(&value) {
        return Err(nul());
    }
    Ok(Some(value))
}

/// Text of 1 to `max` characters after trimming, in one line.
pub(crate) fn text(raw: &str, max: usize) -> Result<String, Wrong> {
    let text = raw.trim();
    if text.is_empty() {
        return Err(Wrong::new("too_short", "Must not be empty"));
    }
    if text.chars().count() > max {
        return Err(Wrong::new(
            "too_long",
            format!("Must have at most {max} characters"),
        ));
    }
    if text.contains(char::is_control) {
        return Err(Wrong::new(
            "invalid_characters",
            "Must not contain control characters",
        ));
    }
    Ok(text.to_owned())
}

/// By how many bytes a value grows in the database, which writes every digit of `1e308`.
fn unfolded(value: &Value) -> usize {
    match value {
        Value::Number(number) => {
            let digits = number.as_f64().filter(|_| number.is_f64());
            let written = digits.map_or(0, |it| it.to_string().len());
            written.saturating_sub(number.to_string().len())
        }
        Value::Array(items) => items.iter().map(unfolded).sum(),
        Value::Object(members) => members.values().map(unfolded).sum(),
        Value::Null | Value::Bool(_) | Value::String(_) => 0,
    }
}

/// The database keeps every character but this one.
fn nul() -> Wrong {
    Wrong::new("invalid_characters", "Must not contain the NUL character")
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_trimmed_counted_in_characters_and_of_one_line() {
        assert_eq!(name("  Lina Moreau "), Ok("Lina Moreau".into()));
        assert_eq!(name(&"é".repeat(255)).map(|it| it.len()), Ok(510));
        for (raw, code) in [
            (" ".to_owned(), "too_short"),
            ("é".repeat(256), "too_long"),
            ("a\nb".to_owned(), "invalid_characters"),
            ("a\0b".to_owned(), "invalid_characters"),
        ] {
            assert_eq!(name(&raw).map_err(|wrong| wrong.code), Err(code));
        }
    }

    #[test]
    fn tags_keep_their_case_and_come_once() {
        let mut problems = Problems::default();
        let kept = tags(&mut problems, "tags", &["vip", " vip ", "VIP", "shop"]);
        assert_eq!(kept, ["vip", "VIP", "shop"]);
        assert!(problems.0.is_empty());
    }

    #[test]
    fn each_bad_tag_is_told_by_its_place_and_too_many_at_once() {
        let mut raw: Vec<String> = (0..60).map(|n| n.to_string()).collect();
        raw[3] = String::new();
        raw[5] = "x".repeat(51);
        let mut problems = Problems::default();
        tags(&mut problems, "tags", &raw);
        let told: Vec<_> = problems.0.iter().map(|it| (&*it.field, it.code)).collect();
        assert_eq!(
            told,
            [
                ("tags.3", "too_short"),
                ("tags.5", "too_long"),
                ("tags", "length")
            ]
        );
    }

    #[test]
    fn fifty_tags_and_their_repetitions_are_fine() {
        let raw: Vec<String> = (0..100).map(|n| (n % 50).to_string()).collect();
        let mut problems = Problems::default();
        assert_eq!(tags(&mut problems, "tags", &raw).len(), 50);
        assert!(problems.0.is_empty());
    }

    #[test]
    fn free_fields_are_an_object_that_the_database_can_keep() {
        let code = |value: Value| meta(Some(value)).map_err(|wrong| wrong.code);
        assert_eq!(code(Value::Null), Ok(None));
        assert!(code(json!({ "city": ["Lyon"] })).is_ok());
        assert_eq!(code(json!([1])), Err("invalid_type"));
        assert_eq!(
            code(json!({ "a": [{ "b": "\0" }] })),
            Err("invalid_characters")
        );
        assert_eq!(code(json!({ "a\0": 1 })), Err("invalid_characters"));
        // {"a":"…"} is eight bytes around the text.
        let sized = |length: usize| json!({ "a": "x".repeat(length - 8) });
        assert!(code(sized(MAX_META)).is_ok());
        assert_eq!(code(sized(MAX_META + 1)), Err("too_long"));
    }

    #[test]
    fn numbers_are_as_long_as_the_database_writes_them() {
        let code = |value: Value| meta(Some(value)).map_err(|wrong| wrong.code);
        assert_eq!(code(json!({ "a": vec![1e308; 2000] })), Err("too_long"));
        assert_eq!(
            code(json!({ "a": { "b": vec![-1e-300; 60] } })),
            Err("too_long")
        );
        // Fifty times 309 digits and a comma, and seven bytes around them.
        assert!(code(json!({ "a": vec![1e308; 50] })).is_ok());
        assert!(code(json!({ "a": vec![1e308; 52], "b": "x".repeat(250) })).is_ok());
        assert_eq!(code(json!({ "a": vec![1e308; 53] })), Err("too_long"));
        assert!(code(json!({ "a": vec![0.25; 3000] })).is_ok());
    }
}
