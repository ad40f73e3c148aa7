//! Writing to several places together or not at all.

use async_trait::async_trait;
use serde_json::Value;
use time::OffsetDateTime;

use crate::fault::StoreError;
use crate::id::Id;
use crate::tenant::{AccountId, WorkspaceId};

/// A transaction. Dropped without [`Unit::commit`], it leaves no trace.
#[async_trait]
pub trait Unit: Send {
    /// Makes everything written through this unit true at once.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// Marker of [`EventId`].
pub enum EventMark {}
/// The id of an event; receivers deduplicate by it.
pub type EventId = Id<EventMark>;

/// A fact that others may want to hear about.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// The workspace whose endpoints hear of it.
    pub workspace: WorkspaceId,
    /// Who pays for that workspace.
    pub account: AccountId,
    /// The published name, such as `message.sent`.
    pub name: &'static str,
    /// The published payload.
    pub payload: Value,
    /// The request that set it off, as the logs know it; never published.
    pub request: Option<String>,
    /// When it became true.
    pub at: OffsetDateTime,
}

/// Keeps facts in the transaction that made them true, for later delivery.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait Outbox: Send {
    /// Appends facts.
    async fn append(&mut self, events: &[Event]) -> Result<(), StoreError>;
}
