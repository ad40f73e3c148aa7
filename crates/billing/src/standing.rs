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

    /// Who charges for the next period by themselves.
    pub(crate) fn charging(&self) -> Option<BillingProvider> {
        let current = self.agreement.as_ref();
        let running = current.filter(|it| it.ended_at.is_none());
        running.map(|it| it.provider)
    }

    /// Whether a payment for `plan` made by hand is one for what is held.
    pub(crate) fn is_prolonged_by(&self, plan: &Plan) -> bool {
        plan.code == self.plan.code && self.subscription.status != SubscriptionStatus::Expired
    }

    /// Whether a paid plan takes the place of what is there. One that is worth the same does when
    /// nobody charges for what is there any more: else one of two would be paid for nothing.
    pub(crate) fn yields_to(&self, plan: &Plan, period: PaidPeriod, now: OffsetDateTime) -> bool {
        if self.plan.price == 0 || !self.is_paid(now) {
            return true;
        }
        if period.end <= now {
            // Told when all of it is over: it would take away what is paid, and give nothing.
            return false;
        }
        if plan.rank > self.plan.rank {
            return true;
        }
        let it = &self.subscription;
        let is_longer = it.period_end.is_some_and(|end| period.end > end);
        plan.rank == self.plan.rank && is_longer && self.charging().is_none()
    }

    /// Whether somebody paid for this moment, or is about to. A payment that failed in the middle of what
    /// is paid takes nothing of it away.
    pub(crate) fn is_paid(&self, now: OffsetDateTime) -> bool {
        let it = &self.subscription;
        match it.status {
            SubscriptionStatus::Active
            | SubscriptionStatus::Trialing
            | SubscriptionStatus::Cancelled => true,
            SubscriptionStatus::PastDue => it.period_end.is_some_and(|end| now < end),
            SubscriptionStatus::Expired => false,
        }
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
    /// of what is paid, a downgrade for the time it was chosen for: from then on the lower plan is
    /// charged for.
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

    /// A charge failed in the middle of what is paid, and this says that it is paid all the same.
    pub(crate) fn recover(&mut self, period: PaidPeriod, now: OffsetDateTime) -> bool {
        let is_all = self.period_end.is_some_and(|end| end <= period.end);
        if self.status != SubscriptionStatus::PastDue || !is_all || period.end <= now {
            return false;
        }
        self.status = SubscriptionStatus::Active;
        self.past_due_since = None;
        true
    }

    /// The period is paid for the plan that is held: the lower one takes over when it ends.
    pub(crate) fn put_off_downgrade(&mut self, period: PaidPeriod) {
        let lowers = self.scheduled_action == Some(ScheduledAction::Downgrade);
        if lowers && self.scheduled_at.is_some_and(|at| at < period.end) {
            self.scheduled_at = Some(period.end);
        }
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
