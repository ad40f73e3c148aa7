//! What receipts need from a store.

use async_trait::async_trait;
use msgflash_kernel::{Id, StoreError};
use serde_json::Value;
use time::OffsetDateTime;

use crate::instance::InstanceId;
use crate::instance::ports::InstanceStore;
use crate::message::ports::SettleUnit;

/// Marker of [`InboxId`].
pub enum InboxMark {}
/// The id of a stored event.
pub type InboxId = Id<InboxMark>;

/// An event as it came, without the secrets of its envelope.
#[derive(Clone, Debug, PartialEq)]
pub struct InboxItem {
    /// Its id.
    pub id: InboxId,
    /// Whose it is.
    pub instance: InstanceId,
    /// The provider's name for it.
    pub event: String,
    /// Its data.
    pub data: Value,
    /// When it came.
    pub received_at: OffsetDateTime,
    /// How often it was tried.
    pub tries: u32,
}

/// Keeps events.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Stores events, durably, in one go.
    async fn store(&self, items: &[InboxItem]) -> Result<(), StoreError>;
    /// How many wait.
    async fn depth(&self) -> Result<u64, StoreError>;
}

/// Takes events out. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait InboxStore: Send {
    /// Claims events that are due, oldest first; those another process holds are skipped.
    async fn claim(
        &mut self,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<InboxItem>, StoreError>;
    /// Removes events that were dealt with.
    async fn remove(&mut self, ids: &[InboxId]) -> Result<(), StoreError>;
    /// Puts an event off to `due_at` and counts the try.
    async fn put_off(&mut self, id: InboxId, due_at: OffsetDateTime) -> Result<(), StoreError>;
}

/// Applies events: everything they change, together. An event can prove that a call succeeded, so
/// it can settle too.
pub trait ReceiptUnit: SettleUnit {
    /// The stored events.
    fn inbox(&mut self) -> &mut dyn InboxStore;
    /// The instances.
    fn instances(&mut self) -> &mut dyn InstanceStore;
}

/// Begins such transactions.
#[async_trait]
pub trait ReceiptUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn ReceiptUnit>, StoreError>;
}
