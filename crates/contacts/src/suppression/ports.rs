//! What opt-out lists need from a store, and from whoever makes calls.

use async_trait::async_trait;
use msgflash_kernel::{AccountId, Phone, ReplayStore, StoreError, Unit, Workspace, WorkspaceId};
use time::OffsetDateTime;

use super::{OptOutChange, OptOutSettings, Suppression, SuppressionFilter};

/// Where a number stands in a list that shows the newest first.
pub type Place = (OffsetDateTime, Phone);

/// Looks lists up. Each call sees its own snapshot.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait SuppressionReader: Send + Sync {
    /// `None` when the number is not on the workspace's list.
    async fn find(
        &self,
        workspace: WorkspaceId,
        phone: Phone,
    ) -> Result<Option<Suppression>, StoreError>;
    /// Up to `limit` numbers behind a place, the newest first.
    async fn page(
        &self,
        workspace: WorkspaceId,
        filter: &SuppressionFilter,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<Suppression>, StoreError>;
    /// Up to `limit` numbers behind another, by number.
    async fn walk(
        &self,
        workspace: WorkspaceId,
        after: Option<Phone>,
        limit: u32,
    ) -> Result<Vec<Suppression>, StoreError>;
    /// What the workspace has set; `None` when it has set nothing.
    async fn settings(&self, workspace: WorkspaceId) -> Result<Option<OptOutSettings>, StoreError>;
}

/// Changes lists. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait SuppressionStore: Send {
    /// Puts numbers on a list; those that are on it stay as they are. Answers which are new.
    async fn add(
        &mut self,
        workspace: WorkspaceId,
        new: &[Suppression],
    ) -> Result<Vec<Phone>, StoreError>;
    /// Puts a number on a list, or leaves it as it is there, and holds it until the unit ends.
    async fn hold(&mut self, workspace: WorkspaceId, new: &Suppression) -> Result<(), StoreError>;
    /// Holds every line that the account sends by until the unit ends. Whoever begins a call holds the
    /// line too, and looks at the list behind that: what begins after this unit was committed sees what
    /// it wrote. To be called last, for nobody sends meanwhile.
    async fn hold_lanes(&mut self, account: AccountId) -> Result<(), StoreError>;
    /// Takes a number off a list; `false` when it was not on it.
    async fn remove(&mut self, workspace: WorkspaceId, phone: Phone) -> Result<bool, StoreError>;
    /// What the workspace has set; `None` when it has set nothing.
    async fn settings(
        &mut self,
        workspace: WorkspaceId,
    ) -> Result<Option<OptOutSettings>, StoreError>;
    /// Keeps what a workspace changes, and answers what it has set then. What is left out stays,
    /// whoever changes it meanwhile.
    async fn set_settings(
        &mut self,
        workspace: WorkspaceId,
        change: &OptOutChange,
        now: OffsetDateTime,
    ) -> Result<OptOutSettings, StoreError>;
}

/// Changes lists in one transaction.
pub trait SuppressionUnit: Unit {
    /// The stored answers.
    fn replays(&mut self) -> &mut dyn ReplayStore;
    /// The lists.
    fn suppressions(&mut self) -> &mut dyn SuppressionStore;
}

/// Begins such transactions.
#[async_trait]
pub trait SuppressionUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn SuppressionUnit>, StoreError>;
}

/// Knows which calls are about to be made.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait Silence: Send + Sync {
    /// Returns when no call to anybody on the workspace's list can begin any more, provided that it was
    /// committed while every line was held.
    async fn fall(&self, workspace: Workspace) -> Result<(), StoreError>;
}
