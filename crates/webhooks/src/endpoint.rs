//! A URL that wants to hear of events.

use msgflash_kernel::{AccountId, Id, Secret, UserId, WorkspaceId};
use time::OffsetDateTime;

use crate::event_name::EventName;

/// Marker of [`EndpointId`].
pub enum EndpointMark {}
/// The id of an endpoint.
pub type EndpointId = Id<EndpointMark>;

/// A URL that wants to hear of events of one workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Whose events it hears.
    pub workspace: WorkspaceId,
    /// Who pays.
    pub account: AccountId,
    /// Who made it.
    pub created_by: UserId,
    /// Where deliveries go.
    pub url: String,
    /// Signs them. Shown once, when it is made.
    pub secret: Secret<String>,
    /// The secret before the last rotation.
    pub previous: Option<PreviousSecret>,
    /// What it hears of.
    pub events: Vec<EventName>,
    /// Whether it hears anything.
    pub active: bool,
    /// Why we switched it off.
    pub disabled_reason: Option<String>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}

/// A secret that was replaced and signs beside the new one for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviousSecret {
    /// The secret.
    pub secret: Secret<String>,
    /// Until when it signs.
    pub until: OffsetDateTime,
}
