//! What bulk changes need from a store.

use async_trait::async_trait;
use msgflash_kernel::{ReplayStore, StoreError, Unit, WorkspaceId};
use time::OffsetDateTime;

use super::{BookStore, ContactStore, GroupStore};
use crate::contact::ContactId;
use crate::job::{Job, JobId};

/// One page of jobs, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobPage {
    /// The jobs.
    pub jobs: Vec<Job>,
    /// The last of them, when there are more.
    pub next: Option<JobId>,
}

/// What a look for work found, in a unit that holds the book it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed<W> {
    /// The next piece of work.
    Work(W),
    /// Work that cannot be read any more. It has failed, and that is kept when the unit commits:
    /// whatever waits behind it, in this book and in others, goes on.
    Broken,
}

/// Looks jobs up. Each call sees its own snapshot.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait JobReader: Send + Sync {
    /// `None` when this workspace has no such job.
    async fn find(&self, workspace: WorkspaceId, id: JobId) -> Result<Option<Job>, StoreError>;
    /// At most `limit` jobs that are older than `after`, the newest first.
    async fn page(
        &self,
        workspace: WorkspaceId,
        limit: u32,
        after: Option<JobId>,
    ) -> Result<JobPage, StoreError>;
}

/// The next piece of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobWork {
    /// The job, whose book the unit holds now.
    pub job: Job,
    /// The ids to work on, repetitions included; never empty.
    pub ids: Vec<ContactId>,
}

/// Keeps jobs. All but [`Self::claim`] want the book held.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait JobStore: Send {
    /// Stores a new one with the ids it is about. It comes after the other jobs of its book.
    async fn insert(&mut self, job: &Job, ids: &[ContactId]) -> Result<(), StoreError>;
    /// Takes up the oldest living job of the book whose turn came first, and at most `most` of its
    /// ids. The book is held from then on: that is the lease, and it ends with the unit, however
    /// that ends. Books that others hold are left out.
    async fn claim(
        &mut self,
        now: OffsetDateTime,
        most: usize,
    ) -> Result<Option<Claimed<JobWork>>, StoreError>;
    /// `None` when this workspace has no such job.
    async fn find(&mut self, workspace: WorkspaceId, id: JobId) -> Result<Option<Job>, StoreError>;
    /// Stores how a job stands, and that its book's next turn comes at `turn`. One that ended
    /// forgets its ids.
    async fn update(&mut self, job: &Job, turn: OffsetDateTime) -> Result<(), StoreError>;
}

/// Changes many contacts in one transaction.
pub trait BulkUnit: Unit {
    /// The stored answers.
    fn replays(&mut self) -> &mut dyn ReplayStore;
    /// The book.
    fn books(&mut self) -> &mut dyn BookStore;
    /// Its contacts.
    fn contacts(&mut self) -> &mut dyn ContactStore;
    /// Its groups.
    fn groups(&mut self) -> &mut dyn GroupStore;
    /// Its jobs.
    fn jobs(&mut self) -> &mut dyn JobStore;
}

/// Begins such transactions.
#[async_trait]
pub trait BulkUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn BulkUnit>, StoreError>;
}
