//! What instances need from a store.

use async_trait::async_trait;
use msgflash_kernel::{AccountId, Actor, Outbox, Places, StoreError, TeamId, Unit, UserId};
use time::OffsetDateTime;

use super::{Instance, InstanceId, Session};
use crate::safety::Window;

/// A session that outlived its instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionLeft {
    /// The instance it was of.
    pub instance: InstanceId,
    /// Its name at the provider.
    pub session: Session,
    /// When the instance was deleted.
    pub deleted_at: OffsetDateTime,
}

/// Looks instances up. Deleted ones are never found.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait InstanceReader: Send + Sync {
    /// `None` when this account has no such instance.
    async fn find(
        &self,
        account: AccountId,
        id: InstanceId,
    ) -> Result<Option<Instance>, StoreError>;
    /// Those that somebody may use, newest first.
    async fn list(&self, actor: &Actor) -> Result<Vec<Instance>, StoreError>;
    /// Whether a collaborator was given an instance in a team, and still has it.
    async fn is_assigned(
        &self,
        team: TeamId,
        user: UserId,
        id: InstanceId,
    ) -> Result<bool, StoreError>;
    /// By the provider's name for it, whoever it belongs to: for the provider's own calls.
    async fn find_by_session(&self, session: &str) -> Result<Option<Instance>, StoreError>;
    /// By id, whoever it belongs to: for the engine.
    async fn get(&self, id: InstanceId) -> Result<Option<Instance>, StoreError>;
    /// Those whose `connecting_since` or `reconnecting_since` lies before the given moments, and
    /// those that are connecting without either: a lost link nobody has heard of since. Also those
    /// with a phone that waits to be unlinked.
    async fn stuck(
        &self,
        connecting_before: OffsetDateTime,
        reconnecting_before: OffsetDateTime,
    ) -> Result<Vec<InstanceId>, StoreError>;
    /// All there are, in the order of their ids, after this one.
    async fn after(
        &self,
        last: Option<InstanceId>,
        limit: u32,
    ) -> Result<Vec<Instance>, StoreError>;
    /// Sessions of deleted instances that are to be removed at the provider by now, the longest due
    /// first.
    async fn sessions_left(
        &self,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<SessionLeft>, StoreError>;
    /// What the number did lately, for the safety guidance.
    async fn window(&self, id: InstanceId, now: OffsetDateTime) -> Result<Window, StoreError>;
}

/// Changes instances. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait InstanceStore: Send {
    /// Counts an account's instances. It may have as many as the plan allows that it holds by now, or `cap`,
    /// whichever is less. Holds the count and the plan still until the unit ends.
    async fn count_locked(
        &mut self,
        account: AccountId,
        cap: Option<u32>,
    ) -> Result<Places, StoreError>;
    /// Stores a new one.
    async fn insert(&mut self, instance: &Instance) -> Result<(), StoreError>;
    /// Reads one for change.
    async fn lock(&mut self, id: InstanceId) -> Result<Option<Instance>, StoreError>;
    /// Writes it back.
    async fn update(&mut self, instance: &Instance) -> Result<(), StoreError>;
    /// Every workspace the instance serves: the owner's personal one and the owned teams'.
    async fn workspaces(
        &mut self,
        account: AccountId,
    ) -> Result<Vec<msgflash_kernel::WorkspaceId>, StoreError>;
    /// Removes one from sight and from the count. Its session is to be removed at the provider from
    /// `session_due` on.
    async fn delete(
        &mut self,
        id: InstanceId,
        at: OffsetDateTime,
        session_due: OffsetDateTime,
    ) -> Result<(), StoreError>;
    /// The session of a deleted one is still there, and to be removed from `due` on.
    async fn session_left(&mut self, id: InstanceId, due: OffsetDateTime)
    -> Result<(), StoreError>;
    /// The session of a deleted one is not at the provider any more.
    async fn session_removed(&mut self, id: InstanceId) -> Result<(), StoreError>;
}

/// Changes an instance and tells of it, in one transaction.
pub trait InstanceUnit: Unit {
    /// The instances.
    fn instances(&mut self) -> &mut dyn InstanceStore;
    /// The facts to tell.
    fn outbox(&mut self) -> &mut dyn Outbox;
}

/// Begins such transactions.
#[async_trait]
pub trait InstanceUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn InstanceUnit>, StoreError>;
}
