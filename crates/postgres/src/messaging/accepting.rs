//! Accepting groups of messages: a few round trips, whatever the size of the group.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _};

use msgflash_kernel::{AccountId, Id, StoreError, TeamId, UserId};
use msgflash_messaging::message::accept::Application;
use msgflash_messaging::message::ports::{
    AcceptStore, AcceptUnit, AcceptUnits, Admission, Facts, Held, Question, Standing, Wait,
};
use msgflash_messaging::{InstanceId, MessageId};
use msgflash_quotas::{KeyId, Period};
use time::OffsetDateTime;
use tokio::try_join;
use uuid::Uuid;

use super::message::insert_messages;
use super::queue::push_entries;
use crate::billing::subscription;
use crate::columns::each;
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;
use crate::unit::PgUnit;

mod answers;
pub(super) mod members;
mod opted_out;

/// How long a row that another process holds is waited for, in one go.
const PATIENCE: &str = "SET LOCAL lock_timeout = '5s'";

impl AcceptUnit for PgUnit {
    fn acceptance(&mut self) -> &mut dyn AcceptStore {
        self
    }
}

#[async_trait]
impl AcceptUnits for Postgres {
    async fn ensure(&self, rows: &[(AccountId, Period)]) -> Result<(), StoreError> {
        let mut conn = self.conn().await?;
        sql(
            "INSERT INTO usage_holds (account_id, period, reserved_total) \
             SELECT account_id, period, 0 FROM UNNEST($1, $2) AS n (account_id, period) \
             ORDER BY account_id, period ON CONFLICT DO NOTHING",
        )
        .bind::<Array<SqlUuid>, _>(each(rows, |(account, _)| account.uuid()))
        .bind::<Array<Integer>, _>(each(rows, |(_, period)| period.to_i32()))
        .execute(&mut conn)
        .await
        .map(drop)
        .map_err(failed)
    }

    async fn begin(&self) -> Result<Box<dyn AcceptUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
}

#[async_trait]
impl AcceptStore for PgUnit {
    async fn hold(
        &mut self,
        rows: &[(AccountId, Period)],
        wait: Wait,
    ) -> Result<Vec<Held>, StoreError> {
        let conn = self.conn();
        let locking = match wait {
            Wait::No => HOLD_FREE,
            Wait::Yes => {
                conn.batch_execute(PATIENCE).await.map_err(failed)?;
                HOLD
            }
        };
        let held: Vec<HeldRow> = sql(locking)
            .bind::<Array<SqlUuid>, _>(each(rows, |(account, _)| account.uuid()))
            .bind::<Array<Integer>, _>(each(rows, |(_, period)| period.to_i32()))
            .get_results(conn)
            .await
            .map_err(failed)?;
        held.into_iter().map(Held::try_from).collect()
    }

    async fn hold_members(
        &mut self,
        people: &[(TeamId, UserId)],
        wait: Wait,
    ) -> Result<HashSet<(TeamId, UserId)>, StoreError> {
        members::hold(self.conn(), people, wait).await
    }

    async fn look<'a>(
        &mut self,
        question: &Question<'a>,
        now: OffsetDateTime,
    ) -> Result<Facts<'a>, StoreError> {
        let asked = question.applications;
        let conn = &*self.conn();
        // Sent at once and answered at once: one round trip.
        let (keys, accounts, members, instances, suppressed, answers, recorded) = try_join!(
            biased; // Behind a statement that fails the others only say that it did.
            keys(conn, asked, now),
            accounts(conn, asked, now),
            members::look(conn, asked),
            instances(conn, asked),
            opted_out::look(conn, asked),
            answers::look(conn, asked, now),
            recorded(conn, asked, question.again),
        )?;
        Ok(Facts {
            keys,
            accounts,
            members,
            instances,
            suppressed,
            answers,
            recorded,
        })
    }

    async fn record(
        &mut self,
        admission: &Admission<'_>,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let admitted = &admission.admitted;
        let messages: Vec<_> = admitted.iter().map(|it| &it.message).collect();
        let entries: Vec<_> = admitted.iter().map(|it| &it.entry).collect();
        let conn = &*self.conn();
        try_join!(
            biased; // Behind a statement that fails the others only say that it did.
            reserve(conn, admitted),
            insert_messages(conn, &messages),
            push_entries(conn, &entries),
            answers::keep(conn, admitted, now),
        )?;
        Ok(())
    }
}

const HOLD_FREE: &str = "SELECT h.account_id, h.period, h.reserved_total, COALESCE(s.released, 0) AS released \
             FROM UNNEST($1, $2) AS k (account_id, period) CROSS JOIN LATERAL ( SELECT \
             h.account_id, h.period, h.reserved_total FROM usage_holds h WHERE h.account_id = \
             k.account_id AND h.period = k.period FOR NO KEY UPDATE SKIP LOCKED) h LEFT JOIN \
             LATERAL ( SELECT s.released FROM usage_settled s WHERE s.account_id = k.account_id \
             AND s.period = k.period OFFSET 0) s ON true";
const HOLD: &str = "SELECT h.account_id, h.period, h.reserved_total, COALESCE(s.released, 0) AS released \
             FROM UNNEST($1, $2) AS k (account_id, period) CROSS JOIN LATERAL ( SELECT \
             h.account_id, h.period, h.reserved_total FROM usage_holds h WHERE h.account_id = \
             k.account_id AND h.period = k.period FOR NO KEY UPDATE) h LEFT JOIN LATERAL ( SELECT \
             s.released FROM usage_settled s WHERE s.account_id = k.account_id AND s.period = \
             k.period OFFSET 0) s ON true";

#[derive(QueryableByName)]
struct HeldRow {
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = Integer)]
    period: i32,
    #[diesel(sql_type = BigInt)]
    reserved_total: i64,
    #[diesel(sql_type = BigInt)]
    released: i64,
}

impl TryFrom<HeldRow> for Held {
    type Error = StoreError;

    fn try_from(row: HeldRow) -> Result<Self, StoreError> {
        Ok(Self {
            account: Id::new(row.account_id),
            period: period(row.period)?,
            reserved_total: count(row.reserved_total),
            released: count(row.released),
        })
    }
}

fn period(stored: i32) -> Result<Period, StoreError> {
    Period::from_i32(stored)
        .ok_or_else(|| StoreError::corrupt("usage_holds.period", stored.to_string()))
}

fn count(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

#[derive(QueryableByName)]
struct StandingRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    period_end: Option<OffsetDateTime>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    past_due_since: Option<OffsetDateTime>,
    #[diesel(sql_type = Nullable<Integer>)]
    outbound: Option<i32>,
}

impl StandingRow {
    fn standing(&self, now: OffsetDateTime) -> Result<Standing, StoreError> {
        let status = subscription::status(&self.status)?;
        Ok(Standing {
            usable: status.is_usable(self.period_end, self.past_due_since, now),
            outbound_limit: self.outbound.map(|limit| u32::try_from(limit).unwrap_or(0)),
        })
    }
}

/// Keys that open their account, each with what the account may do.
async fn keys(
    mut conn: &AsyncPgConnection,
    asked: &[&Application],
    now: OffsetDateTime,
) -> Result<HashMap<KeyId, Standing>, StoreError> {
    let ids = distinct(asked.iter().filter_map(|it| it.key).map(Id::uuid));
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<StandingRow> = sql(
        "SELECT f.* FROM UNNEST($1) AS asked (id) CROSS JOIN LATERAL ( SELECT k.id, s.status, \
             s.period_end, s.past_due_since, p.monthly_outbound_quota AS outbound FROM api_keys k \
             JOIN users u ON u.id = k.account_id AND u.suspended_at IS NULL LEFT JOIN teams t ON \
             t.id = k.team_id JOIN subscriptions s ON s.account_id = k.account_id JOIN plans p ON \
             p.id = s.plan_id WHERE k.id = asked.id AND k.revoked_at IS NULL AND t.deleted_at IS \
             NULL LIMIT 1) f",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .get_results(&mut conn)
    .await
    .map_err(failed)?;
    rows.iter()
        .map(|row| Ok((Id::new(row.id), row.standing(now)?)))
        .collect()
}

/// What the accounts of applications without a key may do.
async fn accounts(
    mut conn: &AsyncPgConnection,
    asked: &[&Application],
    now: OffsetDateTime,
) -> Result<HashMap<AccountId, Standing>, StoreError> {
    let keyless = asked.iter().filter(|it| it.key.is_none());
    let ids = distinct(keyless.map(|it| it.message.workspace.account.uuid()));
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<StandingRow> = sql(
        "SELECT f.* FROM UNNEST($1) AS asked (id) CROSS JOIN LATERAL ( SELECT u.id, s.status, \
             s.period_end, s.past_due_since, p.monthly_outbound_quota AS outbound FROM users u \
             JOIN subscriptions s ON s.account_id = u.id JOIN plans p ON p.id = s.plan_id WHERE \
             u.id = asked.id AND u.suspended_at IS NULL LIMIT 1) f",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .get_results(&mut conn)
    .await
    .map_err(failed)?;
    rows.iter()
        .map(|row| Ok((Id::new(row.id), row.standing(now)?)))
        .collect()
}

#[derive(QueryableByName)]
struct InstanceRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = Bool)]
    suspended: bool,
}

async fn instances(
    mut conn: &AsyncPgConnection,
    asked: &[&Application],
) -> Result<HashMap<InstanceId, (AccountId, bool)>, StoreError> {
    let ids = distinct(asked.iter().map(|it| it.message.instance.uuid()));
    let rows: Vec<InstanceRow> = sql(
        "SELECT f.* FROM UNNEST($1) AS asked (id) CROSS JOIN LATERAL ( SELECT i.id, \
             i.account_id, i.status = 'suspended' AS suspended FROM instances i WHERE i.id = \
             asked.id AND i.deleted_at IS NULL LIMIT 1) f",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .get_results(&mut conn)
    .await
    .map_err(failed)?;
    Ok(rows
        .into_iter()
        .map(|row| (Id::new(row.id), (Id::new(row.account_id), row.suspended)))
        .collect())
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Which messages of the group are recorded already; asked only when nobody knows.
async fn recorded(
    mut conn: &AsyncPgConnection,
    asked: &[&Application],
    again: bool,
) -> Result<HashSet<MessageId>, StoreError> {
    if !again {
        return Ok(HashSet::new());
    }
    let rows: Vec<IdRow> = sql(
        "SELECT m.id FROM UNNEST($1, $2) AS k (workspace_id, id) CROSS JOIN LATERAL ( SELECT \
             m.id FROM messages m WHERE m.workspace_id = k.workspace_id AND m.id = k.id LIMIT 1) \
             m",
    )
    .bind::<Array<SqlUuid>, _>(each(asked, |it| it.message.workspace.id.uuid()))
    .bind::<Array<SqlUuid>, _>(each(asked, |it| it.message.id.uuid()))
    .get_results(&mut conn)
    .await
    .map_err(failed)?;
    Ok(rows.into_iter().map(|row| Id::new(row.id)).collect())
}

/// Adds what the group reserves. The rows are held, so their order does not matter any more.
async fn reserve(
    mut conn: &AsyncPgConnection,
    admitted: &[&Application],
) -> Result<(), StoreError> {
    let mut counts: HashMap<(Uuid, i32), i64> = HashMap::new();
    for it in admitted {
        if let Some(period) = it.entry.period {
            let key = (it.message.workspace.account.uuid(), period.to_i32());
            *counts.entry(key).or_default() += 1;
        }
    }
    if counts.is_empty() {
        return Ok(());
    }
    let (keys, counts): (Vec<_>, Vec<_>) = counts.into_iter().unzip();
    let (accounts, periods): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
    sql(
        "UPDATE usage_holds h SET reserved_total = h.reserved_total + n.count \
         FROM UNNEST($1, $2, $3) AS n (account_id, period, count) \
         WHERE h.account_id = n.account_id AND h.period = n.period",
    )
    .bind::<Array<SqlUuid>, _>(accounts)
    .bind::<Array<Integer>, _>(periods)
    .bind::<Array<BigInt>, _>(counts)
    .execute(&mut conn)
    .await
    .map(drop)
    .map_err(failed)
}

fn distinct(ids: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
    let ids: HashSet<Uuid> = ids.collect();
    ids.into_iter().collect()
}
