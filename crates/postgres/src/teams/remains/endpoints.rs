//! Webhook endpoints of deleted teams.

use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, StoreError, Unit as _, WorkspaceId};
use msgflash_webhooks::ports::EndpointStore as _;

use super::IdRow;
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;

const ALL: &str = "SELECT w.id FROM webhook_endpoints w WHERE w.workspace_id = $1 ORDER BY w.id";

/// Removes them as their owner would, each in a transaction of its own.
pub(super) async fn end(postgres: &Postgres, workspace: WorkspaceId) -> Result<usize, StoreError> {
    let endpoints: Vec<IdRow> = sql(ALL)
        .bind::<SqlUuid, _>(workspace.uuid())
        .get_results(&mut *postgres.conn().await?)
        .await
        .map_err(failed)?;
    let mut ended = 0;
    for endpoint in endpoints {
        let mut unit = postgres.unit().await?;
        let gone = unit.delete(workspace, Id::new(endpoint.id)).await?;
        Box::new(unit).commit().await?;
        ended += usize::from(gone);
    }
    Ok(ended)
}
