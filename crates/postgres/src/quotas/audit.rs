//! Comparing the ledger with the queue, with the messages and with the statuses.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, StoreError, Unit as _};
use msgflash_quotas::{ChargedIn, Drift, LedgerAudit, Period, Recount};
use uuid::Uuid;

use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;
use crate::unit::PgUnit;

/// Rows of the ledger in one slice. Every slice reads the queue once.
const SLICE: i64 = 5000;
/// Messages in one slice of accounts, by what the ledger says of them; the last account of a slice
/// may have more.
const MESSAGES: i64 = 100_000;
/// The advisory locks of whoever recounts: the queue, and the messages, which takes longer.
const LOCK: i64 = 5_571_002_719;
const LOCK_ACCEPTED: i64 = LOCK + 1;

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
    ledger: i64,
    #[diesel(sql_type = BigInt)]
    found: i64,
}

impl TryFrom<DriftRow> for Drift {
    type Error = StoreError;

    fn try_from(row: DriftRow) -> Result<Self, StoreError> {
        Ok(Self {
            account: Id::new(row.account_id),
            period: Period::from_i32(row.period)
                .ok_or_else(|| StoreError::corrupt("usage_holds.period", row.period.to_string()))?,
            ledger: row.ledger,
            found: row.found,
        })
    }
}

/// One statement, so that all tables are of one moment: reservations come and go together with entries
/// of the queue, and with statuses whose outcome is not known yet. What has such rows alone, or was
/// settled without being reserved, differs too.
const DIFFERENCES: &str = "SELECT account_id, period, \
       sum(reserved)::bigint AS ledger, sum(queued)::bigint AS found FROM ( \
         SELECT account_id, period, reserved_total AS reserved, 0 AS queued FROM usage_holds \
         WHERE ($1 IS NULL OR account_id > $1) AND ($2 IS NULL OR account_id <= $2) \
       UNION ALL \
         SELECT account_id, period, -(messages + statuses + released), 0 FROM usage_settled \
         WHERE ($1 IS NULL OR account_id > $1) AND ($2 IS NULL OR account_id <= $2) \
       UNION ALL \
         SELECT account_id, period, 0, 1 FROM queue WHERE period IS NOT NULL \
           AND ($1 IS NULL OR account_id > $1) AND ($2 IS NULL OR account_id <= $2) \
       UNION ALL \
         SELECT account_id, period, 0, 1 FROM statuses WHERE state = 'pending' \
           AND ($1 IS NULL OR account_id > $1) AND ($2 IS NULL OR account_id <= $2) \
       ) said (account_id, period, reserved, queued) \
     GROUP BY account_id, period HAVING sum(reserved) <> sum(queued) \
     ORDER BY account_id, period";

/// One statement here too: a message is charged in the transaction that counts it. They are found
/// through their instances, which never change hands, in the order of creation; the scheduled ones
/// also in that of their times. Statuses name their month themselves, and are compared with what the
/// ledger says of statuses.
const CHARGED: &str = "SELECT account_id, $3 AS period, \
       sum(accepted)::bigint AS ledger, sum(charged)::bigint AS found FROM ( \
         SELECT account_id, 'message', messages AS accepted, 0 AS charged FROM usage_settled \
         WHERE account_id > COALESCE($1, '00000000-0000-0000-0000-000000000000'::uuid) \
           AND account_id <= COALESCE($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid) \
           AND period = $3 \
       UNION ALL \
         SELECT account_id, 'status', statuses, 0 FROM usage_settled \
         WHERE account_id > COALESCE($1, '00000000-0000-0000-0000-000000000000'::uuid) \
           AND account_id <= COALESCE($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid) \
           AND period = $3 \
       UNION ALL \
         SELECT account_id, 'status', 0, 1 FROM statuses \
         WHERE account_id > COALESCE($1, '00000000-0000-0000-0000-000000000000'::uuid) \
           AND account_id <= COALESCE($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid) \
           AND period = $3 AND state = 'published' \
       UNION ALL \
         SELECT i.account_id, 'message', 0, m.made + m.scheduled FROM instances i CROSS JOIN LATERAL ( \
           SELECT \
             (SELECT count(*) FROM messages WHERE instance_id = i.id AND created_at >= $4 \
                AND created_at < $6 AND charged_period = $3) AS made, \
             (SELECT count(*) FROM messages WHERE instance_id = i.id AND scheduled_at >= $5 \
                AND scheduled_at < $6 AND created_at < $4 AND charged_period = $3) AS scheduled \
           ) m \
         WHERE i.account_id > COALESCE($1, '00000000-0000-0000-0000-000000000000'::uuid) \
           AND i.account_id <= COALESCE($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid) \
       ) said (account_id, kind, accepted, charged) \
     GROUP BY account_id, kind HAVING sum(accepted) <> sum(charged) ORDER BY account_id, kind";

#[async_trait]
impl LedgerAudit for Postgres {
    async fn recount(&self) -> Result<Option<Recount>, StoreError> {
        let Some(mut unit) = self.auditor(LOCK).await? else {
            return Ok(None);
        };
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
        Box::new(unit).commit().await?;
        Ok(Some(recount))
    }

    async fn recount_accepted(&self, months: &[ChargedIn]) -> Result<Option<Recount>, StoreError> {
        let Some(mut unit) = self.auditor(LOCK_ACCEPTED).await? else {
            return Ok(None);
        };
        let mut recount = Recount::default();
        for month in months {
            let mut after = None;
            loop {
                let to = unit.last_of_messages(after, month.period).await?;
                recount.add(unit.charged(after, to, month).await?);
                if to.is_none() {
                    break;
                }
                after = to;
            }
        }
        Box::new(unit).commit().await?;
        Ok(Some(recount))
    }
}

impl Postgres {
    /// A unit for whoever recounts alone; `None` while another process does. It holds the lock and
    /// nothing else: each statement has a snapshot of its own, so that the upkeep of the tables is
    /// not held back for the whole of it.
    async fn auditor(&self, lock: i64) -> Result<Option<PgUnit>, StoreError> {
        let mut unit = self.unit().await?;
        let lock: TakenRow = sql("SELECT pg_try_advisory_xact_lock($1) AS taken")
            .bind::<BigInt, _>(lock)
            .get_result(unit.conn())
            .await
            .map_err(failed)?;
        Ok(lock.taken.then_some(unit))
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

    /// The same for messages charged to a month: a slice ends with the account that brings it to
    /// its size.
    async fn last_of_messages(
        &mut self,
        after: Option<Uuid>,
        period: Period,
    ) -> Result<Option<Uuid>, StoreError> {
        let row: Option<AccountRow> = sql("SELECT account_id FROM ( \
               SELECT account_id, sum(accepted) OVER w AS so_far, row_number() OVER w AS n \
               FROM (SELECT account_id, messages + statuses AS accepted FROM usage_settled \
                     WHERE account_id > COALESCE($1, \
                         '00000000-0000-0000-0000-000000000000'::uuid) AND period = $2 \
                     ORDER BY account_id LIMIT $4) s WINDOW w AS (ORDER BY account_id)) s \
             WHERE so_far >= $3 OR n = $4 ORDER BY account_id LIMIT 1")
        .bind::<Nullable<SqlUuid>, _>(after)
        .bind::<Integer, _>(period.to_i32())
        .bind::<BigInt, _>(MESSAGES)
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

    async fn charged(
        &mut self,
        after: Option<Uuid>,
        to: Option<Uuid>,
        month: &ChargedIn,
    ) -> Result<Vec<Drift>, StoreError> {
        let rows: Vec<DriftRow> = sql(CHARGED)
            .bind::<Nullable<SqlUuid>, _>(after)
            .bind::<Nullable<SqlUuid>, _>(to)
            .bind::<Integer, _>(month.period.to_i32())
            .bind::<Timestamptz, _>(month.made_from)
            .bind::<Timestamptz, _>(month.due_from)
            .bind::<Timestamptz, _>(month.until)
            .get_results(self.conn())
            .await
            .map_err(failed)?;
        rows.into_iter().map(Drift::try_from).collect()
    }
}
