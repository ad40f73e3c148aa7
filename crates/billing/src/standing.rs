//! What payments, and their absence, make of how an account stands. Pure: nothing is read or written.

use time::OffsetDateTime;

use crate::agreement::Agreement;
use crate::period::PaidPeriod;
use crate::plan::Plan;
use crate::ports::Standing;
use crate::subscription::{BillingProvider, ScheduledAction, Subscription, SubscriptionStatus};

impl Standing {
    pub(crate) fn agreement_called(
        &mut self,
        provider: BillingProvider,
        reference: &str,
    ) -> Option<&mut Agreement> {
        let current = self.agreement.as_mut();
        current.filter(|it| it.provider == provider && it.reference == reference)
    }

    /// Whether a payment for `plan` made by hand is one for what is held.
    pub(crate) fn is_prolonged_by(&self, plan: &Plan) -> bool {
        plan.code == self.plan.code && self.subscription.status != SubscriptionStatus::Expired
    }

    /// Whether a paid plan takes the place of what is there.
    pub(crate) fn yields_to(&self, plan: &Plan, period: PaidPeriod) -> bool {
        let it = &self.subscription;
        let is_paid = matches!(
            it.status,
            SubscriptionStatus::Active
                | SubscriptionStatus::Trialing
                | SubscriptionStatus::Cancelled
        );
        if self.plan.price == 0 || !is_paid || plan.rank > self.plan.rank {
            return true;
        }
        let is_longer = it.period_end.is_some_and(|end| period.end > end);
        plan.rank == self.plan.rank && is_longer
    }

    /// Nobody charges any more: what is paid is used up, then `fallback` takes over. Who owes a
    /// payment already has the grace, and nothing else.
    pub(crate) fn leave(&mut self, fallback: &Plan, now: OffsetDateTime) {
        let pays = matches!(
            self.subscription.status,
            SubscriptionStatus::Active | SubscriptionStatus::Trialing
        );
        if pays {
            self.cancel(fallback, now);
        }
    }
}

impl Subscription {
    /// Takes note of a paid period; `false` when it was paid before. A cancellation waits for the end
    /// of what is paid, a downgrade for the time it was chosen for.
    pub(crate) fn cover(&mut self, period: PaidPeriod) -> bool {
        if self.period_end.is_some_and(|end| period.end <= end) {
            return false;
        }
        self.period_start = period.start;
        self.period_end = Some(period.end);
        if matches!(
            self.status,
            SubscriptionStatus::PastDue | SubscriptionStatus::Expired
        ) {
            self.status = SubscriptionStatus::Active;
        }
        self.past_due_since = None;
        let waits = self.scheduled_action == Some(ScheduledAction::Cancel);
        if waits && self.scheduled_at.is_some_and(|at| at < period.end) {
            self.scheduled_at = Some(period.end);
        }
        true
    }

    /// Begins a paid plan; what was to come before is dropped.
    pub(crate) fn buy(&mut self, plan: &Plan, provider: BillingProvider, period: PaidPeriod) {
        self.plan = plan.id;
        self.status = SubscriptionStatus::Active;
        self.provider = provider;
        self.period_start = period.start;
        self.period_end = Some(period.end);
        self.past_due_since = None;
        self.clear_schedule();
    }

    /// Takes note of a missing payment; answers since when it is missing, if that is news. The grace
    /// begins where the paid time ends, not when somebody noticed.
    pub(crate) fn miss(&mut self, at: OffsetDateTime) -> Option<OffsetDateTime> {
        let is_news = matches!(
            self.status,
            SubscriptionStatus::Active | SubscriptionStatus::Trialing
        );
        if !is_news {
            return None;
        }
        let since = self.period_end.unwrap_or(at);
        self.status = SubscriptionStatus::PastDue;
        self.past_due_since = Some(since);
        Some(since)
    }
}
