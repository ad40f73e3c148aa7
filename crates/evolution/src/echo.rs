//! What of a message can be recognised again.
//!
//! The gateway knows no id of ours, so a send whose answer was lost is found by what it echoes.
//! Both sides of the comparison are made here: what we expect and what we see. Texts lose blanks
//! at their ends and an empty text is none, because a gateway may do either.

use msgflash_messaging::MessageKind;
use msgflash_messaging::message::content::{ButtonAction, Buttons, Content};
use msgflash_messaging::provider::{Echo, Outbound, StatusContent};
use serde_json::Value;

/// What the gateway will echo of a message sent through [`crate::EvolutionClient`].
pub fn expected_echo(outbound: &Outbound) -> Echo {
    match &outbound.content {
        Content::Text(text) => echo("text", Some(text)),
        Content::Media {
            kind: MessageKind::Image,
            caption,
            ..
        } => echo("image", caption.as_deref()),
        Content::Media {
            kind: MessageKind::Video,
            caption,
            ..
        } => echo("video", caption.as_deref()),
        Content::Media {
            kind: MessageKind::Document,
            caption,
            ..
        } => echo("document", caption.as_deref()),
        Content::Media { .. } => echo("audio", None),
        Content::Location {
            latitude,
            longitude,
            ..
        } => place(*latitude, *longitude),
        Content::Card { card, .. } => echo("contact", card.as_ref().map(|card| card.name.as_str())),
        Content::Buttons(buttons) if outbound.native_buttons => native(buttons),
        Content::Buttons(buttons) => echo("text", Some(&buttons.as_numbered_text())),
    }
}

/// What the gateway will echo of a status.
pub fn status_echo(status: &StatusContent) -> Echo {
    match status {
        StatusContent::Text { text, .. } => echo("text", Some(text)),
        StatusContent::Image { caption, .. } => echo("image", caption.as_deref()),
    }
}

/// What a stored or announced message echoes; `None` when it is nothing we send.
pub(crate) fn echo_of(message: &Value) -> Option<Echo> {
    let message = unwrapped(message);
    let caption = |part: &Value| part["caption"].as_str().map(str::to_owned);
    let captioned = [
        ("image", "imageMessage"),
        ("video", "videoMessage"),
        ("document", "documentMessage"),
    ];
    if let Some(text) = plain_text(message) {
        return Some(echo("text", Some(text)));
    }
    for (kind, part) in captioned {
        if message[part].is_object() {
            return Some(echo(kind, caption(&message[part]).as_deref()));
        }
    }
    if message["audioMessage"].is_object() {
        return Some(echo("audio", None));
    }
    if message["contactMessage"].is_object() {
        return Some(echo(
            "contact",
            message["contactMessage"]["displayName"].as_str(),
        ));
    }
    if let Some((latitude, longitude)) = coordinates(message) {
        return Some(place(latitude, longitude));
    }
    let interactive = &message["interactiveMessage"];
    interactive
        .is_object()
        .then(|| echo("buttons", interactive["body"]["text"].as_str()))
}

/// The plain text of a message.
pub(crate) fn plain_text(message: &Value) -> Option<&str> {
    message["conversation"]
        .as_str()
        .or_else(|| message["extendedTextMessage"]["text"].as_str())
}

/// Latitude and longitude of a message.
pub(crate) fn coordinates(message: &Value) -> Option<(f64, f64)> {
    let place = [&message["locationMessage"], &message["liveLocationMessage"]];
    let place = place.into_iter().find(|place| place.is_object())?;
    Some((
        place["degreesLatitude"].as_f64()?,
        place["degreesLongitude"].as_f64()?,
    ))
}

/// The message inside the envelopes that some travel in.
pub(crate) fn unwrapped(message: &Value) -> &Value {
    const ENVELOPES: [&str; 7] = [
        "ephemeralMessage",
        "viewOnceMessage",
        "viewOnceMessageV2",
        "viewOnceMessageV2Extension",
        "documentWithCaptionMessage",
        "deviceSentMessage",
        "botInvokeMessage",
    ];
    let mut message = message;
    // Envelopes nest two deep at most; the bound is for those who would nest a thousand.
    for _ in 0..4 {
        let inner = ENVELOPES
            .iter()
            .find_map(|envelope| message.get(envelope)?.get("message"));
        let Some(inner) = inner else { break };
        message = inner;
    }
    message
}

fn echo(kind: &'static str, text: Option<&str>) -> Echo {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    Echo {
        kind,
        text: text.map(str::to_owned),
    }
}

/// Six digits are a hand's breadth on the ground, and survive every float on the way.
fn place(latitude: f64, longitude: f64) -> Echo {
    echo("location", Some(&format!("{latitude:.6},{longitude:.6}")))
}

/// The gateway folds heading and text into one; a payment has neither.
fn native(buttons: &Buttons) -> Echo {
    let is_payment = buttons
        .buttons
        .iter()
        .any(|button| matches!(button.action, ButtonAction::Pix { .. }));
    if is_payment {
        return echo("buttons", None);
    }
    let description = match buttons.description.as_str() {
        "" => String::new(),
        text => format!("\n\n{text}\n"),
    };
    echo(
        "buttons",
        Some(&format!("*{}*{description}", buttons.title)),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sees_through_envelopes() {
        let inner = json!({ "documentMessage": { "caption": "Guia" } });
        let message = json!({ "documentWithCaptionMessage": { "message": inner } });
        let message = json!({ "ephemeralMessage": { "message": message } });
        assert_eq!(echo_of(&message), Some(echo("document", Some("Guia"))));
    }

    #[test]
    fn empty_captions_and_blank_ends_make_no_difference() {
        assert_eq!(echo("image", Some("")), echo("image", None));
        assert_eq!(echo("text", Some("Hi\n")), echo("text", Some("Hi")));
    }

    #[test]
    fn reactions_and_protocol_are_nothing_we_sent() {
        for message in [
            json!({ "reactionMessage": {} }),
            json!({}),
            json!(null),
            json!([1]),
        ] {
            assert_eq!(echo_of(&message), None, "{message}");
        }
    }
}
