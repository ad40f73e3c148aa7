//! One event on its way to one endpoint.

use msgflash_kernel::{EventId, Id, Secret, WorkspaceId};
use time::OffsetDateTime;

use crate::endpoint::EndpointId;

/// Marker of [`DeliveryId`].
pub enum DeliveryMark {}
/// The id of a delivery, the same on all its attempts.
pub type DeliveryId = Id<DeliveryMark>;

/// A fact, as endpoints will hear of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaisedEvent {
    /// Its id; receivers deduplicate by it.
    pub id: EventId,
    /// Whose endpoints hear of it.
    pub workspace: WorkspaceId,
    /// The published name. May be one that no endpoint of this version can ask for.
    pub name: String,
    /// The payload, as text.
    pub body: String,
}

/// An endpoint, as far as choosing what it hears needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Whose events it hears.
    pub workspace: WorkspaceId,
    /// The published names it asked for.
    pub events: Vec<String>,
}

/// One event for one endpoint, before the first attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The event.
    pub event: EventId,
    /// The event's published name.
    pub name: String,
    /// The exact body, the same bytes on every attempt.
    pub body: String,
    /// When it was made, and first is due.
    pub created_at: OffsetDateTime,
}

/// A delivery that is due, with what its request needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Where it goes.
    pub url: String,
    /// What signs it.
    pub secret: Secret<String>,
    /// The event.
    pub event: EventId,
    /// The event's published name.
    pub name: String,
    /// The exact body.
    pub body: String,
    /// Attempts made before this one.
    pub attempts: u32,
}

/// A request to a receiver, signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRequest {
    /// Where it goes.
    pub url: String,
    /// Its headers.
    pub headers: Vec<(&'static str, String)>,
    /// Its body.
    pub body: String,
}

/// What a receiver answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// The beginning of the body, at most 1 KB.
    pub excerpt: String,
    /// Its `Retry-After` header, as it came.
    pub retry_after: Option<String>,
}

/// Why there was no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// The address may not be called.
    #[error("address not allowed")]
    Forbidden,
    /// No answer in time.
    #[error("timed out")]
    Timeout,
    /// The name or the connection failed.
    #[error("{0}")]
    Connection(String),
}

/// What became of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The delivery.
    pub id: DeliveryId,
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Attempts made, this one included.
    pub attempts: u32,
    /// What the receiver answered with.
    pub response_status: Option<u16>,
    /// The beginning of its answer.
    pub excerpt: Option<String>,
    /// Why it failed, for people.
    pub error: Option<String>,
    /// What follows.
    pub next: Next,
}

/// What follows an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: it arrived.
    Delivered,
    /// Another attempt at this time.
    Retry(OffsetDateTime),
    /// Nothing: it failed for good.
    Failed,
    /// Nothing, and the receiver said that it is gone: the endpoint is switched off.
    Gone,
}
