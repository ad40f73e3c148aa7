//! A message that somebody wrote to us.

use msgflash_kernel::Phone;
use msgflash_messaging::MessageKind;
use msgflash_messaging::provider::{Address, InboundMessage};
use serde_json::Value;

use crate::echo::{coordinates, plain_text, unwrapped};
use crate::number::address_of;
use crate::wire::record;

/// Where an address of the sender may stand: recent releases put the telephone number first,
/// older ones beside the opaque address.
const SENDER: [&str; 5] = [
    "remoteJid",
    "remoteJidAlt",
    "senderPn",
    "senderLid",
    "previousRemoteJid",
];

/// What travels as a message and says nothing by itself.
const SILENT: [&str; 9] = [
    "protocolMessage",
    "reactionMessage",
    "encReactionMessage",
    "pollUpdateMessage",
    "editedMessage",
    "keepInChatMessage",
    "pinInChatMessage",
    "call",
    "associatedChildMessage",
];

/// Reads a message; `None` for our own, for groups and broadcasts, and for what is no message.
pub(super) fn inbound(data: &Value) -> Option<InboundMessage> {
    let key = &data["key"];
    if key["fromMe"] != Value::Bool(false) {
        return None;
    }
    let (from, lid) = sender(key)?;
    let message = unwrapped(&data["message"]);
    let said = said(message)?;
    let push_name = data["pushName"].as_str().filter(|name| !name.is_empty());
    Some(InboundMessage {
        key_id: record::key_id(data)?,
        from,
        lid,
        push_name: push_name.map(str::to_owned),
        kind: said.kind,
        body: said.body.filter(|body| !body.is_empty()),
        button_id: said.button_id.filter(|id| !id.is_empty()),
        quoted_key_id: quoted(data, message),
        location: coordinates(message),
    })
}

/// Number and opaque address of the person who wrote, whichever are known; `None` for all who are
/// not one person.
fn sender(key: &Value) -> Option<(Option<Phone>, Option<String>)> {
    if address_of(key["remoteJid"].as_str()?) == Address::Other {
        return None;
    }
    let (mut number, mut lid) = (None, None);
    for address in SENDER
        .iter()
        .filter_map(|place| key[*place].as_str())
        .map(address_of)
    {
        match address {
            Address::Phone(found) => number = number.or(Some(found)),
            Address::Lid(found) => lid = lid.or(Some(found)),
            Address::Other => {}
        }
    }
    Some((number, lid))
}

struct Said {
    kind: MessageKind,
    body: Option<String>,
    button_id: Option<String>,
}

fn said(message: &Value) -> Option<Said> {
    let parts = message.as_object()?;
    if SILENT.iter().any(|part| parts.contains_key(*part)) {
        return None;
    }
    if let Some(pressed) = pressed(message) {
        return Some(pressed);
    }
    let plain = |kind, body: Option<&str>| {
        Some(Said {
            kind,
            body: body.map(str::to_owned),
            button_id: None,
        })
    };
    if let Some(text) = plain_text(message) {
        return plain(MessageKind::Text, Some(text));
    }
    let captioned = [
        ("imageMessage", MessageKind::Image),
        ("videoMessage", MessageKind::Video),
        ("ptvMessage", MessageKind::Video),
        ("documentMessage", MessageKind::Document),
        ("stickerMessage", MessageKind::Image),
    ];
    for (part, kind) in captioned {
        if message[part].is_object() {
            return plain(kind, message[part]["caption"].as_str());
        }
    }
    if message["audioMessage"].is_object() {
        let is_voice = message["audioMessage"]["ptt"] == Value::Bool(true);
        return plain(
            if is_voice {
                MessageKind::VoiceNote
            } else {
                MessageKind::Audio
            },
            None,
        );
    }
    if coordinates(message).is_some() {
        return plain(
            MessageKind::Location,
            message["locationMessage"]["comment"].as_str(),
        );
    }
    for part in ["contactMessage", "contactsArrayMessage"] {
        if message[part].is_object() {
            return plain(MessageKind::Contact, message[part]["displayName"].as_str());
        }
    }
    // Keys for reading later messages travel alone sometimes. Anything else was said by somebody,
    // and that it was said matters even when we cannot show it.
    let housekeeping = ["messageContextInfo", "senderKeyDistributionMessage"];
    let says_something = parts
        .iter()
        .any(|(part, value)| !value.is_null() && !housekeeping.contains(&part.as_str()));
    if says_something {
        plain(MessageKind::Text, None)
    } else {
        None
    }
}

/// A choice that was pressed: it reads as the text on the button.
fn pressed(message: &Value) -> Option<Said> {
    let text = |pointer: &str| {
        message
            .pointer(pointer)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let places = [
        (
            "/buttonsResponseMessage",
            "/buttonsResponseMessage/selectedDisplayText",
            "/buttonsResponseMessage/selectedButtonId",
        ),
        (
            "/templateButtonReplyMessage",
            "/templateButtonReplyMessage/selectedDisplayText",
            "/templateButtonReplyMessage/selectedId",
        ),
        (
            "/listResponseMessage",
            "/listResponseMessage/title",
            "/listResponseMessage/singleSelectReply/selectedRowId",
        ),
    ];
    for (part, shown, id) in places {
        if message.pointer(part).is_some_and(Value::is_object) {
            return Some(Said {
                kind: MessageKind::Text,
                body: text(shown),
                button_id: text(id),
            });
        }
    }
    let response = message.get("interactiveResponseMessage")?.as_object()?;
    let params = text("/interactiveResponseMessage/nativeFlowResponseMessage/paramsJson");
    let params = params.and_then(|json| serde_json::from_str::<Value>(&json).ok());
    let button_id = params.and_then(|params| params.get("id")?.as_str().map(str::to_owned));
    let body = response
        .get("body")
        .and_then(|body| body.get("text")?.as_str().map(str::to_owned));
    Some(Said {
        kind: MessageKind::Text,
        body,
        button_id,
    })
}

/// The message that is answered: the gateway lifts it out, older releases leave it in its part.
fn quoted(data: &Value, message: &Value) -> Option<String> {
    let inside = message
        .as_object()
        .into_iter()
        .flat_map(|parts| parts.values());
    let contexts = std::iter::once(data)
        .chain(inside)
        .map(|part| &part["contextInfo"]["stanzaId"]);
    let mut ids = contexts
        .filter_map(Value::as_str)
        .filter(|id| !id.is_empty());
    ids.next().map(str::to_owned)
}
