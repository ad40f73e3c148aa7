//! Campaigns of deleted teams.

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

/// Whoever is at a campaign's turn holds its row: what they make is there when this goes on, and ends
/// with the other messages of the team.
const HOLD: &str = "SELECT c.id FROM campaigns c \
     WHERE c.workspace_id = $1 AND c.deleted_at IS NULL \
       AND c.status NOT IN ('completed', 'cancelled', 'failed') \
     ORDER BY c.id FOR NO KEY UPDATE";

const CANCEL: &str = "UPDATE campaigns SET status = 'cancelled', error = $3, cancelled_at = $2, \
       updated_at = $2, turn_at = NULL \
     WHERE id = ANY ($1)";

/// Whoever has no message yet will get none. Counters are locked last, in the order of the campaigns.
const COUNT: &str = "WITH k AS MATERIALIZED ( \
       SELECT a.id, r.pending FROM UNNEST($1) AS a (id) CROSS JOIN LATERAL ( \
         SELECT r.planned - r.made AS pending FROM campaign_counters r \
         WHERE r.campaign_id = a.id FOR NO KEY UPDATE) r) \
     UPDATE campaign_counters c SET queued = c.queued - k.pending, \
       cancelled = c.cancelled + k.pending \
     FROM k WHERE c.campaign_id = k.id";

/// Cancels all of them.
pub(super) async fn end(
    postgres: &Postgres,
    workspace: WorkspaceId,
    now: OffsetDateTime,
) -> Result<usize, StoreError> {
    let mut unit = postgres.unit().await?;
    let held: Vec<IdRow> = sql(HOLD)
        .bind::<SqlUuid, _>(workspace.uuid())
        .get_results(unit.conn())
        .await
        .map_err(failed)?;
    if held.is_empty() {
        return Ok(0);
    }
    let ids: Vec<Uuid> = each(&held, |it| it.id);
    sql(CANCEL)
        .bind::<Array<SqlUuid>, _>(&ids)
        .bind::<Timestamptz, _>(now)
        .bind::<Text, _>(REASON)
        .execute(unit.conn())
        .await
        .map_err(failed)?;
    sql(COUNT)
        .bind::<Array<SqlUuid>, _>(&ids)
        .execute(unit.conn())
        .await
        .map_err(failed)?;
    Box::new(unit).commit().await?;
    Ok(held.len())
}
