//! Imports as rows.

use diesel::prelude::*;
use msgflash_contacts::import::ImportCounters;
use msgflash_contacts::{Import, ImportStatus};
use msgflash_kernel::{Id, StoreError};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::contacts::row::workspace;
use crate::schema::contact_imports;

#[derive(Queryable, QueryableByName, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = contact_imports, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub(super) struct ImportRecord {
    workspace_id: Uuid,
    pub(super) id: Uuid,
    account_id: Uuid,
    user_id: Uuid,
    group_id: Option<Uuid>,
    status: String,
    total_rows: i32,
    processed_rows: i32,
    imported: i32,
    updated: i32,
    skipped: i32,
    invalid: i32,
    tries: i32,
    error: Option<String>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    completed_at: Option<OffsetDateTime>,
}

impl From<&Import> for ImportRecord {
    fn from(import: &Import) -> Self {
        let stored = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
        Self {
            workspace_id: import.workspace.id.uuid(),
            id: import.id.uuid(),
            account_id: import.account().uuid(),
            user_id: import.user.uuid(),
            group_id: import.group.map(Id::uuid),
            status: import.status.as_str().to_owned(),
            total_rows: stored(import.total),
            processed_rows: stored(import.processed()),
            imported: stored(import.counters.imported),
            updated: stored(import.counters.updated),
            skipped: stored(import.counters.skipped),
            invalid: stored(import.counters.invalid),
            tries: stored(import.tries),
            error: import.error.clone(),
            created_at: import.created_at,
            updated_at: import.updated_at,
            completed_at: import.completed_at,
        }
    }
}

impl TryFrom<ImportRecord> for Import {
    type Error = StoreError;

    fn try_from(row: ImportRecord) -> Result<Self, StoreError> {
        let count = |stored: i32| u32::try_from(stored).unwrap_or(0);
        Ok(Self {
            id: Id::new(row.id),
            workspace: workspace(row.workspace_id, Id::new(row.account_id)),
            user: Id::new(row.user_id),
            group: row.group_id.map(Id::new),
            status: ImportStatus::parse(&row.status)
                .ok_or_else(|| StoreError::corrupt("contact_imports.status", row.status))?,
            total: count(row.total_rows),
            counters: ImportCounters {
                imported: count(row.imported),
                updated: count(row.updated),
                skipped: count(row.skipped),
                invalid: count(row.invalid),
            },
            tries: count(row.tries),
            error: row.error,
            created_at: row.created_at,
            updated_at: row.updated_at,
            completed_at: row.completed_at,
        })
    }
}
