//! Plans.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use msgflash_billing::{Features, Limits, Plan, PlanId};
use msgflash_kernel::{Id, StoreError};
use uuid::Uuid;

use crate::error::failed;
use crate::schema::plans;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = plans, check_for_backend(diesel::pg::Pg))]
#[expect(clippy::struct_excessive_bools, reason = "the table's columns")]
pub(super) struct PlanRow {
    id: Uuid,
    code: String,
    name: String,
    price: i32,
    currency: String,
    is_active: bool,
    rank: i32,
    max_instances: Option<i32>,
    max_api_keys: Option<i32>,
    max_webhook_endpoints: Option<i32>,
    max_contact_groups: Option<i32>,
    max_teams: Option<i32>,
    max_seats_per_team: Option<i32>,
    monthly_outbound_quota: Option<i32>,
    monthly_api_request_quota: Option<i32>,
    feature_campaigns: bool,
    feature_statuses: bool,
    feature_voice_notes: bool,
    feature_webhooks: bool,
    feature_number_lookups: bool,
}

impl TryFrom<PlanRow> for Plan {
    type Error = StoreError;

    fn try_from(row: PlanRow) -> Result<Self, StoreError> {
        let limit = |stored: Option<i32>| stored.map(|it| count("plans.max", it)).transpose();
        Ok(Self {
            id: Id::new(row.id),
            price: count("plans.price", row.price)?,
            rank: count("plans.rank", row.rank)?,
            limits: Limits {
                max_instances: limit(row.max_instances)?,
                max_api_keys: limit(row.max_api_keys)?,
                max_webhook_endpoints: limit(row.max_webhook_endpoints)?,
                max_contact_groups: limit(row.max_contact_groups)?,
                monthly_outbound_quota: limit(row.monthly_outbound_quota)?,
                monthly_api_request_quota: limit(row.monthly_api_request_quota)?,
                max_teams: limit(row.max_teams)?,
                max_seats_per_team: limit(row.max_seats_per_team)?,
            },
            features: Features {
                campaigns: row.feature_campaigns,
                statuses: row.feature_statuses,
                voice_notes: row.feature_voice_notes,
                webhooks: row.feature_webhooks,
                number_lookups: row.feature_number_lookups,
            },
            code: row.code,
            name: row.name,
            currency: row.currency,
            is_active: row.is_active,
        })
    }
}

/// A negative limit would be read as a huge one or as none: neither was meant.
fn count(place: &'static str, stored: i32) -> Result<u32, StoreError> {
    u32::try_from(stored).map_err(|_| StoreError::corrupt(place, stored.to_string()))
}

impl From<&Plan> for PlanRow {
    fn from(it: &Plan) -> Self {
        let limit = |it: Option<u32>| it.map(stored);
        Self {
            id: it.id.uuid(),
            code: it.code.clone(),
            name: it.name.clone(),
            price: stored(it.price),
            currency: it.currency.clone(),
            is_active: it.is_active,
            rank: stored(it.rank),
            max_instances: limit(it.limits.max_instances),
            max_api_keys: limit(it.limits.max_api_keys),
            max_webhook_endpoints: limit(it.limits.max_webhook_endpoints),
            max_contact_groups: limit(it.limits.max_contact_groups),
            max_teams: limit(it.limits.max_teams),
            max_seats_per_team: limit(it.limits.max_seats_per_team),
            monthly_outbound_quota: limit(it.limits.monthly_outbound_quota),
            monthly_api_request_quota: limit(it.limits.monthly_api_request_quota),
            feature_campaigns: it.features.campaigns,
            feature_statuses: it.features.statuses,
            feature_voice_notes: it.features.voice_notes,
            feature_webhooks: it.features.webhooks,
            feature_number_lookups: it.features.number_lookups,
        }
    }
}

/// A catalogue names no number that is too great for its column.
pub(super) fn stored(it: u32) -> i32 {
    i32::try_from(it).unwrap_or(i32::MAX)
}

/// One version of a plan.
pub(super) async fn by_id(
    conn: &mut AsyncPgConnection,
    id: PlanId,
) -> Result<Option<Plan>, StoreError> {
    let row: Option<PlanRow> = plans::table
        .find(id.uuid())
        .select(PlanRow::as_select())
        .first(conn)
        .await
        .optional()
        .map_err(failed)?;
    row.map(Plan::try_from).transpose()
}

/// The newest version of a plan, sold or not.
pub(super) async fn newest(
    conn: &mut AsyncPgConnection,
    code: &str,
) -> Result<Option<Plan>, StoreError> {
    let row: Option<PlanRow> = plans::table
        .filter(plans::code.eq(code))
        .order(plans::version.desc())
        .select(PlanRow::as_select())
        .first(conn)
        .await
        .optional()
        .map_err(failed)?;
    row.map(Plan::try_from).transpose()
}
