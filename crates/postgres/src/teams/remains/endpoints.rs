//! Webhook endpoints of deleted teams.

use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, StoreError, Unit as _, WorkspaceId};
use msgflash_webhooks::ports::EndpointStore as _;
use uuid::Uuid;

use super::IdRow;
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;

const ALL: &str = "SELECT w.id FROM webhook_endpoints w WHERE w.workspace_id = $1 ORDER BY w.id";

/// Deliveries that wait, without those whose outcome is being recorded.
const DROP_WAITING: &str = "WITH waiting AS MATERIALIZED ( \
       SELECT d.endpoint_id, d.id FROM ( \
         SELECT q.endpoint_id, q.delivery_id FROM delivery_queue q WHERE q.endpoint_id = $1 \
         ORDER BY q.due_at, q.delivery_id LIMIT $2) q \
       CROSS JOIN LATERAL ( \
         SELECT d.endpoint_id, d.id FROM deliveries d \
         WHERE d.endpoint_id = q.endpoint_id AND d.id = q.delivery_id \
           AND d.status = 'pending' FOR UPDATE SKIP LOCKED) d), \
     gone AS ( \
       DELETE FROM deliveries d USING waiting w \
       WHERE d.endpoint_id = w.endpoint_id AND d.id = w.id) \
     DELETE FROM delivery_queue q USING waiting w WHERE q.delivery_id = w.id";

/// Removes them as their owner would, each in a transaction of its own. Whatever has piled up there
/// goes before, up to `limit` in all: one transaction could take too long for it.
pub(super) async fn end(
    postgres: &Postgres,
    workspace: WorkspaceId,
    limit: usize,
) -> Result<usize, StoreError> {
    let endpoints: Vec<IdRow> = sql(ALL)
        .bind::<SqlUuid, _>(workspace.uuid())
        .get_results(&mut *postgres.conn().await?)
        .await
        .map_err(failed)?;
    let mut ended = 0;
    for endpoint in endpoints {
        ended += drop_waiting(postgres, endpoint.id, limit - ended).await?;
        if ended >= limit {
            break;
        }
        let mut unit = postgres.unit().await?;
        let gone = unit.delete(workspace, Id::new(endpoint.id)).await?;
        Box::new(unit).commit().await?;
        ended += usize::from(gone);
    }
    Ok(ended)
}

async fn drop_waiting(
    postgres: &Postgres,
    endpoint: Uuid,
    limit: usize,
) -> Result<usize, StoreError> {
    sql(DROP_WAITING)
        .bind::<SqlUuid, _>(endpoint)
        .bind::<BigInt, _>(i64::try_from(limit).unwrap_or(i64::MAX))
        .execute(&mut *postgres.conn().await?)
        .await
        .map_err(failed)
}
