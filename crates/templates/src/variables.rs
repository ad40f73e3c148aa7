//! The values a call brings along for `custom.*`.

use msgflash_kernel::Problems;
use serde_json::{Map, Value};

/// Notes what is wrong with the variables in `field`: they are a flat object of text, numbers and
/// booleans, by names a placeholder can have.
pub fn check(problems: &mut Problems, field: &str, variables: &Map<String, Value>) {
    for (name, value) in variables {
        let path = || format!("{field}.{name}");
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if name.is_empty() || !name.bytes().all(plain) {
            problems.add(
                path(),
                "invalid_name",
                "Names have letters, digits and underscores",
            );
        }
        match value {
            // What is rendered is stored, and the database keeps every character but this one.
            Value::String(text) if text.contains('\0') => problems.add(
                path(),
                "invalid_characters",
                "Must not contain the NUL character",
            ),
            Value::String(_) | Value::Number(_) | Value::Bool(_) => {}
            _ => problems.add(
                path(),
                "invalid_type",
                "Must be text, a number or a boolean",
            ),
        }
    }
}
