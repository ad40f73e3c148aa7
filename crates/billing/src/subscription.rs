//! Which plan an account holds, and whether it is usable.

use msgflash_kernel::{AccountId, Id};
use time::{Duration, OffsetDateTime};

use crate::error::BillingError;
use crate::plan::{Plan, PlanId};

/// How long a subscription stays usable after a failed payment.
pub const GRACE: Duration = Duration::days(7);

/// Marker of [`SubscriptionId`].
pub enum SubscriptionMark {}
/// The id of a subscription.
pub type SubscriptionId = Id<SubscriptionMark>;

/// The published states of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionStatus {
    /// Paid, or free.
    Active,
    /// In a trial.
    Trialing,
    /// A payment failed.
    PastDue,
    /// Ends with its period.
    Cancelled,
    /// Over.
    Expired,
}

/// Who collects the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BillingProvider {
    /// Nobody: a free plan.
    None,
    /// The operator.
    Manual,
    /// Dodo Payments.
    Dodo,
    /// Stripe.
    Stripe,
}

/// What happens at the end of the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScheduledAction {
    /// A lower plan takes over.
    Downgrade,
    /// The free plan takes over.
    Cancel,
}

/// One account's subscription. Every account has exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// Who holds it.
    pub account: AccountId,
    /// The plan version held.
    pub plan: PlanId,
    /// Its state.
    pub status: SubscriptionStatus,
    /// Who collects the money.
    pub provider: BillingProvider,
    /// Start of the paid period.
    pub period_start: OffsetDateTime,
    /// End of the paid period; `None` when it never ends.
    pub period_end: Option<OffsetDateTime>,
    /// Whether it ends with its period.
    pub cancel_at_period_end: bool,
    /// The code of the plan that takes over at `scheduled_at`.
    pub scheduled_plan: Option<String>,
    /// When the scheduled change happens.
    pub scheduled_at: Option<OffsetDateTime>,
    /// What the scheduled change is.
    pub scheduled_action: Option<ScheduledAction>,
    /// Since when a payment is missing.
    pub past_due_since: Option<OffsetDateTime>,
}

/// A subscription with the plan version it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entitlement {
    /// The subscription.
    pub subscription: Subscription,
    /// The plan version it holds.
    pub plan: Plan,
}

impl SubscriptionStatus {
    /// Whether a subscription in this state allows creating, changing and sending at `now`.
    pub fn is_usable(
        self,
        period_end: Option<OffsetDateTime>,
        past_due_since: Option<OffsetDateTime>,
        now: OffsetDateTime,
    ) -> bool {
        match self {
            // Whoever turns the calendar may be late: nobody has more than the grace for that.
            Self::Active | Self::Trialing => period_end.is_none_or(|end| now < end + GRACE),
            Self::Cancelled => period_end.is_none_or(|end| now < end),
            Self::PastDue => past_due_since.is_some_and(|since| now < since + GRACE),
            Self::Expired => false,
        }
    }
}

impl BillingProvider {
    /// The published name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Manual => "manual",
            Self::Dodo => "dodo",
            Self::Stripe => "stripe",
        }
    }
}

impl Subscription {
    /// Whether creating, changing and sending is allowed at `now`. Reading always is.
    pub fn is_usable(&self, now: OffsetDateTime) -> bool {
        self.status
            .is_usable(self.period_end, self.past_due_since, now)
    }
}

impl Entitlement {
    /// Refuses what an unusable subscription does not allow.
    pub fn require_usable(&self, now: OffsetDateTime) -> Result<(), BillingError> {
        if self.subscription.is_usable(now) {
            Ok(())
        } else {
            Err(BillingError::SubscriptionInactive)
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn subscription(status: SubscriptionStatus) -> Subscription {
        Subscription {
            id: Id::new(uuid::Uuid::nil()),
            account: Id::new(uuid::Uuid::nil()),
            plan: Id::new(uuid::Uuid::nil()),
            status,
            provider: BillingProvider::Manual,
            period_start: datetime!(2026-05-01 0:00 UTC),
            period_end: Some(datetime!(2026-06-01 0:00 UTC)),
            cancel_at_period_end: false,
            scheduled_plan: None,
            scheduled_at: None,
            scheduled_action: None,
            past_due_since: Some(datetime!(2026-05-10 0:00 UTC)),
        }
    }

    #[test]
    fn a_failed_payment_leaves_seven_days() {
        let it = subscription(SubscriptionStatus::PastDue);
        assert!(it.is_usable(datetime!(2026-05-16 23:59:59 UTC)));
        assert!(!it.is_usable(datetime!(2026-05-17 0:00 UTC)));
    }

    #[test]
    fn a_cancelled_one_is_usable_to_its_end() {
        let it = subscription(SubscriptionStatus::Cancelled);
        assert!(it.is_usable(datetime!(2026-05-31 23:59:59 UTC)));
        assert!(!it.is_usable(datetime!(2026-06-01 0:00 UTC)));
    }

    #[test]
    fn an_active_one_is_usable_to_the_end_of_its_grace_whoever_is_late() {
        let mut it = subscription(SubscriptionStatus::Active);
        assert!(it.is_usable(datetime!(2026-06-07 23:59:59 UTC)));
        assert!(!it.is_usable(datetime!(2026-06-08 0:00 UTC)));
        it.period_end = None;
        assert!(it.is_usable(datetime!(2036-06-08 0:00 UTC)));
    }

    #[test]
    fn an_expired_one_is_never_usable() {
        assert!(
            !subscription(SubscriptionStatus::Expired).is_usable(datetime!(2026-05-02 0:00 UTC))
        );
    }
}
