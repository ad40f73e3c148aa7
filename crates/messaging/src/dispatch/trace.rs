//! What calls leave behind: addresses that numbers have at the provider, and calls given up.

use async_trait::async_trait;
use msgflash_kernel::{Phone, StoreError, WorkspaceId};
use time::OffsetDateTime;

use crate::instance::InstanceId;
use crate::message::MessageId;
use crate::provider::Address;

/// WhatsApp uses `address` for the number we know as `phone`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAddress {
    /// The instance that saw it.
    pub instance: InstanceId,
    /// What WhatsApp writes.
    pub address: Address,
    /// What we write.
    pub phone: Phone,
}

/// A call that was given up because nobody could say what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostCall {
    /// The lane it went out from.
    pub instance: InstanceId,
    /// The recipient.
    pub phone: Phone,
    /// The message.
    pub message: MessageId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// When the call was started.
    pub started_at: OffsetDateTime,
}

/// Keeps such traces. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait TraceStore: Send {
    /// Learns addresses; what was known of one before is replaced.
    async fn learn(&mut self, addresses: &[KnownAddress]) -> Result<(), StoreError>;
    /// The number behind an address, when some answer or event revealed it.
    async fn phone_behind(
        &mut self,
        instance: InstanceId,
        address: &Address,
    ) -> Result<Option<Phone>, StoreError>;
    /// Keeps calls that were given up.
    async fn lose(&mut self, calls: &[LostCall]) -> Result<(), StoreError>;
    /// The calls to a number that were given up, the earliest first.
    async fn lost(
        &mut self,
        instance: InstanceId,
        phone: Phone,
    ) -> Result<Vec<LostCall>, StoreError>;
    /// Forgets a call, for it was found.
    async fn found(&mut self, call: &LostCall) -> Result<(), StoreError>;
}
