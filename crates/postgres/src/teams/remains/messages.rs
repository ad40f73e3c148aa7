//! Messages of deleted teams whose calls were not started.

use std::collections::BTreeMap;

use diesel::QueryableByName;
use diesel::sql_types::{
    Array, BigInt, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, StoreError, Unit as _, Workspace};
use msgflash_messaging::MessageStatus;
use msgflash_messaging::campaign::Tally;
use msgflash_messaging::campaign::ports::TallyStore as _;
use msgflash_quotas::{LedgerStore as _, Period, Settlement};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{REASON, ThereRow};
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;

/// The queue is read instance by instance, as everywhere: also of instances that are deleted. What
/// waits or is ready has no open call; what came out of a backup may have been sent since, and is
/// looked up first. The sum hides the state from the planner, which takes the indexes of other
/// states for empty.
const WITHDRAW: &str = "WITH k AS MATERIALIZED ( \
       SELECT q.instance_id, q.message_id FROM instances i CROSS JOIN LATERAL ( \
         SELECT q.instance_id, q.message_id FROM queue q \
         WHERE q.instance_id = i.id AND q.workspace_id = $2 AND q.state + 0 IN (0, 1) \
         ORDER BY q.message_id LIMIT $3 FOR UPDATE SKIP LOCKED) q \
       WHERE i.account_id = $1 LIMIT $3) \
     DELETE FROM queue q USING k \
     WHERE q.instance_id = k.instance_id AND q.message_id = k.message_id \
     RETURNING q.message_id, q.period, q.campaign_id";

/// In the order of the list, in which everybody locks.
const CANCEL: &str = "WITH k AS MATERIALIZED ( \
       SELECT m.place FROM UNNEST($2) AS a (id) CROSS JOIN LATERAL ( \
         SELECT m.ctid AS place FROM messages m \
         WHERE m.workspace_id = $1 AND m.id = a.id AND m.status = $3 FOR NO KEY UPDATE) m) \
     UPDATE messages m SET status = $4, error = $5, updated_at = $6 FROM k \
     WHERE m.ctid = k.place";

const ARE_LEFT: &str = "SELECT EXISTS ( \
       SELECT 1 FROM instances i CROSS JOIN LATERAL ( \
         SELECT 1 FROM queue q WHERE q.instance_id = i.id AND q.workspace_id = $2 LIMIT 1) q \
       WHERE i.account_id = $1) AS there";

#[derive(QueryableByName)]
struct WithdrawnRow {
    #[diesel(sql_type = SqlUuid)]
    message_id: Uuid,
    #[diesel(sql_type = Nullable<Integer>)]
    period: Option<i32>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    campaign_id: Option<Uuid>,
}

/// Withdraws up to `limit`, gives back what was reserved for them, and cancels them. Nobody is
/// told: who would hear of it is gone too.
pub(super) async fn end(
    postgres: &Postgres,
    workspace: &Workspace,
    limit: u32,
    now: OffsetDateTime,
) -> Result<usize, StoreError> {
    let mut unit = postgres.unit().await?;
    let withdrawn: Vec<WithdrawnRow> = sql(WITHDRAW)
        .bind::<SqlUuid, _>(workspace.account.uuid())
        .bind::<SqlUuid, _>(workspace.id.uuid())
        .bind::<BigInt, _>(i64::from(limit))
        .get_results(unit.conn())
        .await
        .map_err(failed)?;
    if withdrawn.is_empty() {
        return Ok(0);
    }
    unit.settle(&released(workspace, &withdrawn)?).await?;
    let mut messages: Vec<Uuid> = withdrawn.iter().map(|it| it.message_id).collect();
    messages.sort_unstable();
    sql(CANCEL)
        .bind::<SqlUuid, _>(workspace.id.uuid())
        .bind::<Array<SqlUuid>, _>(messages)
        .bind::<SmallInt, _>(MessageStatus::Queued.to_i16())
        .bind::<SmallInt, _>(MessageStatus::Cancelled.to_i16())
        .bind::<Text, _>(REASON)
        .bind::<Timestamptz, _>(now)
        .execute(unit.conn())
        .await
        .map_err(failed)?;
    for (campaign, count) in counted(&withdrawn) {
        unit.tally(Id::new(campaign), Tally::cancel(count), now);
    }
    Box::new(unit).commit().await?;
    Ok(withdrawn.len())
}

/// How many there are of each campaign.
fn counted(withdrawn: &[WithdrawnRow]) -> BTreeMap<Uuid, u64> {
    let mut counts = BTreeMap::new();
    for campaign in withdrawn.iter().filter_map(|it| it.campaign_id) {
        *counts.entry(campaign).or_default() += 1;
    }
    counts
}

/// What goes back, by month. For what waited for its time nothing was reserved.
fn released(
    workspace: &Workspace,
    withdrawn: &[WithdrawnRow],
) -> Result<Vec<Settlement>, StoreError> {
    let mut counts: BTreeMap<i32, u32> = BTreeMap::new();
    for period in withdrawn.iter().filter_map(|it| it.period) {
        *counts.entry(period).or_default() += 1;
    }
    counts
        .into_iter()
        .map(|(stored, released)| {
            let period = Period::from_i32(stored)
                .ok_or_else(|| StoreError::corrupt("queue.period", stored.to_string()))?;
            Ok(Settlement {
                account: workspace.account,
                period,
                messages: 0,
                statuses: 0,
                released,
            })
        })
        .collect()
}

/// Whether any message is queued still, however far it is.
pub(super) async fn are_left(
    postgres: &Postgres,
    workspace: &Workspace,
) -> Result<bool, StoreError> {
    let row: ThereRow = sql(ARE_LEFT)
        .bind::<SqlUuid, _>(workspace.account.uuid())
        .bind::<SqlUuid, _>(workspace.id.uuid())
        .get_result(&mut *postgres.conn().await?)
        .await
        .map_err(failed)?;
    Ok(row.there)
}
