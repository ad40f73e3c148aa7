//! Comparing the ledger with the queue.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, StoreError, Unit as _};
use msgflash_quotas::{Drift, LedgerAudit, Period, Recount};
use uuid::Uuid;

use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;
use crate::unit::PgUnit;

/// Rows of the ledger in one slice. Every slice reads the queue once.
const SLICE: i64 = 5000;
/// The advisory lock of whoever recounts.
const LOCK: i64 = 5_571_002_719;

#[derive(QueryableByName)]
struct TakenRow {
    #[diesel(sql_type = Bool)]
    taken: bool,
}

#[derive(QueryableByName)]
struct AccountRow {
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
}

#[derive(QueryableByName)]
struct DriftRow {
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = Integer)]
    period: i32,
    #[diesel(sql_type = BigInt)]
    reserved: i64,
    #[diesel(sql_type = BigInt)]
    queued: i64,
}

impl TryFrom<DriftRow> for Drift {
    type Error = StoreError;

    fn try_from(row: DriftRow) -> Result<Self, StoreError> {
        Ok(Self {
            account: Id::new(row.account_id),
            period: Period::from_i32(row.period)
                .ok_or_else(|| StoreError::corrupt("usage_holds.period", row.period.to_string()))?,
            reserved: row.reserved,
            queued: row.queued,
        })
    }
}

/// One statement, so that all three tables are of one moment: reservations and entries come and go
/// together. What has rows in the queue alone, or was settled without being reserved, differs too.
const DIFFERENCES: &str = "SELECT account_id, period, \
       sum(reserved)::bigint AS reserved, sum(queued)::bigint AS queued FROM ( \
         SELECT account_id, period, reserved_total AS reserved, 0 AS queued FROM usage_holds \
         WHERE ($1 IS NULL OR account_id > $1) AND ($2 IS NULL OR account_id <= $2) \
       UNION ALL \
         SELECT account_id, period, -(messages + statuses + released), 0 FROM usage_settled \
         WHERE ($1 IS NULL OR account_id > $1) AND ($2 IS NULL OR account_id <= $2) \
       UNION ALL \
         SELECT account_id, period, 0, 1 FROM queue WHERE period IS NOT NULL \
           AND ($1 IS NULL OR account_id > $1) AND ($2 IS NULL OR account_id <= $2) \
       ) said (account_id, period, reserved, queued) \
     GROUP BY account_id, period HAVING sum(reserved) <> sum(queued) \
     ORDER BY account_id, period";

#[async_trait]
impl LedgerAudit for Postgres {
    async fn recount(&self) -> Result<Option<Recount>, StoreError> {
        // The transaction holds the lock and nothing else: each statement has a snapshot of its
        // own, so that the upkeep of the tables is not held back for the whole of it.
        let mut unit = Box::new(self.unit().await?);
        let lock: TakenRow = sql("SELECT pg_try_advisory_xact_lock($1) AS taken")
            .bind::<BigInt, _>(LOCK)
            .get_result(unit.conn())
            .await
            .map_err(failed)?;
        if !lock.taken {
            return Ok(None);
        }
        let mut recount = Recount::default();
        let mut after = None;
        loop {
            let to = unit.last_of_slice(after).await?;
            recount.add(unit.differences(after, to).await?);
            if to.is_none() {
                break;
            }
            after = to;
        }
        unit.commit().await?;
        Ok(Some(recount))
    }
}

impl PgUnit {
    /// The account that ends the slice after `after`; `None` when the rest is one slice.
    async fn last_of_slice(&mut self, after: Option<Uuid>) -> Result<Option<Uuid>, StoreError> {
        let row: Option<AccountRow> = sql(
            "SELECT account_id FROM usage_holds WHERE account_id > COALESCE($1, \
               '00000000-0000-0000-0000-000000000000'::uuid) \
             ORDER BY account_id, period OFFSET $2 LIMIT 1",
        )
        .bind::<Nullable<SqlUuid>, _>(after)
        .bind::<BigInt, _>(SLICE)
        .get_result(self.conn())
        .await
        .optional()
        .map_err(failed)?;
        Ok(row.map(|row| row.account_id))
    }

    async fn differences(
        &mut self,
        after: Option<Uuid>,
        to: Option<Uuid>,
    ) -> Result<Vec<Drift>, StoreError> {
        let rows: Vec<DriftRow> = sql(DIFFERENCES)
            .bind::<Nullable<SqlUuid>, _>(after)
            .bind::<Nullable<SqlUuid>, _>(to)
            .get_results(self.conn())
            .await
            .map_err(failed)?;
        rows.into_iter().map(Drift::try_from).collect()
    }
}
