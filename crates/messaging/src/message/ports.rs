//! What messages need from a store.

use async_trait::async_trait;
use msgflash_kernel::{AccountId, Outbox, Page, PageRequest, Phone, StoreError, Unit, WorkspaceId};
use msgflash_quotas::LedgerStore;
use time::OffsetDateTime;

use super::{CampaignId, Message, MessageId, MessageStatus};
use crate::campaign::ports::TallyStore;
use crate::dispatch::ports::QueueStore;
use crate::dispatch::trace::TraceStore;
use crate::instance::InstanceId;

mod acceptance;
#[cfg(any(test, feature = "mocks"))]
mod fake;

pub use acceptance::*;
#[cfg(any(test, feature = "mocks"))]
pub use fake::FakeAcceptance;

/// Which messages of a workspace are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageFilter {
    /// Sent from or received by this instance.
    pub instance: Option<InstanceId>,
    /// In this state.
    pub status: Option<MessageStatus>,
    /// Of this campaign.
    pub campaign: Option<CampaignId>,
    /// To this number.
    pub to: Option<Phone>,
    /// Inbound or outbound alone.
    pub inbound: Option<bool>,
    /// Made at or after.
    pub from: Option<OffsetDateTime>,
    /// Made before.
    pub until: Option<OffsetDateTime>,
}

/// Looks messages up. Each call sees its own snapshot.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait MessageReader: Send + Sync {
    /// `None` when this workspace has no such message.
    async fn find(
        &self,
        workspace: WorkspaceId,
        id: MessageId,
    ) -> Result<Option<Message>, StoreError>;
    /// Newest first. The cursor's key is the id of the last message.
    async fn page(
        &self,
        workspace: WorkspaceId,
        filter: &MessageFilter,
        page: &PageRequest,
    ) -> Result<Page<Message>, StoreError>;
}

/// Records messages. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait MessageStore: Send {
    /// Stores new ones.
    async fn insert(&mut self, messages: &[Message]) -> Result<(), StoreError>;
    /// Reads some for change, in the order of their ids; those not there are left out.
    async fn lock(&mut self, keys: &[(WorkspaceId, MessageId)])
    -> Result<Vec<Message>, StoreError>;
    /// Writes back what may change: status, charge, error, meta, the provider's id, the time.
    async fn update(&mut self, messages: &[Message]) -> Result<(), StoreError>;
    /// The last outbound message of a workspace to `peer` through the instance.
    async fn last_outbound(
        &mut self,
        workspace: WorkspaceId,
        instance: InstanceId,
        peer: Phone,
    ) -> Result<Option<Message>, StoreError>;
    /// Whether a workspace confirmed to `peer` since then that it writes no more.
    async fn confirmed_since(
        &mut self,
        workspace: WorkspaceId,
        peer: Phone,
        since: OffsetDateTime,
    ) -> Result<bool, StoreError>;
    /// The workspace of this account that last wrote to `peer` through the instance.
    async fn last_writer(
        &mut self,
        account: AccountId,
        instance: InstanceId,
        peer: Phone,
    ) -> Result<Option<msgflash_kernel::Workspace>, StoreError>;
}

/// Ends messages, whatever ended them: queue, ledger, rows and events together.
pub trait SettleUnit: Unit {
    /// The messages.
    fn messages(&mut self) -> &mut dyn MessageStore;
    /// What has to be sent.
    fn queue(&mut self) -> &mut dyn QueueStore;
    /// What calls left behind at the provider.
    fn traces(&mut self) -> &mut dyn TraceStore;
    /// The counters of campaigns.
    fn tallies(&mut self) -> &mut dyn TallyStore;
    /// The outbound ledger.
    fn ledger(&mut self) -> &mut dyn LedgerStore;
    /// The facts to tell.
    fn outbox(&mut self) -> &mut dyn Outbox;
}

/// Begins such transactions.
#[async_trait]
pub trait SettleUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn SettleUnit>, StoreError>;
}
