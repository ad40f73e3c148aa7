//! Look-ups of numbers of deleted teams.

use diesel::sql_types::{Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{StoreError, Unit as _, WorkspaceId};
use time::OffsetDateTime;

use super::{IdRow, REASON};
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;

const INSTANCES: &str = "SELECT DISTINCT l.instance_id AS id FROM number_lookups l \
     WHERE l.workspace_id = $1 AND l.status IN ('pending', 'processing') ORDER BY id";

/// Whoever asks about a part right now must not record it over the end of its look-up: the next
/// turn is another one. If it is another workspace's part, that is asked about once more, at once.
const NEXT_TURN: &str = "UPDATE number_lookup_turns \
     SET number = number + 1, turn_at = least(turn_at, $2) WHERE instance_id = $1";

const FAIL: &str = "UPDATE number_lookups SET status = 'failed', error = $4, updated_at = $3, \
       completed_at = $3 \
     WHERE instance_id = $1 AND workspace_id = $2 AND status IN ('pending', 'processing')";

/// Ends all of them, those of each instance in a transaction. The turn is held first, as by
/// everybody who works on them.
pub(super) async fn end(
    postgres: &Postgres,
    workspace: WorkspaceId,
    now: OffsetDateTime,
) -> Result<usize, StoreError> {
    let instances: Vec<IdRow> = sql(INSTANCES)
        .bind::<SqlUuid, _>(workspace.uuid())
        .get_results(&mut *postgres.conn().await?)
        .await
        .map_err(failed)?;
    let mut ended = 0;
    for instance in instances {
        let mut unit = postgres.unit().await?;
        sql(NEXT_TURN)
            .bind::<SqlUuid, _>(instance.id)
            .bind::<Timestamptz, _>(now)
            .execute(unit.conn())
            .await
            .map_err(failed)?;
        ended += sql(FAIL)
            .bind::<SqlUuid, _>(instance.id)
            .bind::<SqlUuid, _>(workspace.uuid())
            .bind::<Timestamptz, _>(now)
            .bind::<Text, _>(REASON)
            .execute(unit.conn())
            .await
            .map_err(failed)?;
        Box::new(unit).commit().await?;
    }
    Ok(ended)
}
