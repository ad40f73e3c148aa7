//! The facts messaging tells, with their published payloads.

use msgflash_kernel::{AccountId, Event, EventId, Phone, WorkspaceId};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::instance::{Instance, InstanceId};
use crate::message::{CampaignId, Message, MessageId, MessageStatus};
use crate::receipt::ports::Tracked;

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
/// WhatsApp refuses its messages to new contacts.
pub const INSTANCE_RESTRICTED: &str = "instance.restricted";

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
    if message.status == MessageStatus::Received {
        return Some(received(id, message, at));
    }
    let life = Life {
        workspace: message.workspace.id,
        account: message.workspace.account,
        instance: message.instance,
        message: message.id,
        provider_message_id: message.provider_message_id.as_deref(),
        to: message.peer,
        campaign: message.campaign,
        request: message.request_id.as_deref(),
    };
    let code = message.meta.get("code").cloned().unwrap_or(Value::Null);
    life.told(id, message.status, || (json!(message.error), code), at)
}

/// The event of one step that receipts led a message through. A failure brings its reason and its
/// code.
pub(crate) fn step(
    id: EventId,
    message: &Tracked,
    status: MessageStatus,
    failure: Option<(&str, &str)>,
    at: OffsetDateTime,
) -> Option<Event> {
    let life = Life {
        workspace: message.workspace,
        account: message.account,
        instance: message.instance,
        message: message.id,
        provider_message_id: message.provider_message_id.as_deref(),
        to: message.peer,
        campaign: message.campaign,
        request: message.request_id.as_deref(),
    };
    let (reason, code) = failure.unzip();
    life.told(id, status, || (json!(reason), json!(code)), at)
}

/// What every event in the life of an outbound message names.
struct Life<'a> {
    workspace: WorkspaceId,
    account: AccountId,
    instance: InstanceId,
    message: MessageId,
    provider_message_id: Option<&'a str>,
    to: Option<Phone>,
    campaign: Option<CampaignId>,
    request: Option<&'a str>,
}

impl Life<'_> {
    fn told(
        &self,
        id: EventId,
        status: MessageStatus,
        failure: impl FnOnce() -> (Value, Value),
        at: OffsetDateTime,
    ) -> Option<Event> {
        let name = match status {
            MessageStatus::Sent => MESSAGE_SENT,
            MessageStatus::Delivered => MESSAGE_DELIVERED,
            MessageStatus::Read => MESSAGE_READ,
            MessageStatus::Failed => MESSAGE_FAILED,
            MessageStatus::Queued | MessageStatus::Cancelled | MessageStatus::Received => {
                return None;
            }
        };
        let mut payload = json!({
            "event": name,
            "instanceId": self.instance.to_string(),
            "messageId": self.message.to_string(),
            "providerMessageId": self.provider_message_id,
            "to": self.to.map(|to| to.to_string()),
            "status": status.as_str(),
            "campaignId": self.campaign.map(|id| id.to_string()),
            "timestamp": timestamp(at),
        });
        if status == MessageStatus::Failed {
            let (error, code) = failure();
            payload["error"] = error;
            payload["code"] = code;
        }
        Some(Event {
            id,
            workspace: self.workspace,
            account: self.account,
            name,
            payload,
            request: self.request.map(str::to_owned),
            at,
        })
    }
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
    Event {
        id,
        workspace: message.workspace.id,
        account: message.workspace.account,
        name: MESSAGE_RECEIVED,
        payload,
        request: None,
        at,
    }
}

/// New contacts of an instance wait, as one workspace hears it.
pub fn instance_restricted(
    id: EventId,
    workspace: WorkspaceId,
    instance: &Instance,
    reason: &str,
    at: OffsetDateTime,
) -> Event {
    let name = INSTANCE_RESTRICTED;
    let mut event = instance_changed(id, workspace, instance, name, None, at);
    event.payload["reason"] = json!(reason);
    event.payload["restrictedUntil"] = json!(instance.standing.restricted_until.map(timestamp));
    event
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
        request: None,
        at,
    }
}
