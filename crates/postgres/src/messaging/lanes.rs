//! Who owns which lane, and what waits there.

use std::collections::HashMap;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Interval, Nullable, SmallInt, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use msgflash_kernel::{Id, StoreError, Unit as _};
use msgflash_messaging::dispatch::QueueEntry;
use msgflash_messaging::dispatch::ports::{Claimed, LaneStore, Mark, OwnedLane, Planned};
use msgflash_messaging::{Instance, InstanceId, MessageId};
use time::{Duration, OffsetDateTime};
use tracing::error;
use uuid::Uuid;

use super::instance::InstanceRow;
use super::message::read_messages;
use super::queue::{QueueRow, queue_columns};
use crate::columns::each;
use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::instances;
use crate::sql::sql;

/// A worker that was silent for so long is forgotten.
const FORGOTTEN: &str = "DELETE FROM workers WHERE beat_at < now() - interval '1 day'";

#[derive(QueryableByName)]
struct StandingRow {
    #[diesel(sql_type = BigInt)]
    lanes: i64,
    #[diesel(sql_type = BigInt)]
    mine: i64,
    #[diesel(sql_type = BigInt)]
    known: i64,
    #[diesel(sql_type = BigInt)]
    workers: i64,
}

#[derive(QueryableByName)]
struct OwnedRow {
    #[diesel(sql_type = SqlUuid)]
    instance_id: Uuid,
    #[diesel(sql_type = BigInt)]
    epoch: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    down_since: Option<OffsetDateTime>,
}

#[derive(QueryableByName)]
pub(super) struct LaneRow {
    #[diesel(sql_type = SqlUuid)]
    pub(super) instance_id: Uuid,
}

#[derive(QueryableByName)]
struct LeftRow {
    #[diesel(sql_type = SqlUuid)]
    instance_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    created_at: OffsetDateTime,
}

#[derive(QueryableByName)]
struct FirstRow {
    #[diesel(sql_type = Bool)]
    is_first: bool,
}

/// Says that an entry's campaign sends: what it reserved before the month was used up goes out, too.
macro_rules! sends {
    ($entry:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM campaigns c WHERE c.id = ",
            $entry,
            ".campaign_id AND c.status IN ('running', 'paused_quota') OFFSET 0)"
        )
    };
}
pub(super) use sends;

fn size(stored: i64) -> usize {
    usize::try_from(stored).unwrap_or(0)
}

/// Where reading goes on; what is before everything, when it has not begun.
fn after(mark: &Mark) -> (OffsetDateTime, Uuid) {
    mark.after.map_or(
        (OffsetDateTime::UNIX_EPOCH, Uuid::nil()),
        |(due, message)| (due, message.uuid()),
    )
}

/// A span as the database counts it.
fn interval(span: Duration) -> diesel::pg::data_types::PgInterval {
    let micros = i64::try_from(span.whole_microseconds()).unwrap_or(i64::MAX);
    diesel::pg::data_types::PgInterval::from_microseconds(micros)
}

#[async_trait]
impl LaneStore for Postgres {
    async fn beat(&self, worker: Uuid) -> Result<(), StoreError> {
        let mut conn = self.conn().await?;
        sql("INSERT INTO workers (id, beat_at) VALUES ($1, now()) \
             ON CONFLICT (id) DO UPDATE SET beat_at = EXCLUDED.beat_at")
        .bind::<SqlUuid, _>(worker)
        .execute(&mut conn)
        .await
        .map_err(failed)?;
        sql(FORGOTTEN)
            .execute(&mut conn)
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn is_first(&self, worker: Uuid, silence: Duration) -> Result<bool, StoreError> {
        // Ids are UUIDv7: the least is that of the oldest.
        let row: FirstRow = sql("SELECT NOT EXISTS (SELECT 1 FROM workers w \
             WHERE w.id < $1 AND w.beat_at > now() - $2) AS is_first")
        .bind::<SqlUuid, _>(worker)
        .bind::<Interval, _>(interval(silence))
        .get_result(&mut *self.conn().await?)
        .await
        .map_err(failed)?;
        Ok(row.is_first)
    }

    async fn claim(
        &self,
        worker: Uuid,
        silence: Duration,
        held: &[InstanceId],
        now: OffsetDateTime,
    ) -> Result<Claimed, StoreError> {
        let mut unit = self.unit().await?;
        let conn = unit.conn();
        sql(
            "INSERT INTO lanes (instance_id) SELECT i.id FROM instances i \
             WHERE NOT EXISTS (SELECT 1 FROM lanes l WHERE l.instance_id = i.id) \
             ORDER BY i.id ON CONFLICT DO NOTHING",
        )
        .execute(conn)
        .await
        .map_err(failed)?;
        let standing: StandingRow = sql(
            "SELECT count(*) AS lanes, count(*) FILTER (WHERE owner = $1) AS mine, \
               count(*) FILTER (WHERE owner = $1 AND instance_id = ANY($3)) AS known, \
               (SELECT count(*) FROM workers w WHERE w.id = $1 OR w.beat_at > now() - $2) \
                 AS workers FROM lanes",
        )
        .bind::<SqlUuid, _>(worker)
        .bind::<Interval, _>(interval(silence))
        .bind::<Array<SqlUuid>, _>(each(held, |lane| lane.uuid()))
        .get_result(conn)
        .await
        .map_err(failed)?;
        if standing.mine > standing.known {
            // Taken by a transaction whose commit was never confirmed.
            disown(conn, worker, held).await?;
        }
        let share = size(standing.lanes).div_ceil(size(standing.workers).max(1));
        let known = size(standing.known);
        let room = share.saturating_sub(known);
        let mut claimed = Claimed {
            lost: if known < held.len() {
                lost(conn, worker, held).await?
            } else {
                Vec::new()
            },
            share,
            ..Claimed::default()
        };
        if room > 0 {
            let taken = take(conn, worker, silence, room).await?;
            let lanes = each(&taken, |row| row.instance_id);
            if !lanes.is_empty() {
                claimed.orphans = orphan(conn, worker, lanes, now).await?;
            }
            claimed.taken = each(&taken, |row| OwnedLane {
                lane: Id::new(row.instance_id),
                epoch: row.epoch,
                down_since: row.down_since,
            });
        }
        Box::new(unit).commit().await?;
        Ok(claimed)
    }

    async fn release(&self, worker: Uuid, lanes: &[InstanceId]) -> Result<(), StoreError> {
        let mut conn = self.conn().await?;
        sql("UPDATE lanes SET owner = NULL WHERE owner = $1 AND instance_id = ANY($2)")
            .bind::<SqlUuid, _>(worker)
            .bind::<Array<SqlUuid>, _>(each(lanes, |lane| lane.uuid()))
            .execute(&mut conn)
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn retire(&self, worker: Uuid) -> Result<(), StoreError> {
        let mut unit = self.unit().await?;
        for farewell in [
            "UPDATE lanes SET owner = NULL WHERE owner = $1",
            "DELETE FROM workers WHERE id = $1",
        ] {
            sql(farewell)
                .bind::<SqlUuid, _>(worker)
                .execute(unit.conn())
                .await
                .map_err(failed)?;
        }
        Box::new(unit).commit().await
    }

    async fn ahead(&self, marks: &[Mark], now: OffsetDateTime) -> Result<Vec<Planned>, StoreError> {
        let most = marks.iter().map(|mark| mark.limit).max().unwrap_or(0);
        // A plan for all parameters, as every unit's: one for these takes a lane for short and sorts
        // all of it, where the first few are wanted in the order of their index.
        let mut unit = self.unit().await?;
        let rows: Vec<QueueRow> = sql(concat!(
            "SELECT ",
            queue_columns!(),
            " FROM UNNEST($1, $2, $3, $4) AS k (lane, class, due, message) \
             CROSS JOIN LATERAL ( \
               SELECT ",
            queue_columns!(),
            " FROM (SELECT ",
            queue_columns!(),
            " FROM queue q \
               WHERE uuid_send(q.instance_id) = uuid_send(k.lane) AND q.state = 1 AND q.class = k.class \
                 AND (q.due_at, q.message_id) > (k.due, k.message) AND q.not_before <= $5 \
                 AND (q.until IS NULL OR q.until > $5) AND (q.campaign_id IS NULL OR ",
            sends!("q"),
            ") \
                 AND NOT EXISTS (SELECT 1 FROM queue o WHERE o.instance_id = q.instance_id \
                                   AND o.phone = q.phone AND o.state IN (2, 3) OFFSET 0) \
               ORDER BY q.due_at, q.message_id LIMIT 4 * $6) q \
               WHERE ",
            // What a deleted team left is stepped over, and a lane that is full of it holds up no
            // other: the rest of it is read when that is gone. The few such teams are read once;
            // whoever starts a call looks at each entry's own.
            "q.workspace_id <> ALL (ARRAY(SELECT r.team_id FROM team_remains r))",
            " ORDER BY q.due_at, q.message_id LIMIT $6) q",
        ))
        .bind::<Array<SqlUuid>, _>(each(marks, |mark| mark.lane.uuid()))
        .bind::<Array<SmallInt>, _>(each(marks, |mark| mark.class.to_i16()))
        .bind::<Array<Timestamptz>, _>(each(marks, |mark| after(mark).0))
        .bind::<Array<SqlUuid>, _>(each(marks, |mark| after(mark).1))
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(i64::from(most))
        .get_results(unit.conn())
        .await
        .map_err(failed)?;
        // What cannot be read, such as what a newer release beside this one accepted, waits for
        // somebody who can, and holds up nobody else.
        let found: Vec<QueueEntry> = readable(rows.into_iter().map(QueueEntry::try_from));
        let keys = each(&found, |it| (it.workspace, it.message));
        let messages = if keys.is_empty() {
            vec![]
        } else {
            readable(read_messages(unit.conn(), &keys).await?)
        };
        Box::new(unit).commit().await?;
        let mut messages: HashMap<MessageId, _> =
            messages.into_iter().map(|it| (it.id, it)).collect();
        Ok(found
            .into_iter()
            .filter_map(|entry| {
                let message = messages.remove(&entry.message)?;
                Some(Planned { entry, message })
            })
            .collect())
    }

    async fn calls_since(
        &self,
        lanes: &[InstanceId],
        since: OffsetDateTime,
    ) -> Result<Vec<(InstanceId, OffsetDateTime)>, StoreError> {
        let mut conn = self.conn().await?;
        // What came in has an id of the provider, too.
        let rows: Vec<LeftRow> = sql("SELECT k.id AS instance_id, r.created_at \
             FROM UNNEST($1) AS k (id) \
             JOIN provider_refs r ON uuid_send(r.instance_id) = uuid_send(k.id) AND r.created_at >= $2 \
             CROSS JOIN LATERAL ( \
               SELECT 1 FROM messages m WHERE m.workspace_id = r.workspace_id \
                 AND m.id = r.message_id AND NOT m.inbound OFFSET 0) left_here")
        .bind::<Array<SqlUuid>, _>(each(lanes, |lane| lane.uuid()))
        .bind::<Timestamptz, _>(since)
        .get_results(&mut conn)
        .await
        .map_err(failed)?;
        Ok(each(&rows, |row| {
            (Id::new(row.instance_id), row.created_at)
        }))
    }

    async fn links(&self, lanes: &[InstanceId]) -> Result<Vec<Instance>, StoreError> {
        let mut conn = self.conn().await?;
        links(&mut conn, lanes).await
    }
}

/// Those that could be read; the others are told in the log.
fn readable<T>(read: impl IntoIterator<Item = Result<T, StoreError>>) -> Vec<T> {
    read.into_iter()
        .filter_map(|it| {
            it.inspect_err(|cause| error!(%cause, "a queued message cannot be read"))
                .ok()
        })
        .collect()
}

/// Gives back what nobody remembers having taken.
async fn disown(
    conn: &mut AsyncPgConnection,
    worker: Uuid,
    held: &[InstanceId],
) -> Result<(), StoreError> {
    sql("UPDATE lanes SET owner = NULL WHERE owner = $1 AND instance_id <> ALL($2)")
        .bind::<SqlUuid, _>(worker)
        .bind::<Array<SqlUuid>, _>(each(held, |lane| lane.uuid()))
        .execute(conn)
        .await
        .map(drop)
        .map_err(failed)
}

/// Which of the lanes are not the worker's.
async fn lost(
    conn: &mut AsyncPgConnection,
    worker: Uuid,
    held: &[InstanceId],
) -> Result<Vec<InstanceId>, StoreError> {
    let rows: Vec<LaneRow> = sql("SELECT k.id AS instance_id FROM UNNEST($2) AS k (id) \
         WHERE NOT EXISTS (SELECT 1 FROM lanes l \
                           WHERE l.instance_id = k.id AND l.owner = $1 OFFSET 0)")
    .bind::<SqlUuid, _>(worker)
    .bind::<Array<SqlUuid>, _>(each(held, |lane| lane.uuid()))
    .get_results(conn)
    .await
    .map_err(failed)?;
    Ok(rows
        .into_iter()
        .map(|row| Id::new(row.instance_id))
        .collect())
}

/// Takes up to `room` lanes that nobody alive owns.
async fn take(
    conn: &mut AsyncPgConnection,
    worker: Uuid,
    silence: Duration,
    room: usize,
) -> Result<Vec<OwnedRow>, StoreError> {
    sql("WITH free AS ( \
           SELECT l.instance_id FROM lanes l \
           WHERE l.owner IS DISTINCT FROM $1 AND NOT EXISTS ( \
             SELECT 1 FROM workers w WHERE w.id = l.owner AND w.beat_at > now() - $2) \
           ORDER BY l.instance_id LIMIT $3 FOR NO KEY UPDATE OF l SKIP LOCKED) \
         UPDATE lanes l SET owner = $1, epoch = l.epoch + 1 FROM free \
         WHERE l.instance_id = free.instance_id \
         RETURNING l.instance_id, l.epoch, l.down_since")
    .bind::<SqlUuid, _>(worker)
    .bind::<Interval, _>(interval(silence))
    .bind::<BigInt, _>(i64::try_from(room).unwrap_or(i64::MAX))
    .get_results(conn)
    .await
    .map_err(failed)
}

/// Turns calls that the last owner left open into unknown ones.
async fn orphan(
    conn: &mut AsyncPgConnection,
    worker: Uuid,
    lanes: Vec<Uuid>,
    now: OffsetDateTime,
) -> Result<u64, StoreError> {
    let count = sql(
        "UPDATE queue SET state = 3, look_at = $3, looks = 0, owner = NULL, lease_until = NULL \
         WHERE instance_id = ANY($2) AND state = 2 AND owner IS DISTINCT FROM $1",
    )
    .bind::<SqlUuid, _>(worker)
    .bind::<Array<SqlUuid>, _>(lanes)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await
    .map_err(failed)?;
    Ok(count as u64)
}

pub(super) async fn links(
    conn: &mut AsyncPgConnection,
    lanes: &[InstanceId],
) -> Result<Vec<Instance>, StoreError> {
    let rows: Vec<InstanceRow> = instances::table
        .filter(instances::id.eq_any(each(lanes, |lane| lane.uuid())))
        .filter(instances::deleted_at.is_null())
        .select(InstanceRow::as_select())
        .load(conn)
        .await
        .map_err(failed)?;
    rows.into_iter().map(Instance::try_from).collect()
}
