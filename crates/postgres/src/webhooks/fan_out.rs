//! Handing facts to the endpoints that want them.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, StoreError, WorkspaceId};
use msgflash_webhooks::delivery::{Listener, RaisedEvent};
use msgflash_webhooks::ports::{DeliveryStore, FanOutUnit, FanOutUnits, Listeners, RaisedEvents};
use uuid::Uuid;

use crate::columns::each;
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;
use crate::teams::remains::not_deleted;
use crate::unit::PgUnit;

#[derive(QueryableByName)]
struct EventRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    workspace_id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
}

#[async_trait]
impl RaisedEvents for PgUnit {
    async fn take(&mut self, limit: u32) -> Result<Vec<RaisedEvent>, StoreError> {
        let marks = self.marks();
        let look = marks.events().look();
        let rows: Vec<EventRow> = sql(
            "WITH taken AS ( DELETE FROM outbox WHERE ctid = ANY (ARRAY( SELECT ctid FROM outbox \
             WHERE event_id >= $2 ORDER BY event_id LIMIT $1 FOR UPDATE SKIP LOCKED)) RETURNING event_id, \
             workspace_id) SELECT e.id, e.workspace_id, e.name FROM taken t CROSS JOIN LATERAL ( \
             SELECT e.id, e.workspace_id, e.name FROM events e WHERE e.workspace_id = \
             t.workspace_id AND e.id = t.event_id OFFSET 0) e ORDER BY e.id",
        )
        .bind::<BigInt, _>(i64::from(limit))
        .bind::<SqlUuid, _>(look.since_id())
        .get_results(self.conn())
        .await
        .map_err(failed)?;
        marks
            .events()
            .found_id(look, rows.as_slice().first().map(|row| row.id));
        let event = |row: EventRow| RaisedEvent {
            id: Id::new(row.id),
            workspace: Id::new(row.workspace_id),
            name: row.name,
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
        let rows: Vec<ListenerRow> = sql(concat!(
            "SELECT w.id, w.workspace_id, w.events FROM webhook_endpoints w \
             JOIN subscriptions s ON s.account_id = w.account_id \
             JOIN plans p ON p.id = s.plan_id AND p.feature_webhooks \
             WHERE w.workspace_id = ANY ($1) AND w.active AND ",
            not_deleted!("w.workspace_id"),
            " ORDER BY w.id FOR SHARE OF w",
        ))
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
