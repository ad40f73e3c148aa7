//! `/api/v1/webhooks`: endpoints that hear of events.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use msgflash_kernel::{Id, Once, Problems, StoredAnswer};
use msgflash_messaging::events::timestamp;
use msgflash_webhooks::manage::MAX_EVENTS;
use msgflash_webhooks::{Endpoint, EndpointOrder, EventName, WebhookError, target};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::policy::Caller;
use crate::http::check::Need;
use crate::http::envelope::{self, render};
use crate::http::problem::whole_seconds;
use crate::http::{Check, Field, Problem, RawJson};
use crate::services::{Services, Targets};

/// An endpoint to make.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct EndpointBody {
    /// An `https` URL, up to 2048 characters. Private addresses are refused.
    #[serde(default)]
    #[schema(value_type = String, required = true, format = "uri", example = "https://app.example.com/hooks/msgflash")]
    pub url: Field<String>,
    /// 1 to 50 event names; repetitions are dropped.
    #[serde(default)]
    #[schema(value_type = Vec<String>, required = true, min_items = 1, max_items = 50, example = json!(["message.delivered", "message.failed"]))]
    pub events: Field<Vec<Value>>,
}

impl EndpointBody {
    /// Checks the shape and notes every problem of the body at once.
    fn check(&self, mut check: Check, targets: Targets) -> Result<(String, Vec<String>), Problems> {
        // The one below says what is wrong with a length.
        let url = check.text("url", &self.url, Need::Must, u64::MAX);
        if let Some(url) = &url
            && let Err(problem) = target::check("url", url, targets.allow_private)
        {
            check.refuse(problem.field, problem.code, problem.message);
        }
        let events = check.given("events", &self.events, Need::Must, "an array");
        let events = events.map(|events| names(&mut check, events));
        check.finish()?;
        Ok((url.unwrap_or_default(), events.unwrap_or_default()))
    }
}

fn names(check: &mut Check, events: &[Value]) -> Vec<String> {
    if events.is_empty() || events.len() > MAX_EVENTS {
        check.refuse("events", "length", "Give 1 to 50 events");
        return Vec::new();
    }
    let mut names = Vec::new();
    for (at, event) in events.iter().enumerate() {
        let path = format!("events.{at}");
        match event.as_str() {
            None => check.refuse(path, "invalid_type", "Must be text"),
            Some(name) if EventName::parse(name).is_none() => {
                check.refuse(path, "unknown_event", "There is no such event");
            }
            Some(name) => names.push(name.to_owned()),
        }
    }
    names
}

/// An endpoint.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Webhook)]
pub struct EndpointView {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The owner of the workspace.
    #[schema(format = Uuid)]
    pub user_id: String,
    /// Where deliveries go.
    #[schema(format = "uri", example = "https://app.example.com/hooks/msgflash")]
    pub url: String,
    /// What it hears of.
    #[schema(example = json!(["message.delivered"]))]
    pub events: Vec<&'static str>,
    /// Whether it hears anything.
    pub active: bool,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

impl From<&Endpoint> for EndpointView {
    fn from(it: &Endpoint) -> Self {
        Self {
            id: it.id.to_string(),
            user_id: it.account.to_string(),
            url: it.url.clone(),
            events: it.events.iter().map(|event| event.as_str()).collect(),
            active: it.active,
            created_at: timestamp(it.created_at),
            updated_at: timestamp(it.updated_at),
        }
    }
}

/// A new endpoint with its secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CreatedWebhook)]
pub struct CreatedView {
    /// The endpoint.
    #[serde(flatten)]
    pub endpoint: EndpointView,
    /// Verifies signatures. Shown only here.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub secret: String,
}

impl From<&Endpoint> for CreatedView {
    fn from(it: &Endpoint) -> Self {
        Self {
            endpoint: EndpointView::from(it),
            secret: it.secret.reveal().clone(),
        }
    }
}

/// What is gone.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = Deleted)]
pub struct DeletedView {
    /// Always `true`.
    #[schema(example = true)]
    pub deleted: bool,
}

/// Lists the endpoints of the workspace, newest first, without their secrets.
#[utoipa::path(
    get, path = "/api/v1/webhooks", tag = "Webhooks", operation_id = "listWebhooks",
    responses((status = 200, description = "The endpoints", body = inline(crate::openapi::Data<Vec<EndpointView>>)))
)]
pub(super) async fn list(
    caller: Caller,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let endpoints = services
        .list_endpoints
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
pub(super) async fn create(
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

fn refusal(error: WebhookError) -> Problem {
    let wait = error.retry_after();
    let problem = Problem::from(error);
    match wait {
        Some(wait) => problem.retry_after(whole_seconds(wait)),
        None => problem,
    }
}

/// Deletes an endpoint and drops what it still waited for.
#[utoipa::path(
    delete, path = "/api/v1/webhooks/{id}", tag = "Webhooks", operation_id = "deleteWebhook",
    params(("id" = uuid::Uuid, Path, description = "The endpoint")),
    responses((status = 200, description = "It is gone", body = inline(crate::openapi::Data<DeletedView>)))
)]
pub(super) async fn delete(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = Id::parse(&path).ok_or_else(|| Problem::missing("Webhook not found"))?;
    services
        .delete_endpoint
        .delete(caller.actor.workspace.id, id)
        .await?;
    Ok(envelope::ok(&DeletedView { deleted: true }))
}
