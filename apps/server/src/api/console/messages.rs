//! `/api/messages/send`: now or later, on one route.

use actix_web::{HttpResponse, web};

use crate::api::policy::Caller;
use crate::api::v1::messages::body::{ScheduleBody, When};
use crate::api::v1::messages::{accept, view::AcceptedView};
use crate::http::{Problem, RawJson};
use crate::services::Services;

/// Sends a message to one recipient: at `scheduledAt`, or at once.
#[utoipa::path(
    post, path = "/api/messages/send", tag = "Messages", operation_id = "consoleSendMessage",
    request_body(content = ScheduleBody, example = json!({
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
    let body: ScheduleBody = body.decode()?;
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
