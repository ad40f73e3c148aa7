//! What accounts have of that which plans cap, over all their workspaces.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_billing::{
    Effects, EndpointState, HeldEndpoint, HeldInstance, HeldKey, HoldingStore, Holdings,
    InstanceState,
};
use msgflash_kernel::{AccountId, Id, StoreError};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::failed;
use crate::sql::sql;
use crate::teams::remains::not_deleted;
use crate::unit::PgUnit;

mod apply;

const INSTANCES: &str = "SELECT i.id, i.status, i.suspended_for, i.created_at FROM instances i \
     WHERE i.account_id = $1 AND i.deleted_at IS NULL";

/// What deleted teams leave behind takes no place, as wherever places are given.
const KEYS: &str = concat!(
    "SELECT k.id, k.created_at FROM api_keys k \
     WHERE k.account_id = $1 AND k.revoked_at IS NULL AND ",
    not_deleted!("k.team_id")
);

const ENDPOINTS: &str = concat!(
    "SELECT w.id, w.active, w.disabled_by_plan, w.created_at FROM webhook_endpoints w \
     WHERE w.account_id = $1 AND ",
    not_deleted!("w.workspace_id")
);

#[derive(QueryableByName)]
struct InstanceRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Text>)]
    suspended_for: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    created_at: OffsetDateTime,
}

impl From<InstanceRow> for HeldInstance {
    fn from(row: InstanceRow) -> Self {
        let state = match (row.status.as_str(), row.suspended_for.as_deref()) {
            ("connected", _) => InstanceState::Connected,
            ("suspended", Some("plan")) => InstanceState::SuspendedByPlan,
            ("suspended", _) => InstanceState::SuspendedByOperator,
            _ => InstanceState::Loose,
        };
        Self {
            id: Id::new(row.id),
            state,
            created_at: row.created_at,
        }
    }
}

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    created_at: OffsetDateTime,
}

#[derive(QueryableByName)]
struct EndpointRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Bool)]
    active: bool,
    #[diesel(sql_type = Bool)]
    disabled_by_plan: bool,
    #[diesel(sql_type = Timestamptz)]
    created_at: OffsetDateTime,
}

impl From<EndpointRow> for HeldEndpoint {
    fn from(row: EndpointRow) -> Self {
        let state = match (row.active, row.disabled_by_plan) {
            (true, _) => EndpointState::Active,
            (false, true) => EndpointState::OffByPlan,
            (false, false) => EndpointState::Off,
        };
        Self {
            id: Id::new(row.id),
            state,
            created_at: row.created_at,
        }
    }
}

#[async_trait]
impl HoldingStore for PgUnit {
    async fn held(&mut self, account: AccountId) -> Result<Holdings, StoreError> {
        let instances: Vec<InstanceRow> = sql(INSTANCES)
            .bind::<SqlUuid, _>(account.uuid())
            .get_results(self.conn())
            .await
            .map_err(failed)?;
        let keys: Vec<KeyRow> = sql(KEYS)
            .bind::<SqlUuid, _>(account.uuid())
            .get_results(self.conn())
            .await
            .map_err(failed)?;
        let endpoints: Vec<EndpointRow> = sql(ENDPOINTS)
            .bind::<SqlUuid, _>(account.uuid())
            .get_results(self.conn())
            .await
            .map_err(failed)?;
        let key = |row: KeyRow| HeldKey {
            id: Id::new(row.id),
            created_at: row.created_at,
        };
        Ok(Holdings {
            instances: instances.into_iter().map(HeldInstance::from).collect(),
            keys: keys.into_iter().map(key).collect(),
            endpoints: endpoints.into_iter().map(HeldEndpoint::from).collect(),
        })
    }

    async fn apply(
        &mut self,
        account: AccountId,
        effects: &Effects,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        apply::all(self, account, effects, now).await
    }
}
