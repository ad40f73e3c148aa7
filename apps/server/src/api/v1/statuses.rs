//! `/api/v1/statuses`: publish a story.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use msgflash_kernel::StoredAnswer;
use msgflash_messaging::status::{Answers, Status, StatusOrder};

pub mod body;
#[cfg(test)]
mod tests;
pub mod view;

use self::body::StatusBody;
use self::view::PublishedStatusView;
use super::messages::refusal;
use crate::api::policy::Caller;
use crate::http::envelope::{self, render};
use crate::http::{Problem, RawJson};
use crate::services::Services;

/// How answers look, for whoever finds out that a status is out: the request, or the loop that looks up
/// those whose call brought no answer.
pub(crate) const ANSWERS: Answers = Answers {
    route: "POST /api/v1/statuses",
    render: published,
};

/// Publishes a status, which all contacts of the number see for a day. The answer comes when the
/// provider took it. With `PROVIDER_TIMEOUT` nobody knows yet whether it is out: it is looked up, and
/// never published twice.
#[utoipa::path(
    post, path = "/api/v1/statuses", tag = "Statuses", operation_id = "publishStatus",
    request_body(content = StatusBody, examples(
        ("Text" = (value = json!({
            "instanceId": "0197b3c0-1111-7000-8000-000000000001", "type": "text",
            "content": "Open until 8 p.m. tonight", "backgroundColor": "#1F6F54"
        }))),
        ("Image" = (value = json!({
            "instanceId": "0197b3c0-1111-7000-8000-000000000001", "type": "image",
            "content": "https://files.example.com/spring.jpg", "caption": "Spring is here"
        })))
    )),
    responses((status = 201, description = "Published", body = inline(crate::openapi::Data<PublishedStatusView>)))
)]
pub(in crate::api) async fn publish(
    caller: Caller,
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: StatusBody = body.decode()?;
    let targets = services.media_targets(&caller.actor.workspace);
    let (instance, content) = body.check(caller.check(), targets)?;
    let order = StatusOrder {
        actor: caller.actor,
        key: caller.key,
        instance,
        content,
        request_id: Some(caller.request_id.clone()),
    };
    let outcome = services.statuses.publish(order, caller.replay_key()).await;
    Ok(envelope::outcome(outcome.map_err(refusal)?, published))
}

fn published(status: &Status) -> StoredAnswer {
    render(StatusCode::CREATED, &PublishedStatusView::from(status))
}
