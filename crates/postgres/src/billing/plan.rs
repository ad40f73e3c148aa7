//! Plans.

use diesel::prelude::*;
use msgflash_billing::{Features, Limits, Plan};
use msgflash_kernel::{Id, StoreError};
use uuid::Uuid;

use crate::schema::plans;

#[derive(Queryable, Selectable)]
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
