//! Plans, subscriptions, use and payments as published.

use msgflash_billing::{
    BillingProvider, Entitlement, Payment, PaymentStatus, Plan, ScheduledAction, SubscriptionStatus,
};
use msgflash_messaging::events::timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// How much of everything; `null` is unlimited.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PlanLimits)]
pub struct LimitsView {
    /// WhatsApp numbers.
    pub max_instances: Option<u32>,
    /// API keys, personal and of all owned teams.
    pub max_api_keys: Option<u32>,
    /// Webhook endpoints over all workspaces.
    pub max_webhook_endpoints: Option<u32>,
    /// Contact groups over all workspaces.
    pub max_contact_groups: Option<u32>,
    /// Messages and statuses per calendar month.
    pub monthly_outbound_quota: Option<u32>,
    /// Public API requests per calendar month.
    pub monthly_api_request_quota: Option<u32>,
    /// Owned teams.
    pub max_teams: Option<u32>,
    /// Members per team, the owner included.
    pub max_seats_per_team: Option<u32>,
}

/// What is possible at all.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PlanFeatures)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a published set of independent switches"
)]
pub struct FeaturesView {
    /// Campaigns.
    pub campaigns: bool,
    /// WhatsApp statuses.
    pub statuses: bool,
    /// Voice notes.
    pub voice_notes: bool,
    /// Outgoing webhooks.
    pub webhooks: bool,
    /// Number look-ups.
    pub number_lookups: bool,
}

/// A plan.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Plan)]
pub struct PlanView {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Its code.
    #[schema(example = "pro")]
    pub code: String,
    /// Its name.
    #[schema(example = "Pro")]
    pub name: String,
    /// Price per month in whole units of `currency`.
    #[schema(example = 19)]
    pub price_eur: u32,
    /// ISO 4217 code.
    #[schema(example = "EUR")]
    pub currency: String,
    /// Whether it is on offer.
    pub is_active: bool,
    /// How much of everything.
    pub limits: LimitsView,
    /// What is possible at all.
    pub features: FeaturesView,
}

impl From<&Plan> for LimitsView {
    fn from(plan: &Plan) -> Self {
        let it = plan.limits;
        Self {
            max_instances: it.max_instances,
            max_api_keys: it.max_api_keys,
            max_webhook_endpoints: it.max_webhook_endpoints,
            max_contact_groups: it.max_contact_groups,
            monthly_outbound_quota: it.monthly_outbound_quota,
            monthly_api_request_quota: it.monthly_api_request_quota,
            max_teams: it.max_teams,
            max_seats_per_team: it.max_seats_per_team,
        }
    }
}

impl From<&Plan> for FeaturesView {
    fn from(plan: &Plan) -> Self {
        let it = plan.features;
        Self {
            campaigns: it.campaigns,
            statuses: it.statuses,
            voice_notes: it.voice_notes,
            webhooks: it.webhooks,
            number_lookups: it.number_lookups,
        }
    }
}

impl From<&Plan> for PlanView {
    fn from(it: &Plan) -> Self {
        Self {
            id: it.id.to_string(),
            code: it.code.clone(),
            name: it.name.clone(),
            price_eur: it.price,
            currency: it.currency.clone(),
            is_active: it.is_active,
            limits: it.into(),
            features: it.into(),
        }
    }
}

/// What was used in a calendar month.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UsageCounters)]
pub struct CountersView {
    /// Messages WhatsApp accepted.
    pub messages_count: u64,
    /// Statuses WhatsApp accepted.
    pub statuses_count: u64,
    /// Their sum, which the outbound quota bounds.
    pub effective_outbound_usage: u64,
    /// Public API requests.
    pub api_requests_count: u64,
    /// Instances held.
    pub active_instances_count: u64,
    /// API keys held.
    pub active_api_keys_count: u64,
}

/// A calendar month in UTC.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Period)]
pub struct PeriodView {
    /// First moment.
    #[schema(format = DateTime, example = "2026-05-01T00:00:00.000Z")]
    pub start: String,
    /// Last millisecond.
    #[schema(format = DateTime, example = "2026-05-31T23:59:59.999Z")]
    pub end: String,
}

/// The plan held, by name.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PlanName)]
pub struct PlanNameView {
    /// Its code.
    #[schema(example = "pro")]
    pub code: String,
    /// Its name.
    #[schema(example = "Pro")]
    pub name: String,
}

impl From<&Plan> for PlanNameView {
    fn from(plan: &Plan) -> Self {
        Self {
            code: plan.code.clone(),
            name: plan.name.clone(),
        }
    }
}

/// Use, and what bounds it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
pub struct UsageView {
    /// The plan held.
    pub plan: PlanNameView,
    /// How much of everything.
    pub limits: LimitsView,
    /// What is possible at all.
    pub features: FeaturesView,
    /// What was used.
    pub usage: CountersView,
    /// The month.
    pub period: PeriodView,
}

/// A subscription.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Subscription)]
pub struct SubscriptionView {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The id of the plan held.
    #[schema(format = Uuid)]
    pub plan_id: String,
    /// The plan held.
    pub plan: PlanView,
    /// `active`, `trialing`, `past_due`, `cancelled` or `expired`.
    #[schema(example = "active")]
    pub status: &'static str,
    /// `none`, `manual`, `dodo` or `stripe`.
    #[schema(example = "manual")]
    pub billing_provider: &'static str,
    /// Start of the paid period.
    #[schema(format = DateTime)]
    pub current_period_start: String,
    /// End of the paid period; `null` when it never ends.
    #[schema(format = DateTime)]
    pub current_period_end: Option<String>,
    /// Whether it ends with its period.
    pub cancel_at_period_end: bool,
    /// The plan that takes over.
    pub scheduled_plan: Option<String>,
    /// When it takes over.
    #[schema(format = DateTime)]
    pub scheduled_plan_at: Option<String>,
    /// `downgrade` or `cancel`.
    pub scheduled_action: Option<&'static str>,
}

/// A subscription with what was used under it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SubscriptionOverview)]
pub struct OverviewView {
    /// The subscription.
    pub subscription: SubscriptionView,
    /// What was used this month.
    pub usage: CountersView,
    /// The month.
    pub period: PeriodView,
}

impl From<&Entitlement> for SubscriptionView {
    fn from(held: &Entitlement) -> Self {
        let it = &held.subscription;
        Self {
            id: it.id.to_string(),
            plan_id: it.plan.to_string(),
            plan: PlanView::from(&held.plan),
            status: match it.status {
                SubscriptionStatus::Active => "active",
                SubscriptionStatus::Trialing => "trialing",
                SubscriptionStatus::PastDue => "past_due",
                SubscriptionStatus::Cancelled => "cancelled",
                SubscriptionStatus::Expired => "expired",
            },
            billing_provider: match it.provider {
                BillingProvider::None => "none",
                BillingProvider::Manual => "manual",
                BillingProvider::Dodo => "dodo",
                BillingProvider::Stripe => "stripe",
            },
            current_period_start: timestamp(it.period_start),
            current_period_end: it.period_end.map(timestamp),
            cancel_at_period_end: it.cancel_at_period_end,
            scheduled_plan: it.scheduled_plan.clone(),
            scheduled_plan_at: it.scheduled_at.map(timestamp),
            scheduled_action: it.scheduled_action.map(|action| match action {
                ScheduledAction::Downgrade => "downgrade",
                ScheduledAction::Cancel => "cancel",
            }),
        }
    }
}

/// One payment.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Payment)]
pub struct PaymentView {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Who collected it.
    pub provider: String,
    /// The plan bought.
    pub plan_code: String,
    /// Its name at that time.
    pub plan_name: String,
    /// Minor units: 1900 is 19.00.
    #[schema(example = 1900)]
    pub amount: i64,
    /// ISO 4217 code.
    #[schema(example = "EUR")]
    pub currency: String,
    /// `succeeded`, `failed`, `pending` or `refunded`.
    #[schema(example = "succeeded")]
    pub status: &'static str,
    /// Start of the period paid for.
    #[schema(format = DateTime)]
    pub period_start: Option<String>,
    /// End of the period paid for.
    #[schema(format = DateTime)]
    pub period_end: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl From<&Payment> for PaymentView {
    fn from(it: &Payment) -> Self {
        Self {
            id: it.id.to_string(),
            provider: it.provider.clone(),
            plan_code: it.plan_code.clone(),
            plan_name: it.plan_name.clone(),
            amount: it.amount,
            currency: it.currency.clone(),
            status: match it.status {
                PaymentStatus::Succeeded => "succeeded",
                PaymentStatus::Failed => "failed",
                PaymentStatus::Pending => "pending",
                PaymentStatus::Refunded => "refunded",
            },
            period_start: it.period_start.map(timestamp),
            period_end: it.period_end.map(timestamp),
            created_at: timestamp(it.created_at),
        }
    }
}

/// A page of payments.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PaymentPage)]
pub struct PaymentPageView {
    /// Newest first.
    pub payments: Vec<PaymentView>,
    /// How many there are in all.
    pub total: u64,
    /// This page, from 1.
    pub page: u32,
    /// How many pages there are.
    pub total_pages: u64,
}
