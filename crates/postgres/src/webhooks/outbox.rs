//! Facts, and handing them to endpoints.

use async_trait::async_trait;
use diesel::sql_types::{Array, BigInt, Jsonb, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Event, Outbox, StoreError};
use msgflash_webhooks::ports::FanOutStore;
use time::OffsetDateTime;

use crate::columns::each;
use crate::error::failed;
use crate::pool::Postgres;
use crate::unit::PgUnit;

#[async_trait]
impl Outbox for PgUnit {
    async fn append(&mut self, events: &[Event]) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        diesel::sql_query(
            "WITH new AS ( \
               INSERT INTO events (workspace_id, id, account_id, name, payload, at) \
               SELECT * FROM UNNEST($1, $2, $3, $4, $5, $6) RETURNING workspace_id, id) \
             INSERT INTO outbox (event_id, workspace_id) SELECT id, workspace_id FROM new",
        )
        .bind::<Array<SqlUuid>, _>(each(events, |it| it.workspace.uuid()))
        .bind::<Array<SqlUuid>, _>(each(events, |it| it.id.uuid()))
        .bind::<Array<SqlUuid>, _>(each(events, |it| it.account.uuid()))
        .bind::<Array<Text>, _>(each(events, |it| it.name))
        .bind::<Array<Jsonb>, _>(each(events, |it| it.payload.clone()))
        .bind::<Array<Timestamptz>, _>(each(events, |it| it.at))
        .execute(self.conn())
        .await
        .map(drop)
        .map_err(failed)
    }
}

#[async_trait]
impl FanOutStore for Postgres {
    async fn fan_out(&self, now: OffsetDateTime, limit: u32) -> Result<usize, StoreError> {
        // One statement is one transaction: an event leaves the outbox exactly when its deliveries
        // are there. The id of a delivery is drawn here, because the pairs are not known before.
        let mut conn = self.conn().await?;
        let row: TakenRow = diesel::sql_query(
            "WITH taken AS ( \
               DELETE FROM outbox WHERE event_id IN ( \
                 SELECT event_id FROM outbox ORDER BY event_id LIMIT $2 FOR UPDATE SKIP LOCKED) \
               RETURNING event_id, workspace_id), \
             new AS ( \
               INSERT INTO deliveries (endpoint_id, id, workspace_id, event_id, event, body, \
                 status, next_attempt_at, created_at, updated_at) \
               SELECT w.id, gen_random_uuid(), e.workspace_id, e.id, e.name, e.payload::text, \
                 'pending', $1, $1, $1 \
               FROM taken t \
               JOIN events e ON e.workspace_id = t.workspace_id AND e.id = t.event_id \
               JOIN webhook_endpoints w ON w.workspace_id = e.workspace_id \
                 AND w.active AND e.name = ANY (w.events) \
               JOIN subscriptions s ON s.account_id = w.account_id \
               JOIN plans p ON p.id = s.plan_id AND p.feature_webhooks \
               RETURNING endpoint_id, id), \
             queued AS ( \
               INSERT INTO delivery_queue (delivery_id, endpoint_id, due_at) \
               SELECT id, endpoint_id, $1 FROM new) \
             SELECT count(*) AS taken FROM taken",
        )
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(i64::from(limit))
        .get_result(&mut conn)
        .await
        .map_err(failed)?;
        Ok(usize::try_from(row.taken).unwrap_or(0))
    }
}

#[derive(diesel::QueryableByName)]
struct TakenRow {
    #[diesel(sql_type = BigInt)]
    taken: i64,
}
