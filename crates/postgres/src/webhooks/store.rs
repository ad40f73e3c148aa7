//! New deliveries, and old ones taken up again.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Event, StoreError};
use msgflash_webhooks::ports::DeliveryStore;
use msgflash_webhooks::{Delivery, EndpointId};
use time::OffsetDateTime;

use crate::columns::{each, first_id};
use crate::error::failed;
use crate::schema::events;
use crate::sql::sql;
use crate::unit::PgUnit;
use crate::upkeep::LONGEST_LIFE;

#[async_trait]
impl DeliveryStore for PgUnit {
    async fn insert(&mut self, deliveries: &[Delivery]) -> Result<(), StoreError> {
        let names: Vec<&str> = deliveries.iter().map(|it| it.name.as_str()).collect();
        sql("WITH new AS ( \
               INSERT INTO deliveries (endpoint_id, id, workspace_id, event_id, event, \
                 status, next_attempt_at, created_at, updated_at) \
               SELECT endpoint_id, id, workspace_id, event_id, event, 'pending', at, at, at \
               FROM UNNEST($1, $2, $3, $4, $5, $6) \
                 AS n (endpoint_id, id, workspace_id, event_id, event, at) \
               RETURNING endpoint_id, id, created_at) \
             INSERT INTO delivery_queue (delivery_id, endpoint_id, due_at) \
             SELECT id, endpoint_id, created_at FROM new")
        .bind::<Array<SqlUuid>, _>(each(deliveries, |it| it.endpoint.uuid()))
        .bind::<Array<SqlUuid>, _>(each(deliveries, |it| it.id.uuid()))
        .bind::<Array<SqlUuid>, _>(each(deliveries, |it| it.workspace.uuid()))
        .bind::<Array<SqlUuid>, _>(each(deliveries, |it| it.event.uuid()))
        .bind::<Array<Text>, _>(names)
        .bind::<Array<Timestamptz>, _>(each(deliveries, |it| it.created_at))
        .execute(self.conn())
        .await
        .map(drop)
        .map_err(failed)
    }

    async fn keep_event(&mut self, event: &Event) -> Result<(), StoreError> {
        diesel::insert_into(events::table)
            .values((
                events::workspace_id.eq(event.workspace.uuid()),
                events::id.eq(event.id.uuid()),
                events::account_id.eq(event.account.uuid()),
                events::name.eq(event.name),
                events::payload.eq(&event.payload),
                events::at.eq(event.at),
            ))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn retry_failed(
        &mut self,
        endpoint: EndpointId,
        since: OffsetDateTime,
        limit: u32,
        now: OffsetDateTime,
    ) -> Result<u32, StoreError> {
        // Ids follow the time of making: what is older than a delivery can wait did not fail since.
        let first = first_id(since.checked_sub(LONGEST_LIFE).unwrap_or(since));
        let taken_up = sql("WITH failed AS MATERIALIZED ( \
               SELECT d.endpoint_id, d.id FROM deliveries d \
               WHERE d.endpoint_id = $1 AND d.id >= $2 AND d.status = 'failed' \
                 AND d.updated_at >= $3 \
               ORDER BY d.id LIMIT $4 FOR NO KEY UPDATE OF d), \
             pending AS ( \
               UPDATE deliveries d SET status = 'pending', spent = d.attempts, \
                 next_attempt_at = $5, updated_at = $5 \
               FROM failed f WHERE d.endpoint_id = f.endpoint_id AND d.id = f.id \
               RETURNING d.id, d.endpoint_id) \
             INSERT INTO delivery_queue (delivery_id, endpoint_id, due_at) \
             SELECT id, endpoint_id, $5 FROM pending ON CONFLICT (delivery_id) DO NOTHING")
        .bind::<SqlUuid, _>(endpoint.uuid())
        .bind::<SqlUuid, _>(first)
        .bind::<Timestamptz, _>(since)
        .bind::<BigInt, _>(i64::from(limit))
        .bind::<Timestamptz, _>(now)
        .execute(self.conn())
        .await
        .map_err(failed)?;
        Ok(u32::try_from(taken_up).unwrap_or(u32::MAX))
    }
}
