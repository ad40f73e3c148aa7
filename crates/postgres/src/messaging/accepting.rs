//! Accepting groups of messages: a few round trips, whatever the size of the group.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Binary, Bool, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _};

use msgflash_kernel::{AccountId, Id, StoreError, StoredAnswer, TeamId, UserId};
use msgflash_messaging::message::accept::Application;
use msgflash_messaging::message::ports::{
    AcceptStore, AcceptUnit, AcceptUnits, Admission, Facts, Held, Name, Question, Sender, Standing,
    Wait, name, sender,
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
use crate::replay::LIFE;
use crate::sql::sql;
use crate::unit::PgUnit;

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
        let locking = match wait {
            Wait::No => HOLD_FREE_MEMBERS,
            Wait::Yes => HOLD_MEMBERS,
        };
        let held: Vec<HeldMemberRow> = sql(locking)
            .bind::<Array<SqlUuid>, _>(each(people, |(team, _)| team.uuid()))
            .bind::<Array<SqlUuid>, _>(each(people, |(_, user)| user.uuid()))
            .get_results(self.conn())
            .await
            .map_err(failed)?;
        let held = held.iter();
        Ok(held
            .map(|row| (Id::new(row.team_id), Id::new(row.user_id)))
            .collect())
    }

    async fn look<'a>(
        &mut self,
        question: &Question<'a>,
        now: OffsetDateTime,
    ) -> Result<Facts<'a>, StoreError> {
        let asked = question.applications;
        let conn = &*self.conn();
        // Sent at once and answered at once: one round trip.
        let (keys, accounts, members, instances, answers, recorded) = try_join!(
            keys(conn, asked, now),
            accounts(conn, asked, now),
            members(conn, asked),
            instances(conn, asked),
            answers(conn, asked, now),
            recorded(conn, asked, question.again),
        )?;
        Ok(Facts {
            keys,
            accounts,
            members,
            instances,
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
            reserve(conn, admitted),
            insert_messages(conn, &messages),
            push_entries(conn, &entries),
            keep(conn, admitted, now),
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

/// A statement of its own: what is read after it was not changed since.
macro_rules! hold_members {
    ($locking:literal) => {
        concat!(
            "SELECT m.team_id, m.user_id FROM UNNEST($1, $2) AS k (team_id, user_id) \
             CROSS JOIN LATERAL (SELECT m.team_id, m.user_id FROM team_members m \
               WHERE m.team_id = k.team_id AND m.user_id = k.user_id AND m.ended_at IS NULL ",
            $locking,
            ") m"
        )
    };
}
const HOLD_FREE_MEMBERS: &str = hold_members!("FOR SHARE SKIP LOCKED");
const HOLD_MEMBERS: &str = hold_members!("FOR SHARE");

#[derive(QueryableByName)]
struct HeldMemberRow {
    #[diesel(sql_type = SqlUuid)]
    team_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
}

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
struct MemberRow {
    #[diesel(sql_type = SqlUuid)]
    team_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    instance_id: Uuid,
    #[diesel(sql_type = Bool)]
    may: bool,
}

/// Who of the people that act in a team is still in it, and may use the instance; asked only when there
/// are some. They are held: whoever sends one of them away, or takes an instance back, waits until the
/// group is recorded, or is seen here.
async fn members(
    mut conn: &AsyncPgConnection,
    asked: &[&Application],
) -> Result<HashMap<Sender, bool>, StoreError> {
    let senders: HashSet<Sender> = asked.iter().filter_map(|it| sender(it)).collect();
    if senders.is_empty() {
        return Ok(HashMap::new());
    }
    let senders: Vec<Sender> = senders.into_iter().collect();
    let rows: Vec<MemberRow> = sql(
        "SELECT f.* FROM UNNEST($1, $2, $3) AS asked (team_id, user_id, instance_id) CROSS JOIN \
             LATERAL ( SELECT m.team_id, m.user_id, asked.instance_id, m.role <> 'collaborator' \
             OR EXISTS (SELECT 1 FROM team_instance_assignments a WHERE a.team_id = m.team_id AND \
             a.user_id = m.user_id AND a.instance_id = asked.instance_id) AS may FROM \
             team_members m JOIN teams t ON t.id = m.team_id AND t.deleted_at IS NULL WHERE \
             m.team_id = asked.team_id AND m.user_id = asked.user_id AND m.ended_at IS NULL) f",
    )
    .bind::<Array<SqlUuid>, _>(each(&senders, |(team, ..)| team.uuid()))
    .bind::<Array<SqlUuid>, _>(each(&senders, |(_, user, _)| user.uuid()))
    .bind::<Array<SqlUuid>, _>(each(&senders, |(.., instance)| instance.uuid()))
    .get_results(&mut conn)
    .await
    .map_err(failed)?;
    let sender = |row: &MemberRow| {
        let (team, user) = (Id::new(row.team_id), Id::new(row.user_id));
        (team, user, Id::new(row.instance_id))
    };
    Ok(rows.iter().map(|row| (sender(row), row.may)).collect())
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
struct AnswerRow {
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(sql_type = Binary)]
    request_hash: Vec<u8>,
    #[diesel(sql_type = SmallInt)]
    status: i16,
    #[diesel(sql_type = Text)]
    body: String,
}

/// Answers given before to the keys of the group.
async fn answers<'a>(
    mut conn: &AsyncPgConnection,
    asked: &[&'a Application],
    now: OffsetDateTime,
) -> Result<HashMap<Name<'a>, ([u8; 32], StoredAnswer)>, StoreError> {
    let keys: Vec<_> = asked
        .iter()
        .filter_map(|it| it.once.as_ref().map(|(key, _)| key))
        .collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<AnswerRow> = sql(
        "SELECT k.place, i.request_hash, i.status, i.body FROM UNNEST($1, $2, $3) WITH \
             ORDINALITY AS k (workspace_id, route, key_hash, place) CROSS JOIN LATERAL ( SELECT \
             i.request_hash, i.status, i.body FROM idempotency_keys i WHERE i.workspace_id = \
             k.workspace_id AND i.route = k.route AND i.key_hash = k.key_hash AND i.created_at > \
             $4 LIMIT 1) i",
    )
    .bind::<Array<SqlUuid>, _>(each(&keys, |key| key.workspace.uuid()))
    .bind::<Array<Text>, _>(each(&keys, |key| key.route))
    .bind::<Array<Binary>, _>(each(&keys, |key| key.key.to_vec()))
    .bind::<Timestamptz, _>(now - LIFE)
    .get_results(&mut conn)
    .await
    .map_err(failed)?;
    rows.into_iter()
        .map(|row| {
            let place = usize::try_from(row.place - 1).unwrap_or(usize::MAX);
            let key = keys
                .get(place)
                .ok_or_else(|| StoreError::corrupt("place", row.place.to_string()))?;
            let length = row.request_hash.len();
            let request = row.request_hash.try_into().map_err(|_| {
                StoreError::corrupt("idempotency_keys.request_hash", format!("{length} bytes"))
            })?;
            let status = u16::try_from(row.status).map_err(|_| {
                StoreError::corrupt("idempotency_keys.status", row.status.to_string())
            })?;
            let answer = StoredAnswer {
                status,
                body: row.body,
            };
            Ok((name(key), (request, answer)))
        })
        .collect()
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

/// Keeps the answers of requests that came with a key.
async fn keep(
    mut conn: &AsyncPgConnection,
    admitted: &[&Application],
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    let kept: Vec<_> = admitted.iter().filter_map(|it| it.once.as_ref()).collect();
    if kept.is_empty() {
        return Ok(());
    }
    let written = sql("INSERT INTO idempotency_keys \
           (workspace_id, route, key_hash, request_hash, status, body, created_at) \
         SELECT workspace_id, route, key_hash, request_hash, status, body, $7 \
         FROM UNNEST($1, $2, $3, $4, $5, $6) \
           AS n (workspace_id, route, key_hash, request_hash, status, body) \
         ON CONFLICT (workspace_id, route, key_hash) DO UPDATE SET \
           request_hash = EXCLUDED.request_hash, status = EXCLUDED.status, \
           body = EXCLUDED.body, created_at = EXCLUDED.created_at \
         WHERE idempotency_keys.created_at <= $8")
    .bind::<Array<SqlUuid>, _>(each(&kept, |(key, _)| key.workspace.uuid()))
    .bind::<Array<Text>, _>(each(&kept, |(key, _)| key.route))
    .bind::<Array<Binary>, _>(each(&kept, |(key, _)| key.key.to_vec()))
    .bind::<Array<Binary>, _>(each(&kept, |(key, _)| key.request.to_vec()))
    .bind::<Array<SmallInt>, _>(each(&kept, |(_, answer)| {
        i16::try_from(answer.status).unwrap_or(i16::MAX)
    }))
    .bind::<Array<Text>, _>(each(&kept, |(_, answer)| answer.body.clone()))
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(now - LIFE)
    .execute(&mut conn)
    .await
    .map_err(failed)?;
    if written < kept.len() {
        // An equal request of another month, whose usage row is another one, came first.
        return Err(StoreError::Stale("idempotency_keys"));
    }
    Ok(())
}

fn distinct(ids: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
    let ids: HashSet<Uuid> = ids.collect();
    ids.into_iter().collect()
}
