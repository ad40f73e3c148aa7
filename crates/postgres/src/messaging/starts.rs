//! Marking calls as started: the last look at everything that may speak against one.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, Phone, StoreError};
use msgflash_messaging::InstanceId;
use msgflash_messaging::dispatch::ports::{
    EntryKey, HeldLanes, Lease, StartStore, StartUnit, StartUnits,
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::instance::phone;
use super::lanes::{LaneRow, links, sends};
use super::stop::of_opted_out;
use crate::columns::each;
use crate::contacts::opted_out;
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;
use crate::teams::remains::not_deleted;
use crate::unit::PgUnit;

#[derive(QueryableByName)]
struct StrangerRow {
    #[diesel(sql_type = SqlUuid)]
    instance_id: Uuid,
    #[diesel(sql_type = BigInt)]
    phone: i64,
}

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = SqlUuid)]
    instance_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    message_id: Uuid,
}

#[derive(QueryableByName)]
struct StartedRow {
    #[diesel(sql_type = SqlUuid)]
    instance_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    message_id: Uuid,
    #[diesel(sql_type = Integer)]
    attempt: i32,
}

impl StartUnit for PgUnit {
    fn starts(&mut self) -> &mut dyn StartStore {
        self
    }
}

#[async_trait]
impl StartUnits for Postgres {
    async fn begin(&self) -> Result<Box<dyn StartUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
}

#[async_trait]
impl StartStore for PgUnit {
    async fn hold_lanes(
        &mut self,
        worker: Uuid,
        lanes: &[(InstanceId, i64)],
    ) -> Result<HeldLanes, StoreError> {
        // In the order of the list, in which everybody locks.
        let held: Vec<LaneRow> = sql(
            "SELECT l.instance_id FROM UNNEST($2, $3) AS k (instance_id, epoch) CROSS JOIN \
             LATERAL ( SELECT l.instance_id FROM lanes l WHERE l.instance_id = k.instance_id AND \
             l.epoch = k.epoch AND l.owner = $1 FOR NO KEY UPDATE) l",
        )
        .bind::<SqlUuid, _>(worker)
        .bind::<Array<SqlUuid>, _>(each(lanes, |(lane, _)| lane.uuid()))
        .bind::<Array<BigInt>, _>(each(lanes, |(_, epoch)| *epoch))
        .get_results(self.conn())
        .await
        .map_err(failed)?;
        let lanes: Vec<InstanceId> = held.iter().map(|row| Id::new(row.instance_id)).collect();
        let instances = links(self.conn(), &lanes).await?;
        Ok(HeldLanes { lanes, instances })
    }

    async fn strangers(
        &mut self,
        people: &[(InstanceId, Phone)],
    ) -> Result<Vec<(InstanceId, Phone)>, StoreError> {
        let rows: Vec<StrangerRow> = sql(
            "SELECT k.instance_id, k.phone FROM UNNEST($1, $2) AS k (instance_id, phone) \
             WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE m.instance_id = k.instance_id \
                                 AND m.peer = k.phone AND m.inbound)",
        )
        .bind::<Array<SqlUuid>, _>(each(people, |(lane, _)| lane.uuid()))
        .bind::<Array<BigInt>, _>(each(people, |(_, phone)| phone.to_i64()))
        .get_results(self.conn())
        .await
        .map_err(failed)?;
        rows.into_iter()
            .map(|row| Ok((Id::new(row.instance_id), phone(row.phone)?)))
            .collect()
    }

    async fn hold_strangers(
        &mut self,
        lanes: &[(InstanceId, OffsetDateTime)],
        but: &[EntryKey],
        limit: u32,
    ) -> Result<Vec<EntryKey>, StoreError> {
        let rows: Vec<KeyRow> = sql("WITH held AS MATERIALIZED ( \
               SELECT s.instance_id, s.message_id, k.until \
               FROM UNNEST($1, $2) AS k (instance_id, until) CROSS JOIN LATERAL ( \
                 SELECT q.instance_id, q.message_id FROM queue q \
                 WHERE uuid_send(q.instance_id) = uuid_send(k.instance_id) AND q.state = 1 \
                   AND q.not_before < k.until \
                   AND q.message_id <> ALL ($3) \
                   AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.instance_id = q.instance_id \
                                     AND m.peer = q.phone AND m.inbound) \
                 ORDER BY q.class, q.due_at, q.message_id LIMIT $4 \
                 FOR UPDATE SKIP LOCKED) s) \
             UPDATE queue q SET not_before = held.until FROM held \
             WHERE q.instance_id = held.instance_id AND q.message_id = held.message_id \
             RETURNING q.instance_id, q.message_id")
        .bind::<Array<SqlUuid>, _>(each(lanes, |(lane, _)| lane.uuid()))
        .bind::<Array<Timestamptz>, _>(each(lanes, |(_, until)| *until))
        .bind::<Array<SqlUuid>, _>(each(but, |(_, message)| message.uuid()))
        .bind::<BigInt, _>(i64::from(limit))
        .get_results(self.conn())
        .await
        .map_err(failed)?;
        Ok(each(&rows, |it| {
            (Id::new(it.instance_id), Id::new(it.message_id))
        }))
    }

    async fn start(
        &mut self,
        read: &[(EntryKey, OffsetDateTime)],
        lease: Lease,
        now: OffsetDateTime,
    ) -> Result<Vec<(EntryKey, u32)>, StoreError> {
        // A mark is on the wire within a second or taken back, so nothing begins behind its end.
        // A statement of its own, after the lanes are held: it sees a team that was deleted before, and
        // who was put on a list.
        let started: Vec<StartedRow> = sql(concat!(
            "WITH k AS MATERIALIZED ( SELECT r.place FROM UNNEST($1, $2, $6) AS a (instance_id, \
             message_id, due_at) CROSS JOIN LATERAL ( SELECT r.ctid AS place FROM queue r WHERE \
             r.instance_id = a.instance_id AND r.message_id = a.message_id AND r.state + 0 = 1 \
             AND r.due_at = a.due_at AND ",
            not_deleted!("r.workspace_id"),
            " AND NOT ",
            opted_out!("r"),
            " AND (r.until IS NULL OR r.until > $5 + interval '1 s') AND (r.campaign_id IS NULL OR ",
            sends!("r"),
            ") AND NOT EXISTS (SELECT 1 FROM queue o WHERE o.instance_id = r.instance_id AND \
             o.phone = r.phone AND o.state IN (2, 3) OFFSET 0) OFFSET 0) r) UPDATE queue q SET state = 2, \
             attempt = q.attempt + 1, owner = $3, lease_until = $4, started_at = $5, look_at = \
             NULL, looks = 0 FROM k WHERE q.ctid = k.place RETURNING q.instance_id, q.message_id, \
             q.attempt",
        ))
        .bind::<Array<SqlUuid>, _>(each(read, |((lane, _), _)| lane.uuid()))
        .bind::<Array<SqlUuid>, _>(each(read, |((_, message), _)| message.uuid()))
        .bind::<SqlUuid, _>(lease.owner)
        .bind::<Timestamptz, _>(lease.until)
        .bind::<Timestamptz, _>(now)
        .bind::<Array<Timestamptz>, _>(each(read, |(_, due_at)| *due_at))
        .get_results(self.conn())
        .await
        .map_err(failed)?;
        Ok(started
            .into_iter()
            .map(|row| {
                let key = (Id::new(row.instance_id), Id::new(row.message_id));
                (key, u32::try_from(row.attempt).unwrap_or(0))
            })
            .collect())
    }

    async fn opted_out(&mut self, keys: &[EntryKey]) -> Result<Vec<EntryKey>, StoreError> {
        of_opted_out(self.conn(), keys).await
    }

    async fn take_back(
        &mut self,
        worker: Uuid,
        attempts: &[(EntryKey, u32)],
    ) -> Result<(), StoreError> {
        sql(
            "UPDATE queue q SET state = 1, owner = NULL, lease_until = NULL \
             FROM UNNEST($2, $3, $4) AS a (instance_id, message_id, attempt) \
             WHERE q.instance_id = a.instance_id AND q.message_id = a.message_id \
               AND q.attempt = a.attempt AND q.state + 0 = 2 AND q.owner = $1",
        )
        .bind::<SqlUuid, _>(worker)
        .bind::<Array<SqlUuid>, _>(each(attempts, |((lane, _), _)| lane.uuid()))
        .bind::<Array<SqlUuid>, _>(each(attempts, |((_, message), _)| message.uuid()))
        .bind::<Array<Integer>, _>(each(attempts, |(_, attempt)| {
            i32::try_from(*attempt).unwrap_or(i32::MAX)
        }))
        .execute(self.conn())
        .await
        .map(drop)
        .map_err(failed)
    }
}
