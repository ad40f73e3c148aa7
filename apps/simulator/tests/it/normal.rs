//! Takes out of a body what differs from run to run.

use serde_json::{Map, Value, json};

/// Texts that are drawn, dated or specific to one machine.
const TEXTS: [&str; 18] = [
    "keyId",
    "messageId",
    "instanceId",
    "hash",
    "token",
    "createdAt",
    "updatedAt",
    "code",
    "base64",
    "pairingCode",
    "disconnectionAt",
    "date",
    "date_time",
    "server_url",
    "apikey",
    "manager",
    "messageParamsJson",
    "timestampMs",
];
/// Numbers that count or date.
const NUMBERS: [&str; 6] = [
    "messageTimestamp",
    "senderTimestampMs",
    "low",
    "Message",
    "Contact",
    "Chat",
];

/// The same value with every volatile part replaced by its kind.
pub(crate) fn normal(value: &Value) -> Value {
    inside("", value)
}

fn inside(key: &str, value: &Value) -> Value {
    match value {
        Value::Object(map) if is_bytes(map) => json!("<bytes>"),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), inside(key, value)))
            .collect(),
        Value::Array(list) => list.iter().map(|value| inside(key, value)).collect(),
        Value::Number(_) if NUMBERS.contains(&key) => json!("<number>"),
        Value::String(text) if key == "disconnectionObject" => {
            inside("", &serde_json::from_str(text).unwrap())
        }
        Value::String(text) if key == "id" || key == "stanzaId" => json!(id_kind(text)),
        Value::String(_) if TEXTS.contains(&key) => json!("<text>"),
        other => other.clone(),
    }
}

fn is_bytes(map: &Map<String, Value>) -> bool {
    map.contains_key("0") && map.contains_key("1")
}

fn id_kind(id: &str) -> &str {
    match id {
        _ if id.len() == 22 && id.starts_with("3EB0") => "<sent key>",
        _ if id.len() == 25 && id.starts_with('c') => "<row id>",
        _ if id.len() == 36 => "<uuid>",
        other => other,
    }
}

/// Says where two bodies differ, or nothing.
pub(crate) fn difference(expected: &Value, actual: &Value) -> Option<String> {
    let (expected, actual) = (normal(expected), normal(actual));
    (expected != actual).then(|| format!("expected {expected:#}\n but got {actual:#}"))
}
