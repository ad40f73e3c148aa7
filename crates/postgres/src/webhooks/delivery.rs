//! Deliveries and when they are due.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, Secret, StoreError, Unit as _};
use msgflash_webhooks::DueDelivery;
use msgflash_webhooks::delivery::{Attempt, Next};
use msgflash_webhooks::ports::DeliveryStore;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::columns::each;
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
impl DeliveryStore for Postgres {
    async fn claim(
        &self,
        now: OffsetDateTime,
        lease: OffsetDateTime,
        limit: u32,
        per_endpoint: u32,
    ) -> Result<Vec<DueDelivery>, StoreError> {
        // Rows under a live claim have their due time behind them and a lease ahead; they count
        // against the endpoint's places. A switched-off endpoint's deliveries wait.
        let mut conn = self.conn().await?;
        let rows: Vec<DueRow> = diesel::sql_query(
            "WITH busy AS ( \
               SELECT endpoint_id, count(*) AS held FROM delivery_queue \
               WHERE lease_until > $1 GROUP BY endpoint_id), \
             ranked AS ( \
               SELECT q.delivery_id, q.due_at, COALESCE(b.held, 0) + row_number() OVER ( \
                 PARTITION BY q.endpoint_id ORDER BY q.due_at, q.delivery_id) AS place \
               FROM delivery_queue q LEFT JOIN busy b ON b.endpoint_id = q.endpoint_id \
               WHERE q.due_at <= $1 AND (q.lease_until IS NULL OR q.lease_until <= $1)), \
             chosen AS ( \
               SELECT q.delivery_id FROM delivery_queue q \
               JOIN ranked r ON r.delivery_id = q.delivery_id \
               WHERE r.place <= $4 AND (q.lease_until IS NULL OR q.lease_until <= $1) \
               ORDER BY r.due_at LIMIT $3 FOR UPDATE OF q SKIP LOCKED) \
             UPDATE delivery_queue q SET lease_until = $2 \
             FROM chosen c, deliveries d, webhook_endpoints w \
             WHERE q.delivery_id = c.delivery_id AND w.id = q.endpoint_id AND w.active \
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
        let status = |it: &Attempt| match it.next {
            Next::Delivered => "delivered",
            Next::Retry(_) => "pending",
            Next::Failed | Next::Gone => "failed",
        };
        let retry = |it: &Attempt| match it.next {
            Next::Retry(at) => Some(at),
            _ => None,
        };
        let mut unit = self.unit().await?;
        diesel::sql_query(
            "UPDATE deliveries d SET status = u.status, attempts = u.attempts, \
               response_status = u.response_status, response_excerpt = u.excerpt, \
               error = u.error, next_attempt_at = u.next_at, updated_at = $8 \
             FROM UNNEST($1, $2, $3, $4, $5, $6, $7, $9) AS u (endpoint_id, id, status, attempts, \
               response_status, excerpt, error, next_at) \
             WHERE d.endpoint_id = u.endpoint_id AND d.id = u.id",
        )
        .bind::<Array<SqlUuid>, _>(each(attempts, |it| it.endpoint.uuid()))
        .bind::<Array<SqlUuid>, _>(each(attempts, |it| it.id.uuid()))
        .bind::<Array<Text>, _>(each(attempts, status))
        .bind::<Array<Integer>, _>(each(attempts, |it| i32::try_from(it.attempts).unwrap_or(i32::MAX)))
        .bind::<Array<Nullable<Integer>>, _>(each(attempts, |it| it.response_status.map(i32::from)))
        .bind::<Array<Nullable<Text>>, _>(each(attempts, |it| it.excerpt.clone()))
        .bind::<Array<Nullable<Text>>, _>(each(attempts, |it| it.error.clone()))
        .bind::<Timestamptz, _>(now)
        .bind::<Array<Nullable<Timestamptz>>, _>(each(attempts, retry))
        .execute(unit.conn())
        .await
        .map_err(failed)?;
        diesel::sql_query(
            "WITH u AS (SELECT * FROM UNNEST($1, $2) AS u (id, next_at)), \
             again AS ( \
               UPDATE delivery_queue q SET due_at = u.next_at, lease_until = NULL FROM u \
               WHERE q.delivery_id = u.id AND u.next_at IS NOT NULL) \
             DELETE FROM delivery_queue q USING u \
             WHERE q.delivery_id = u.id AND u.next_at IS NULL",
        )
        .bind::<Array<SqlUuid>, _>(each(attempts, |it| it.id.uuid()))
        .bind::<Array<Nullable<Timestamptz>>, _>(each(attempts, retry))
        .execute(unit.conn())
        .await
        .map_err(failed)?;
        diesel::sql_query(
            "UPDATE webhook_endpoints w SET active = false, updated_at = $3, \
               disabled_reason = 'The receiver answered 410 Gone' \
             FROM UNNEST($1, $2) AS u (endpoint_id, gone) \
             WHERE w.id = u.endpoint_id AND u.gone AND w.active",
        )
        .bind::<Array<SqlUuid>, _>(each(attempts, |it| it.endpoint.uuid()))
        .bind::<Array<Bool>, _>(each(attempts, |it| it.next == Next::Gone))
        .bind::<Timestamptz, _>(now)
        .execute(unit.conn())
        .await
        .map_err(failed)?;
        Box::new(unit).commit().await
    }
}
