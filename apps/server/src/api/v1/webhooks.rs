//! `/api/v1/webhooks`: endpoints that hear of events.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use msgflash_kernel::{Id, Once, StoredAnswer};
use msgflash_webhooks::{Endpoint, EndpointId, EndpointOrder, WebhookError};

pub mod body;
pub mod deliveries;
pub mod view;

use self::body::{ChangeBody, EndpointBody};
use self::view::{CreatedView, DeletedView, EndpointView};
use crate::api::policy::Caller;
use crate::http::envelope::{self, render};
use crate::http::problem::whole_seconds;
use crate::http::{Problem, RawJson};
use crate::services::Services;

/// Lists the endpoints of the workspace, newest first, without their secrets.
#[utoipa::path(
    get, path = "/api/v1/webhooks", tag = "Webhooks", operation_id = "listWebhooks",
    responses((status = 200, description = "The endpoints", body = inline(crate::openapi::Data<Vec<EndpointView>>)))
)]
pub(in crate::api) async fn list(
    caller: Caller,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let endpoints = services
        .read_endpoints
        .list(caller.actor.workspace.id)
        .await?;
    Ok(envelope::ok(
        &endpoints.iter().map(EndpointView::from).collect::<Vec<_>>(),
    ))
}

/// Makes an endpoint. Its secret is shown only now.
#[utoipa::path(
    post, path = "/api/v1/webhooks", tag = "Webhooks", operation_id = "createWebhook",
    request_body = EndpointBody,
    responses((status = 201, description = "The endpoint, with its secret", body = inline(crate::openapi::Data<CreatedView>)))
)]
pub(in crate::api) async fn create(
    caller: Caller,
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: EndpointBody = body.decode()?;
    let (url, events) = body.check(caller.check(), services.settings.targets)?;
    let cap = caller.entitlement.plan.limits.max_webhook_endpoints;
    let order = EndpointOrder {
        actor: caller.actor,
        url,
        events,
        cap,
    };
    let once = caller.replay_key().map(|key| Once {
        key,
        render: &created,
    });
    let outcome = services
        .create_endpoint
        .create(order, once)
        .await
        .map_err(refusal)?;
    Ok(envelope::outcome(outcome, created))
}

fn created(endpoint: &Endpoint) -> StoredAnswer {
    render(StatusCode::CREATED, &CreatedView::from(endpoint))
}

pub(super) fn refusal(error: WebhookError) -> Problem {
    let wait = error.retry_after();
    let problem = Problem::from(error);
    match wait {
        Some(wait) => problem.retry_after(whole_seconds(wait)),
        None => problem,
    }
}

/// Reads one endpoint, without its secret.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}", tag = "Webhooks", operation_id = "getWebhook",
    params(("id" = uuid::Uuid, Path, description = "The endpoint")),
    responses((status = 200, description = "The endpoint", body = inline(crate::openapi::Data<EndpointView>))),
    extensions(("x-extension" = json!(true)))
)]
pub(in crate::api) async fn read(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = endpoint_id(&path)?;
    let endpoint = services
        .read_endpoints
        .find(caller.actor.workspace.id, id)
        .await?;
    Ok(envelope::ok(&EndpointView::from(&endpoint)))
}

/// Changes what is given: URL, events, or whether it is on.
#[utoipa::path(
    patch, path = "/api/v1/webhooks/{id}", tag = "Webhooks", operation_id = "updateWebhook",
    params(("id" = uuid::Uuid, Path, description = "The endpoint")),
    request_body = ChangeBody,
    responses((status = 200, description = "The endpoint as it is now", body = inline(crate::openapi::Data<EndpointView>))),
    extensions(("x-extension" = json!(true)))
)]
pub(in crate::api) async fn change(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let id = endpoint_id(&path)?;
    let body: ChangeBody = body.decode()?;
    let change = body.check(caller.check(), services.settings.targets)?;
    let cap = caller.entitlement.plan.limits.max_webhook_endpoints;
    let endpoint = services
        .change_endpoint
        .change(&caller.actor.workspace, id, change, cap)
        .await?;
    Ok(envelope::ok(&EndpointView::from(&endpoint)))
}

/// Gives an endpoint a new secret, shown only now. For a while the old one signs too, in
/// `webhook-signature`.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/rotate-secret", tag = "Webhooks", operation_id = "rotateWebhookSecret",
    params(("id" = uuid::Uuid, Path, description = "The endpoint")),
    responses((status = 200, description = "The endpoint, with its new secret", body = inline(crate::openapi::Data<CreatedView>))),
    extensions(("x-extension" = json!(true)))
)]
pub(in crate::api) async fn rotate(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = endpoint_id(&path)?;
    caller.check().finish()?;
    let once = caller.replay_key().map(|key| Once {
        key,
        render: &rotated,
    });
    let outcome = services
        .change_endpoint
        .rotate(caller.actor.workspace.id, id, once)
        .await
        .map_err(refusal)?;
    Ok(envelope::outcome(outcome, rotated))
}

fn rotated(endpoint: &Endpoint) -> StoredAnswer {
    render(StatusCode::OK, &CreatedView::from(endpoint))
}

/// Deletes an endpoint and drops what it still waited for.
#[utoipa::path(
    delete, path = "/api/v1/webhooks/{id}", tag = "Webhooks", operation_id = "deleteWebhook",
    params(("id" = uuid::Uuid, Path, description = "The endpoint")),
    responses((status = 200, description = "It is gone", body = inline(crate::openapi::Data<DeletedView>)))
)]
pub(in crate::api) async fn delete(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = endpoint_id(&path)?;
    services
        .delete_endpoint
        .delete(caller.actor.workspace.id, id)
        .await?;
    Ok(envelope::ok(&DeletedView { deleted: true }))
}

/// The id of an endpoint in a path.
pub(super) fn endpoint_id(path: &str) -> Result<EndpointId, Problem> {
    Id::parse(path).ok_or_else(|| Problem::missing("Webhook not found"))
}
