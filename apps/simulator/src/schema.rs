//! The gateway's schema check: which fields, of which type, and the words of its complaints.

use serde_json::Value;

use crate::answer::{Answer, invalid};

/// What a field must be.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Text,
    Number,
    Integer,
    Flag,
    List,
    /// A list with at least one entry.
    Filled,
    Choice(&'static [&'static str]),
}

/// One field of a body.
pub(crate) struct Field {
    name: &'static str,
    kind: Kind,
    is_required: bool,
    /// Replaces the complaint about the type.
    words: Option<&'static str>,
}

impl Field {
    pub(crate) const fn required(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            is_required: true,
            words: None,
        }
    }

    pub(crate) const fn optional(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            is_required: false,
            words: None,
        }
    }

    pub(crate) const fn saying(mut self, words: &'static str) -> Self {
        self.words = Some(words);
        self
    }
}

/// The recipient of every send.
pub(crate) const NUMBER: Field = Field::required("number", Kind::Text).saying("Invalid format");
/// The pause of every send.
pub(crate) const DELAY: Field =
    Field::optional("delay", Kind::Integer).saying("Enter a value in milliseconds");

/// Refuses a body that does not fit.
pub(crate) fn check(body: &Value, fields: &[Field]) -> Result<(), Answer> {
    let mut problems = Vec::new();
    collect("", body, fields, &mut problems);
    if problems.is_empty() {
        Ok(())
    } else {
        Err(invalid(&problems))
    }
}

/// Notes what is wrong with one object; `path` is empty at the top.
pub(crate) fn collect(path: &str, object: &Value, fields: &[Field], problems: &mut Vec<String>) {
    for field in fields {
        let Some(value) = object.get(field.name) else {
            continue;
        };
        let complaint = complaint(value, field.kind);
        if let Some(complaint) = complaint {
            let dot = if path.is_empty() { "" } else { "." };
            let usual = || format!("{path}{dot}{} {complaint}", field.name);
            problems.push(field.words.map_or_else(usual, str::to_owned));
        }
    }
    for field in fields.iter().filter(|field| field.is_required) {
        if object.get(field.name).is_none() {
            let at = if path.is_empty() { "instance" } else { path };
            problems.push(format!("{at} requires property \"{}\"", field.name));
        }
    }
}

fn complaint(value: &Value, kind: Kind) -> Option<String> {
    let type_name = match kind {
        Kind::Text if !value.is_string() => "string",
        Kind::Number if !value.is_number() => "number",
        Kind::Integer if !value.as_f64().is_some_and(|number| number.fract() == 0.0) => "integer",
        Kind::Flag if !value.is_boolean() => "boolean",
        Kind::List | Kind::Filled if !value.is_array() => "array",
        Kind::Filled if value.as_array().is_some_and(Vec::is_empty) => {
            return Some("does not meet minimum length of 1".to_owned());
        }
        Kind::Choice(choices) if !value.as_str().is_some_and(|text| choices.contains(&text)) => {
            return Some(format!("is not one of enum values: {}", choices.join(",")));
        }
        _ => return None,
    };
    Some(format!("is not of a type(s) {type_name}"))
}
