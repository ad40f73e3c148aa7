//! Bulk changes and imports of contacts of deleted teams.

use diesel::sql_types::{Array, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{StoreError, Unit as _, WorkspaceId};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{IdRow, REASON};
use crate::columns::each;
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;
use crate::unit::PgUnit;

const CANCEL_JOBS: &str = "UPDATE contact_jobs j SET status = 'cancelled', updated_at = $2, \
       completed_at = $2 \
     WHERE j.workspace_id = $1 AND j.status IN ('pending', 'processing') RETURNING j.id";

const FORGET_IDS: &str = "DELETE FROM contact_job_ids WHERE job_id = ANY ($1)";

const FAIL_IMPORTS: &str = "UPDATE contact_imports i SET status = 'failed', error = $3, \
       updated_at = $2, completed_at = $2 \
     WHERE i.workspace_id = $1 AND i.status IN ('pending', 'processing') RETURNING i.id";

const FORGET_ROWS: &str = "UPDATE contact_import_chunks SET rows = '[]' \
     WHERE import_id = ANY ($1) AND rows <> '[]'";

const NO_TURNS: &str = "UPDATE address_books SET job_turn_at = NULL, import_turn_at = NULL \
     WHERE workspace_id = $1";

/// Ends all of them. The book is held first, as by everybody who changes it: the part somebody is
/// working on right now is waited for, and none comes after it.
pub(super) async fn end(
    postgres: &Postgres,
    workspace: WorkspaceId,
    now: OffsetDateTime,
) -> Result<usize, StoreError> {
    let mut unit = postgres.unit().await?;
    if !unit.held(workspace).await? {
        return Ok(0);
    }
    let jobs: Vec<IdRow> = sql(CANCEL_JOBS)
        .bind::<SqlUuid, _>(workspace.uuid())
        .bind::<Timestamptz, _>(now)
        .get_results(unit.conn())
        .await
        .map_err(failed)?;
    let imports: Vec<IdRow> = sql(FAIL_IMPORTS)
        .bind::<SqlUuid, _>(workspace.uuid())
        .bind::<Timestamptz, _>(now)
        .bind::<Text, _>(REASON)
        .get_results(unit.conn())
        .await
        .map_err(failed)?;
    let ended = jobs.len() + imports.len();
    if ended == 0 {
        return Ok(0);
    }
    forget(&mut unit, FORGET_IDS, &jobs).await?;
    forget(&mut unit, FORGET_ROWS, &imports).await?;
    sql(NO_TURNS)
        .bind::<SqlUuid, _>(workspace.uuid())
        .execute(unit.conn())
        .await
        .map_err(failed)?;
    Box::new(unit).commit().await?;
    Ok(ended)
}

/// Forgets what was left to do.
async fn forget(
    unit: &mut PgUnit,
    statement: &'static str,
    ended: &[IdRow],
) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = each(ended, |it| it.id);
    sql(statement)
        .bind::<Array<SqlUuid>, _>(ids)
        .execute(unit.conn())
        .await
        .map(drop)
        .map_err(failed)
}
