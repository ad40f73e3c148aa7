//! What files of contacts need from a store.

use async_trait::async_trait;
use msgflash_kernel::{StoreError, Unit, WorkspaceId};
use time::OffsetDateTime;

use super::{BookStore, Claimed, ContactStore, GroupStore};
use crate::contact::ContactId;
use crate::file::{ExportRow, ImportRow, ReportEntry};
use crate::group::GroupId;
use crate::import::{Import, ImportId};

/// One page of imports, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportPage {
    /// The imports.
    pub imports: Vec<Import>,
    /// How many the workspace has.
    pub total: u64,
    /// The last of them, when there are more.
    pub next: Option<ImportId>,
}

/// Looks imports up. Each call sees its own snapshot.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait ImportReader: Send + Sync {
    /// `None` when this workspace has no such import.
    async fn find(
        &self,
        workspace: WorkspaceId,
        id: ImportId,
    ) -> Result<Option<Import>, StoreError>;
    /// The rows that were not taken, by line; none when this workspace has no such import.
    async fn report(
        &self,
        workspace: WorkspaceId,
        id: ImportId,
    ) -> Result<Vec<ReportEntry>, StoreError>;
    /// At most `limit` imports that are older than `after`, the newest first.
    async fn page(
        &self,
        workspace: WorkspaceId,
        limit: u32,
        after: Option<ImportId>,
    ) -> Result<ImportPage, StoreError>;
}

/// The next part of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportWork {
    /// The import, whose book the unit holds now.
    pub import: Import,
    /// The number of the part.
    pub part: u32,
    /// Its rows; none when nothing of the file can be taken.
    pub rows: Vec<ImportRow>,
}

/// Keeps imports. All but [`Self::claim`] want the book held.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait ImportStore: Send {
    /// Stores a new one with what its file says: the rows in parts of `size`, and the report. One
    /// that has not ended comes after the other imports of its book.
    async fn insert(
        &mut self,
        import: &Import,
        rows: &[ImportRow],
        size: usize,
        report: &[ReportEntry],
    ) -> Result<(), StoreError>;
    /// Takes up the next part of the oldest living import of the book whose turn came first. The
    /// book is held from then on: that is the lease, and it ends with the unit, however that ends.
    /// Books that others hold are left out.
    async fn claim(
        &mut self,
        now: OffsetDateTime,
    ) -> Result<Option<Claimed<ImportWork>>, StoreError>;
    /// `None` when this workspace has no such import.
    async fn find(
        &mut self,
        workspace: WorkspaceId,
        id: ImportId,
    ) -> Result<Option<Import>, StoreError>;
    /// Forgets the rows of a part, and adds to its report.
    async fn finish(
        &mut self,
        id: ImportId,
        part: u32,
        report: &[ReportEntry],
    ) -> Result<(), StoreError>;
    /// Stores how an import stands, and that its book's next turn comes at `turn`. One that ended
    /// forgets the rows it has left.
    async fn update(&mut self, import: &Import, turn: OffsetDateTime) -> Result<(), StoreError>;
}

/// Takes contacts from a file in one transaction.
pub trait ImportUnit: Unit {
    /// The book.
    fn books(&mut self) -> &mut dyn BookStore;
    /// Its contacts.
    fn contacts(&mut self) -> &mut dyn ContactStore;
    /// Its groups.
    fn groups(&mut self) -> &mut dyn GroupStore;
    /// Its imports.
    fn imports(&mut self) -> &mut dyn ImportStore;
}

/// Begins such transactions.
#[async_trait]
pub trait ImportUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn ImportUnit>, StoreError>;
}

/// Reads a book from the first contact to the last, to be taken away.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait ExportReader: Send + Sync {
    /// Whether the workspace has this group.
    async fn has_group(&self, workspace: WorkspaceId, id: GroupId) -> Result<bool, StoreError>;
    /// At most `limit` contacts of the workspace, or of one of its groups, behind `after` in the
    /// order they were made.
    async fn rows(
        &self,
        workspace: WorkspaceId,
        group: Option<GroupId>,
        after: Option<ContactId>,
        limit: u32,
    ) -> Result<Vec<(ContactId, ExportRow)>, StoreError>;
}
