//! What becomes of a subscription as time passes.
//!
//! [`Subscription::due`] says what is next and [`Subscription::pass`] makes it so. Whoever was away
//! for long asks until nothing is due: every step is taken once, in its order, whenever that is.

use time::{Duration, OffsetDateTime};

use crate::plan::Plan;
use crate::subscription::{
    BillingProvider, GRACE, ScheduledAction, Subscription, SubscriptionStatus,
};

/// How long word of a renewal may be on its way before the payment counts as missing. Providers
/// charge by themselves, some an hour after the period ended, and then tell.
const RENEWAL_PATIENCE: Duration = Duration::DAY;

/// A step that time brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// The lower plan that was chosen takes over.
    Downgrade {
        /// Its code.
        to: String,
        /// Since when.
        at: OffsetDateTime,
    },
    /// The plan that costs nothing takes over.
    FallBack {
        /// Since when.
        at: OffsetDateTime,
    },
    /// The period is over and nobody paid the next one.
    PastDue {
        /// Since when the payment is missing; not when that was noticed.
        since: OffsetDateTime,
    },
    /// The grace is over too.
    Expire {
        /// Since when.
        at: OffsetDateTime,
    },
}

impl Transition {
    /// From when on it holds.
    pub fn at(&self) -> OffsetDateTime {
        match self {
            Self::Downgrade { at, .. } | Self::FallBack { at } | Self::Expire { at } => *at,
            Self::PastDue { since } => *since,
        }
    }
}

impl Subscription {
    /// When the next step is due; `None` when time changes nothing. Stores keep it beside the
    /// subscription, to find those that are due.
    pub fn due_at(&self) -> Option<OffsetDateTime> {
        self.next_step().map(|(due, _)| due)
    }

    /// The next step, if it is due.
    pub fn due(&self, now: OffsetDateTime) -> Option<Transition> {
        let (due, step) = self.next_step()?;
        (due <= now).then_some(step)
    }

    /// Takes a step. `plan` is the plan that takes over, or the present one where none does.
    pub fn pass(&mut self, step: &Transition, plan: &Plan) {
        match step {
            Transition::Downgrade { at, .. } if plan.price == 0 => self.fall_back(plan, *at),
            Transition::FallBack { at } => self.fall_back(plan, *at),
            Transition::Downgrade { .. } => {
                self.plan = plan.id;
                self.clear_schedule();
            }
            Transition::PastDue { since } => {
                self.status = SubscriptionStatus::PastDue;
                self.past_due_since = Some(*since);
            }
            Transition::Expire { .. } => {
                self.status = SubscriptionStatus::Expired;
                self.clear_schedule();
            }
        }
    }

    /// The plan that costs nothing, since `at` and without an end.
    pub(crate) fn fall_back(&mut self, plan: &Plan, at: OffsetDateTime) {
        self.plan = plan.id;
        self.status = SubscriptionStatus::Active;
        self.provider = BillingProvider::None;
        self.period_start = at;
        self.period_end = None;
        self.past_due_since = None;
        self.clear_schedule();
    }

    /// Forgets the change that was to come.
    pub(crate) fn clear_schedule(&mut self) {
        self.cancel_at_period_end = false;
        self.scheduled_plan = None;
        self.scheduled_at = None;
        self.scheduled_action = None;
    }

    /// What is next, and from when on it is due. A scheduled change goes before a missing payment of
    /// the same moment: who has left owes nothing.
    fn next_step(&self) -> Option<(OffsetDateTime, Transition)> {
        let scheduled = self.scheduled_step().map(|step| (step.at(), step));
        match (scheduled, self.unpaid_step()) {
            (Some(a), Some(b)) => Some(if a.0 <= b.0 { a } else { b }),
            (a, b) => a.or(b),
        }
    }

    fn scheduled_step(&self) -> Option<Transition> {
        let at = self.scheduled_at?;
        match (self.scheduled_action?, self.scheduled_plan.clone()) {
            (ScheduledAction::Downgrade, Some(to)) => Some(Transition::Downgrade { to, at }),
            _ => Some(Transition::FallBack { at }),
        }
    }

    fn unpaid_step(&self) -> Option<(OffsetDateTime, Transition)> {
        match self.status {
            SubscriptionStatus::Active | SubscriptionStatus::Trialing => {
                let since = self.period_end?;
                Some((
                    since + patience(self.provider),
                    Transition::PastDue { since },
                ))
            }
            SubscriptionStatus::PastDue => {
                let at = self.past_due_since? + GRACE;
                Some((at, Transition::Expire { at }))
            }
            SubscriptionStatus::Cancelled => {
                let at = self.period_end?;
                Some((at, Transition::FallBack { at }))
            }
            SubscriptionStatus::Expired => None,
        }
    }
}

const fn patience(provider: BillingProvider) -> Duration {
    match provider {
        BillingProvider::Dodo | BillingProvider::Stripe => RENEWAL_PATIENCE,
        // An operator who confirms payments is told at once that one is missing.
        BillingProvider::None | BillingProvider::Manual => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests;
