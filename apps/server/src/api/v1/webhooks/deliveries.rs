//! `/api/v1/webhooks/{id}/…`: what became of deliveries, and delivering on request.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use msgflash_kernel::{Id, Once, StoredAnswer};
use msgflash_webhooks::again::{Recovery, TEST_EVENT};
use msgflash_webhooks::delivery::{DeliveryEntry, DeliveryFilter, DeliveryStatus};
use msgflash_webhooks::{DeliveryId, EndpointId, EventName};

use super::body::RecoverBody;
use super::view::{DeliveryPageView, DeliveryView, RecoveryView};
use super::{endpoint_id, refusal};
use crate::api::policy::Caller;
use crate::http::check::Need;
use crate::http::envelope::{self, render};
use crate::http::{Check, Problem, Query, RawJson};
use crate::services::Services;

/// Lists the deliveries of an endpoint, newest first. They are kept for 30 days.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}/deliveries", tag = "Webhooks", operation_id = "listWebhookDeliveries",
    params(
        ("id" = uuid::Uuid, Path, description = "The endpoint"),
        ("limit" = Option<u32>, Query, description = "Deliveries per page", minimum = 1, maximum = 100, example = 20),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the page before"),
        ("status" = Option<String>, Query, description = "`pending`, `delivered` or `failed`", example = "failed"),
        ("event" = Option<String>, Query, description = "Of this event", example = "message.failed"),
        ("from" = Option<String>, Query, description = "`createdAt` at or after this moment, to the millisecond; without an offset it is UTC", format = DateTime),
        ("until" = Option<String>, Query, description = "`createdAt` before this moment, to the millisecond", format = DateTime),
    ),
    responses((status = 200, description = "A page", body = inline(crate::openapi::Data<DeliveryPageView>))),
    extensions(("x-extension" = json!(true)))
)]
pub(in crate::api) async fn list(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let id = endpoint_id(&path)?;
    let mut check = Check::default();
    let limit = query.limit(&mut check);
    let filter = filter(&mut check, &query);
    check.finish()?;
    let cursor = query.cursor();
    let page = services
        .delivery_log
        .page(caller.actor.workspace.id, id, &filter, limit, cursor)
        .await?;
    let next_cursor = page.next.map(|cursor| cursor.encode());
    Ok(envelope::ok(&DeliveryPageView {
        deliveries: page.items.iter().map(DeliveryView::from).collect(),
        has_more: next_cursor.is_some(),
        next_cursor,
    }))
}

fn filter(check: &mut Check, query: &Query) -> DeliveryFilter {
    let states = DeliveryStatus::ALL.map(DeliveryStatus::as_str).join(", ");
    let names = EventName::ALL.map(EventName::as_str).join(", ");
    let names = format!("{names}, {TEST_EVENT}");
    let event = |name: &str| {
        let known = name == TEST_EVENT || EventName::parse(name).is_some();
        known.then(|| name.to_owned())
    };
    DeliveryFilter {
        status: check.word(
            "status",
            &query.field("status"),
            Need::May,
            &states,
            DeliveryStatus::parse,
        ),
        event: check.word("event", &query.field("event"), Need::May, &names, event),
        from: check.moment("from", &query.field("from"), Need::May),
        until: check.moment("until", &query.field("until"), Need::May),
    }
}

/// Reads one delivery.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}/deliveries/{deliveryId}", tag = "Webhooks", operation_id = "getWebhookDelivery",
    params(
        ("id" = uuid::Uuid, Path, description = "The endpoint"),
        ("deliveryId" = uuid::Uuid, Path, description = "The delivery"),
    ),
    responses((status = 200, description = "The delivery", body = inline(crate::openapi::Data<DeliveryView>))),
    extensions(("x-extension" = json!(true)))
)]
pub(in crate::api) async fn read(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (endpoint, id) = ids(&path)?;
    let delivery = services
        .delivery_log
        .find(caller.actor.workspace.id, endpoint, id)
        .await?;
    Ok(envelope::ok(&DeliveryView::from(&delivery)))
}

/// Sends an event of no meaning, `webhook.test`, whatever the endpoint asked for. It is a delivery
/// like any other: read it to see what came of it.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/test", tag = "Webhooks", operation_id = "testWebhook",
    params(("id" = uuid::Uuid, Path, description = "The endpoint")),
    responses((status = 202, description = "The delivery, on its way", body = inline(crate::openapi::Data<DeliveryView>))),
    extensions(("x-extension" = json!(true)))
)]
pub(in crate::api) async fn test(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = endpoint_id(&path)?;
    caller.check().finish()?;
    let once = caller.replay_key().map(|key| Once { key, render: &sent });
    let outcome = services
        .send_again
        .test(&caller.actor, id, once)
        .await
        .map_err(refusal)?;
    Ok(envelope::outcome(outcome, sent))
}

/// Sends the event of a delivery once more, as a new delivery with the same `webhook-id`.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/deliveries/{deliveryId}/redeliver", tag = "Webhooks",
    operation_id = "redeliverWebhook",
    params(
        ("id" = uuid::Uuid, Path, description = "The endpoint"),
        ("deliveryId" = uuid::Uuid, Path, description = "The delivery to repeat"),
    ),
    responses((status = 202, description = "The new delivery, on its way", body = inline(crate::openapi::Data<DeliveryView>))),
    extensions(("x-extension" = json!(true)))
)]
pub(in crate::api) async fn redeliver(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (endpoint, id) = ids(&path)?;
    caller.check().finish()?;
    let once = caller.replay_key().map(|key| Once { key, render: &sent });
    let outcome = services
        .send_again
        .redeliver(&caller.actor, endpoint, id, once)
        .await
        .map_err(refusal)?;
    Ok(envelope::outcome(outcome, sent))
}

/// Tries again what failed since a time, up to 5000 deliveries in one call, the oldest first. They
/// keep their ids.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/recover", tag = "Webhooks", operation_id = "recoverWebhook",
    params(("id" = uuid::Uuid, Path, description = "The endpoint")),
    request_body = RecoverBody,
    responses((status = 202, description = "How many are tried again", body = inline(crate::openapi::Data<RecoveryView>))),
    extensions(("x-extension" = json!(true)))
)]
pub(in crate::api) async fn recover(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let id = endpoint_id(&path)?;
    let body: RecoverBody = body.decode()?;
    let since = body.check(caller.check(), services.clock.now())?;
    let once = caller.replay_key().map(|key| Once {
        key,
        render: &recovered,
    });
    let outcome = services
        .send_again
        .recover(&caller.actor, id, since, once)
        .await
        .map_err(refusal)?;
    Ok(envelope::outcome(outcome, recovered))
}

fn sent(delivery: &DeliveryEntry) -> StoredAnswer {
    render(StatusCode::ACCEPTED, &DeliveryView::from(delivery))
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "answers that are kept are rendered from references"
)]
fn recovered(recovery: &Recovery) -> StoredAnswer {
    render(StatusCode::ACCEPTED, &RecoveryView::from(recovery))
}

fn ids((endpoint, id): &(String, String)) -> Result<(EndpointId, DeliveryId), Problem> {
    let endpoint = endpoint_id(endpoint)?;
    let id = Id::parse(id).ok_or_else(|| Problem::missing("Delivery not found"))?;
    Ok((endpoint, id))
}
