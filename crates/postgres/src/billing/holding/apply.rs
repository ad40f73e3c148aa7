//! Making it so: what a plan takes away, and what it gives back.
//!
//! The account is held by whoever comes here. From there on campaigns, lanes, instances, keys and endpoints
//! are locked in this order, and each of them by id, as everywhere else.

use diesel::QueryableByName;
use diesel::sql_types::{Array, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_billing::{Effects, HeldEndpointId, HeldInstanceId, HeldKeyId};
use msgflash_kernel::{AccountId, Id, Outbox as _, RandomIds, StoreError};
use msgflash_messaging::instance::Suspension;
use msgflash_messaging::instance::connection::{self, Change};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::columns::each;
use crate::error::failed;
use crate::messaging::stop::hold_lanes;
use crate::sql::sql;
use crate::unit::PgUnit;

/// What people read at an endpoint that is off.
const NO_PLACE: &str = "The plan allows fewer webhooks";

/// Whoever is at a campaign's turn holds its row, and is waited for. What has ended stays as it is.
const HOLD_CAMPAIGNS: &str = "SELECT c.id FROM campaigns c \
     WHERE c.workspace_id = ANY (ARRAY(SELECT $1 UNION ALL SELECT t.id FROM teams t \
                                       WHERE t.owner_id = $1 AND t.deleted_at IS NULL)) \
       AND c.deleted_at IS NULL AND c.status IN ('scheduled', 'running', 'paused_quota') \
     ORDER BY c.id FOR NO KEY UPDATE";

/// The next turn takes back what is made.
const PAUSE_CAMPAIGNS: &str = "UPDATE campaigns SET status = 'paused_plan', turn_at = $2, \
     updated_at = $2 WHERE id = ANY ($1)";

const HOLD_INSTANCES: &str = "SELECT i.id FROM instances i \
     WHERE i.id = ANY ($1) AND i.account_id = $2 AND i.deleted_at IS NULL \
     ORDER BY i.id FOR NO KEY UPDATE";

const REVOKE: &str = "WITH held AS MATERIALIZED ( \
       SELECT k.id FROM api_keys k \
       WHERE k.id = ANY ($1) AND k.account_id = $2 AND k.revoked_at IS NULL \
       ORDER BY k.id FOR NO KEY UPDATE) \
     UPDATE api_keys k SET revoked_at = $3 FROM held WHERE k.id = held.id";

const DISABLE: &str = "WITH held AS MATERIALIZED ( \
       SELECT w.id FROM webhook_endpoints w \
       WHERE w.id = ANY ($1) AND w.account_id = $2 AND w.active \
       ORDER BY w.id FOR NO KEY UPDATE) \
     UPDATE webhook_endpoints w SET active = false, disabled_by_plan = true, \
       disabled_reason = $4, updated_at = $3 FROM held WHERE w.id = held.id";

const ENABLE: &str = "WITH held AS MATERIALIZED ( \
       SELECT w.id FROM webhook_endpoints w \
       WHERE w.id = ANY ($1) AND w.account_id = $2 AND w.disabled_by_plan AND NOT w.active \
       ORDER BY w.id FOR NO KEY UPDATE) \
     UPDATE webhook_endpoints w SET active = true, disabled_by_plan = false, \
       disabled_reason = NULL, updated_at = $3 FROM held WHERE w.id = held.id";

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

pub(super) async fn all(
    unit: &mut PgUnit,
    account: AccountId,
    effects: &Effects,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    let campaigns = if effects.pause_campaigns {
        hold_campaigns(unit, account).await?
    } else {
        Vec::new()
    };
    // No call begins any more for what stops here, once this is kept.
    if !campaigns.is_empty() || !effects.suspend.is_empty() {
        hold_lanes(unit.conn(), account.uuid()).await?;
    }
    pause(unit, &campaigns, now).await?;
    move_instances(unit, account, effects, now).await?;
    revoke(unit, account, &effects.revoke, now).await?;
    disable(unit, account, &effects.disable, now).await?;
    enable(unit, account, &effects.enable, now).await
}

async fn hold_campaigns(unit: &mut PgUnit, account: AccountId) -> Result<Vec<Uuid>, StoreError> {
    let held: Vec<IdRow> = sql(HOLD_CAMPAIGNS)
        .bind::<SqlUuid, _>(account.uuid())
        .get_results(unit.conn())
        .await
        .map_err(failed)?;
    Ok(each(&held, |row| row.id))
}

async fn pause(
    unit: &mut PgUnit,
    campaigns: &[Uuid],
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    if campaigns.is_empty() {
        return Ok(());
    }
    sql(PAUSE_CAMPAIGNS)
        .bind::<Array<SqlUuid>, _>(campaigns)
        .bind::<Timestamptz, _>(now)
        .execute(unit.conn())
        .await
        .map(drop)
        .map_err(failed)
}

/// Suspends some instances and frees others, as any change of a link is made and told.
async fn move_instances(
    unit: &mut PgUnit,
    account: AccountId,
    effects: &Effects,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    let named = [&effects.suspend[..], &effects.release[..]].concat();
    if named.is_empty() {
        return Ok(());
    }
    let held: Vec<IdRow> = sql(HOLD_INSTANCES)
        .bind::<Array<SqlUuid>, _>(each(&named, |id| id.uuid()))
        .bind::<SqlUuid, _>(account.uuid())
        .get_results(unit.conn())
        .await
        .map_err(failed)?;
    for row in held {
        let change = if effects.suspend.contains(&HeldInstanceId::new(row.id)) {
            Change::Suspended(Suspension::Plan)
        } else {
            Change::Released
        };
        let applied = connection::apply(unit, Id::new(row.id), change, now, &RandomIds).await?;
        if let Some((_, told)) = applied {
            unit.append(&told).await?;
        }
    }
    Ok(())
}

async fn revoke(
    unit: &mut PgUnit,
    account: AccountId,
    keys: &[HeldKeyId],
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    if keys.is_empty() {
        return Ok(());
    }
    sql(REVOKE)
        .bind::<Array<SqlUuid>, _>(each(keys, |id| id.uuid()))
        .bind::<SqlUuid, _>(account.uuid())
        .bind::<Timestamptz, _>(now)
        .execute(unit.conn())
        .await
        .map(drop)
        .map_err(failed)
}

async fn disable(
    unit: &mut PgUnit,
    account: AccountId,
    endpoints: &[HeldEndpointId],
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    if endpoints.is_empty() {
        return Ok(());
    }
    sql(DISABLE)
        .bind::<Array<SqlUuid>, _>(each(endpoints, |id| id.uuid()))
        .bind::<SqlUuid, _>(account.uuid())
        .bind::<Timestamptz, _>(now)
        .bind::<Text, _>(NO_PLACE)
        .execute(unit.conn())
        .await
        .map(drop)
        .map_err(failed)
}

async fn enable(
    unit: &mut PgUnit,
    account: AccountId,
    endpoints: &[HeldEndpointId],
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    if endpoints.is_empty() {
        return Ok(());
    }
    sql(ENABLE)
        .bind::<Array<SqlUuid>, _>(each(endpoints, |id| id.uuid()))
        .bind::<SqlUuid, _>(account.uuid())
        .bind::<Timestamptz, _>(now)
        .execute(unit.conn())
        .await
        .map(drop)
        .map_err(failed)
}
