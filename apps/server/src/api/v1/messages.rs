//! `/api/v1/messages`: send, schedule, list, read and cancel.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use msgflash_kernel::{Id, Once, StoredAnswer};
use msgflash_messaging::message::ports::MessageFilter;
use msgflash_messaging::message::send::{SendOrder, SentMessage, Wanted};
use msgflash_messaging::{MessageId, MessageKind, MessageStatus, MessagingError};

pub mod body;
pub(in crate::api::v1) mod buttons;
#[cfg(test)]
mod tests;
pub mod view;

use self::body::{Checked, ScheduleBody, SendBody, When};
use self::view::{AcceptedView, MessagePageView, MessageView};
use crate::api::policy::Caller;
use crate::http::check::Need;
use crate::http::envelope::{self, render};
use crate::http::{Check, Problem, Query, RawJson};
use crate::services::Services;

pub use self::buttons::ButtonBody;
pub(crate) use self::buttons::{KEY_TYPES, KINDS as BUTTON_KINDS};

/// How long an equal request that is still at work is worth waiting for, in seconds.
const BUSY_FOR: u64 = 1;
/// Which way a message went.
pub(crate) const DIRECTIONS: [&str; 2] = ["outbound", "inbound"];

/// Sends a message. It is accepted at once and sent in the background; follow it by reading it or
/// by webhooks.
#[utoipa::path(
    post, path = "/api/v1/messages/send", tag = "Messages", operation_id = "sendMessage",
    request_body(content = SendBody, examples(
        ("Text" = (value = json!({
            "instanceId": "0197b3c0-1111-7000-8000-000000000001", "to": "+33612345678",
            "type": "text", "text": "Your parcel is ready."
        }))),
        ("Image" = (value = json!({
            "instanceId": "0197b3c0-1111-7000-8000-000000000001", "to": "+33612345678",
            "type": "image", "mediaUrl": "https://files.example.com/parcel.jpg", "text": "Here it is"
        }))),
        ("Template" = (value = json!({
            "instanceId": "0197b3c0-1111-7000-8000-000000000001", "to": "+33612345678",
            "templateId": "0197b3c0-1111-7000-8000-000000000002", "variables": { "code": "SPRING" }
        }))),
        ("Buttons" = (value = json!({
            "instanceId": "0197b3c0-1111-7000-8000-000000000001", "to": "+33612345678",
            "type": "buttons", "title": "Appointment", "description": "Can you come on Monday?",
            "footer": "Reply before noon",
            "buttons": [
                { "type": "reply", "displayText": "Yes", "id": "yes" },
                { "type": "reply", "displayText": "No", "id": "no" }
            ]
        })))
    )),
    responses((status = 201, description = "Accepted", body = inline(crate::openapi::Data<AcceptedView>)))
)]
pub(in crate::api) async fn send(
    caller: Caller,
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: SendBody = body.decode()?;
    let now = services.clock.now();
    let checked = body.check(
        caller.check(),
        When::Now,
        services.media_targets(&caller.actor.workspace),
        now,
    )?;
    accept(&caller, &services, checked).await
}

/// Schedules a message for one recipient. It stays `queued` until its time; a time that has passed
/// means now.
#[utoipa::path(
    post, path = "/api/v1/messages/schedule", tag = "Messages", operation_id = "scheduleMessage",
    request_body(content = ScheduleBody, example = json!({
        "instanceId": "0197b3c0-1111-7000-8000-000000000001", "to": "+33612345678",
        "type": "text", "text": "See you tomorrow", "scheduledAt": "2026-04-02T08:00:00.000Z"
    })),
    responses((status = 201, description = "Accepted", body = inline(crate::openapi::Data<AcceptedView>)))
)]
pub(in crate::api) async fn schedule(
    caller: Caller,
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: ScheduleBody = body.decode()?;
    let now = services.clock.now();
    let when = When::At(&body.scheduled_at);
    let checked = body.message.check(
        caller.check(),
        when,
        services.media_targets(&caller.actor.workspace),
        now,
    )?;
    accept(&caller, &services, checked).await
}

pub(in crate::api) async fn accept(
    caller: &Caller,
    services: &Services,
    checked: Checked,
) -> Result<HttpResponse, Problem> {
    if let Wanted::Direct(content) = &checked.wanted
        && content.kind() == MessageKind::VoiceNote
    {
        caller.entitlement.plan.allow_voice_notes()?;
    }
    let order = SendOrder {
        actor: caller.actor,
        key: caller.key,
        instance: checked.instance,
        to: checked.to,
        content: checked.wanted,
        contact: checked.contact,
        scheduled_at: checked.scheduled_at,
        ignore_suppression: checked.ignore_suppression,
        request_id: Some(caller.request_id.clone()),
    };
    let once = caller.replay_key().map(|key| Once {
        key,
        render: &accepted,
    });
    let outcome = services
        .send_message
        .accept(order, once)
        .await
        .map_err(refusal)?;
    Ok(envelope::outcome(outcome, accepted))
}

fn accepted(sent: &SentMessage) -> StoredAnswer {
    render(StatusCode::CREATED, &AcceptedView::from(sent))
}

/// An equal request at work is the one conflict that passes by itself.
pub(super) fn refusal(error: MessagingError) -> Problem {
    let passes = matches!(error, MessagingError::ReplayBusy);
    let problem = Problem::from(error);
    if passes {
        problem.retry_after(BUSY_FOR)
    } else {
        problem
    }
}

/// Lists messages, sent and received, newest first.
#[utoipa::path(
    get, path = "/api/v1/messages", tag = "Messages", operation_id = "listMessages",
    params(
        ("limit" = Option<u32>, Query, description = "Messages per page", minimum = 1, maximum = 100, example = 20),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the page before"),
        ("instanceId" = Option<uuid::Uuid>, Query, description = "Of this instance"),
        ("status" = Option<String>, Query, description = "In this state", example = "delivered"),
        ("campaignId" = Option<uuid::Uuid>, Query, description = "Extension: of this campaign"),
        ("to" = Option<String>, Query, description = "Extension: to this number"),
        ("direction" = Option<String>, Query, description = "Extension: `outbound` or `inbound`"),
        ("from" = Option<String>, Query, description = "Extension: `createdAt` at or after this moment; without an offset it is UTC", format = DateTime),
        ("until" = Option<String>, Query, description = "Extension: `createdAt` before this moment", format = DateTime),
    ),
    responses((status = 200, description = "A page", body = inline(crate::openapi::Data<MessagePageView>)))
)]
pub(in crate::api) async fn list(
    caller: Caller,
    services: web::Data<Services>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let mut check = Check::default();
    let limit = query.limit(&mut check);
    let filter = filter(&mut check, &query);
    check.finish()?;
    let cursor = query.cursor();
    let page = services
        .read_messages
        .page(caller.actor.workspace.id, &filter, limit, cursor)
        .await?;
    let next_cursor = page.next.map(|cursor| cursor.encode());
    Ok(envelope::ok(&MessagePageView {
        messages: page.items.iter().map(MessageView::from).collect(),
        has_more: next_cursor.is_some(),
        next_cursor,
    }))
}

fn filter(check: &mut Check, query: &Query) -> MessageFilter {
    let states = MessageStatus::ALL.map(MessageStatus::as_str).join(", ");
    let state = query.field("status");
    let direction = query.field("direction");
    MessageFilter {
        instance: check.id("instanceId", &query.field("instanceId"), Need::May),
        status: check.word("status", &state, Need::May, &states, MessageStatus::parse),
        campaign: check.id("campaignId", &query.field("campaignId"), Need::May),
        to: check.phone("to", &query.field("to"), Need::May),
        inbound: check.word(
            "direction",
            &direction,
            Need::May,
            &DIRECTIONS.join(", "),
            |word| match word {
                "inbound" => Some(true),
                "outbound" => Some(false),
                _ => None,
            },
        ),
        from: check.moment("from", &query.field("from"), Need::May),
        until: check.moment("until", &query.field("until"), Need::May),
    }
}

/// Reads one message.
#[utoipa::path(
    get, path = "/api/v1/messages/{id}", tag = "Messages", operation_id = "getMessage",
    params(("id" = uuid::Uuid, Path, description = "The message")),
    responses((status = 200, description = "The message", body = inline(crate::openapi::Data<MessageView>)))
)]
pub(in crate::api) async fn read(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    let workspace = caller.actor.workspace.id;
    let message = match services.read_messages.find(workspace, id).await {
        // One of a campaign may be known by its id before it is made.
        Err(MessagingError::NoMessage(id)) => {
            let planned = services.campaigns.read.planned(workspace, id).await?;
            planned.ok_or(MessagingError::NoMessage(id))?
        }
        found => found?,
    };
    Ok(envelope::ok(&MessageView::from(&message)))
}

/// Withdraws a scheduled message that is not due yet. Once this answered, it is never sent.
#[utoipa::path(
    post, path = "/api/v1/messages/{id}/cancel", tag = "Messages", operation_id = "cancelMessage",
    params(("id" = uuid::Uuid, Path, description = "The message")),
    responses((status = 200, description = "The message, cancelled", body = inline(crate::openapi::Data<MessageView>))),
    extensions(("x-extension" = json!(true)))
)]
pub(in crate::api) async fn cancel(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    let message = services.cancel_message.cancel(&caller.actor, id).await?;
    Ok(envelope::ok(&MessageView::from(&message)))
}

fn id_of(path: &str) -> Result<MessageId, Problem> {
    Id::parse(path).ok_or_else(|| Problem::missing("Message not found"))
}
