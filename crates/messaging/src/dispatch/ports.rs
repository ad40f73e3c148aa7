//! What sending needs from a store.

use async_trait::async_trait;
use msgflash_kernel::{AccountId, Phone, StoreError, Unit, WorkspaceId};
use msgflash_quotas::Period;
use time::OffsetDateTime;
use uuid::Uuid;

use super::entry::QueueEntry;
use crate::instance::InstanceId;
use crate::message::MessageId;
use crate::message::ports::MessageStore;

/// Names an entry.
pub type EntryKey = (InstanceId, MessageId);

/// Looks at the queue without claiming.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait QueueReader: Send + Sync {
    /// Lanes that have something ready and may call at `now`, the longest waiting first.
    async fn ready_lanes(
        &self,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<InstanceId>, StoreError>;
    /// Accounts that have waiting entries whose time has come.
    async fn due_accounts(
        &self,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<AccountId>, StoreError>;
    /// How many entries are in each state, and how long the oldest ready one waits.
    async fn depth(&self) -> Result<QueueDepth, StoreError>;
}

/// How full the queue is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueDepth {
    /// Waiting for their time.
    pub waiting: u64,
    /// Ready to be sent.
    pub ready: u64,
    /// Under way.
    pub started: u64,
    /// With an unknown outcome.
    pub unknown: u64,
    /// Since when the oldest ready one is ready.
    pub oldest_ready: Option<OffsetDateTime>,
}

/// How a started call is guarded.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    /// The worker that makes the call.
    pub owner: Uuid,
    /// Past this moment the outcome counts as unknown.
    pub until: OffsetDateTime,
}

/// Changes the queue. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait QueueStore: Send {
    /// Adds entries.
    async fn push(&mut self, entries: &[QueueEntry]) -> Result<(), StoreError>;
    /// Claims waiting entries of these accounts whose time has come, in the order of their times;
    /// those another process holds are skipped.
    async fn claim_due(
        &mut self,
        accounts: &[AccountId],
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<QueueEntry>, StoreError>;
    /// Makes claimed entries ready, charged to `period`.
    async fn admit(
        &mut self,
        keys: &[EntryKey],
        period: Period,
        now: OffsetDateTime,
    ) -> Result<(), StoreError>;
    /// Locks the lane and answers its next entry: none while the lane must not call yet, is held
    /// by another process, has a call under way, or has nothing ready. An entry whose recipient
    /// has an open call is passed over.
    async fn pick(
        &mut self,
        lane: InstanceId,
        now: OffsetDateTime,
    ) -> Result<Option<QueueEntry>, StoreError>;
    /// Marks an entry started and counts the attempt; the lane calls again at `lane_next` at the
    /// earliest.
    async fn start(
        &mut self,
        key: EntryKey,
        lease: Lease,
        now: OffsetDateTime,
        lane_next: OffsetDateTime,
    ) -> Result<(), StoreError>;
    /// Reads an entry for change, whatever its state.
    async fn lock(&mut self, key: EntryKey) -> Result<Option<QueueEntry>, StoreError>;
    /// Puts an entry back: ready again, not before `not_before`.
    async fn put_back(
        &mut self,
        key: EntryKey,
        misses: u32,
        not_before: OffsetDateTime,
    ) -> Result<(), StoreError>;
    /// Keeps the whole lane from calling before `until`.
    async fn hold_lane(
        &mut self,
        lane: InstanceId,
        until: OffsetDateTime,
    ) -> Result<(), StoreError>;
    /// Notes that the lane cannot call, and answers since when that is so.
    async fn lane_down(
        &mut self,
        lane: InstanceId,
        now: OffsetDateTime,
    ) -> Result<OffsetDateTime, StoreError>;
    /// Notes that the lane could call.
    async fn lane_up(&mut self, lane: InstanceId) -> Result<(), StoreError>;
    /// Marks an entry as left without a known id, to be looked up at `look_at`. It keeps its
    /// recipient until its id is found: another message there could otherwise be taken for it.
    async fn mark_left(&mut self, key: EntryKey, look_at: OffsetDateTime)
    -> Result<(), StoreError>;
    /// Marks an entry unknown, to be looked up at `look_at`.
    async fn mark_unknown(
        &mut self,
        key: EntryKey,
        looks: u32,
        look_at: OffsetDateTime,
    ) -> Result<(), StoreError>;
    /// Turns started entries whose lease ran out into unknown ones; answers how many.
    async fn expire_leases(&mut self, now: OffsetDateTime) -> Result<u64, StoreError>;
    /// Claims unknown entries that are to be looked up, and puts their next look-up off to
    /// `next_look` so that nobody else takes them meanwhile.
    async fn claim_unknown(
        &mut self,
        now: OffsetDateTime,
        next_look: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<QueueEntry>, StoreError>;
    /// The open (started or unknown) entry of a recipient in a lane, for change.
    async fn lock_open(
        &mut self,
        lane: InstanceId,
        phone: Phone,
    ) -> Result<Option<QueueEntry>, StoreError>;
    /// Removes entries; answers those that were there.
    async fn remove(&mut self, keys: &[EntryKey]) -> Result<Vec<EntryKey>, StoreError>;
    /// Binds a provider's message id to a message. `false` when somebody has it already.
    async fn bind_ref(
        &mut self,
        instance: InstanceId,
        key_id: &str,
        workspace: WorkspaceId,
        message: MessageId,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError>;
    /// The message a provider's id belongs to.
    async fn find_ref(
        &mut self,
        instance: InstanceId,
        key_id: &str,
    ) -> Result<Option<(WorkspaceId, MessageId)>, StoreError>;
}

/// Marks an entry started.
pub trait StartUnit: Unit {
    /// The queue.
    fn queue(&mut self) -> &mut dyn QueueStore;
    /// The messages.
    fn messages(&mut self) -> &mut dyn MessageStore;
}

/// Begins such transactions.
#[async_trait]
pub trait StartUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn StartUnit>, StoreError>;
}
