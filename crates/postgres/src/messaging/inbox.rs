//! Events of the provider, as they came.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{Array, Integer, Jsonb, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, StoreError};
use msgflash_messaging::receipt::ports::{Inbox, InboxId, InboxItem, InboxStore};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::columns::each;
use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::inbox;
use crate::unit::PgUnit;

#[derive(Queryable, Selectable)]
#[diesel(table_name = inbox, check_for_backend(diesel::pg::Pg))]
struct InboxRow {
    id: Uuid,
    instance_id: Uuid,
    event: String,
    data: Value,
    received_at: OffsetDateTime,
    tries: i32,
}

impl From<InboxRow> for InboxItem {
    fn from(row: InboxRow) -> Self {
        Self {
            id: Id::new(row.id),
            instance: Id::new(row.instance_id),
            event: row.event,
            data: row.data,
            received_at: row.received_at,
            tries: u32::try_from(row.tries).unwrap_or(0),
        }
    }
}

#[async_trait]
impl Inbox for Postgres {
    async fn store(&self, items: &[InboxItem]) -> Result<(), StoreError> {
        let mut conn = self.conn().await?;
        diesel::sql_query(
            "INSERT INTO inbox (id, instance_id, event, data, received_at, due_at, tries) \
             SELECT id, instance_id, event, data, received_at, received_at, tries \
             FROM UNNEST($1, $2, $3, $4, $5, $6) \
               AS n (id, instance_id, event, data, received_at, tries)",
        )
        .bind::<Array<SqlUuid>, _>(each(items, |it| it.id.uuid()))
        .bind::<Array<SqlUuid>, _>(each(items, |it| it.instance.uuid()))
        .bind::<Array<Text>, _>(each(items, |it| it.event.clone()))
        .bind::<Array<Jsonb>, _>(each(items, |it| storable(it.data.clone())))
        .bind::<Array<Timestamptz>, _>(each(items, |it| it.received_at))
        .bind::<Array<Integer>, _>(each(items, |it| {
            i32::try_from(it.tries).unwrap_or(i32::MAX)
        }))
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

#[async_trait]
impl InboxStore for PgUnit {
    async fn claim(
        &mut self,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<InboxItem>, StoreError> {
        let rows: Vec<InboxRow> = inbox::table
            .filter(inbox::due_at.le(now))
            .order((inbox::due_at, inbox::id))
            .limit(i64::from(limit))
            .select(InboxRow::as_select())
            .for_update()
            .skip_locked()
            .load(self.conn())
            .await
            .map_err(failed)?;
        Ok(rows.into_iter().map(InboxItem::from).collect())
    }

    async fn remove(&mut self, ids: &[InboxId]) -> Result<(), StoreError> {
        diesel::delete(inbox::table.filter(inbox::id.eq_any(each(ids, |id| id.uuid()))))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn put_off(&mut self, id: InboxId, due_at: OffsetDateTime) -> Result<(), StoreError> {
        diesel::update(inbox::table.find(id.uuid()))
            .set((inbox::due_at.eq(due_at), inbox::tries.eq(inbox::tries + 1)))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }
}

/// An event without NUL characters, which PostgreSQL's JSON cannot hold. People can write them,
/// and the gateway gives an event up that is never taken.
fn storable(data: Value) -> Value {
    let clean = |text: String| text.replace('\0', "");
    match data {
        Value::String(text) => Value::String(clean(text)),
        Value::Array(items) => items.into_iter().map(storable).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (clean(name), storable(value)))
            .collect(),
        other => other,
    }
}
