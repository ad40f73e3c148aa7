//! What receipts need from a store.

use async_trait::async_trait;
use msgflash_contacts::suppression::ports::SuppressionStore;
use msgflash_kernel::{AccountId, Id, Outbox, Phone, StoreError, Unit, WorkspaceId};
use serde_json::Value;
use time::OffsetDateTime;

use crate::campaign::ports::TallyStore;
use crate::instance::ports::InstanceStore;
use crate::instance::{Instance, InstanceId, Session};
use crate::message::ports::SettleUnit;
use crate::message::{CampaignId, MessageId, MessageStatus};
use crate::provider::ReceiptRank;

/// Marker of [`InboxId`].
pub enum InboxMark {}
/// The id of a stored event.
pub type InboxId = Id<InboxMark>;

/// One of WhatsApp's ids, as it is unique: within an instance. Addresses change under way.
pub type RefKey = (InstanceId, String);

/// Something the provider told, to be stored.
#[derive(Clone, Debug, PartialEq)]
pub enum InboxItem {
    /// How far a message came.
    Receipt(StoredReceipt),
    /// Anything else, as it came.
    Event(StoredEvent),
}

/// A receipt: all that it says is read at the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReceipt {
    /// Its id.
    pub id: InboxId,
    /// Through which instance it came.
    pub instance: InstanceId,
    /// WhatsApp's id of the message.
    pub key_id: String,
    /// How far the message came.
    pub rank: ReceiptRank,
    /// When it came.
    pub received_at: OffsetDateTime,
    /// How often it was tried.
    pub tries: u32,
}

/// An event as it came, without the secrets of its envelope.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEvent {
    /// Its id.
    pub id: InboxId,
    /// Whose it is.
    pub instance: InstanceId,
    /// The provider's name for it.
    pub event: String,
    /// WhatsApp's id of the message it announces as sent; `None` for all other events.
    pub announces: Option<String>,
    /// Its data.
    pub data: Value,
    /// When it came.
    pub received_at: OffsetDateTime,
    /// When it is to be looked at first.
    pub due_at: OffsetDateTime,
    /// How often it was tried.
    pub tries: u32,
}

/// Keeps events.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Stores events, durably, in one go: all or none.
    async fn store(&self, items: &[InboxItem]) -> Result<(), StoreError>;
    /// How many wait.
    async fn depth(&self) -> Result<u64, StoreError>;
}

/// What of a message matters to receipts and to those who hear of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// Its id.
    pub id: MessageId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// Who pays for that workspace.
    pub account: AccountId,
    /// The number it went out from.
    pub instance: InstanceId,
    /// The id a receipt found it by.
    pub key_id: String,
    /// The recipient.
    pub peer: Option<Phone>,
    /// The campaign it belongs to.
    pub campaign: Option<CampaignId>,
    /// The provider's id as it is published.
    pub provider_message_id: Option<String>,
    /// The request that made it.
    pub request_id: Option<String>,
    /// Its state.
    pub status: MessageStatus,
}

/// Where receipts moved a message to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// Which it is.
    pub id: MessageId,
    /// Its new state.
    pub status: MessageStatus,
    /// When.
    pub at: OffsetDateTime,
}

/// Applies receipts. Reached through a unit of work only; every call is one statement, or a fixed
/// number of them, however many receipts there are.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait ReceiptStore: Send {
    /// Makes put-off receipts due whose id became known meanwhile, as far as a bounded look finds
    /// them: their own time would come too, only later.
    async fn wake(&mut self, now: OffsetDateTime) -> Result<(), StoreError>;
    /// Claims about `limit` receipts that are due, in the order they became so, and with them all
    /// others of the same ids that were put off. Receipts of one instance are never with two
    /// units at a time, so their order holds whoever applies them.
    async fn claim(
        &mut self,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<StoredReceipt>, StoreError>;
    /// Reads the messages behind ids for change, locked in the order of their own ids. Ids that
    /// nobody knows are left out.
    async fn lock(&mut self, keys: &[RefKey]) -> Result<Vec<Tracked>, StoreError>;
    /// Writes new states. A failed message gets `reason` and `code`.
    async fn advance(
        &mut self,
        moved: &[Moved],
        reason: &str,
        code: &str,
    ) -> Result<(), StoreError>;
    /// Reads instances for change, in the order of their ids: those in `refused`, and of `reached`
    /// those whose standing is not spotless.
    async fn standings(
        &mut self,
        refused: &[InstanceId],
        reached: &[InstanceId],
    ) -> Result<Vec<Instance>, StoreError>;
    /// Writes the standings of instances.
    async fn set_standings(&mut self, changed: &[Instance]) -> Result<(), StoreError>;
    /// Every workspace the instances of these accounts serve.
    async fn workspaces_of(
        &mut self,
        accounts: &[AccountId],
    ) -> Result<Vec<(AccountId, WorkspaceId)>, StoreError>;
    /// Removes receipts that were dealt with.
    async fn remove(&mut self, ids: &[InboxId]) -> Result<(), StoreError>;
    /// Puts receipts off, each to its time, and counts the try.
    async fn put_off(&mut self, until: &[(InboxId, OffsetDateTime)]) -> Result<(), StoreError>;
}

/// Applies receipts and tells of them, together.
#[async_trait]
pub trait ReceiptUnit: Unit {
    /// Undoes everything, and waits until what it held is free again.
    async fn abandon(self: Box<Self>);
    /// The receipts and the messages they move.
    fn receipts(&mut self) -> &mut dyn ReceiptStore;
    /// The counters of campaigns.
    fn tallies(&mut self) -> &mut dyn TallyStore;
    /// The facts to tell.
    fn outbox(&mut self) -> &mut dyn Outbox;
}

/// Begins such transactions.
#[async_trait]
pub trait ReceiptUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn ReceiptUnit>, StoreError>;
}

/// Takes events other than receipts out. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait EventStore: Send {
    /// Claims up to `limit` events of one instance, in the order they came: those that are due,
    /// and those that are held back. No other unit has events of that instance meanwhile. Never
    /// announcements.
    async fn claim_run(
        &mut self,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError>;
    /// Removes announcements that are due and whose message is known: the answer to the call said
    /// so already. Answers how many.
    async fn drop_known(&mut self, now: OffsetDateTime, limit: u32) -> Result<usize, StoreError>;
    /// Claims the announcement that is due the longest; those another process holds are skipped.
    async fn claim_announcement(
        &mut self,
        now: OffsetDateTime,
    ) -> Result<Option<StoredEvent>, StoreError>;
    /// Removes events that were dealt with.
    async fn remove(&mut self, ids: &[InboxId]) -> Result<(), StoreError>;
    /// Puts an event off to `due_at` and counts the try.
    async fn put_off(&mut self, id: InboxId, due_at: OffsetDateTime) -> Result<(), StoreError>;
    /// Holds events back until `until` without counting a try: the next claim of their instance
    /// takes them along even before.
    async fn hold(&mut self, ids: &[InboxId], until: OffsetDateTime) -> Result<(), StoreError>;
    /// Makes put-off receipts of an id due.
    async fn wake_receipts(&mut self, key: &RefKey, now: OffsetDateTime) -> Result<(), StoreError>;
}

/// Applies events: everything they change, together. An event can prove that a call succeeded, so
/// it can settle too.
#[async_trait]
pub trait EventUnit: SettleUnit {
    /// Undoes everything, and waits until what it held is free again.
    async fn abandon(self: Box<Self>);
    /// The stored events.
    fn events(&mut self) -> &mut dyn EventStore;
    /// The instances.
    fn instances(&mut self) -> &mut dyn InstanceStore;
    /// Who must not be written to.
    fn suppressions(&mut self) -> &mut dyn SuppressionStore;
}

/// Begins such transactions.
#[async_trait]
pub trait EventUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn EventUnit>, StoreError>;
}

/// A sent message without any receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unconfirmed {
    /// The number it went out from.
    pub instance: InstanceId,
    /// The name of that at the provider.
    pub session: Session,
    /// WhatsApp's id of the message.
    pub key_id: String,
    /// When that became known.
    pub sent_at: OffsetDateTime,
}

/// Walks over sent messages without a receipt. Each look goes from the oldest to the newest and
/// remembers how far it came, so that each message is found once by each look.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait UnconfirmedStore: Send + Sync {
    /// Up to `limit` messages behind the position of a look whose ids became known until `until`
    /// and that are still without a receipt. The look is the caller's until `lease`; `None` while
    /// it is somebody else's.
    async fn claim(
        &self,
        look: i16,
        until: OffsetDateTime,
        limit: u32,
        now: OffsetDateTime,
        lease: OffsetDateTime,
    ) -> Result<Option<Vec<Unconfirmed>>, StoreError>;
    /// Gives a look back that goes on behind `last`, or where it was, and not before `at`.
    async fn resume(
        &self,
        look: i16,
        last: Option<Unconfirmed>,
        at: OffsetDateTime,
    ) -> Result<(), StoreError>;
    /// Gives a look back that goes on behind everything known until `until`.
    async fn finish(&self, look: i16, until: OffsetDateTime) -> Result<(), StoreError>;
}
