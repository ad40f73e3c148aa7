//! Stopping what is about to be sent: holding the lanes, and seeing what was marked before.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::sql_types::{Array, Bool, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use msgflash_kernel::{Id, StoreError};
use msgflash_messaging::dispatch::ports::EntryKey;
use msgflash_messaging::dispatch::stop::{MarkReader, Stopped};
use uuid::Uuid;

use crate::columns::each;
use crate::contacts::opted_out;
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;

/// Lanes come with the next look of a worker after their instance; here they must be there.
const MAKE_LANES: &str = "INSERT INTO lanes (instance_id) SELECT i.id FROM instances i \
     WHERE i.account_id = $1 \
       AND NOT EXISTS (SELECT 1 FROM lanes l WHERE l.instance_id = i.id) \
     ORDER BY i.id ON CONFLICT DO NOTHING";

/// In the order in which everybody locks.
const HOLD_LANES: &str = "SELECT l.instance_id FROM ( \
       SELECT i.id FROM instances i WHERE i.account_id = $1 ORDER BY i.id OFFSET 0) i \
     CROSS JOIN LATERAL ( \
       SELECT l.instance_id FROM lanes l WHERE l.instance_id = i.id FOR NO KEY UPDATE) l";

/// Open calls are few, and read lane by lane; the sum keeps the planner from another index.
const OPTED_OUT_MARKED: &str = concat!(
    "SELECT EXISTS (SELECT 1 FROM instances i CROSS JOIN LATERAL ( \
       SELECT 1 FROM queue q \
       WHERE q.instance_id = i.id AND q.state IN (2, 3) AND q.state + 0 = 2 \
         AND q.workspace_id = $2 AND ",
    opted_out!("q"),
    " LIMIT 1) q WHERE i.account_id = $1) AS there"
);

/// The same of a campaign, in its lane.
const CAMPAIGN_MARKED: &str = "SELECT EXISTS (SELECT 1 FROM queue q \
       WHERE q.instance_id = $1 AND q.state IN (2, 3) AND q.state + 0 = 2 \
         AND q.campaign_id = $2) AS there";

/// Of entries that are not started.
const OPTED_OUT: &str = concat!(
    "SELECT q.instance_id, q.message_id FROM UNNEST($1, $2) AS k (instance_id, message_id) \
     CROSS JOIN LATERAL ( \
       SELECT r.instance_id, r.message_id FROM queue r \
       WHERE r.instance_id = k.instance_id AND r.message_id = k.message_id \
         AND r.state + 0 IN (0, 1) AND ",
    opted_out!("r"),
    " OFFSET 0) q"
);

/// Holds all lanes of an account until the transaction ends.
///
/// Whoever marks calls holds their lanes, and looks behind that at what was stopped. So what was marked
/// before is kept before this transaction, and what is marked after sees it.
pub(crate) async fn hold_lanes(
    conn: &mut AsyncPgConnection,
    account: Uuid,
) -> Result<(), StoreError> {
    for statement in [MAKE_LANES, HOLD_LANES] {
        sql(statement)
            .bind::<SqlUuid, _>(account)
            .execute(conn)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct ThereRow {
    #[diesel(sql_type = Bool)]
    there: bool,
}

#[async_trait]
impl MarkReader for Postgres {
    async fn has_marks(&self, stopped: &Stopped) -> Result<bool, StoreError> {
        let asked = match stopped {
            Stopped::OptedOut(workspace) => sql(OPTED_OUT_MARKED)
                .bind::<SqlUuid, _>(workspace.account.uuid())
                .bind::<SqlUuid, _>(workspace.id.uuid()),
            Stopped::Campaign(lane, campaign) => sql(CAMPAIGN_MARKED)
                .bind::<SqlUuid, _>(lane.uuid())
                .bind::<SqlUuid, _>(campaign.uuid()),
        };
        let row: ThereRow = asked
            .get_result(&mut *self.conn().await?)
            .await
            .map_err(failed)?;
        Ok(row.there)
    }
}

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = SqlUuid)]
    instance_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    message_id: Uuid,
}

/// Those of some entries that are not started and whose recipients must not be written to.
pub(super) async fn of_opted_out(
    conn: &mut AsyncPgConnection,
    keys: &[EntryKey],
) -> Result<Vec<EntryKey>, StoreError> {
    let rows: Vec<KeyRow> = sql(OPTED_OUT)
        .bind::<Array<SqlUuid>, _>(each(keys, |(lane, _)| lane.uuid()))
        .bind::<Array<SqlUuid>, _>(each(keys, |(_, message)| message.uuid()))
        .get_results(conn)
        .await
        .map_err(failed)?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|row| (Id::new(row.instance_id), Id::new(row.message_id)))
        .collect())
}
