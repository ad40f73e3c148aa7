//! Look-ups as rows.

use diesel::prelude::*;
use msgflash_kernel::{Id, StoreError};
use msgflash_messaging::lookup::{LookupStatus, NumberLookup};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::contacts::workspace;
use crate::schema::number_lookups;

#[derive(Queryable, QueryableByName, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = number_lookups, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub(super) struct LookupRecord {
    pub(super) workspace_id: Uuid,
    pub(super) id: Uuid,
    account_id: Uuid,
    user_id: Uuid,
    instance_id: Uuid,
    status: String,
    requested: i32,
    processed: i32,
    error: Option<String>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    completed_at: Option<OffsetDateTime>,
}

impl From<&NumberLookup> for LookupRecord {
    fn from(lookup: &NumberLookup) -> Self {
        let stored = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
        Self {
            workspace_id: lookup.workspace.id.uuid(),
            id: lookup.id.uuid(),
            account_id: lookup.workspace.account.uuid(),
            user_id: lookup.user.uuid(),
            instance_id: lookup.instance.uuid(),
            status: lookup.status.as_str().to_owned(),
            requested: stored(lookup.requested),
            processed: stored(lookup.processed),
            error: lookup.error.clone(),
            created_at: lookup.created_at,
            updated_at: lookup.updated_at,
            completed_at: lookup.completed_at,
        }
    }
}

impl TryFrom<LookupRecord> for NumberLookup {
    type Error = StoreError;

    fn try_from(row: LookupRecord) -> Result<Self, StoreError> {
        let count = |stored: i32| u32::try_from(stored).unwrap_or(0);
        Ok(Self {
            id: Id::new(row.id),
            workspace: workspace(row.workspace_id, Id::new(row.account_id)),
            user: Id::new(row.user_id),
            instance: Id::new(row.instance_id),
            status: LookupStatus::parse(&row.status)
                .ok_or_else(|| StoreError::corrupt("number_lookups.status", row.status))?,
            requested: count(row.requested),
            processed: count(row.processed),
            error: row.error,
            created_at: row.created_at,
            updated_at: row.updated_at,
            completed_at: row.completed_at,
        })
    }
}
