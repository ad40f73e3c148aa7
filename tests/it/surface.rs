//! What all routes of the public API have in common, and the routes that only read.

mod account;
mod authentication;
mod billing;
mod bodies;
mod callback;
mod envelope;
mod gates;
mod headers;
mod instances;
mod links;
mod order;
mod probes;
mod queries;
mod schedule;
mod webhooks;
mod wire;

use serde_json::{Value, json};

/// Nobody's id.
pub(crate) const NOBODY: &str = "0197b3c0-1111-7000-8000-00000000dead";

/// The routes only personal keys may call.
pub(crate) const PERSONAL: [&str; 5] = [
    "/api/v1/me",
    "/api/v1/usage",
    "/api/v1/billing/subscription",
    "/api/v1/billing/usage",
    "/api/v1/billing/payments",
];

/// A text to a number.
pub(crate) fn text(instance: &str, to: &str) -> Value {
    json!({ "instanceId": instance, "to": to, "type": "text", "text": "Hi" })
}

/// The same body with other members.
pub(crate) fn with(mut body: Value, members: &Value) -> Value {
    for (name, value) in members.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}
