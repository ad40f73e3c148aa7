//! What is answered about changes of plans.

use msgflash_billing::{Purchase, ScheduledChange};
use msgflash_messaging::events::timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A purchase that was begun.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Checkout)]
pub struct CheckoutView {
    /// Where it is paid; `null` where the operator takes the money by hand.
    #[schema(example = "https://checkout.example.com/session/cks_1")]
    pub checkout_url: Option<String>,
    /// The code of the plan.
    #[schema(example = "max")]
    pub plan_code: String,
    /// What comes next, for people.
    #[schema(example = "Pay on the page to get the plan")]
    pub message: &'static str,
}

impl From<Purchase> for CheckoutView {
    fn from(it: Purchase) -> Self {
        let message = if it.url.is_some() {
            "Pay on the page to get the plan"
        } else {
            "The plan holds once the operator has confirmed your payment"
        };
        Self {
            checkout_url: it.url,
            plan_code: it.plan,
            message,
        }
    }
}

/// A lower plan that is to come.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScheduledDowngrade)]
pub struct DowngradeView {
    /// What comes next, for people.
    #[schema(example = "The lower plan holds from the end of the paid period")]
    pub message: &'static str,
    /// The code of the plan that takes over.
    #[schema(example = "pro")]
    pub scheduled_plan: String,
    /// When it does: the end of the paid period, or now where nothing is paid.
    #[schema(format = DateTime, example = "2026-06-03T09:00:00.000Z")]
    pub effective_at: String,
}

impl From<ScheduledChange> for DowngradeView {
    fn from(it: ScheduledChange) -> Self {
        Self {
            message: if it.is_done {
                "The lower plan holds now"
            } else {
                "The lower plan holds from the end of the paid period"
            },
            scheduled_plan: it.plan,
            effective_at: timestamp(it.at),
        }
    }
}

/// A subscription that ends.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CancelledPlan)]
pub struct CancelledView {
    /// What comes next, for people.
    #[schema(example = "The subscription runs to the end of the paid period")]
    pub message: &'static str,
    /// When it ends: the end of the paid period, or now where nothing is paid.
    #[schema(format = DateTime, example = "2026-06-03T09:00:00.000Z")]
    pub effective_at: String,
}

impl From<ScheduledChange> for CancelledView {
    fn from(it: ScheduledChange) -> Self {
        Self {
            message: if it.is_done {
                "The subscription has ended"
            } else {
                "The subscription runs to the end of the paid period"
            },
            effective_at: timestamp(it.at),
        }
    }
}

/// A plan that stays after all.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeptPlan)]
pub struct KeptView {
    /// What is true now, for people.
    #[schema(example = "The scheduled change is dropped")]
    pub message: &'static str,
    /// The code of the plan that stays.
    #[schema(example = "max")]
    pub current_plan: String,
}

impl From<String> for KeptView {
    fn from(plan: String) -> Self {
        Self {
            message: "The scheduled change is dropped",
            current_plan: plan,
        }
    }
}
