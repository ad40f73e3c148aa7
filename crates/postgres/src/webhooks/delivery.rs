//! What is due, and whose turn it is.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, Secret, StoreError};
use msgflash_webhooks::DueDelivery;
use msgflash_webhooks::delivery::Room;
use msgflash_webhooks::health::TROUBLED_AT;
use msgflash_webhooks::ports::DeliveryQueue;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::columns::each;
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;
use crate::teams::remains::not_deleted;

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
    #[diesel(sql_type = Nullable<Text>)]
    previous_secret: Option<String>,
    #[diesel(sql_type = SqlUuid)]
    event_id: Uuid,
    #[diesel(sql_type = Text)]
    event: String,
    #[diesel(sql_type = Nullable<Text>)]
    request_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    body: Option<String>,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Integer)]
    spent: i32,
    /// The earliest time at which any endpoint's next delivery is due.
    #[diesel(sql_type = Timestamptz)]
    oldest: OffsetDateTime,
}

impl DueRow {
    fn due(self, lease: OffsetDateTime) -> DueDelivery {
        let row = self;
        DueDelivery {
            id: Id::new(row.id),
            endpoint: Id::new(row.endpoint_id),
            url: row.url,
            secret: Secret::new(row.secret),
            previous_secret: row.previous_secret.map(Secret::new),
            event: Id::new(row.event_id),
            name: row.event,
            request: row.request_id,
            body: row.body,
            attempts: u32::try_from(row.attempts).unwrap_or(0),
            spent: u32::try_from(row.spent).unwrap_or(0),
            lease,
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
        rooms: &[Room],
        most: u32,
    ) -> Result<Vec<DueDelivery>, StoreError> {
        // A claim moves the due time to its own end, so what is due is what may be claimed, and what
        // is in somebody's hands lies between now and the end of the longest claim.
        //
        // Each endpoint is looked at by itself, from one to the next: however much waits for one of
        // them, the others cost no more. Those with fewest posts under way come first.
        let mut conn = self.conn().await?;
        let look = self.marks().deliveries().look();
        let rows: Vec<DueRow> = sql(concat!(
            "WITH RECURSIVE heads AS ( \
               (SELECT endpoint_id, due_at FROM delivery_queue WHERE due_at >= $8 \
                ORDER BY endpoint_id, due_at LIMIT 1) \
               UNION ALL \
               SELECT n.endpoint_id, n.due_at FROM heads h CROSS JOIN LATERAL ( \
                 SELECT n.endpoint_id, n.due_at FROM delivery_queue n \
                 WHERE n.endpoint_id > h.endpoint_id AND n.due_at >= $8 \
                 ORDER BY n.endpoint_id, n.due_at LIMIT 1) n), \
             able AS MATERIALIZED ( \
               SELECT w.id, CASE WHEN i.failures >= $7 THEN 1 ELSE COALESCE(r.most, $4) END AS most, \
                 (SELECT count(*) FROM delivery_queue b \
                  WHERE b.endpoint_id = w.id AND b.lease_until > $1 \
                    AND b.due_at > $1 AND b.due_at <= $2) AS busy \
               FROM heads h JOIN webhook_endpoints w ON w.id = h.endpoint_id AND w.active \
               JOIN subscriptions s ON s.account_id = w.account_id \
               JOIN plans p ON p.id = s.plan_id AND p.feature_webhooks \
               LEFT JOIN webhook_health i ON i.endpoint_id = w.id \
               LEFT JOIN UNNEST($5, $6) AS r (endpoint_id, most) ON r.endpoint_id = w.id \
               WHERE (i.paused_until IS NULL OR i.paused_until <= $1) AND ",
            not_deleted!("w.workspace_id"),
            "), \
             candidates AS MATERIALIZED ( \
               SELECT q.delivery_id, q.due_at, a.busy + q.turn AS turn FROM able a \
               CROSS JOIN LATERAL ( \
                 SELECT d.delivery_id, d.due_at, \
                   row_number() OVER (ORDER BY d.due_at, d.delivery_id) AS turn \
                 FROM delivery_queue d WHERE d.endpoint_id = a.id AND d.due_at BETWEEN $8 AND $1 \
                 ORDER BY d.due_at, d.delivery_id LIMIT GREATEST(a.most - a.busy, 0)) q \
               ORDER BY turn, q.due_at LIMIT $3), \
             chosen AS MATERIALIZED ( \
               SELECT q.place FROM candidates c CROSS JOIN LATERAL ( \
                 SELECT q.ctid AS place FROM delivery_queue q \
                 WHERE q.delivery_id = c.delivery_id AND q.due_at <= $1 \
                 FOR UPDATE SKIP LOCKED) q), \
             claimed AS ( \
               UPDATE delivery_queue q SET due_at = $2, lease_until = $2 \
               FROM chosen c WHERE q.ctid = c.place \
               RETURNING q.endpoint_id, q.delivery_id) \
             SELECT f.*, (SELECT min(due_at) FROM heads) AS oldest FROM claimed q CROSS JOIN LATERAL ( \
               SELECT d.id, d.endpoint_id, w.url, w.secret, d.event_id, d.event, d.attempts, \
                 d.spent, CASE WHEN w.previous_secret_until > $1 THEN w.previous_secret END \
                   AS previous_secret, e.request_id, e.payload::text AS body \
               FROM deliveries d JOIN webhook_endpoints w ON w.id = d.endpoint_id \
               LEFT JOIN events e ON e.workspace_id = d.workspace_id AND e.id = d.event_id \
               WHERE d.endpoint_id = q.endpoint_id AND d.id = q.delivery_id OFFSET 0) f \
             ORDER BY f.id",
        ))
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(lease)
        .bind::<BigInt, _>(i64::from(limit))
        .bind::<BigInt, _>(i64::from(most))
        .bind::<Array<SqlUuid>, _>(each(rooms, |it| it.endpoint.uuid()))
        .bind::<Array<BigInt>, _>(each(rooms, |it| i64::from(it.most)))
        .bind::<BigInt, _>(i64::from(TROUBLED_AT))
        .bind::<Timestamptz, _>(look.since())
        .get_results(&mut conn)
        .await
        .map_err(failed)?;
        let oldest = rows.as_slice().first().map(|row| row.oldest);
        self.marks().deliveries().found(look, oldest);
        Ok(rows.into_iter().map(|row| row.due(lease)).collect())
    }

    async fn release(&self, due: &[DueDelivery], now: OffsetDateTime) -> Result<(), StoreError> {
        // Whoever claimed it since keeps it. One that changes under this statement is left out, and
        // comes back when its lease ends.
        sql("WITH ours AS MATERIALIZED ( \
               SELECT q.place \
               FROM (SELECT id, lease FROM UNNEST($1, $2) AS t (id, lease) ORDER BY id) t \
               CROSS JOIN LATERAL ( \
                 SELECT d.ctid AS place FROM delivery_queue d \
                 WHERE d.delivery_id = t.id AND d.lease_until = t.lease FOR UPDATE) q) \
             UPDATE delivery_queue q SET due_at = $3, lease_until = NULL \
             FROM ours o WHERE q.ctid = o.place")
        .bind::<Array<SqlUuid>, _>(each(due, |it| it.id.uuid()))
        .bind::<Array<Timestamptz>, _>(each(due, |it| it.lease))
        .bind::<Timestamptz, _>(now)
        .execute(&mut *self.conn().await?)
        .await
        .map(drop)
        .map_err(failed)
    }

    async fn give_up(&self, limit: u32, now: OffsetDateTime) -> Result<usize, StoreError> {
        sql(
            "WITH RECURSIVE heads AS ( \
               (SELECT endpoint_id FROM delivery_queue ORDER BY endpoint_id LIMIT 1) \
               UNION ALL \
               SELECT (SELECT n.endpoint_id FROM delivery_queue n \
                       WHERE n.endpoint_id > h.endpoint_id ORDER BY n.endpoint_id LIMIT 1) \
               FROM heads h WHERE h.endpoint_id IS NOT NULL), \
             off AS MATERIALIZED ( \
               SELECT q.endpoint_id, q.delivery_id FROM heads h \
               JOIN webhook_endpoints w ON w.id = h.endpoint_id AND NOT w.active \
               CROSS JOIN LATERAL ( \
                 SELECT d.endpoint_id, d.delivery_id FROM delivery_queue d \
                 WHERE d.endpoint_id = w.id ORDER BY d.due_at, d.delivery_id LIMIT $1) q LIMIT $1), \
             waiting AS MATERIALIZED ( \
               SELECT d.endpoint_id, d.id FROM off o \
               JOIN deliveries d ON d.endpoint_id = o.endpoint_id AND d.id = o.delivery_id \
               ORDER BY d.endpoint_id, d.id FOR NO KEY UPDATE OF d), \
             ended AS ( \
               UPDATE deliveries d SET status = 'failed', error = 'endpoint disabled', \
                 next_attempt_at = NULL, updated_at = $2 \
               FROM waiting w \
               WHERE d.endpoint_id = w.endpoint_id AND d.id = w.id AND d.status = 'pending') \
             DELETE FROM delivery_queue q USING waiting w WHERE q.delivery_id = w.id",
        )
        .bind::<BigInt, _>(i64::from(limit))
        .bind::<Timestamptz, _>(now)
        .execute(&mut *self.conn().await?)
        .await
        .map_err(failed)
    }
}
