//! `sendText`.

use serde_json::{Value, json};

use super::draft::{Content, Draft, context, draft, text};
use crate::answer::{Answer, bad_request};
use crate::instance::Instance;
use crate::schema::{DELAY, Field, Kind, NUMBER, check};

/// The schema check, which comes before the gateway looks for the instance in memory.
pub(crate) fn validate(body: &Value) -> Result<(), Answer> {
    const FIELDS: [Field; 6] = [
        NUMBER,
        Field::required("text", Kind::Text),
        DELAY,
        Field::optional("linkPreview", Kind::Flag),
        Field::optional("mentionsEveryOne", Kind::Flag),
        Field::optional("mentioned", Kind::List),
    ];
    check(body, &FIELDS)
}

pub(crate) fn compose(instance: &Instance, body: &Value) -> Result<Draft, Answer> {
    let words = text(body, "text").unwrap_or_default();
    if words.trim().is_empty() {
        return Err(bad_request("Text is required"));
    }
    let content = Content::new("conversation", json!({ "conversation": words }))
        .saying(Some(words))
        .with_context(context(instance, body));
    Ok(draft(body, content))
}
