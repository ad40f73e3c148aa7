//! What look-ups need from a store.

use async_trait::async_trait;
use msgflash_kernel::{AccountId, Page, PageRequest, Phone, StoreError, Unit, WorkspaceId};
use time::OffsetDateTime;

use super::{LookupId, NumberList, NumberLookup, Results, Verdict};
use crate::instance::InstanceId;

/// The turn of one instance: whoever holds it asks on behalf of that instance, and nobody else does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The instance.
    pub instance: InstanceId,
    /// Which of its turns this is.
    pub number: i64,
    /// How many turns in a row brought nothing.
    pub tries: u32,
    /// Since when none did.
    pub stalled_since: Option<OffsetDateTime>,
}

/// The next part of a look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupWork {
    /// The look-up.
    pub lookup: NumberLookup,
    /// The number of the part.
    pub part: u32,
    /// What to ask about.
    pub phones: Vec<Phone>,
    /// The turn in which it is asked.
    pub turn: Turn,
}

/// What a claim brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// Something to ask.
    Work(Box<LookupWork>),
    /// An instance with nothing left to ask; its turns are over.
    Over,
}

/// Looks look-ups up. Each call sees its own snapshot.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait LookupReader: Send + Sync {
    /// `None` when this workspace has no such look-up.
    async fn find(
        &self,
        workspace: WorkspaceId,
        id: LookupId,
    ) -> Result<Option<NumberLookup>, StoreError>;
    /// What came of it so far; nothing when this workspace has no such look-up.
    async fn results(&self, workspace: WorkspaceId, id: LookupId) -> Result<Results, StoreError>;
    /// A page, the newest first. The key of its cursors is the id of a look-up, their scope
    /// [`super::read::SCOPE`].
    async fn page(
        &self,
        workspace: WorkspaceId,
        page: &PageRequest,
    ) -> Result<Page<NumberLookup>, StoreError>;
}

/// What an account found out before.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait CheckReader: Send + Sync {
    /// What is known and still believed of these numbers.
    async fn known(
        &self,
        account: AccountId,
        phones: &[Phone],
        now: OffsetDateTime,
    ) -> Result<Vec<Verdict>, StoreError>;
}

/// Keeps look-ups.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait LookupStore: Send {
    /// Stores one whose numbers are still to be asked about, in parts of [`super::PART`], and sees
    /// to it that its instance has turns.
    async fn insert(
        &mut self,
        lookup: &NumberLookup,
        numbers: &NumberList,
    ) -> Result<(), StoreError>;
    /// Stores one that is complete.
    async fn insert_done(
        &mut self,
        lookup: &NumberLookup,
        verdicts: &[Verdict],
        invalid: &[String],
    ) -> Result<(), StoreError>;
    /// Takes up the next part of the oldest living look-up of the instance whose turn came first.
    /// Nobody else gets a turn of that instance before `until`, unless this one is passed on.
    /// `None` when it is nobody's turn.
    async fn claim(
        &mut self,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<Option<Claimed>, StoreError>;
    /// Holds a turn until the unit ends; `false` when it ran out and somebody else has the next.
    async fn hold(&mut self, turn: &Turn) -> Result<bool, StoreError>;
    /// The next turn of the instance comes at `next`. Wants the turn held.
    async fn pass(&mut self, turn: &Turn, next: OffsetDateTime) -> Result<(), StoreError>;
    /// Stores what is known of a part: of each of its numbers, in their order.
    async fn finish(
        &mut self,
        id: LookupId,
        part: u32,
        verdicts: &[Verdict],
    ) -> Result<(), StoreError>;
    /// Stores how a look-up stands.
    async fn update(&mut self, lookup: &NumberLookup) -> Result<(), StoreError>;
    /// Ends all living look-ups of an instance that were asked for at `before` or earlier; answers
    /// how many.
    async fn fail_all(
        &mut self,
        instance: InstanceId,
        before: OffsetDateTime,
        reason: &str,
        now: OffsetDateTime,
    ) -> Result<usize, StoreError>;
    /// Remembers what was found out at `now`.
    async fn remember(
        &mut self,
        account: AccountId,
        verdicts: &[Verdict],
        now: OffsetDateTime,
    ) -> Result<(), StoreError>;
}

/// Changes look-ups in one transaction.
pub trait LookupUnit: Unit {
    /// The look-ups.
    fn lookups(&mut self) -> &mut dyn LookupStore;
}

/// Begins such transactions.
#[async_trait]
pub trait LookupUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn LookupUnit>, StoreError>;
}
