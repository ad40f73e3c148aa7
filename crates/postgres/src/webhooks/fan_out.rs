//! Handing facts to the endpoints that want them.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, StoreError, WorkspaceId};
use msgflash_webhooks::Delivery;
use msgflash_webhooks::delivery::{Listener, RaisedEvent};
use msgflash_webhooks::ports::{DeliveryStore, FanOutUnit, FanOutUnits, Listeners, RaisedEvents};
use uuid::Uuid;

use crate::columns::each;
use crate::error::failed;
use crate::pool::Postgres;
use crate::unit::PgUnit;

#[derive(QueryableByName)]
struct EventRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    workspace_id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    body: String,
}

#[async_trait]
impl RaisedEvents for PgUnit {
    async fn take(&mut self, limit: u32) -> Result<Vec<RaisedEvent>, StoreError> {
        let rows: Vec<EventRow> = diesel::sql_query(
            "WITH taken AS ( \
               DELETE FROM outbox WHERE event_id IN ( \
                 SELECT event_id FROM outbox ORDER BY event_id LIMIT $1 FOR UPDATE SKIP LOCKED) \
               RETURNING event_id, workspace_id) \
             SELECT e.id, e.workspace_id, e.name, e.payload::text AS body FROM taken t \
             JOIN events e ON e.workspace_id = t.workspace_id AND e.id = t.event_id \
             ORDER BY e.id",
        )
        .bind::<BigInt, _>(i64::from(limit))
        .get_results(self.conn())
        .await
        .map_err(failed)?;
        let event = |row: EventRow| RaisedEvent {
            id: Id::new(row.id),
            workspace: Id::new(row.workspace_id),
            name: row.name,
            body: row.body,
        };
        Ok(rows.into_iter().map(event).collect())
    }
}

#[derive(QueryableByName)]
struct ListenerRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    workspace_id: Uuid,
    #[diesel(sql_type = Array<Text>)]
    events: Vec<String>,
}

#[async_trait]
impl Listeners for PgUnit {
    async fn of(&mut self, workspaces: &[WorkspaceId]) -> Result<Vec<Listener>, StoreError> {
        // The share lock holds deleting and switching off back until the deliveries are there for
        // them to see.
        let rows: Vec<ListenerRow> = diesel::sql_query(
            "SELECT w.id, w.workspace_id, w.events FROM webhook_endpoints w \
             JOIN subscriptions s ON s.account_id = w.account_id \
             JOIN plans p ON p.id = s.plan_id AND p.feature_webhooks \
             WHERE w.workspace_id = ANY ($1) AND w.active ORDER BY w.id FOR SHARE OF w",
        )
        .bind::<Array<SqlUuid>, _>(each(workspaces, |it| it.uuid()))
        .get_results(self.conn())
        .await
        .map_err(failed)?;
        let listener = |row: ListenerRow| Listener {
            endpoint: Id::new(row.id),
            workspace: Id::new(row.workspace_id),
            events: row.events,
        };
        Ok(rows.into_iter().map(listener).collect())
    }
}

#[async_trait]
impl DeliveryStore for PgUnit {
    async fn insert(&mut self, deliveries: &[Delivery]) -> Result<(), StoreError> {
        let names: Vec<&str> = deliveries.iter().map(|it| it.name.as_str()).collect();
        let bodies: Vec<&str> = deliveries.iter().map(|it| it.body.as_str()).collect();
        diesel::sql_query(
            "WITH new AS ( \
               INSERT INTO deliveries (endpoint_id, id, workspace_id, event_id, event, body, \
                 status, next_attempt_at, created_at, updated_at) \
               SELECT endpoint_id, id, workspace_id, event_id, event, body, 'pending', at, at, at \
               FROM UNNEST($1, $2, $3, $4, $5, $6, $7) \
                 AS n (endpoint_id, id, workspace_id, event_id, event, body, at) \
               RETURNING endpoint_id, id, created_at) \
             INSERT INTO delivery_queue (delivery_id, endpoint_id, due_at) \
             SELECT id, endpoint_id, created_at FROM new",
        )
        .bind::<Array<SqlUuid>, _>(each(deliveries, |it| it.endpoint.uuid()))
        .bind::<Array<SqlUuid>, _>(each(deliveries, |it| it.id.uuid()))
        .bind::<Array<SqlUuid>, _>(each(deliveries, |it| it.workspace.uuid()))
        .bind::<Array<SqlUuid>, _>(each(deliveries, |it| it.event.uuid()))
        .bind::<Array<Text>, _>(names)
        .bind::<Array<Text>, _>(bodies)
        .bind::<Array<Timestamptz>, _>(each(deliveries, |it| it.created_at))
        .execute(self.conn())
        .await
        .map(drop)
        .map_err(failed)
    }
}

impl FanOutUnit for PgUnit {
    fn events(&mut self) -> &mut dyn RaisedEvents {
        self
    }
    fn listeners(&mut self) -> &mut dyn Listeners {
        self
    }
    fn deliveries(&mut self) -> &mut dyn DeliveryStore {
        self
    }
}

#[async_trait]
impl FanOutUnits for Postgres {
    async fn begin(&self) -> Result<Box<dyn FanOutUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
}
