//! Deliveries and when they are due.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, Secret, StoreError, Unit as _};
use msgflash_webhooks::DueDelivery;
use msgflash_webhooks::delivery::{Attempt, Next};
use msgflash_webhooks::ports::DeliveryQueue;
use time::OffsetDateTime;
use uuid::Uuid;

use super::settle;
use crate::error::failed;
use crate::pool::Postgres;

#[derive(QueryableByName)]
struct DueRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    endpoint_id: Uuid,
    #[diesel(sql_type = Text)]
    url: String,
    #[diesel(sql_type = Text)]
    secret: String,
    #[diesel(sql_type = SqlUuid)]
    event_id: Uuid,
    #[diesel(sql_type = Text)]
    event: String,
    #[diesel(sql_type = Text)]
    body: String,
    #[diesel(sql_type = Integer)]
    attempts: i32,
}

impl From<DueRow> for DueDelivery {
    fn from(row: DueRow) -> Self {
        Self {
            id: Id::new(row.id),
            endpoint: Id::new(row.endpoint_id),
            url: row.url,
            secret: Secret::new(row.secret),
            event: Id::new(row.event_id),
            name: row.event,
            body: row.body,
            attempts: u32::try_from(row.attempts).unwrap_or(0),
        }
    }
}

#[async_trait]
impl DeliveryQueue for Postgres {
    async fn claim(
        &self,
        now: OffsetDateTime,
        lease: OffsetDateTime,
        limit: u32,
        per_endpoint: u32,
    ) -> Result<Vec<DueDelivery>, StoreError> {
        // A claim moves the due time to its own end, so what is due is what may be claimed, and what
        // is in somebody's hands lies between now and the end of the longest claim.
        //
        // Each endpoint is looked at by itself, from one to the next: however much waits for one of
        // them, the others cost no more. Those with fewest posts under way come first.
        let mut conn = self.conn().await?;
        let rows: Vec<DueRow> = diesel::sql_query(
            "WITH RECURSIVE heads AS ( \
               (SELECT endpoint_id FROM delivery_queue ORDER BY endpoint_id LIMIT 1) \
               UNION ALL \
               SELECT (SELECT n.endpoint_id FROM delivery_queue n \
                       WHERE n.endpoint_id > h.endpoint_id ORDER BY n.endpoint_id LIMIT 1) \
               FROM heads h WHERE h.endpoint_id IS NOT NULL), \
             able AS MATERIALIZED ( \
               SELECT w.id, (SELECT count(*) FROM delivery_queue b \
                             WHERE b.endpoint_id = w.id AND b.lease_until > $1 \
                               AND b.due_at > $1 AND b.due_at <= $2) AS busy \
               FROM heads h JOIN webhook_endpoints w ON w.id = h.endpoint_id AND w.active \
               JOIN subscriptions s ON s.account_id = w.account_id \
               JOIN plans p ON p.id = s.plan_id AND p.feature_webhooks), \
             candidates AS MATERIALIZED ( \
               SELECT q.delivery_id, q.due_at, a.busy + q.turn AS turn FROM able a \
               CROSS JOIN LATERAL ( \
                 SELECT d.delivery_id, d.due_at, \
                   row_number() OVER (ORDER BY d.due_at, d.delivery_id) AS turn \
                 FROM delivery_queue d WHERE d.endpoint_id = a.id AND d.due_at <= $1 \
                 ORDER BY d.due_at, d.delivery_id LIMIT GREATEST($4 - a.busy, 0)) q \
               ORDER BY turn, q.due_at LIMIT $3), \
             chosen AS ( \
               SELECT q.delivery_id FROM delivery_queue q \
               JOIN candidates c ON c.delivery_id = q.delivery_id \
               WHERE q.due_at <= $1 FOR UPDATE OF q SKIP LOCKED) \
             UPDATE delivery_queue q SET due_at = $2, lease_until = $2 \
             FROM chosen c, deliveries d, webhook_endpoints w \
             WHERE q.delivery_id = c.delivery_id AND w.id = q.endpoint_id \
               AND d.endpoint_id = q.endpoint_id AND d.id = q.delivery_id \
             RETURNING d.id, d.endpoint_id, w.url, w.secret, d.event_id, d.event, d.body, d.attempts",
        )
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(lease)
        .bind::<BigInt, _>(i64::from(limit))
        .bind::<BigInt, _>(i64::from(per_endpoint))
        .get_results(&mut conn)
        .await
        .map_err(failed)?;
        Ok(rows.into_iter().map(DueDelivery::from).collect())
    }

    async fn settle(&self, attempts: &[Attempt], now: OffsetDateTime) -> Result<(), StoreError> {
        if attempts.is_empty() {
            return Ok(());
        }
        let gone: Vec<Uuid> = attempts
            .iter()
            .filter(|it| it.next == Next::Gone)
            .map(|it| it.endpoint.uuid())
            .collect();
        if gone.is_empty() {
            return settle::record(&mut *self.conn().await?, attempts, now).await;
        }
        // Whoever locks both locks endpoints before deliveries, and those before their queue.
        let mut unit = self.unit().await?;
        settle::switch_off(unit.conn(), &gone, now).await?;
        settle::record(unit.conn(), attempts, now).await?;
        settle::fail_waiting(unit.conn(), &gone, now).await?;
        Box::new(unit).commit().await
    }
}
