//! `sendStatus`: a story for everybody, acknowledged by nobody.

use serde_json::{Value, json};

use super::draft::{Content, Draft, draft, text};
use crate::answer::{Answer, bad_request};
use crate::schema::{Field, Kind, check};

pub(crate) fn validate(body: &Value) -> Result<(), Answer> {
    const FIELDS: [Field; 7] = [
        Field::required("type", Kind::Choice(&["text", "image", "audio", "video"])),
        Field::optional("content", Kind::Text),
        Field::optional("caption", Kind::Text),
        Field::optional("backgroundColor", Kind::Text),
        Field::optional("font", Kind::Integer),
        Field::optional("statusJidList", Kind::List),
        Field::optional("allContacts", Kind::Flag),
    ];
    check(body, &FIELDS)
}

pub(crate) fn compose(body: &Value) -> Result<Draft, Answer> {
    let is_listed = body["statusJidList"]
        .as_array()
        .is_some_and(|list| !list.is_empty());
    if !is_listed && body["allContacts"] != true {
        return Err(bad_request("StatusJidList is required"));
    }
    let words = text(body, "content").unwrap_or_default();
    if words.is_empty() {
        return Err(bad_request("Content is required"));
    }
    let content = match text(body, "type").unwrap_or_default() {
        "text" => {
            if text(body, "backgroundColor").is_none_or(str::is_empty) {
                return Err(bad_request("Background color is required"));
            }
            if body["font"].as_i64().is_none_or(|font| font == 0) {
                return Err(bad_request("Font is required"));
            }
            Content::new("conversation", json!({ "conversation": words })).saying(Some(words))
        }
        kind => {
            let (name, mimetype) = match kind {
                "image" => ("imageMessage", "image/jpeg"),
                "video" => ("videoMessage", "video/mp4"),
                _ => ("audioMessage", "audio/ogg; codecs=opus"),
            };
            let message = json!({ name: { "mimetype": mimetype, "caption": body["caption"] } });
            Content::new(name, message).saying(text(body, "caption"))
        }
    };
    Ok(Draft {
        asked: "status@broadcast".to_owned(),
        ..draft(body, content)
    })
}
