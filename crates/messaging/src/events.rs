//! The facts messaging tells, with their published payloads.

use msgflash_kernel::{Event, EventId, WorkspaceId};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::instance::Instance;
use crate::message::{Message, MessageStatus};

/// An outbound message was handed to WhatsApp.
pub const MESSAGE_SENT: &str = "message.sent";
/// It reached the device.
pub const MESSAGE_DELIVERED: &str = "message.delivered";
/// It was opened.
pub const MESSAGE_READ: &str = "message.read";
/// It failed.
pub const MESSAGE_FAILED: &str = "message.failed";
/// A message came in.
pub const MESSAGE_RECEIVED: &str = "message.received";
/// An instance became connected.
pub const INSTANCE_CONNECTED: &str = "instance.connected";
/// A connected instance stopped being so.
pub const INSTANCE_DISCONNECTED: &str = "instance.disconnected";

const TIMESTAMP: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// A moment as published: UTC, milliseconds.
pub fn timestamp(at: OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC)
        .format(TIMESTAMP)
        .expect("every moment has this form")
}

/// The event of a message's present state; none for states that raise no event.
pub fn message_changed(id: EventId, message: &Message, at: OffsetDateTime) -> Option<Event> {
    let name = match message.status {
        MessageStatus::Sent => MESSAGE_SENT,
        MessageStatus::Delivered => MESSAGE_DELIVERED,
        MessageStatus::Read => MESSAGE_READ,
        MessageStatus::Failed => MESSAGE_FAILED,
        MessageStatus::Received => return Some(received(id, message, at)),
        MessageStatus::Queued | MessageStatus::Cancelled => return None,
    };
    let mut payload = json!({
        "event": name,
        "instanceId": message.instance.to_string(),
        "messageId": message.id.to_string(),
        "providerMessageId": message.provider_message_id,
        "to": message.peer.map(|peer| peer.to_string()),
        "status": message.status.as_str(),
        "campaignId": message.campaign.map(|id| id.to_string()),
        "timestamp": timestamp(at),
    });
    if message.status == MessageStatus::Failed {
        payload["error"] = json!(message.error);
        payload["code"] = message.meta.get("code").cloned().unwrap_or(Value::Null);
    }
    Some(event(id, message, name, payload, at))
}

fn received(id: EventId, message: &Message, at: OffsetDateTime) -> Event {
    let mut payload = json!({
        "event": MESSAGE_RECEIVED,
        "instanceId": message.instance.to_string(),
        "messageId": message.id.to_string(),
        "providerMessageId": message.provider_message_id,
        "from": message.peer.map(|peer| peer.to_string()),
        "to": message.own_number.map(|own| own.to_string()),
        "contactId": message.contact.map(|id| id.to_string()),
        "type": message.kind.as_str(),
        "body": message.body,
        "mediaUrl": message.media_url,
        "status": message.status.as_str(),
        "timestamp": timestamp(at),
    });
    if let Some(button) = message.meta.get("buttonId") {
        payload["buttonId"] = button.clone();
    }
    event(id, message, MESSAGE_RECEIVED, payload, at)
}

fn event(
    id: EventId,
    message: &Message,
    name: &'static str,
    payload: Value,
    at: OffsetDateTime,
) -> Event {
    let workspace = message.workspace;
    Event {
        id,
        workspace: workspace.id,
        account: workspace.account,
        name,
        payload,
        at,
    }
}

/// An instance became connected or stopped being so, as one workspace hears it.
pub fn instance_changed(
    id: EventId,
    workspace: WorkspaceId,
    instance: &Instance,
    name: &'static str,
    reason: Option<&str>,
    at: OffsetDateTime,
) -> Event {
    let mut payload = json!({
        "event": name,
        "instanceId": instance.id.to_string(),
        "name": instance.name,
        "waNumber": instance.wa_number.map(|number| number.to_string()),
        "status": instance.status.as_str(),
        "timestamp": timestamp(at),
    });
    if name == INSTANCE_DISCONNECTED {
        payload["reason"] = json!(reason);
    }
    Event {
        id,
        workspace,
        account: instance.account,
        name,
        payload,
        at,
    }
}
