//! `/api/messages/send`: now or later, on one route.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::policy::Caller;
use crate::api::v1::messages::body::{SendBody, When};
use crate::api::v1::messages::{accept, view::AcceptedView};
use crate::http::{Field, Problem, RawJson};
use crate::services::Services;

/// One message to one recipient, at a time or at once.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SendOrScheduleBody {
    /// The message.
    #[serde(flatten)]
    pub message: SendBody,
    /// When to send it, ISO 8601, at most 365 days ahead; left out, it is now. Without an offset it is UTC;
    /// a time that has passed means now.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-04-02T08:00:00.000Z")]
    pub scheduled_at: Field<String>,
}

/// Sends a message to one recipient: at `scheduledAt`, or at once.
#[utoipa::path(
    post, path = "/api/messages/send", tag = "Messages", operation_id = "consoleSendMessage",
    request_body(content = SendOrScheduleBody, example = json!({
        "instanceId": "0197b3c0-1111-7000-8000-000000000001", "to": "+33612345678",
        "type": "text", "text": "See you tomorrow"
    })),
    responses((status = 201, description = "Accepted", body = inline(crate::openapi::Data<AcceptedView>)))
)]
pub(in crate::api) async fn send(
    caller: Caller,
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: SendOrScheduleBody = body.decode()?;
    let now = services.clock.now();
    let when = if body.scheduled_at.is_empty() {
        When::Now
    } else {
        When::At(&body.scheduled_at)
    };
    let targets = services.media_targets(&caller.actor.workspace);
    let checked = body.message.check(caller.check(), when, targets, now)?;
    accept(&caller, &services, checked).await
}
