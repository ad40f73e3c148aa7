//! What the address book needs from a store.
//!
//! Readers see what is kept and wait for nobody. Stores are reached through a unit of work, and
//! change a book only while they hold it ([`BookStore::lock`]): changes of one workspace's book
//! follow each other, so that what was looked at in a unit stays true until it commits. Whoever
//! needs more locks takes them in this order: the key of a repeated request, the book, the account.

use async_trait::async_trait;
use msgflash_kernel::{Phone, ReplayStore, StoreError, Unit, WorkspaceId};

use crate::contact::{Contact, ContactId};
use crate::list::{Part, PartRequest};
use crate::query::{ContactPlace, ContactQuery};
use crate::temperature::Traces;

mod group;
mod import;
mod job;

pub use group::{GroupReader, GroupStore, GroupUnit, GroupUnits, Joined};
pub use import::{
    ExportReader, ImportPage, ImportReader, ImportStore, ImportUnit, ImportUnits, ImportWork,
};
pub use job::{BulkUnit, BulkUnits, Claimed, JobPage, JobReader, JobStore, JobWork};
#[cfg(any(test, feature = "mocks"))]
pub use {
    group::{MockGroupReader, MockGroupStore},
    import::{MockExportReader, MockImportReader, MockImportStore},
    job::{MockJobReader, MockJobStore},
};

/// Looks contacts up. Each call sees its own snapshot.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait ContactReader: Send + Sync {
    /// `None` when this workspace has no such contact.
    async fn find(
        &self,
        workspace: WorkspaceId,
        id: ContactId,
    ) -> Result<Option<Contact>, StoreError>;
    /// The contact with this number, if the workspace has one.
    async fn find_by_phone(
        &self,
        workspace: WorkspaceId,
        phone: Phone,
    ) -> Result<Option<Contact>, StoreError>;
}

/// Shows a book to those who look through it: contacts with the traces of their messages.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait BookReader: Send + Sync {
    /// `None` when this workspace has no such contact.
    async fn find_traced(
        &self,
        workspace: WorkspaceId,
        id: ContactId,
    ) -> Result<Option<(Contact, Traces)>, StoreError>;
    /// A part of the list that `query` makes. The place it begins after is of the query's sort.
    ///
    /// Walking a list from part to part meets every contact that fits all the time exactly once,
    /// whatever else comes and goes.
    async fn page(
        &self,
        workspace: WorkspaceId,
        query: &ContactQuery,
        part: &PartRequest<ContactPlace>,
    ) -> Result<Part<(Contact, Traces), ContactPlace>, StoreError>;
}

/// The book as a whole. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait BookStore: Send {
    /// Holds a workspace's book until the unit ends: nobody else changes its contacts, tags, groups,
    /// members, jobs or imports meanwhile. What is read afterwards includes what earlier holders kept.
    async fn lock(&mut self, workspace: WorkspaceId) -> Result<(), StoreError>;
}

/// Changes contacts, while the book is held. Takes slices: one round trip whatever the length.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait ContactStore: Send {
    /// Those of `ids` that the workspace has, in no particular order.
    async fn find(
        &mut self,
        workspace: WorkspaceId,
        ids: &[ContactId],
    ) -> Result<Vec<Contact>, StoreError>;
    /// The contacts with these numbers, in no particular order.
    async fn find_by_phone(
        &mut self,
        workspace: WorkspaceId,
        phones: &[Phone],
    ) -> Result<Vec<Contact>, StoreError>;
    /// Stores new ones, all of one workspace. Their numbers must be free.
    async fn insert(&mut self, new: &[Contact]) -> Result<(), StoreError>;
    /// Stores changed ones: each as it was and as it is now, all of one workspace. Their numbers
    /// must be free.
    async fn update(&mut self, changed: &[(Contact, Contact)]) -> Result<(), StoreError>;
    /// Removes contacts with their tags and memberships; answers those that were there.
    async fn delete(
        &mut self,
        workspace: WorkspaceId,
        ids: &[ContactId],
    ) -> Result<Vec<ContactId>, StoreError>;
    /// What is known of the messages to and from a number.
    async fn traces(&mut self, workspace: WorkspaceId, phone: Phone) -> Result<Traces, StoreError>;
}

/// Changes contacts in one transaction.
pub trait ContactUnit: Unit {
    /// The stored answers.
    fn replays(&mut self) -> &mut dyn ReplayStore;
    /// The book.
    fn books(&mut self) -> &mut dyn BookStore;
    /// Its contacts.
    fn contacts(&mut self) -> &mut dyn ContactStore;
}

/// Begins such transactions.
#[async_trait]
pub trait ContactUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn ContactUnit>, StoreError>;
}
