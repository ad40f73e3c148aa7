//! Subscriptions.

use diesel::dsl::now;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use msgflash_billing::{BillingProvider, ScheduledAction, Subscription, SubscriptionStatus};
use msgflash_kernel::{AccountId, Id, StoreError};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::{expect_rows, failed};
use crate::schema::subscriptions;
use crate::unit::PgUnit;

#[derive(Queryable, Selectable, AsChangeset)]
#[diesel(
    table_name = subscriptions,
    check_for_backend(diesel::pg::Pg),
    treat_none_as_null = true
)]
pub(super) struct SubscriptionRow {
    id: Uuid,
    account_id: Uuid,
    plan_id: Uuid,
    status: String,
    provider: String,
    period_start: OffsetDateTime,
    period_end: Option<OffsetDateTime>,
    cancel_at_period_end: bool,
    scheduled_plan: Option<String>,
    scheduled_at: Option<OffsetDateTime>,
    scheduled_action: Option<String>,
    past_due_since: Option<OffsetDateTime>,
}

impl TryFrom<SubscriptionRow> for Subscription {
    type Error = StoreError;

    fn try_from(row: SubscriptionRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: Id::new(row.id),
            account: Id::new(row.account_id),
            plan: Id::new(row.plan_id),
            status: status(&row.status)?,
            provider: provider("subscriptions.provider", &row.provider)?,
            period_start: row.period_start,
            period_end: row.period_end,
            cancel_at_period_end: row.cancel_at_period_end,
            scheduled_plan: row.scheduled_plan,
            scheduled_at: row.scheduled_at,
            scheduled_action: row
                .scheduled_action
                .map(|stored| {
                    read(&ACTIONS, &stored).ok_or_else(|| {
                        StoreError::corrupt("subscriptions.scheduled_action", stored)
                    })
                })
                .transpose()?,
            past_due_since: row.past_due_since,
        })
    }
}

impl From<&Subscription> for SubscriptionRow {
    fn from(it: &Subscription) -> Self {
        Self {
            id: it.id.uuid(),
            account_id: it.account.uuid(),
            plan_id: it.plan.uuid(),
            status: stored(&STATUSES, it.status).to_owned(),
            provider: stored(&PROVIDERS, it.provider).to_owned(),
            period_start: it.period_start,
            period_end: it.period_end,
            cancel_at_period_end: it.cancel_at_period_end,
            scheduled_plan: it.scheduled_plan.clone(),
            scheduled_at: it.scheduled_at,
            scheduled_action: it
                .scheduled_action
                .map(|it| stored(&ACTIONS, it).to_owned()),
            past_due_since: it.past_due_since,
        }
    }
}

const STATUSES: [(SubscriptionStatus, &str); 5] = [
    (SubscriptionStatus::Active, "active"),
    (SubscriptionStatus::Trialing, "trialing"),
    (SubscriptionStatus::PastDue, "past_due"),
    (SubscriptionStatus::Cancelled, "cancelled"),
    (SubscriptionStatus::Expired, "expired"),
];

const PROVIDERS: [(BillingProvider, &str); 4] = [
    (BillingProvider::None, "none"),
    (BillingProvider::Manual, "manual"),
    (BillingProvider::Dodo, "dodo"),
    (BillingProvider::Stripe, "stripe"),
];

const ACTIONS: [(ScheduledAction, &str); 2] = [
    (ScheduledAction::Downgrade, "downgrade"),
    (ScheduledAction::Cancel, "cancel"),
];

/// Reads the stored word of a state.
pub(crate) fn status(stored: &str) -> Result<SubscriptionStatus, StoreError> {
    read(&STATUSES, stored).ok_or_else(|| StoreError::corrupt("subscriptions.status", stored))
}

/// Reads the stored name of who collects the money.
pub(super) fn provider(place: &'static str, stored: &str) -> Result<BillingProvider, StoreError> {
    read(&PROVIDERS, stored).ok_or_else(|| StoreError::corrupt(place, stored))
}

fn read<T: Copy>(words: &[(T, &str)], stored: &str) -> Option<T> {
    words
        .iter()
        .find(|(_, word)| *word == stored)
        .map(|(it, _)| *it)
}

fn stored<T: Copy + PartialEq>(words: &[(T, &'static str)], it: T) -> &'static str {
    let found = words.iter().find(|(other, _)| *other == it);
    found.expect("every value has its word").1
}

impl PgUnit {
    /// Reads an account's subscription for change; `None` where there is no such account.
    pub(super) async fn hold_subscription(
        &mut self,
        account: AccountId,
    ) -> Result<Option<Subscription>, StoreError> {
        // Nobody takes a place by the plan that was while it changes.
        if self.hold_any_account(account.uuid()).await?.is_none() {
            return Ok(None);
        }
        let row: Option<SubscriptionRow> = subscriptions::table
            .filter(subscriptions::account_id.eq(account.uuid()))
            .select(SubscriptionRow::as_select())
            .for_no_key_update()
            .first(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        row.map(Subscription::try_from).transpose()
    }

    /// Writes it back, and beside it when time changes it next.
    pub(super) async fn save_subscription(
        &mut self,
        subscription: &Subscription,
    ) -> Result<(), StoreError> {
        let row = SubscriptionRow::from(subscription);
        let saved = diesel::update(subscriptions::table.find(row.id))
            .set((
                &row,
                subscriptions::due_at.eq(subscription.due_at()),
                subscriptions::updated_at.eq(now),
            ))
            .execute(self.conn())
            .await
            .map_err(failed)?;
        expect_rows(saved, 1, "subscriptions")
    }
}
