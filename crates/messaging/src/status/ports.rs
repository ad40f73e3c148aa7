//! What statuses need from a store.

use async_trait::async_trait;
use msgflash_kernel::{ReplayKey, ReplayStore, StoreError, Unit, WorkspaceId};
use msgflash_quotas::{KeyId, LedgerStore};
use time::OffsetDateTime;

use super::{Status, StatusId, StatusPage};
use crate::instance::{InstanceId, InstanceStatus};
use crate::message::ports::Standing;

/// What is true while the usage row of a status is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What the caller's account may do; nothing when the key opens nothing any more, or the account
    /// is shut.
    pub standing: Option<Standing>,
    /// Whether whoever acts may use the instance: somebody who is not in the team any more, or whose
    /// team is deleted, is nobody there.
    pub member: Membership,
    /// The instance as it is now; nothing when the account has none of this id.
    pub instance: Option<InstanceStatus>,
}

/// What whoever acts is in the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// They may use the instance.
    Able,
    /// The instance was not given to them.
    NotAssigned,
    /// They are not in the team, or it is no more.
    Gone,
}

/// Keeps statuses. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait StatusStore: Send {
    /// The hash of the request that an open status was asked for under this key.
    async fn running(&mut self, key: &ReplayKey) -> Result<Option<[u8; 32]>, StoreError>;
    /// Holds the usage row of the status's month until the unit ends, and then its team, its sender's
    /// membership and its instance; answers what is true while they are held. So whatever ends one of
    /// them comes after the status was recorded, or is seen here.
    async fn look(
        &mut self,
        status: &Status,
        key: Option<KeyId>,
        now: OffsetDateTime,
    ) -> Result<Facts, StoreError>;
    /// Stores a new one.
    async fn insert(&mut self, status: &Status) -> Result<(), StoreError>;
    /// Reads one for change.
    async fn lock(
        &mut self,
        workspace: WorkspaceId,
        id: StatusId,
    ) -> Result<Option<Status>, StoreError>;
    /// Writes one back.
    async fn update(&mut self, status: &Status) -> Result<(), StoreError>;
    /// Takes up to `limit` whose look is due: nobody else looks before `until`, and their calls are
    /// not believed to be under way any more.
    async fn claim(
        &mut self,
        now: OffsetDateTime,
        until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<Status>, StoreError>;
    /// Whether WhatsApp's id belongs to a status of this instance.
    async fn is_taken(&mut self, instance: InstanceId, key_id: &str) -> Result<bool, StoreError>;
    /// The statuses of an instance whose calls may be under way.
    async fn under_way(
        &mut self,
        instance: InstanceId,
        now: OffsetDateTime,
    ) -> Result<Vec<Status>, StoreError>;
}

/// Shows statuses.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait StatusReader: Send + Sync {
    /// A page of a workspace's statuses, from 1, newest first; empty past the end.
    async fn page(
        &self,
        workspace: WorkspaceId,
        page: u32,
        limit: u32,
    ) -> Result<StatusPage, StoreError>;
}

/// Changes statuses with the ledger and the answers kept, in one transaction.
pub trait StatusUnit: Unit {
    /// The statuses.
    fn statuses(&mut self) -> &mut dyn StatusStore;
    /// The outbound ledger.
    fn ledger(&mut self) -> &mut dyn LedgerStore;
    /// Answers given before.
    fn replays(&mut self) -> &mut dyn ReplayStore;
}

/// Begins such transactions.
#[async_trait]
pub trait StatusUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn StatusUnit>, StoreError>;
}
