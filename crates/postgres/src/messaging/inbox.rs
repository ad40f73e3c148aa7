//! Events of the provider, as they came.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, StoreError};
use msgflash_messaging::receipt::ports::{
    EventStore, Inbox, InboxId, InboxItem, RefKey, StoredEvent,
};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::receipt::{is_known, rank_number};
use crate::columns::each;
use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::inbox;
use crate::sql::sql;
use crate::unit::PgUnit;

#[async_trait]
impl Inbox for Postgres {
    async fn store(&self, items: &[InboxItem]) -> Result<(), StoreError> {
        let rows: Vec<NewRow> = items.iter().map(NewRow::of).collect();
        let mut conn = self.conn().await?;
        sql(
            "INSERT INTO inbox (id, instance_id, key_id, rank, event, data, received_at, due_at, \
               tries) \
             SELECT * FROM UNNEST($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind::<Array<SqlUuid>, _>(each(&rows, |it| it.id))
        .bind::<Array<SqlUuid>, _>(each(&rows, |it| it.instance))
        .bind::<Array<Nullable<Text>>, _>(each(&rows, |it| it.key_id.clone()))
        .bind::<Array<Nullable<SmallInt>>, _>(each(&rows, |it| it.rank))
        .bind::<Array<Nullable<Text>>, _>(each(&rows, |it| it.event.clone()))
        .bind::<Array<Nullable<Jsonb>>, _>(each(&rows, |it| it.data.clone()))
        .bind::<Array<Timestamptz>, _>(each(&rows, |it| it.received_at))
        .bind::<Array<Timestamptz>, _>(each(&rows, |it| it.due_at))
        .bind::<Array<Integer>, _>(each(&rows, |it| it.tries))
        .execute(&mut conn)
        .await
        .map(drop)
        .map_err(failed)
    }

    async fn depth(&self) -> Result<u64, StoreError> {
        let mut conn = self.conn().await?;
        let count: i64 = inbox::table
            .count()
            .get_result(&mut conn)
            .await
            .map_err(failed)?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

/// A row to store.
struct NewRow {
    id: Uuid,
    instance: Uuid,
    key_id: Option<String>,
    rank: Option<i16>,
    event: Option<String>,
    data: Option<Value>,
    received_at: OffsetDateTime,
    due_at: OffsetDateTime,
    tries: i32,
}

impl NewRow {
    fn of(item: &InboxItem) -> Self {
        match item {
            InboxItem::Receipt(it) => Self {
                id: it.id.uuid(),
                instance: it.instance.uuid(),
                key_id: Some(clean(&it.key_id)),
                rank: rank_number(it.rank),
                event: None,
                data: None,
                received_at: it.received_at,
                due_at: it.received_at,
                tries: i32::try_from(it.tries).unwrap_or(i32::MAX),
            },
            InboxItem::Event(it) => Self {
                id: it.id.uuid(),
                instance: it.instance.uuid(),
                key_id: it.announces.as_deref().map(clean),
                rank: None,
                event: Some(clean(&it.event)),
                data: Some(storable(it.data.clone())),
                received_at: it.received_at,
                due_at: it.due_at,
                tries: i32::try_from(it.tries).unwrap_or(i32::MAX),
            },
        }
    }
}

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = inbox, check_for_backend(diesel::pg::Pg))]
struct EventRow {
    id: Uuid,
    instance_id: Uuid,
    key_id: Option<String>,
    event: Option<String>,
    data: Option<Value>,
    received_at: OffsetDateTime,
    due_at: OffsetDateTime,
    tries: i32,
}

impl From<EventRow> for StoredEvent {
    fn from(row: EventRow) -> Self {
        Self {
            id: Id::new(row.id),
            instance: Id::new(row.instance_id),
            event: row.event.unwrap_or_default(),
            announces: row.key_id,
            data: row.data.unwrap_or_default(),
            received_at: row.received_at,
            due_at: row.due_at,
            tries: u32::try_from(row.tries).unwrap_or(0),
        }
    }
}

#[derive(QueryableByName)]
struct DroppedRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    first: Option<OffsetDateTime>,
}

#[derive(QueryableByName)]
struct InstanceRow {
    #[diesel(sql_type = SqlUuid)]
    instance_id: Uuid,
}

#[async_trait]
impl EventStore for PgUnit {
    async fn claim_run(
        &mut self,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        // The longest waiting instance that no other unit works on. The lock goes with the unit.
        let free: Option<InstanceRow> = sql("WITH heads AS MATERIALIZED ( \
               SELECT instance_id, min(due_at) AS first FROM ( \
                 SELECT instance_id, due_at FROM inbox WHERE key_id IS NULL AND due_at <= $1 \
                 ORDER BY due_at, id LIMIT 200) due \
               GROUP BY instance_id ORDER BY first, instance_id) \
             SELECT instance_id FROM heads \
             WHERE pg_try_advisory_xact_lock($2, hashtext(instance_id::text)) LIMIT 1")
        .bind::<Timestamptz, _>(now)
        .bind::<Integer, _>(EVENTS_OF_INSTANCE)
        .get_result(self.conn())
        .await
        .optional()
        .map_err(failed)?;
        let Some(free) = free else {
            return Ok(Vec::new());
        };
        // A later statement sees what the last holder of the lock committed. Events that were
        // never tried and are not due are held back: they come along.
        let rows: Vec<EventRow> = inbox::table
            .filter(inbox::key_id.is_null())
            .filter(inbox::instance_id.eq(free.instance_id))
            .filter(inbox::due_at.le(now).or(inbox::tries.eq(0)))
            .order((inbox::received_at, inbox::id))
            .limit(i64::from(limit))
            .select(EventRow::as_select())
            .for_update()
            .load(self.conn())
            .await
            .map_err(failed)?;
        Ok(rows.into_iter().map(StoredEvent::from).collect())
    }

    async fn drop_known(&mut self, now: OffsetDateTime, limit: u32) -> Result<usize, StoreError> {
        let marks = self.marks();
        let look = marks.known().look();
        let dropped: DroppedRow = sql(concat!(
            "WITH dropped AS ( \
               DELETE FROM inbox WHERE id = ANY (ARRAY( \
                 SELECT i.id FROM inbox i \
                 WHERE i.rank IS NULL AND i.key_id IS NOT NULL AND i.due_at BETWEEN $3 AND $1 AND ",
            is_known!("i"),
            "    ORDER BY i.due_at, i.id LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING due_at) \
             SELECT count(*) AS count, min(due_at) AS first FROM dropped",
        ))
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(i64::from(limit))
        .bind::<Timestamptz, _>(look.since())
        .get_result(self.conn())
        .await
        .map_err(failed)?;
        // Earlier ones that are not known yet are looked at one by one.
        marks.known().found(look, dropped.first.or(Some(now)));
        Ok(usize::try_from(dropped.count).unwrap_or(0))
    }

    async fn claim_announcement(
        &mut self,
        now: OffsetDateTime,
    ) -> Result<Option<StoredEvent>, StoreError> {
        let marks = self.marks();
        let look = marks.announcements().look();
        let row: Option<EventRow> = inbox::table
            .filter(inbox::rank.is_null())
            .filter(inbox::key_id.is_not_null())
            .filter(inbox::due_at.between(look.since(), now))
            .order((inbox::due_at, inbox::id))
            .select(EventRow::as_select())
            .for_update()
            .skip_locked()
            .first(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        let first = row.as_ref().map_or(now, |row| row.due_at);
        marks.announcements().found(look, Some(first));
        Ok(row.map(StoredEvent::from))
    }

    async fn remove(&mut self, ids: &[InboxId]) -> Result<(), StoreError> {
        remove(self, ids).await
    }

    async fn put_off(&mut self, id: InboxId, due_at: OffsetDateTime) -> Result<(), StoreError> {
        diesel::update(inbox::table.find(id.uuid()))
            .set((inbox::due_at.eq(due_at), inbox::tries.eq(inbox::tries + 1)))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn hold(&mut self, ids: &[InboxId], until: OffsetDateTime) -> Result<(), StoreError> {
        diesel::update(inbox::table.filter(inbox::id.eq_any(each(ids, |id| id.uuid()))))
            .set(inbox::due_at.eq(until))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn wake_receipts(&mut self, key: &RefKey, now: OffsetDateTime) -> Result<(), StoreError> {
        // Whoever holds one looks at it right now.
        sql("UPDATE inbox SET due_at = $3 WHERE id = ANY (ARRAY( \
               SELECT id FROM inbox WHERE instance_id = $1 AND key_id = $2 \
                 AND rank IS NOT NULL AND tries > 0 AND due_at > $3 FOR UPDATE SKIP LOCKED))")
        .bind::<SqlUuid, _>(key.0.uuid())
        .bind::<Text, _>(&key.1)
        .bind::<Timestamptz, _>(now)
        .execute(self.conn())
        .await
        .map(drop)
        .map_err(failed)
    }
}

/// The class of the advisory locks on instances whose events are being applied.
const EVENTS_OF_INSTANCE: i32 = 0x6d66_0001;

/// Removes rows of the inbox.
pub(super) async fn remove(unit: &mut PgUnit, ids: &[InboxId]) -> Result<(), StoreError> {
    sql("DELETE FROM inbox WHERE id = ANY ($1)")
        .bind::<Array<SqlUuid>, _>(each(ids, |id| id.uuid()))
        .execute(unit.conn())
        .await
        .map(drop)
        .map_err(failed)
}

fn clean(text: &str) -> String {
    text.replace('\0', "")
}

/// An event without NUL characters, which PostgreSQL's JSON cannot hold. People can write them,
/// and the gateway gives an event up that is never taken.
fn storable(data: Value) -> Value {
    match data {
        Value::String(text) => Value::String(clean(&text)),
        Value::Array(items) => items.into_iter().map(storable).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (clean(&name), storable(value)))
            .collect(),
        other => other,
    }
}
