//! Refusals of webhooks.

use std::time::Duration;

use msgflash_kernel::{Fault, Kind, Problems, StoreError};

use crate::delivery::DeliveryId;
use crate::endpoint::EndpointId;

/// Why an endpoint cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The request contradicts itself or a limit.
    #[error(transparent)]
    Invalid(#[from] Problems),
    /// No such endpoint in this workspace.
    #[error("Webhook not found")]
    NoEndpoint(EndpointId),
    /// No such delivery of this endpoint.
    #[error("Delivery not found")]
    NoDelivery(DeliveryId),
    /// The endpoint is switched off.
    #[error("The webhook is switched off; switch it on first")]
    SwitchedOff,
    /// The account has as many endpoints as its plan allows.
    #[error("The plan's limit of webhook endpoints is reached")]
    TooMany,
    /// The same idempotency key came with another body.
    #[error("This Idempotency-Key was used with another request body")]
    ReplayMismatch,
    /// An equal request is still at work.
    #[error("A request with this Idempotency-Key is still being processed")]
    ReplayBusy,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl WebhookError {
    /// When trying again makes sense, for refusals that pass.
    pub fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::ReplayBusy).then_some(Duration::from_secs(1))
    }
}

impl Fault for WebhookError {
    fn kind(&self) -> Kind {
        match self {
            Self::Invalid(cause) => cause.kind(),
            Self::NoEndpoint(_) | Self::NoDelivery(_) => Kind::Missing,
            Self::TooMany => Kind::Forbidden,
            Self::SwitchedOff | Self::ReplayMismatch | Self::ReplayBusy => Kind::Conflict,
            Self::Store(cause) => cause.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(cause) => cause.code(),
            Self::NoEndpoint(_) | Self::NoDelivery(_) => "NOT_FOUND",
            Self::TooMany => "MAX_WEBHOOK_ENDPOINTS_REACHED",
            Self::SwitchedOff | Self::ReplayMismatch | Self::ReplayBusy => "CONFLICT",
            Self::Store(cause) => cause.code(),
        }
    }

    fn details(&self) -> Option<serde_json::Value> {
        match self {
            Self::Invalid(cause) => cause.details(),
            _ => None,
        }
    }
}
