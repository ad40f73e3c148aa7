//! Bulk jobs as rows.

use diesel::prelude::*;
use msgflash_contacts::{Counters, Job, JobStatus, Operation};
use msgflash_kernel::{Id, StoreError};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::schema::contact_jobs;

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = contact_jobs, check_for_backend(diesel::pg::Pg))]
pub(super) struct JobRow {
    workspace_id: Uuid,
    pub(super) id: Uuid,
    account_id: Uuid,
    operation: String,
    group_id: Option<Uuid>,
    status: String,
    requested: i32,
    changed: i32,
    unchanged: i32,
    not_found: i32,
    tries: i32,
    error: Option<String>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    completed_at: Option<OffsetDateTime>,
}

impl TryFrom<JobRow> for Job {
    type Error = StoreError;

    fn try_from(row: JobRow) -> Result<Self, StoreError> {
        let count = |stored: i32| u32::try_from(stored).unwrap_or(0);
        Ok(Self {
            id: Id::new(row.id),
            workspace: Id::new(row.workspace_id),
            account: Id::new(row.account_id),
            operation: Operation::parse(&row.operation, row.group_id.map(Id::new))
                .ok_or_else(|| StoreError::corrupt("contact_jobs.operation", row.operation))?,
            status: JobStatus::parse(&row.status)
                .ok_or_else(|| StoreError::corrupt("contact_jobs.status", row.status))?,
            requested: count(row.requested),
            counters: Counters {
                changed: count(row.changed),
                unchanged: count(row.unchanged),
                not_found: count(row.not_found),
            },
            tries: count(row.tries),
            error: row.error,
            created_at: row.created_at,
            updated_at: row.updated_at,
            completed_at: row.completed_at,
        })
    }
}
