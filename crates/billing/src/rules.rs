//! When a plan may be bought, lowered, cancelled and kept after all.

use msgflash_kernel::{Fault, Kind, StoreError, TeamId};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::agreement::Wish;
use crate::error::BillingError;
use crate::plan::Plan;
use crate::ports::{Standing, TeamLoad};
use crate::provider::ProviderError;
use crate::subscription::{ScheduledAction, SubscriptionStatus};

/// Why a plan could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum PlanChangeError {
    /// No plan has this code.
    #[error("There is no such plan")]
    UnknownPlan,
    /// The plan costs nothing, or is retired.
    #[error("This plan cannot be bought")]
    NotForSale,
    /// It is no upgrade, or no downgrade.
    #[error("{0}")]
    InvalidChange(&'static str),
    /// A change is to come already.
    #[error("A change of the plan is scheduled already")]
    AlreadyScheduled,
    /// There is nothing to cancel.
    #[error("The account is on the free plan already")]
    AlreadyFree,
    /// No change is to come.
    #[error("No change of the plan is scheduled")]
    NothingScheduled,
    /// The other plan cannot host these teams.
    #[error("The plan cannot host the teams of this account: delete teams or free seats first")]
    BlockedByTeams(Vec<TeamId>),
    /// The subscription is over, or missing.
    #[error(transparent)]
    Billing(#[from] BillingError),
    /// The provider did not do as it was asked.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Fault for PlanChangeError {
    fn kind(&self) -> Kind {
        match self {
            Self::UnknownPlan => Kind::Missing,
            Self::NotForSale
            | Self::InvalidChange(_)
            | Self::AlreadyScheduled
            | Self::AlreadyFree
            | Self::NothingScheduled => Kind::Invalid,
            Self::BlockedByTeams(_) => Kind::Conflict,
            Self::Billing(cause) => cause.kind(),
            Self::Provider(cause) => cause.kind(),
            Self::Store(cause) => cause.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::UnknownPlan => "NOT_FOUND",
            Self::NotForSale => "BAD_REQUEST",
            Self::InvalidChange(_) => "INVALID_PLAN_CHANGE",
            Self::AlreadyScheduled => "DOWNGRADE_ALREADY_SCHEDULED",
            Self::AlreadyFree => "ALREADY_ON_FREE_PLAN",
            Self::NothingScheduled => "NO_SCHEDULED_CHANGE",
            Self::BlockedByTeams(_) => "PLAN_CHANGE_BLOCKED_ACTIVE_TEAMS",
            Self::Billing(cause) => cause.code(),
            Self::Provider(cause) => cause.code(),
            Self::Store(cause) => cause.code(),
        }
    }

    fn details(&self) -> Option<Value> {
        match self {
            Self::BlockedByTeams(teams) => {
                let ids: Vec<_> = teams.iter().map(ToString::to_string).collect();
                Some(json!({ "teamIds": ids }))
            }
            _ => None,
        }
    }
}

impl Plan {
    /// Refuses a plan that cannot host these teams. Where there are too many of them, all are named:
    /// any may be the one to go.
    pub fn host(&self, teams: &[TeamLoad]) -> Result<(), PlanChangeError> {
        let too_many =
            |limit: Option<u32>, count: usize| limit.is_some_and(|limit| count > limit as usize);
        let all = too_many(self.limits.max_teams, teams.len());
        let blocking = teams
            .iter()
            .filter(|it| all || too_many(self.limits.max_seats_per_team, it.seats as usize));
        let blocking: Vec<_> = blocking.map(|it| it.team).collect();
        if blocking.is_empty() {
            Ok(())
        } else {
            Err(PlanChangeError::BlockedByTeams(blocking))
        }
    }
}

impl Standing {
    /// Whether a plan may be bought now; the teams are to be looked at where it ranks lower.
    pub fn may_buy(&self, plan: &Plan, now: OffsetDateTime) -> Result<(), PlanChangeError> {
        if !plan.is_active || plan.price == 0 {
            return Err(PlanChangeError::NotForSale);
        }
        if plan.rank > self.plan.rank || self.may_buy_again(plan, now) {
            return Ok(());
        }
        let why = "Only a higher plan can be bought: use downgrade for a lower one";
        Err(PlanChangeError::InvalidChange(why))
    }

    /// Who owes a payment may buy the same plan anew, and whoever's subscription is over may buy any:
    /// there is no other way back. So may those whose provider has ended the agreement.
    fn may_buy_again(&self, plan: &Plan, now: OffsetDateTime) -> bool {
        let is_over = self
            .agreement
            .as_ref()
            .is_some_and(|it| it.ended_at.is_some());
        match self.subscription.status {
            SubscriptionStatus::Expired => true,
            SubscriptionStatus::PastDue if !self.is_paid(now) => plan.rank == self.plan.rank,
            _ => is_over && plan.rank == self.plan.rank,
        }
    }

    /// The refusal of a lower plan that nobody knows: an unusable subscription is told first.
    pub(crate) fn refuse_unknown(&self, now: OffsetDateTime) -> PlanChangeError {
        let usable = self.require_usable(now);
        usable.err().unwrap_or(PlanChangeError::UnknownPlan)
    }

    /// Whether a lower plan may be scheduled.
    pub fn may_lower(
        &self,
        plan: &Plan,
        teams: &[TeamLoad],
        now: OffsetDateTime,
    ) -> Result<(), PlanChangeError> {
        self.require_usable(now)?;
        if plan.price == 0 {
            return Err(PlanChangeError::InvalidChange(
                "Cancel the subscription to get the free plan",
            ));
        }
        if !plan.is_active || plan.rank >= self.plan.rank {
            return Err(PlanChangeError::InvalidChange("This is no lower plan"));
        }
        if self.subscription.scheduled_action.is_some() {
            return Err(PlanChangeError::AlreadyScheduled);
        }
        plan.host(teams)
    }

    /// Whether the subscription may be cancelled; `fallback` takes over then.
    pub fn may_cancel(
        &self,
        fallback: &Plan,
        teams: &[TeamLoad],
        now: OffsetDateTime,
    ) -> Result<(), PlanChangeError> {
        if self.plan.price == 0 {
            return Err(PlanChangeError::AlreadyFree);
        }
        self.require_usable(now)?;
        fallback.host(teams)
    }

    /// Whether the subscription is cancelled, and still runs.
    pub fn is_cancelled(&self) -> bool {
        self.subscription.scheduled_action == Some(ScheduledAction::Cancel)
    }

    fn require_usable(&self, now: OffsetDateTime) -> Result<(), PlanChangeError> {
        if self.subscription.is_usable(now) {
            Ok(())
        } else {
            Err(BillingError::SubscriptionInactive.into())
        }
    }

    /// The end of what is paid; now, where that is past or there is no end.
    fn change_at(&self, now: OffsetDateTime) -> OffsetDateTime {
        self.subscription.period_end.map_or(now, |end| end.max(now))
    }

    /// Schedules a lower plan; answers when it takes over.
    pub fn lower(&mut self, plan: &Plan, now: OffsetDateTime) -> OffsetDateTime {
        let at = self.change_at(now);
        let it = &mut self.subscription;
        it.cancel_at_period_end = false;
        it.scheduled_action = Some(ScheduledAction::Downgrade);
        it.scheduled_plan = Some(plan.code.clone());
        it.scheduled_at = Some(at);
        self.wish(Wish::Charge(plan.code.clone()));
        at
    }

    /// Cancels at the end of what is paid, in place of any other change; answers when that is.
    /// Cancelling again changes nothing.
    pub fn cancel(&mut self, fallback: &Plan, now: OffsetDateTime) -> OffsetDateTime {
        if let (true, Some(at)) = (self.is_cancelled(), self.subscription.scheduled_at) {
            return at;
        }
        let at = self.change_at(now);
        let it = &mut self.subscription;
        it.cancel_at_period_end = true;
        it.scheduled_action = Some(ScheduledAction::Cancel);
        it.scheduled_plan = Some(fallback.code.clone());
        it.scheduled_at = Some(at);
        self.wish(Wish::Stop);
        at
    }

    /// Keeps the present plan after all.
    pub fn keep(&mut self) -> Result<(), PlanChangeError> {
        if self.subscription.scheduled_action.is_none() {
            return Err(PlanChangeError::NothingScheduled);
        }
        if self
            .agreement
            .as_ref()
            .is_some_and(|it| it.ended_at.is_some())
        {
            // Nobody would charge for the next period.
            let why = "The payment provider has ended the subscription: buy the plan again";
            return Err(PlanChangeError::InvalidChange(why));
        }
        self.subscription.clear_schedule();
        self.wish(Wish::Charge(self.plan.code.clone()));
        Ok(())
    }

    fn wish(&mut self, wish: Wish) {
        if let Some(agreement) = &mut self.agreement {
            agreement.wish = wish;
        }
    }
}

#[cfg(test)]
mod tests;
