//! The queue, the lanes, and whose a provider's id is.

use std::collections::HashSet;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use msgflash_kernel::{AccountId, Id, Phone, StoreError, WorkspaceId};
use msgflash_messaging::dispatch::ports::{EntryKey, NewRef, QueueStore};
use msgflash_messaging::dispatch::{Class, QueueEntry, QueueState};
use msgflash_messaging::{InstanceId, MessageId};
use msgflash_quotas::Period;
use time::OffsetDateTime;
use uuid::Uuid;

use super::doubtful;
use super::instance::phone;
use super::stop::of_opted_out;
use crate::columns::each;
use crate::error::failed;
use crate::schema::{provider_refs, queue};
use crate::sql::sql;
use crate::teams::remains::not_deleted;
use crate::unit::PgUnit;

const READY: i16 = QueueState::Ready.to_i16();
const UNKNOWN: i16 = QueueState::Unknown.to_i16();

/// The columns of a [`QueueRow`] by name: a statement that says `*` fails on connections that are open while a
/// migration adds one.
macro_rules! queue_columns {
    () => {
        "q.instance_id, q.message_id, q.workspace_id, q.account_id, q.phone, q.class, \
         q.state, q.due_at, q.not_before, q.ready_since, q.period, q.attempt, q.misses, \
         q.started_at, q.looks, q.has_left, q.resent, q.ignores_suppression, q.campaign_id, \
         q.until"
    };
}
pub(super) use queue_columns;

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = queue, check_for_backend(diesel::pg::Pg))]
pub(super) struct QueueRow {
    instance_id: Uuid,
    message_id: Uuid,
    workspace_id: Uuid,
    account_id: Uuid,
    phone: i64,
    class: i16,
    state: i16,
    due_at: OffsetDateTime,
    not_before: OffsetDateTime,
    ready_since: Option<OffsetDateTime>,
    period: Option<i32>,
    attempt: i32,
    misses: i32,
    started_at: Option<OffsetDateTime>,
    looks: i32,
    has_left: bool,
    resent: bool,
    ignores_suppression: bool,
    campaign_id: Option<Uuid>,
    until: Option<OffsetDateTime>,
}

impl TryFrom<QueueRow> for QueueEntry {
    type Error = StoreError;

    fn try_from(row: QueueRow) -> Result<Self, StoreError> {
        let period = |stored: i32| {
            Period::from_i32(stored)
                .ok_or_else(|| StoreError::corrupt("queue.period", stored.to_string()))
        };
        Ok(Self {
            instance: Id::new(row.instance_id),
            message: Id::new(row.message_id),
            workspace: Id::new(row.workspace_id),
            account: Id::new(row.account_id),
            phone: phone(row.phone)?,
            class: Class::from_i16(row.class)
                .ok_or_else(|| StoreError::corrupt("queue.class", row.class.to_string()))?,
            state: QueueState::from_i16(row.state)
                .ok_or_else(|| StoreError::corrupt("queue.state", row.state.to_string()))?,
            due_at: row.due_at,
            not_before: row.not_before,
            ready_since: row.ready_since,
            period: row.period.map(period).transpose()?,
            attempt: u32::try_from(row.attempt).unwrap_or(0),
            misses: u32::try_from(row.misses).unwrap_or(0),
            started_at: row.started_at,
            looks: u32::try_from(row.looks).unwrap_or(0),
            has_left: row.has_left,
            resent: row.resent,
            ignores_suppression: row.ignores_suppression,
            campaign: row.campaign_id.map(Id::new),
            until: row.until,
        })
    }
}

pub(super) fn entries(rows: Vec<QueueRow>) -> Result<Vec<QueueEntry>, StoreError> {
    rows.into_iter().map(QueueEntry::try_from).collect()
}

fn small(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

#[derive(QueryableByName)]
struct RefRow {
    #[diesel(sql_type = Text)]
    key_id: String,
}

#[async_trait]
impl QueueStore for PgUnit {
    async fn push(&mut self, new: &[QueueEntry]) -> Result<(), StoreError> {
        push_entries(self.conn(), &new.iter().collect::<Vec<_>>()).await
    }

    async fn claim_due(
        &mut self,
        accounts: &[AccountId],
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<QueueEntry>, StoreError> {
        let rows: Vec<QueueRow> = sql(concat!(
            "SELECT ",
            queue_columns!(),
            " FROM queue q WHERE state = 0 AND due_at <= $1 AND account_id = ANY($2) AND ",
            not_deleted!("q.workspace_id"),
            " ORDER BY due_at, instance_id, message_id LIMIT $3 FOR UPDATE SKIP LOCKED",
        ))
        .bind::<Timestamptz, _>(now)
        .bind::<Array<SqlUuid>, _>(each(accounts, |id| id.uuid()))
        .bind::<BigInt, _>(i64::from(limit))
        .get_results(self.conn())
        .await
        .map_err(failed)?;
        entries(rows)
    }

    async fn opted_out(&mut self, keys: &[EntryKey]) -> Result<Vec<EntryKey>, StoreError> {
        of_opted_out(self.conn(), keys).await
    }

    async fn admit(
        &mut self,
        keys: &[EntryKey],
        period: Period,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        sql(
            "WITH k AS MATERIALIZED ( SELECT r.place FROM UNNEST($1, $2) AS a (instance_id, \
             message_id) CROSS JOIN LATERAL ( SELECT r.ctid AS place FROM queue r WHERE \
             r.instance_id = a.instance_id AND r.message_id = a.message_id OFFSET 0) r) UPDATE \
             queue q SET state = 1, period = $3, ready_since = $4 FROM k WHERE q.ctid = k.place",
        )
        .bind::<Array<SqlUuid>, _>(each(keys, |(lane, _)| lane.uuid()))
        .bind::<Array<SqlUuid>, _>(each(keys, |(_, message)| message.uuid()))
        .bind::<Integer, _>(period.to_i32())
        .bind::<Timestamptz, _>(now)
        .execute(self.conn())
        .await
        .map(drop)
        .map_err(failed)
    }

    async fn take(&mut self, attempts: &[(EntryKey, u32)]) -> Result<Vec<QueueEntry>, StoreError> {
        self.take_at(attempts, false).await
    }

    async fn withdraw(
        &mut self,
        attempts: &[(EntryKey, u32)],
    ) -> Result<Vec<QueueEntry>, StoreError> {
        self.take_at(attempts, true).await
    }

    async fn lock(&mut self, key: EntryKey) -> Result<Option<QueueEntry>, StoreError> {
        let row = queue::table
            .find((key.0.uuid(), key.1.uuid()))
            .select(QueueRow::as_select())
            .for_update()
            .first(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        row.map(QueueEntry::try_from).transpose()
    }

    async fn put_back(
        &mut self,
        key: EntryKey,
        misses: u32,
        not_before: OffsetDateTime,
    ) -> Result<(), StoreError> {
        diesel::update(queue::table.find((key.0.uuid(), key.1.uuid())))
            .set((
                queue::state.eq(READY),
                queue::misses.eq(small(misses)),
                queue::not_before.eq(not_before),
                queue::owner.eq(None::<Uuid>),
                queue::lease_until.eq(None::<OffsetDateTime>),
            ))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn lane_down(
        &mut self,
        lane: InstanceId,
        now: OffsetDateTime,
    ) -> Result<OffsetDateTime, StoreError> {
        let row: SinceRow = sql(
            "INSERT INTO lanes (instance_id, down_since) VALUES ($1, $2) \
             ON CONFLICT (instance_id) DO UPDATE \
             SET down_since = COALESCE(lanes.down_since, $2) RETURNING down_since",
        )
        .bind::<SqlUuid, _>(lane.uuid())
        .bind::<Timestamptz, _>(now)
        .get_result(self.conn())
        .await
        .map_err(failed)?;
        Ok(row.down_since)
    }

    async fn lanes_up(&mut self, lanes: &[InstanceId]) -> Result<(), StoreError> {
        sql("UPDATE lanes l SET down_since = NULL FROM ( \
               SELECT instance_id FROM lanes \
               WHERE instance_id = ANY($1) AND down_since IS NOT NULL \
               ORDER BY instance_id FOR NO KEY UPDATE) d WHERE l.instance_id = d.instance_id")
        .bind::<Array<SqlUuid>, _>(each(lanes, |lane| lane.uuid()))
        .execute(self.conn())
        .await
        .map(drop)
        .map_err(failed)
    }

    async fn mark_left(
        &mut self,
        key: EntryKey,
        look_at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        diesel::update(queue::table.find((key.0.uuid(), key.1.uuid())))
            .set((
                queue::state.eq(UNKNOWN),
                queue::has_left.eq(true),
                queue::looks.eq(0),
                queue::look_at.eq(look_at),
                queue::owner.eq(None::<Uuid>),
                queue::lease_until.eq(None::<OffsetDateTime>),
            ))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn mark_unknown(
        &mut self,
        key: EntryKey,
        looks: u32,
        look_at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        diesel::update(queue::table.find((key.0.uuid(), key.1.uuid())))
            .set((
                queue::state.eq(UNKNOWN),
                queue::looks.eq(small(looks)),
                queue::look_at.eq(look_at),
                queue::owner.eq(None::<Uuid>),
                queue::lease_until.eq(None::<OffsetDateTime>),
            ))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn resend(&mut self, key: EntryKey, now: OffsetDateTime) -> Result<(), StoreError> {
        sql(
            "UPDATE queue SET state = CASE WHEN period IS NULL THEN 0 ELSE 1 END, resent = true, \
               not_before = $3, owner = NULL, lease_until = NULL \
             WHERE instance_id = $1 AND message_id = $2",
        )
        .bind::<SqlUuid, _>(key.0.uuid())
        .bind::<SqlUuid, _>(key.1.uuid())
        .bind::<Timestamptz, _>(now)
        .execute(self.conn())
        .await
        .map(drop)
        .map_err(failed)
    }

    async fn last_ref(
        &mut self,
        instance: InstanceId,
        since: OffsetDateTime,
    ) -> Result<Option<String>, StoreError> {
        // What came in was kept by whoever received it, and proves nothing about what is sent.
        let last: Option<RefRow> = sql("SELECT r.key_id FROM provider_refs r \
             CROSS JOIN LATERAL ( \
               SELECT 1 FROM messages m WHERE m.workspace_id = r.workspace_id \
                 AND m.id = r.message_id AND NOT m.inbound OFFSET 0) left_here \
             WHERE uuid_send(r.instance_id) = uuid_send($1) AND r.created_at >= $2 \
             ORDER BY r.created_at DESC LIMIT 1")
        .bind::<SqlUuid, _>(instance.uuid())
        .bind::<Timestamptz, _>(since)
        .get_result(self.conn())
        .await
        .optional()
        .map_err(failed)?;
        Ok(last.map(|row| row.key_id))
    }

    async fn expire_leases(&mut self, now: OffsetDateTime) -> Result<u64, StoreError> {
        let marks = self.marks();
        let look = marks.leases().look();
        let count = sql(
            "UPDATE queue SET state = 3, look_at = $1, looks = 0, owner = NULL, lease_until = NULL \
             WHERE ctid = ANY (ARRAY( \
               SELECT ctid FROM queue WHERE state = 2 AND lease_until BETWEEN $2 AND $1 \
               ORDER BY instance_id, message_id LIMIT 500 FOR UPDATE SKIP LOCKED))",
        )
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(look.since())
        .execute(self.conn())
        .await
        .map_err(failed)?;
        // Leases end in their order: what ends later is not looked at yet.
        marks.leases().found(look, (count == 0).then_some(now));
        Ok(count as u64)
    }

    async fn open_doubtful(&mut self, now: OffsetDateTime, most: u32) -> Result<u64, StoreError> {
        doubtful::open(self.conn(), now, most).await
    }

    async fn claim_unknown(
        &mut self,
        now: OffsetDateTime,
        next_look: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<QueueEntry>, StoreError> {
        let rows: Vec<QueueRow> = sql(concat!(
            "UPDATE queue q SET look_at = $2 WHERE q.ctid = ANY (ARRAY( \
               SELECT d.ctid FROM queue d WHERE d.state = 3 AND d.look_at <= $1 \
               ORDER BY d.look_at LIMIT $3 FOR UPDATE SKIP LOCKED)) RETURNING ",
            queue_columns!()
        ))
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(next_look)
        .bind::<BigInt, _>(i64::from(limit))
        .get_results(self.conn())
        .await
        .map_err(failed)?;
        entries(rows)
    }

    async fn lock_open(
        &mut self,
        lane: InstanceId,
        phone: Phone,
    ) -> Result<Option<QueueEntry>, StoreError> {
        // The states as they stand in the index of open calls: as parameters they could be any, and the whole lane
        // would be read.
        let row: Option<QueueRow> = sql(concat!(
            "SELECT ",
            queue_columns!(),
            " FROM queue q WHERE q.instance_id = $1 AND q.phone = $2 AND q.state IN (2, 3) FOR UPDATE",
        ))
        .bind::<SqlUuid, _>(lane.uuid())
        .bind::<BigInt, _>(phone.to_i64())
        .get_result(self.conn())
        .await
        .optional()
        .map_err(failed)?;
        row.map(QueueEntry::try_from).transpose()
    }

    async fn remove(&mut self, keys: &[EntryKey]) -> Result<Vec<EntryKey>, StoreError> {
        let gone: Vec<KeyRow> = sql(
            "DELETE FROM queue q USING UNNEST($1, $2) AS k (instance_id, message_id) \
             WHERE q.instance_id = k.instance_id AND q.message_id = k.message_id \
             RETURNING q.instance_id, q.message_id",
        )
        .bind::<Array<SqlUuid>, _>(each(keys, |(lane, _)| lane.uuid()))
        .bind::<Array<SqlUuid>, _>(each(keys, |(_, message)| message.uuid()))
        .get_results(self.conn())
        .await
        .map_err(failed)?;
        Ok(gone
            .into_iter()
            .map(|row| (Id::new(row.instance_id), Id::new(row.message_id)))
            .collect())
    }

    async fn bind_ref(
        &mut self,
        instance: InstanceId,
        key_id: &str,
        workspace: WorkspaceId,
        message: MessageId,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let new = NewRef {
            instance,
            key_id: key_id.to_owned(),
            workspace,
            message,
        };
        Ok(self.bind_refs(&[new], now).await?.is_empty())
    }

    async fn bind_refs(
        &mut self,
        refs: &[NewRef],
        now: OffsetDateTime,
    ) -> Result<Vec<MessageId>, StoreError> {
        let bound: Vec<IdRow> = sql("INSERT INTO provider_refs \
               (instance_id, key_id, workspace_id, message_id, created_at) \
             SELECT instance_id, key_id, workspace_id, message_id, $5 \
             FROM UNNEST($1, $2, $3, $4) AS n (instance_id, key_id, workspace_id, message_id) \
             ORDER BY instance_id, key_id ON CONFLICT DO NOTHING RETURNING message_id AS id")
        .bind::<Array<SqlUuid>, _>(each(refs, |it| it.instance.uuid()))
        .bind::<Array<Text>, _>(each(refs, |it| it.key_id.clone()))
        .bind::<Array<SqlUuid>, _>(each(refs, |it| it.workspace.uuid()))
        .bind::<Array<SqlUuid>, _>(each(refs, |it| it.message.uuid()))
        .bind::<Timestamptz, _>(now)
        .get_results(self.conn())
        .await
        .map_err(failed)?;
        let bound: HashSet<Uuid> = bound.into_iter().map(|row| row.id).collect();
        let taken = refs.iter().map(|it| it.message);
        Ok(taken.filter(|id| !bound.contains(&id.uuid())).collect())
    }

    async fn find_ref(
        &mut self,
        instance: InstanceId,
        key_id: &str,
    ) -> Result<Option<(WorkspaceId, MessageId)>, StoreError> {
        let found: Option<(Uuid, Uuid)> = provider_refs::table
            .find((instance.uuid(), key_id))
            .select((provider_refs::workspace_id, provider_refs::message_id))
            .first(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        Ok(found.map(|(workspace, message)| (Id::new(workspace), Id::new(message))))
    }
}

impl PgUnit {
    /// Takes entries off the queue that are still at this attempt, open ones or all.
    async fn take_at(
        &mut self,
        attempts: &[(EntryKey, u32)],
        all: bool,
    ) -> Result<Vec<QueueEntry>, StoreError> {
        // One that is to go out once more has not yet: an answer that came after all ends it.
        // What a deleted team did not start does not fail: it is cancelled with the team's remains.
        // Locked in the order of the list. The sum hides the state from the planner, which takes
        // the index of open entries for empty and would read it once for each.
        let mut attempts = attempts.to_vec();
        attempts.sort_unstable_by_key(|((lane, message), _)| (lane.uuid(), message.uuid()));
        let rows: Vec<QueueRow> = sql(concat!(
            "WITH k AS MATERIALIZED ( \
               SELECT q.instance_id, q.message_id \
               FROM UNNEST($1, $2, $3) AS a (instance_id, message_id, attempt) \
               CROSS JOIN LATERAL ( \
                 SELECT o.instance_id, o.message_id FROM queue o \
                 WHERE o.instance_id = a.instance_id AND o.message_id = a.message_id \
                   AND o.attempt = a.attempt \
                   AND (o.state + 0 IN (2, 3) OR o.resent OR ($4 AND ",
            not_deleted!("o.workspace_id"),
            ")) FOR UPDATE) q) \
             DELETE FROM queue q USING k \
             WHERE q.instance_id = k.instance_id AND q.message_id = k.message_id RETURNING ",
            queue_columns!()
        ))
        .bind::<Array<SqlUuid>, _>(each(&attempts, |((lane, _), _)| lane.uuid()))
        .bind::<Array<SqlUuid>, _>(each(&attempts, |((_, message), _)| message.uuid()))
        .bind::<Array<Integer>, _>(each(&attempts, |(_, attempt)| small(*attempt)))
        .bind::<Bool, _>(all)
        .get_results(self.conn())
        .await
        .map_err(failed)?;
        entries(rows)
    }
}

/// Adds entries.
pub(super) async fn push_entries(
    mut conn: &AsyncPgConnection,
    new: &[&QueueEntry],
) -> Result<(), StoreError> {
    sql(
        "INSERT INTO queue (instance_id, message_id, workspace_id, account_id, phone, class, \
           state, due_at, not_before, ready_since, period, ignores_suppression, campaign_id, \
           until) \
         SELECT * FROM UNNEST($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind::<Array<SqlUuid>, _>(each(new, |it| it.instance.uuid()))
    .bind::<Array<SqlUuid>, _>(each(new, |it| it.message.uuid()))
    .bind::<Array<SqlUuid>, _>(each(new, |it| it.workspace.uuid()))
    .bind::<Array<SqlUuid>, _>(each(new, |it| it.account.uuid()))
    .bind::<Array<BigInt>, _>(each(new, |it| it.phone.to_i64()))
    .bind::<Array<SmallInt>, _>(each(new, |it| it.class.to_i16()))
    .bind::<Array<SmallInt>, _>(each(new, |it| it.state.to_i16()))
    .bind::<Array<Timestamptz>, _>(each(new, |it| it.due_at))
    .bind::<Array<Timestamptz>, _>(each(new, |it| it.not_before))
    .bind::<Array<Nullable<Timestamptz>>, _>(each(new, |it| it.ready_since))
    .bind::<Array<Nullable<Integer>>, _>(each(new, |it| it.period.map(Period::to_i32)))
    .bind::<Array<Bool>, _>(each(new, |it| it.ignores_suppression))
    .bind::<Array<Nullable<SqlUuid>>, _>(each(new, |it| it.campaign.map(Id::uuid)))
    .bind::<Array<Nullable<Timestamptz>>, _>(each(new, |it| it.until))
    .execute(&mut conn)
    .await
    .map(drop)
    .map_err(failed)
}

#[derive(QueryableByName)]
struct SinceRow {
    #[diesel(sql_type = Timestamptz)]
    down_since: OffsetDateTime,
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = SqlUuid)]
    instance_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    message_id: Uuid,
}
