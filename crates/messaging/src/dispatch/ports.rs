//! What sending needs from a store.

use async_trait::async_trait;
use msgflash_kernel::{AccountId, Phone, StoreError, Unit, WorkspaceId};
use msgflash_quotas::Period;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::entry::{Class, QueueEntry, QueueState};
use crate::instance::{Instance, InstanceId};
use crate::message::{Message, MessageId};

/// Names an entry.
pub type EntryKey = (InstanceId, MessageId);

/// Looks at the queue without claiming.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait QueueReader: Send + Sync {
    /// Accounts that have waiting entries whose time has come.
    async fn due_accounts(
        &self,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<AccountId>, StoreError>;
    /// How many entries are in each state and class. One statement; what is empty is left out.
    async fn depth(&self) -> Result<Vec<QueueShare>, StoreError>;
}

/// The entries of one state and class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueShare {
    /// How far they are.
    pub state: QueueState,
    /// Who goes first.
    pub class: Class,
    /// How many there are.
    pub count: u64,
    /// Since when the oldest of them could have been sent.
    pub oldest: Option<OffsetDateTime>,
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
    /// Those of some entries whose recipients are on the opt-out lists of their workspaces, and that do
    /// not ignore it.
    async fn opted_out(&mut self, keys: &[EntryKey]) -> Result<Vec<EntryKey>, StoreError>;
    /// Makes claimed entries ready, charged to `period`.
    async fn admit(
        &mut self,
        keys: &[EntryKey],
        period: Period,
        now: OffsetDateTime,
    ) -> Result<(), StoreError>;
    /// Takes started or unknown entries off the queue that are still at this attempt; answers
    /// them. Whoever comes second for an attempt gets nothing.
    async fn take(&mut self, attempts: &[(EntryKey, u32)]) -> Result<Vec<QueueEntry>, StoreError>;
    /// Takes entries off the queue that are still at this attempt, whatever their state: they will
    /// not be sent. Answers them.
    async fn withdraw(
        &mut self,
        attempts: &[(EntryKey, u32)],
    ) -> Result<Vec<QueueEntry>, StoreError>;
    /// Reads an entry for change, whatever its state.
    async fn lock(&mut self, key: EntryKey) -> Result<Option<QueueEntry>, StoreError>;
    /// Puts an entry back: ready again, not before `not_before`.
    async fn put_back(
        &mut self,
        key: EntryKey,
        misses: u32,
        not_before: OffsetDateTime,
    ) -> Result<(), StoreError>;
    /// Notes that the lane cannot call, and answers since when that is so.
    async fn lane_down(
        &mut self,
        lane: InstanceId,
        now: OffsetDateTime,
    ) -> Result<OffsetDateTime, StoreError>;
    /// Notes that the lanes could call.
    async fn lanes_up(&mut self, lanes: &[InstanceId]) -> Result<(), StoreError>;
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
    /// Makes an entry ready once more, after it proved not to have left; without a reservation it
    /// waits for one.
    async fn resend(&mut self, key: EntryKey, now: OffsetDateTime) -> Result<(), StoreError>;
    /// The provider's id of the last message known to have left the lane, at or after `since`.
    async fn last_ref(
        &mut self,
        instance: InstanceId,
        since: OffsetDateTime,
    ) -> Result<Option<String>, StoreError>;
    /// Turns started entries whose lease ran out into unknown ones; answers how many.
    async fn expire_leases(&mut self, now: OffsetDateTime) -> Result<u64, StoreError>;
    /// Makes doubtful entries unknown, the first of each recipient without an open call, while fewer
    /// than `most` are; answers how many.
    async fn open_doubtful(&mut self, now: OffsetDateTime, most: u32) -> Result<u64, StoreError>;
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
    /// Binds provider's message ids to messages; answers those that somebody had already.
    async fn bind_refs(
        &mut self,
        refs: &[NewRef],
        now: OffsetDateTime,
    ) -> Result<Vec<MessageId>, StoreError>;
    /// The message a provider's id belongs to.
    async fn find_ref(
        &mut self,
        instance: InstanceId,
        key_id: &str,
    ) -> Result<Option<(WorkspaceId, MessageId)>, StoreError>;
}

/// A provider's id of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRef {
    /// The lane it went out from.
    pub instance: InstanceId,
    /// WhatsApp's id.
    pub key_id: String,
    /// Whose message it is.
    pub workspace: WorkspaceId,
    /// The message.
    pub message: MessageId,
}

/// A lane this worker owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnedLane {
    /// The instance.
    pub lane: InstanceId,
    /// Counts its owners; whoever starts a call must know it.
    pub epoch: i64,
    /// Since when its calls prove that nothing can leave.
    pub down_since: Option<OffsetDateTime>,
}

/// What a look at the ownership of lanes came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claimed {
    /// Lanes that are this worker's from now on.
    pub taken: Vec<OwnedLane>,
    /// Lanes this worker believes to own and does not: somebody took them over meanwhile.
    pub lost: Vec<InstanceId>,
    /// How many lanes one worker should own, when all own as many.
    pub share: usize,
    /// Calls of workers that are gone, whose outcome is now to be looked up.
    pub orphans: u64,
}

/// Where reading ahead goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The lane.
    pub lane: InstanceId,
    /// Whose turn.
    pub class: Class,
    /// Entries up to this one, in the order of being due, are known or gone; `None` looks at all.
    pub after: Option<(OffsetDateTime, MessageId)>,
    /// How many are wanted.
    pub limit: u32,
}

/// An entry with what it sends.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// The entry.
    pub entry: QueueEntry,
    /// The message.
    pub message: Message,
}

/// Who owns which lane, and what waits there. Each call is its own short transaction.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait LaneStore: Send + Sync {
    /// Says that this worker lives, by the store's own clock.
    async fn beat(&self, worker: Uuid) -> Result<(), StoreError>;
    /// Whether no older worker lives: what one of them is enough for is then this worker's to do. At
    /// a change there may be none or two of them for a while.
    async fn is_first(&self, worker: Uuid, silence: Duration) -> Result<bool, StoreError>;
    /// Takes lanes that nobody owns or whose owner has been silent for `silence`, up to this
    /// worker's share. Calls their last owner left open become unknown. `held` is what this worker
    /// knows to be its own: whatever else is, is given back.
    async fn claim(
        &self,
        worker: Uuid,
        silence: Duration,
        held: &[InstanceId],
        now: OffsetDateTime,
    ) -> Result<Claimed, StoreError>;
    /// Gives lanes back.
    async fn release(&self, worker: Uuid, lanes: &[InstanceId]) -> Result<(), StoreError>;
    /// Gives everything back: this worker stops.
    async fn retire(&self, worker: Uuid) -> Result<(), StoreError>;
    /// When messages left these lanes at or after `since`, in no particular order.
    async fn calls_since(
        &self,
        lanes: &[InstanceId],
        since: OffsetDateTime,
    ) -> Result<Vec<(InstanceId, OffsetDateTime)>, StoreError>;
    /// The instances of lanes, as far as they exist.
    async fn links(&self, lanes: &[InstanceId]) -> Result<Vec<Instance>, StoreError>;
    /// Reads ahead: the next ready entries at each mark, in their order. Those whose recipient has
    /// an open call are left out.
    async fn ahead(&self, marks: &[Mark], now: OffsetDateTime) -> Result<Vec<Planned>, StoreError>;
}

/// Marks calls as started. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait StartStore: Send {
    /// Locks the lanes that are still this worker's at the given epoch, and answers their
    /// instances. Deleted instances are left out.
    async fn hold_lanes(
        &mut self,
        worker: Uuid,
        lanes: &[(InstanceId, i64)],
    ) -> Result<HeldLanes, StoreError>;
    /// Which of these people never wrote to that lane's number.
    async fn strangers(
        &mut self,
        people: &[(InstanceId, Phone)],
    ) -> Result<Vec<(InstanceId, Phone)>, StoreError>;
    /// Puts ready entries off that go to people who never wrote, up to `limit` of each lane, each
    /// lane's to its moment, without those in `but`. Answers them.
    async fn hold_strangers(
        &mut self,
        lanes: &[(InstanceId, OffsetDateTime)],
        but: &[EntryKey],
        limit: u32,
    ) -> Result<Vec<EntryKey>, StoreError>;
    /// Marks ready entries started and answers them with their new attempt. Left out are those
    /// that are not ready any more, whose recipient has an open call, or must not be written to, and those
    /// that are due at another time than when they were read: a campaign made them anew since.
    async fn start(
        &mut self,
        read: &[(EntryKey, OffsetDateTime)],
        lease: Lease,
        now: OffsetDateTime,
    ) -> Result<Vec<(EntryKey, u32)>, StoreError>;
    /// Those of some ready entries whose recipients are on the opt-out lists of their workspaces, and
    /// that do not ignore it.
    async fn opted_out(&mut self, keys: &[EntryKey]) -> Result<Vec<EntryKey>, StoreError>;
    /// Makes entries ready again that `worker` has started at these attempts, as if it had not. What
    /// was never marked, or was marked by somebody else, stays as it is.
    async fn take_back(
        &mut self,
        worker: Uuid,
        attempts: &[(EntryKey, u32)],
    ) -> Result<(), StoreError>;
}

/// Lanes that were locked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeldLanes {
    /// Those that are this worker's.
    pub lanes: Vec<InstanceId>,
    /// Their instances, as far as they exist.
    pub instances: Vec<Instance>,
}

/// Starts calls.
pub trait StartUnit: Unit {
    /// Where calls are started.
    fn starts(&mut self) -> &mut dyn StartStore;
}

/// Begins such transactions.
#[async_trait]
pub trait StartUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn StartUnit>, StoreError>;
}

/// Says that lanes have something new. It only shortens a wait: nothing depends on it.
pub trait Wake: Send + Sync {
    /// Something was put into these lanes.
    fn wake(&self, lanes: &[InstanceId]);
}

/// A call nobody hears.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWake;

impl Wake for NoWake {
    fn wake(&self, _: &[InstanceId]) {}
}
