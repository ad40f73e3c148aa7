//! How endpoints and deliveries look.

use msgflash_messaging::events::timestamp;
use msgflash_webhooks::Endpoint;
use msgflash_webhooks::again::Recovery;
use msgflash_webhooks::delivery::DeliveryEntry;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

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
    /// Extension: why it was switched off, when it was not by you.
    #[schema(example = json!(null))]
    pub disabled_reason: Option<String>,
    /// Extension: until when the secret before the last rotation signs too.
    #[schema(format = DateTime, example = json!(null))]
    pub rotation_ends_at: Option<String>,
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
            disabled_reason: it.disabled_reason.clone(),
            rotation_ends_at: it.previous.as_ref().map(|it| timestamp(it.until)),
            created_at: timestamp(it.created_at),
            updated_at: timestamp(it.updated_at),
        }
    }
}

/// An endpoint with its new secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CreatedWebhook)]
pub struct CreatedView {
    /// The endpoint.
    #[serde(flatten)]
    pub endpoint: EndpointView,
    /// Verifies signatures. Shown only in this answer.
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

/// A delivery: one event on its way to one endpoint.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookDelivery)]
pub struct DeliveryView {
    /// Its id: `X-MsgFlash-Delivery`.
    #[schema(format = Uuid)]
    pub id: String,
    /// The endpoint.
    #[schema(format = Uuid)]
    pub webhook_id: String,
    /// The event's id: `webhook-id`. Deliveries of one event share it.
    #[schema(format = Uuid)]
    pub event_id: String,
    /// The event's name.
    #[schema(example = "message.delivered")]
    pub event: String,
    /// `pending`, `delivered` or `failed`.
    #[schema(example = "delivered")]
    pub status: &'static str,
    /// Attempts made.
    #[schema(example = 1)]
    pub attempts: u32,
    /// What the receiver last answered with.
    #[schema(example = 200)]
    pub response_status: Option<u16>,
    /// The beginning of that answer, 1 KB at most.
    #[schema(example = "ok")]
    pub response_excerpt: Option<String>,
    /// Why the last attempt failed.
    #[schema(example = json!(null))]
    pub error: Option<String>,
    /// The body that is sent; `null` when it is no longer kept.
    pub payload: Option<Value>,
    /// When the next attempt is due. An endpoint in trouble may make it later.
    #[schema(format = DateTime, example = json!(null))]
    pub next_attempt_at: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

impl From<&DeliveryEntry> for DeliveryView {
    fn from(it: &DeliveryEntry) -> Self {
        let payload = it.payload.as_deref();
        Self {
            id: it.id.to_string(),
            webhook_id: it.endpoint.to_string(),
            event_id: it.event.to_string(),
            event: it.name.clone(),
            status: it.status.as_str(),
            attempts: it.attempts,
            response_status: it.response_status,
            response_excerpt: it.excerpt.clone(),
            error: it.error.clone(),
            payload: payload.and_then(|text| serde_json::from_str(text).ok()),
            next_attempt_at: it.next_attempt_at.map(timestamp),
            created_at: timestamp(it.created_at),
            updated_at: timestamp(it.updated_at),
        }
    }
}

/// A page of deliveries.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookDeliveryPage)]
pub struct DeliveryPageView {
    /// Newest first.
    pub deliveries: Vec<DeliveryView>,
    /// Pass it back as `cursor`, with the same filters; `null` on the last page.
    pub next_cursor: Option<String>,
    /// Whether there is another page.
    pub has_more: bool,
}

/// What a recovery took up.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookRecovery)]
pub struct RecoveryView {
    /// How many deliveries are tried again.
    #[schema(example = 42)]
    pub recovered: u32,
    /// Whether there may be more: ask again.
    pub has_more: bool,
}

impl From<&Recovery> for RecoveryView {
    fn from(it: &Recovery) -> Self {
        Self {
            recovered: it.recovered,
            has_more: it.has_more,
        }
    }
}
