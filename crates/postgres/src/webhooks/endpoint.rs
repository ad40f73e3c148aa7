//! Endpoints.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{AccountId, Id, Places, ReplayStore, Secret, StoreError, WorkspaceId};
use msgflash_webhooks::endpoint::PreviousSecret;
use msgflash_webhooks::ports::{
    DeliveryStore, EndpointReader, EndpointStore, EndpointUnit, EndpointUnits,
};
use msgflash_webhooks::{Endpoint, EndpointId, EventName};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::account::{counting, places};
use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::{delivery_queue, webhook_endpoints, webhook_health};
use crate::sql::sql;
use crate::teams::remains::not_deleted;
use crate::unit::PgUnit;

const PLACES: &str = places!(
    "CASE WHEN p.feature_webhooks THEN p.max_webhook_endpoints ELSE 0 END",
    concat!(
        "webhook_endpoints w WHERE w.account_id = $1 AND ",
        not_deleted!("w.workspace_id")
    )
);

/// Those that are on, but `$3`.
const PLACES_ON: &str = places!(
    "CASE WHEN p.feature_webhooks THEN p.max_webhook_endpoints ELSE 0 END",
    concat!(
        "webhook_endpoints w WHERE w.account_id = $1 AND w.active AND w.id <> $3 AND ",
        not_deleted!("w.workspace_id")
    )
);

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = webhook_endpoints, check_for_backend(diesel::pg::Pg))]
#[diesel(treat_none_as_null = true)]
struct EndpointRow {
    id: Uuid,
    workspace_id: Uuid,
    account_id: Uuid,
    created_by: Uuid,
    url: String,
    secret: String,
    events: Vec<String>,
    active: bool,
    disabled_reason: Option<String>,
    previous_secret: Option<String>,
    previous_secret_until: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl TryFrom<EndpointRow> for Endpoint {
    type Error = StoreError;

    fn try_from(row: EndpointRow) -> Result<Self, StoreError> {
        let event = |name: String| {
            EventName::parse(&name)
                .ok_or_else(|| StoreError::corrupt("webhook_endpoints.events", name))
        };
        Ok(Self {
            id: Id::new(row.id),
            workspace: Id::new(row.workspace_id),
            account: Id::new(row.account_id),
            created_by: Id::new(row.created_by),
            url: row.url,
            secret: Secret::new(row.secret),
            previous: row
                .previous_secret
                .zip(row.previous_secret_until)
                .map(|(secret, until)| PreviousSecret {
                    secret: Secret::new(secret),
                    until,
                }),
            events: row
                .events
                .into_iter()
                .map(event)
                .collect::<Result<_, _>>()?,
            active: row.active,
            disabled_reason: row.disabled_reason,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

impl From<&Endpoint> for EndpointRow {
    fn from(it: &Endpoint) -> Self {
        Self {
            id: it.id.uuid(),
            workspace_id: it.workspace.uuid(),
            account_id: it.account.uuid(),
            created_by: it.created_by.uuid(),
            url: it.url.clone(),
            secret: it.secret.reveal().clone(),
            events: it.events.iter().map(ToString::to_string).collect(),
            active: it.active,
            disabled_reason: it.disabled_reason.clone(),
            previous_secret: it.previous.as_ref().map(|it| it.secret.reveal().clone()),
            previous_secret_until: it.previous.as_ref().map(|it| it.until),
            created_at: it.created_at,
            updated_at: it.updated_at,
        }
    }
}

#[async_trait]
impl EndpointReader for Postgres {
    async fn list(&self, workspace: WorkspaceId) -> Result<Vec<Endpoint>, StoreError> {
        let mut conn = self.conn().await?;
        let rows: Vec<EndpointRow> = webhook_endpoints::table
            .filter(webhook_endpoints::workspace_id.eq(workspace.uuid()))
            .order(webhook_endpoints::id.desc())
            .select(EndpointRow::as_select())
            .load(&mut conn)
            .await
            .map_err(failed)?;
        rows.into_iter().map(Endpoint::try_from).collect()
    }

    async fn find(
        &self,
        workspace: WorkspaceId,
        id: EndpointId,
    ) -> Result<Option<Endpoint>, StoreError> {
        let mut conn = self.conn().await?;
        let row: Option<EndpointRow> = webhook_endpoints::table
            .find(id.uuid())
            .filter(webhook_endpoints::workspace_id.eq(workspace.uuid()))
            .select(EndpointRow::as_select())
            .first(&mut conn)
            .await
            .optional()
            .map_err(failed)?;
        row.map(Endpoint::try_from).transpose()
    }
}

#[async_trait]
impl EndpointStore for PgUnit {
    async fn count_locked(
        &mut self,
        account: AccountId,
        cap: Option<u32>,
    ) -> Result<Places, StoreError> {
        self.hold_places(account, counting(PLACES, account, cap))
            .await
    }

    async fn count_active_locked(
        &mut self,
        account: AccountId,
        but: EndpointId,
        cap: Option<u32>,
    ) -> Result<Places, StoreError> {
        let others = counting(PLACES_ON, account, cap).bind::<SqlUuid, _>(but.uuid());
        self.hold_places(account, others).await
    }

    async fn insert(&mut self, endpoint: &Endpoint) -> Result<(), StoreError> {
        diesel::insert_into(webhook_endpoints::table)
            .values(EndpointRow::from(endpoint))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn lock(
        &mut self,
        workspace: WorkspaceId,
        id: EndpointId,
    ) -> Result<Option<Endpoint>, StoreError> {
        let row: Option<EndpointRow> = webhook_endpoints::table
            .find(id.uuid())
            .filter(webhook_endpoints::workspace_id.eq(workspace.uuid()))
            .select(EndpointRow::as_select())
            .for_no_key_update()
            .first(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        row.map(Endpoint::try_from).transpose()
    }

    async fn update(&mut self, endpoint: &Endpoint) -> Result<(), StoreError> {
        // One that is on is no longer off because of the plan, also when it is off again.
        let is_off = (!endpoint.active).into_sql::<Bool>();
        let off_by_plan = webhook_endpoints::disabled_by_plan.and(is_off);
        diesel::update(webhook_endpoints::table.find(endpoint.id.uuid()))
            .filter(webhook_endpoints::workspace_id.eq(endpoint.workspace.uuid()))
            .set((
                EndpointRow::from(endpoint),
                webhook_endpoints::disabled_by_plan.eq(off_by_plan),
            ))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn forget_trouble(
        &mut self,
        workspace: WorkspaceId,
        id: EndpointId,
    ) -> Result<(), StoreError> {
        let own = webhook_endpoints::table
            .filter(webhook_endpoints::workspace_id.eq(workspace.uuid()))
            .select(webhook_endpoints::id);
        diesel::delete(webhook_health::table.find(id.uuid()))
            .filter(webhook_health::endpoint_id.eq_any(own))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn delete(&mut self, workspace: WorkspaceId, id: EndpointId) -> Result<bool, StoreError> {
        self.forget_trouble(workspace, id).await?;
        // The endpoint first: whoever is handing it deliveries right now is waited for, and what
        // they wrote is seen below.
        let gone = diesel::delete(webhook_endpoints::table.find(id.uuid()))
            .filter(webhook_endpoints::workspace_id.eq(workspace.uuid()))
            .execute(self.conn())
            .await
            .map_err(failed)?;
        if gone == 0 {
            return Ok(false);
        }
        // What had ended stays in the history until its time is up.
        sql("WITH waiting AS MATERIALIZED ( \
               SELECT d.endpoint_id, d.id FROM delivery_queue q \
               JOIN deliveries d ON d.endpoint_id = q.endpoint_id AND d.id = q.delivery_id \
               WHERE q.endpoint_id = $1 ORDER BY d.endpoint_id, d.id FOR UPDATE OF d) \
             DELETE FROM deliveries d USING waiting w \
             WHERE d.endpoint_id = w.endpoint_id AND d.id = w.id AND d.status = 'pending'")
        .bind::<SqlUuid, _>(id.uuid())
        .execute(self.conn())
        .await
        .map_err(failed)?;
        diesel::delete(delivery_queue::table.filter(delivery_queue::endpoint_id.eq(id.uuid())))
            .execute(self.conn())
            .await
            .map_err(failed)?;
        Ok(true)
    }
}

impl EndpointUnit for PgUnit {
    fn replays(&mut self) -> &mut dyn ReplayStore {
        self
    }
    fn endpoints(&mut self) -> &mut dyn EndpointStore {
        self
    }
    fn deliveries(&mut self) -> &mut dyn DeliveryStore {
        self
    }
}

#[async_trait]
impl EndpointUnits for Postgres {
    async fn begin(&self) -> Result<Box<dyn EndpointUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
}
