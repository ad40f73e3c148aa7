//! JSON values as people read them.

use serde_json::{Number, Value};

use super::program::Sink;

/// One name further into a value: a member of an object, or an element of an array by its place,
/// written plainly from 0 (`orders.0.total`).
pub(super) fn step<'a>(value: &'a Value, key: &String) -> Option<&'a Value> {
    match value {
        Value::Object(members) => members.get(key),
        Value::Array(elements) => {
            // `00` and `01` would be second names of the same place.
            let plain = key == "0" || !key.starts_with('0');
            elements.get(key.parse::<usize>().ok().filter(|_| plain)?)
        }
        _ => None,
    }
}

/// Appends a value; `None`, and nothing appended, when it counts as missing.
///
/// `null` and objects do. An array is joined with `, `: a `null` in it is left out, and one that
/// holds an array or an object is missing as a whole, because half of it would be a wrong answer.
pub(super) fn write(value: &Value, sink: &mut Sink<'_>) -> Option<()> {
    match value {
        Value::Null | Value::Object(_) => return None,
        Value::Array(elements) => {
            if elements.iter().any(|it| it.is_array() || it.is_object()) {
                return None;
            }
            let mut between = "";
            for element in elements.iter().filter(|it| !it.is_null()) {
                sink.push(between);
                between = ", ";
                write(element, sink);
            }
        }
        Value::String(text) => sink.push(text),
        Value::Bool(true) => sink.push("true"),
        Value::Bool(false) => sink.push("false"),
        Value::Number(number) => write_number(number, sink),
    }
    Some(())
}

/// Numbers as plain digits: no grouping, no exponent, no fraction that is zero.
fn write_number(number: &Number, sink: &mut Sink<'_>) {
    match number.as_f64() {
        // Adding zero takes the sign off a negative one.
        Some(float) if number.is_f64() => sink.display(float + 0.0),
        _ => sink.display(number),
    }
}
