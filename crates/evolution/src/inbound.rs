//! What the gateway posts, and what it means.
//!
//! One disconnection posts three events in any order: `status.instance`, `logout.instance` and
//! `connection.update` with `close`. Each of them becomes [`ProviderEvent::Closed`]; only some
//! know the cause, so whoever applies them acts once and keeps the cause that is known.

use msgflash_messaging::provider::{EventDecoder, ProviderEvent};
use serde_json::Value;

use crate::number::phone_in;
use crate::wire::record;

mod message;

/// Understands the gateway's events by name and data.
///
/// The name is taken in every dress the gateway has for it: `messages.update` in the body,
/// `messages-update` in addresses, `MESSAGES_UPDATE` in its configuration.
#[derive(Clone, Copy, Debug, Default)]
pub struct EvolutionDecoder;

impl EventDecoder for EvolutionDecoder {
    fn decode(&self, event: &str, data: &Value) -> ProviderEvent {
        let event = event.to_ascii_lowercase().replace(['_', '-'], ".");
        let meaning = match event.as_str() {
            "send.message" => record::sent(data).map(ProviderEvent::Sent),
            "messages.upsert" => {
                message::inbound(data).map(|it| ProviderEvent::Inbound(Box::new(it)))
            }
            "messages.update" => receipt(data),
            "connection.update" => connection(data),
            "status.instance" => status(data),
            "qrcode.updated" => codes_used_up(data),
            "logout.instance" => Some(ProviderEvent::Closed { code: None }),
            "remove.instance" | "instance.delete" => Some(ProviderEvent::Removed),
            _ => None,
        };
        meaning.unwrap_or(ProviderEvent::Ignored)
    }
}

/// A receipt for a message of ours; those for messages of others tell what our own phone read.
fn receipt(data: &Value) -> Option<ProviderEvent> {
    if data["fromMe"] == Value::Bool(false) || data["key"]["fromMe"] == Value::Bool(false) {
        return None;
    }
    let key_id = match data["keyId"].as_str() {
        Some(id) if record::is_id(id) => id.to_owned(),
        _ => record::key_id(data)?,
    };
    Some(ProviderEvent::Receipt {
        key_id,
        rank: record::rank(&data["status"])?,
    })
}

fn connection(data: &Value) -> Option<ProviderEvent> {
    match data["state"].as_str()? {
        "open" => Some(ProviderEvent::Opened {
            number: data["wuid"].as_str().and_then(phone_in),
        }),
        "connecting" => Some(ProviderEvent::Connecting),
        "close" => Some(ProviderEvent::Closed {
            code: code(&data["statusReason"]),
        }),
        "refused" => Some(ProviderEvent::PairingExpired),
        _ => None,
    }
}

fn status(data: &Value) -> Option<ProviderEvent> {
    let is_closed = data["status"] == "closed";
    is_closed.then(|| ProviderEvent::Closed {
        code: code(&data["disconnectionReasonCode"]),
    })
}

/// A new code is not our business: it is asked for when somebody looks. That there will be no
/// more of them is.
fn codes_used_up(data: &Value) -> Option<ProviderEvent> {
    (data["statusCode"] == 500).then_some(ProviderEvent::PairingExpired)
}

fn code(value: &Value) -> Option<u16> {
    value.as_u64().and_then(|code| u16::try_from(code).ok())
}

#[cfg(test)]
mod tests;
