//! Taking contacts from files: small ones in the request, larger ones in the background.

use std::sync::Arc;

use msgflash_kernel::{
    Actor, Clock, Fault, Id, Ids, Kind, Nudge, Problems, StoreError, WorkspaceId,
};

use crate::file::{FileError, ReadFile, ReportEntry};
use crate::group::GroupId;
use crate::import::{Import, ImportCounters, ImportId, ImportStatus};
use crate::ports::{ImportPage, ImportReader, ImportUnits};

mod run;
mod take;

pub use run::RunImports;

/// A file of so many rows, good or bad, is taken in the request. A part of a larger one has as many.
const AT_ONCE: u16 = 500;

/// Why a file was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file as a whole.
    #[error(transparent)]
    File(#[from] FileError),
    /// The request contradicts itself.
    #[error(transparent)]
    Invalid(#[from] Problems),
    /// No such group in this workspace.
    #[error("Contact group not found")]
    NoGroup(GroupId),
    /// No such import in this workspace.
    #[error("Import not found")]
    NoImport(ImportId),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Fault for ImportError {
    fn kind(&self) -> Kind {
        match self {
            Self::File(cause) => cause.kind(),
            Self::Invalid(cause) => cause.kind(),
            Self::NoGroup(_) | Self::NoImport(_) => Kind::Missing,
            Self::Store(cause) => cause.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::File(cause) => cause.code(),
            Self::Invalid(cause) => cause.code(),
            Self::NoGroup(_) => "NOT_FOUND",
            Self::NoImport(_) => "IMPORT_NOT_FOUND",
            Self::Store(cause) => cause.code(),
        }
    }

    fn details(&self) -> Option<serde_json::Value> {
        match self {
            Self::Invalid(cause) => cause.details(),
            _ => None,
        }
    }
}

/// An order to take a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportOrder {
    /// Who brings it, and for which workspace.
    pub actor: Actor,
    /// The group the contacts join.
    pub group: Option<GroupId>,
}

/// What came of a file: worked through, or accepted for later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The import. It has ended when the file is small.
    pub import: Import,
    /// The rows that were not taken, as far as known now.
    pub report: Vec<ReportEntry>,
}

/// Takes files.
pub struct StartImport {
    units: Arc<dyn ImportUnits>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    imports: Arc<dyn Nudge>,
}

impl StartImport {
    /// Wires the use case. `imports` wakes whoever works on imports.
    pub fn new(
        units: Arc<dyn ImportUnits>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        imports: Arc<dyn Nudge>,
    ) -> Self {
        Self {
            units,
            clock,
            ids,
            imports,
        }
    }

    /// Takes what was read from a file ([`crate::file::read`], which is work for a thread that may
    /// block). Each row is judged by itself.
    pub async fn start(&self, order: ImportOrder, read: ReadFile) -> Result<Started, ImportError> {
        let now = self.clock.now();
        let mut import = Import {
            id: Id::new(self.ids.next()),
            workspace: order.actor.workspace,
            user: order.actor.user,
            group: order.group,
            status: ImportStatus::Pending,
            total: read.total(),
            counters: ImportCounters {
                skipped: read.skipped,
                invalid: read.invalid,
                ..ImportCounters::default()
            },
            tries: 0,
            error: None,
            created_at: now,
            updated_at: now,
            completed_at: None,
        };
        let workspace = import.workspace.id;
        let mut unit = self.units.begin().await?;
        unit.books().lock(workspace).await?;
        if let Some(group) = order.group
            && unit.groups().find(workspace, group).await?.is_none()
        {
            return Err(ImportError::NoGroup(group));
        }
        let mut report = read.report;
        let is_small = import.total <= u32::from(AT_ONCE);
        let kept = if is_small {
            let taken = take::take(&mut *unit, &*self.ids, &import, &read.rows, now).await?;
            import.advance(taken.counters, now);
            report.extend(taken.refused);
            report.sort_by_key(|entry| entry.line);
            &[]
        } else {
            read.rows.as_slice()
        };
        unit.imports()
            .insert(&import, kept, usize::from(AT_ONCE), &report)
            .await?;
        unit.commit().await?;
        if !is_small {
            self.imports.nudge();
        }
        Ok(Started { import, report })
    }
}

/// Reads the imports of a workspace.
pub struct ReadImports {
    imports: Arc<dyn ImportReader>,
}

impl ReadImports {
    /// Wires the use case.
    pub fn new(imports: Arc<dyn ImportReader>) -> Self {
        Self { imports }
    }

    /// One import.
    pub async fn find(&self, workspace: WorkspaceId, id: ImportId) -> Result<Import, ImportError> {
        let found = self.imports.find(workspace, id).await?;
        found.ok_or(ImportError::NoImport(id))
    }

    /// The rows that were not taken, by line.
    pub async fn report(
        &self,
        workspace: WorkspaceId,
        id: ImportId,
    ) -> Result<Vec<ReportEntry>, ImportError> {
        Ok(self.imports.report(workspace, id).await?)
    }

    /// A page, the newest first. The cursor is the id of the last import of the page before.
    pub async fn page(
        &self,
        workspace: WorkspaceId,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<ImportPage, ImportError> {
        let after = cursor
            .map(|text| ImportId::parse(text).ok_or_else(crate::list::foreign_cursor))
            .transpose()?;
        Ok(self.imports.page(workspace, limit, after).await?)
    }
}

#[cfg(test)]
mod tests;
