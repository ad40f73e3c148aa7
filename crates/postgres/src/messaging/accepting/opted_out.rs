//! The recipients of a group: who of them must not be written to.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use msgflash_kernel::{Id, Phone, StoreError, WorkspaceId};
use msgflash_messaging::message::accept::Application;
use uuid::Uuid;

use crate::error::failed;
use crate::messaging::phone;
use crate::sql::sql;

const LOOK: &str = "SELECT f.workspace_id, f.phone \
     FROM UNNEST($1, $2) AS k (workspace_id, phone) CROSS JOIN LATERAL ( \
       SELECT s.workspace_id, s.phone FROM suppressions s \
       WHERE s.workspace_id = k.workspace_id AND s.phone = k.phone LIMIT 1) f";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    workspace_id: Uuid,
    #[diesel(sql_type = BigInt)]
    phone: i64,
}

/// Those on the lists of the workspaces that write to them. What ignores the lists is not looked up.
pub(super) async fn look(
    mut conn: &AsyncPgConnection,
    asked: &[&Application],
) -> Result<HashSet<(WorkspaceId, Phone)>, StoreError> {
    let asked = asked.iter().filter(|it| !it.entry.ignores_suppression);
    let asked: HashSet<(Uuid, i64)> = asked
        .map(|it| (it.message.workspace.id.uuid(), it.entry.phone.to_i64()))
        .collect();
    if asked.is_empty() {
        return Ok(HashSet::new());
    }
    let (workspaces, phones): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
    let rows: Vec<Row> = sql(LOOK)
        .bind::<Array<SqlUuid>, _>(workspaces)
        .bind::<Array<BigInt>, _>(phones)
        .get_results(&mut conn)
        .await
        .map_err(failed)?;
    rows.into_iter()
        .map(|row| Ok((Id::new(row.workspace_id), phone(row.phone)?)))
        .collect()
}
