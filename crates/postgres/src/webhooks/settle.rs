//! Recording what became of attempts.

use diesel::sql_types::{Array, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use msgflash_kernel::StoreError;
use msgflash_webhooks::delivery::{Attempt, Next};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::columns::each;
use crate::error::failed;

/// Writes attempts down and takes their deliveries off the queue or puts them back.
pub(super) async fn record(
    conn: &mut AsyncPgConnection,
    attempts: &[Attempt],
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    // Somebody else may have tried since, after our claim ran out. Attempts only grow, an end stays
    // an end, and one success is worth any number of failures.
    diesel::sql_query(
        "WITH told AS ( \
           SELECT * FROM UNNEST($1, $2, $3, $4, $5, $6, $7, $8) AS t (endpoint_id, id, status, \
             attempts, response_status, excerpt, error, next_at)), \
         held AS MATERIALIZED ( \
           SELECT d.endpoint_id, d.id FROM deliveries d \
           JOIN told t ON t.endpoint_id = d.endpoint_id AND t.id = d.id \
           ORDER BY d.endpoint_id, d.id FOR NO KEY UPDATE OF d), \
         recorded AS ( \
           UPDATE deliveries d SET status = t.status, \
             attempts = GREATEST(d.attempts, t.attempts), response_status = t.response_status, \
             response_excerpt = t.excerpt, error = t.error, next_attempt_at = t.next_at, \
             updated_at = $9 \
           FROM held h JOIN told t ON t.endpoint_id = h.endpoint_id AND t.id = h.id \
           WHERE d.endpoint_id = h.endpoint_id AND d.id = h.id \
             AND (d.status = 'pending' AND d.attempts < t.attempts \
               OR d.status <> 'delivered' AND t.status = 'delivered') \
           RETURNING d.id, d.status, d.next_attempt_at), \
         again AS ( \
           UPDATE delivery_queue q SET due_at = r.next_attempt_at, lease_until = NULL \
           FROM recorded r WHERE q.delivery_id = r.id AND r.status = 'pending') \
         DELETE FROM delivery_queue q USING recorded r \
         WHERE q.delivery_id = r.id AND r.status <> 'pending'",
    )
    .bind::<Array<SqlUuid>, _>(each(attempts, |it| it.endpoint.uuid()))
    .bind::<Array<SqlUuid>, _>(each(attempts, |it| it.id.uuid()))
    .bind::<Array<Text>, _>(each(attempts, status))
    .bind::<Array<Integer>, _>(each(attempts, |it| {
        i32::try_from(it.attempts).unwrap_or(i32::MAX)
    }))
    .bind::<Array<Nullable<Integer>>, _>(each(attempts, |it| it.response_status.map(i32::from)))
    .bind::<Array<Nullable<Text>>, _>(each(attempts, |it| it.excerpt.as_deref().map(storable)))
    .bind::<Array<Nullable<Text>>, _>(each(attempts, |it| it.error.as_deref().map(storable)))
    .bind::<Array<Nullable<Timestamptz>>, _>(each(attempts, next_at))
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await
    .map(drop)
    .map_err(failed)
}

/// Switches endpoints off whose receivers said that they are gone.
pub(super) async fn switch_off(
    conn: &mut AsyncPgConnection,
    endpoints: &[Uuid],
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    diesel::sql_query(
        "UPDATE webhook_endpoints w SET active = false, updated_at = $2, \
           disabled_reason = 'The receiver answered 410 Gone' \
         FROM (SELECT id FROM webhook_endpoints WHERE id = ANY ($1) AND active \
               ORDER BY id FOR NO KEY UPDATE) o \
         WHERE w.id = o.id",
    )
    .bind::<Array<SqlUuid>, _>(endpoints)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await
    .map(drop)
    .map_err(failed)
}

/// Fails what still waits for endpoints that were switched off.
pub(super) async fn fail_waiting(
    conn: &mut AsyncPgConnection,
    endpoints: &[Uuid],
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    diesel::sql_query(
        "WITH waiting AS MATERIALIZED ( \
           SELECT d.endpoint_id, d.id FROM delivery_queue q \
           JOIN deliveries d ON d.endpoint_id = q.endpoint_id AND d.id = q.delivery_id \
           WHERE q.endpoint_id = ANY ($1) \
           ORDER BY d.endpoint_id, d.id FOR NO KEY UPDATE OF d), \
         ended AS ( \
           UPDATE deliveries d SET status = 'failed', error = 'endpoint disabled', \
             next_attempt_at = NULL, updated_at = $2 \
           FROM waiting w \
           WHERE d.endpoint_id = w.endpoint_id AND d.id = w.id AND d.status = 'pending' \
           RETURNING d.id) \
         DELETE FROM delivery_queue q USING ended e WHERE q.delivery_id = e.id",
    )
    .bind::<Array<SqlUuid>, _>(endpoints)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await
    .map(drop)
    .map_err(failed)
}

fn status(attempt: &Attempt) -> &'static str {
    match attempt.next {
        Next::Delivered => "delivered",
        Next::Retry(_) => "pending",
        Next::Failed | Next::Gone => "failed",
    }
}

fn next_at(attempt: &Attempt) -> Option<OffsetDateTime> {
    match attempt.next {
        Next::Retry(at) => Some(at),
        Next::Delivered | Next::Failed | Next::Gone => None,
    }
}

/// Receivers may answer with NUL characters, which PostgreSQL's text cannot hold.
fn storable(text: &str) -> String {
    text.replace('\0', "")
}
