//! One event on its way to one endpoint.

use msgflash_kernel::{AccountId, Cursor, EventId, Id, Secret, WorkspaceId};
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
    /// Signs it too, while a rotation is under way.
    pub previous_secret: Option<Secret<String>>,
    /// The event.
    pub event: EventId,
    /// The event's published name.
    pub name: String,
    /// The request that set it off, if one did and the event is still kept.
    pub request: Option<String>,
    /// The exact body, the same bytes on every attempt; `None` when it is no longer kept.
    pub body: Option<String>,
    /// Attempts made before this one.
    pub attempts: u32,
    /// How many of them were made before it was last taken up again.
    pub spent: u32,
    /// Until when it is ours.
    pub lease: OffsetDateTime,
}

/// How many deliveries of an endpoint one process may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// How many, those it holds already included.
    pub most: u32,
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// It waits for its first or next attempt.
    Pending,
    /// It arrived.
    Delivered,
    /// It failed for good.
    Failed,
}

impl DeliveryStatus {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Failed];

    /// The published name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// Reads the published name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }
}

/// A delivery as its log shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryEntry {
    /// Its id.
    pub id: DeliveryId,
    /// The endpoint.
    pub endpoint: EndpointId,
    /// The event.
    pub event: EventId,
    /// The event's published name.
    pub name: String,
    /// How far it is.
    pub status: DeliveryStatus,
    /// Attempts made.
    pub attempts: u32,
    /// What the receiver last answered with.
    pub response_status: Option<u16>,
    /// The beginning of that answer.
    pub excerpt: Option<String>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// The body; `None` when it is no longer kept.
    pub payload: Option<String>,
    /// When the next attempt is due.
    pub next_attempt_at: Option<OffsetDateTime>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}

/// Which deliveries of an endpoint are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// In this state.
    pub status: Option<DeliveryStatus>,
    /// Of this event, by its published name.
    pub event: Option<String>,
    /// Made at or after this moment.
    pub from: Option<OffsetDateTime>,
    /// Made before this moment.
    pub until: Option<OffsetDateTime>,
}

impl DeliveryFilter {
    /// Names the list this filter makes of an endpoint's deliveries, for its cursors.
    pub fn scope(&self, endpoint: EndpointId) -> String {
        let nanos = |at: Option<OffsetDateTime>| at.map(OffsetDateTime::unix_timestamp_nanos);
        format!(
            "deliveries|{endpoint}|{:?}|{:?}|{:?}|{:?}",
            self.status,
            self.event,
            nanos(self.from),
            nanos(self.until)
        )
    }

    /// The place after `id` in that list.
    pub fn cursor(&self, endpoint: EndpointId, id: DeliveryId) -> Cursor {
        Cursor::new(self.scope(endpoint), id.to_string())
    }
}

/// How full the queue of deliveries is, and how its endpoints fare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Deliveries that wait.
    pub waiting: u64,
    /// When the oldest of them was made.
    pub oldest: Option<OffsetDateTime>,
    /// Endpoints that are switched off.
    pub disabled: u64,
    /// Endpoints that are left alone for a while.
    pub paused: u64,
    /// Endpoints that get one post at a time, to see whether they are back.
    pub probed: u64,
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
    /// Until when the receiver asked to be left alone.
    pub asked: Option<OffsetDateTime>,
    /// Whether a request was made: what never left says nothing about the receiver.
    pub posted: bool,
    /// What follows.
    pub next: Next,
}

/// An endpoint that was switched off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchedOff {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Whose events it heard.
    pub workspace: WorkspaceId,
    /// Who pays.
    pub account: AccountId,
    /// Where deliveries went.
    pub url: String,
    /// Why.
    pub reason: crate::health::OffReason,
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
