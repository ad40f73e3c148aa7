//! Recording what became of attempts, and how endpoints fare.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Array, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, StoreError};
use msgflash_webhooks::EndpointId;
use msgflash_webhooks::delivery::{Attempt, Next, SwitchedOff};
use msgflash_webhooks::health::{Health, Notice, OffReason};
use msgflash_webhooks::ports::{AttemptStore, HealthStore, RecordUnit, RecordUnits};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::columns::each;
use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::webhook_health;
use crate::sql::sql;
use crate::unit::PgUnit;

#[derive(Queryable)]
struct HealthRow {
    endpoint_id: Uuid,
    failures: i32,
    failing_since: Option<OffsetDateTime>,
    paused_until: Option<OffsetDateTime>,
}

#[derive(QueryableByName)]
struct OffRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    workspace_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = Text)]
    url: String,
}

#[async_trait]
impl HealthStore for PgUnit {
    async fn lock(
        &mut self,
        endpoints: &[EndpointId],
    ) -> Result<Vec<(EndpointId, Health)>, StoreError> {
        let rows: Vec<HealthRow> = webhook_health::table
            .filter(webhook_health::endpoint_id.eq_any(each(endpoints, |it| it.uuid())))
            .order(webhook_health::endpoint_id)
            .for_update()
            .load(self.conn())
            .await
            .map_err(failed)?;
        let health = |row: HealthRow| {
            let health = Health {
                failures: u32::try_from(row.failures).unwrap_or(0),
                failing_since: row.failing_since,
                paused_until: row.paused_until,
            };
            (Id::new(row.endpoint_id), health)
        };
        Ok(rows.into_iter().map(health).collect())
    }

    async fn save(&mut self, changed: &[(EndpointId, Health)]) -> Result<(), StoreError> {
        let (well, ill): (Vec<(EndpointId, Health)>, Vec<(EndpointId, Health)>) = changed
            .iter()
            .copied()
            .partition(|(_, health)| *health == Health::default());
        if !well.is_empty() {
            diesel::delete(webhook_health::table)
                .filter(webhook_health::endpoint_id.eq_any(each(&well, |it| it.0.uuid())))
                .execute(self.conn())
                .await
                .map_err(failed)?;
        }
        if ill.is_empty() {
            return Ok(());
        }
        sql(
            "INSERT INTO webhook_health (endpoint_id, failures, failing_since, paused_until) \
             SELECT * FROM UNNEST($1, $2, $3, $4) AS t (id, failures, since, until) ORDER BY id \
             ON CONFLICT (endpoint_id) DO UPDATE SET failures = excluded.failures, \
               failing_since = excluded.failing_since, paused_until = excluded.paused_until",
        )
        .bind::<Array<SqlUuid>, _>(each(&ill, |it| it.0.uuid()))
        .bind::<Array<Integer>, _>(each(&ill, |it| {
            i32::try_from(it.1.failures).unwrap_or(i32::MAX)
        }))
        .bind::<Array<Nullable<Timestamptz>>, _>(each(&ill, |it| it.1.failing_since))
        .bind::<Array<Nullable<Timestamptz>>, _>(each(&ill, |it| it.1.paused_until))
        .execute(self.conn())
        .await
        .map(drop)
        .map_err(failed)
    }

    async fn switch_off(
        &mut self,
        endpoints: &[(EndpointId, OffReason)],
        now: OffsetDateTime,
    ) -> Result<Vec<SwitchedOff>, StoreError> {
        let rows: Vec<OffRow> = sql("WITH held AS MATERIALIZED ( \
               SELECT w.id, t.reason FROM webhook_endpoints w \
               JOIN UNNEST($1, $2) AS t (id, reason) ON t.id = w.id \
               WHERE w.active ORDER BY w.id FOR NO KEY UPDATE OF w) \
             UPDATE webhook_endpoints w SET active = false, updated_at = $3, \
               disabled_reason = h.reason FROM held h WHERE w.id = h.id \
             RETURNING w.id, w.workspace_id, w.account_id, w.url")
        .bind::<Array<SqlUuid>, _>(each(endpoints, |it| it.0.uuid()))
        .bind::<Array<Text>, _>(each(endpoints, |it| it.1.text()))
        .bind::<Timestamptz, _>(now)
        .get_results(self.conn())
        .await
        .map_err(failed)?;
        let reason = |id: Uuid| endpoints.iter().find(|it| it.0.uuid() == id).map(|it| it.1);
        let off = |row: OffRow| {
            Some(SwitchedOff {
                endpoint: Id::new(row.id),
                workspace: Id::new(row.workspace_id),
                account: Id::new(row.account_id),
                url: row.url,
                reason: reason(row.id)?,
            })
        };
        Ok(rows.into_iter().filter_map(off).collect())
    }

    async fn tell(&mut self, notices: &[Notice]) -> Result<(), StoreError> {
        if notices.is_empty() {
            return Ok(());
        }
        sql(
            "INSERT INTO notices (id, account_id, workspace_id, kind, subject, data, at) \
             SELECT * FROM UNNEST($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind::<Array<SqlUuid>, _>(each(notices, |it| it.id.uuid()))
        .bind::<Array<SqlUuid>, _>(each(notices, |it| it.account.uuid()))
        .bind::<Array<SqlUuid>, _>(each(notices, |it| it.workspace.uuid()))
        .bind::<Array<Text>, _>(each(notices, |it| it.kind))
        .bind::<Array<Text>, _>(each(notices, |it| it.subject.clone()))
        .bind::<Array<Jsonb>, _>(each(notices, |it| it.data.clone()))
        .bind::<Array<Timestamptz>, _>(each(notices, |it| it.at))
        .execute(self.conn())
        .await
        .map(drop)
        .map_err(failed)
    }
}

#[async_trait]
impl AttemptStore for PgUnit {
    async fn record(
        &mut self,
        attempts: &[Attempt],
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        // Somebody else may have tried since, after our claim ran out. Attempts only grow, an end stays
        // an end, and one success is worth any number of failures.
        sql("WITH told AS ( \
               SELECT * FROM UNNEST($1, $2, $3, $4, $5, $6, $7, $8) AS t (endpoint_id, id, status, \
                 attempts, response_status, excerpt, error, next_at)), \
             held AS MATERIALIZED ( \
               SELECT t.* FROM deliveries d \
               JOIN told t ON t.endpoint_id = d.endpoint_id AND t.id = d.id \
               ORDER BY d.endpoint_id, d.id FOR NO KEY UPDATE OF d), \
             recorded AS ( \
               UPDATE deliveries d SET status = t.status, \
                 attempts = GREATEST(d.attempts, t.attempts), response_status = t.response_status, \
                 response_excerpt = t.excerpt, error = t.error, next_attempt_at = t.next_at, \
                 updated_at = $9 \
               FROM held t WHERE d.endpoint_id = t.endpoint_id AND d.id = t.id \
                 AND (d.status = 'pending' AND d.attempts < t.attempts \
                   OR d.status <> 'delivered' AND t.status = 'delivered') \
               RETURNING d.id, d.status, d.next_attempt_at), \
             again AS ( \
               UPDATE delivery_queue q SET due_at = r.next_attempt_at, lease_until = NULL \
               FROM recorded r WHERE q.delivery_id = r.id AND q.delivery_id = ANY (ARRAY( \
                 SELECT r.id FROM recorded r WHERE r.status = 'pending'))) \
             DELETE FROM delivery_queue q WHERE q.delivery_id = ANY (ARRAY( \
               SELECT r.id FROM recorded r WHERE r.status <> 'pending'))")
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
        .execute(self.conn())
        .await
        .map(drop)
        .map_err(failed)
    }
}

impl RecordUnit for PgUnit {
    fn health(&mut self) -> &mut dyn HealthStore {
        self
    }
    fn attempts(&mut self) -> &mut dyn AttemptStore {
        self
    }
}

#[async_trait]
impl RecordUnits for Postgres {
    async fn begin(&self) -> Result<Box<dyn RecordUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
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
