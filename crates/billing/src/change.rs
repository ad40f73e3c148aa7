//! Lowering, cancelling, and keeping a plan after all.

use msgflash_kernel::AccountId;
use time::OffsetDateTime;

use crate::error::BillingError;
use crate::rules::PlanChangeError;
use crate::turn::{BillingPorts, Turn};

/// A change that is to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduledChange {
    /// The code of the plan that takes over.
    pub plan: String,
    /// When.
    pub at: OffsetDateTime,
    /// Whether that is now: there is nothing paid that could be used up.
    pub is_done: bool,
}

/// Changes plans in ways that cost nothing. Nothing is asked of a payment provider meanwhile: what it
/// is to do is written down, and told afterwards.
pub struct ChangePlan {
    ports: BillingPorts,
}

impl ChangePlan {
    /// Wires the use case.
    pub fn new(ports: BillingPorts) -> Self {
        Self { ports }
    }

    /// A lower plan takes over at the end of what is paid.
    pub async fn lower(
        &self,
        account: AccountId,
        code: &str,
    ) -> Result<ScheduledChange, PlanChangeError> {
        let mut turn = self.turn(account).await?;
        let now = turn.now();
        let Some(plan) = turn.store().newest_plan(code).await? else {
            return Err(turn.standing.refuse_unknown(now));
        };
        let teams = turn.store().teams(account, now).await?;
        turn.standing.may_lower(&plan, &teams, now)?;
        if let Some(provider) = turn.standing.charging() {
            // Nobody could tell it what to charge for.
            self.ports.catalogue.product(code, provider)?;
        }
        let at = turn.standing.lower(&plan, now);
        let standing = turn.finish().await?;
        Ok(ScheduledChange {
            plan: plan.code,
            at,
            is_done: standing.subscription.scheduled_action.is_none(),
        })
    }

    /// The plan that costs nothing takes over at the end of what is paid.
    pub async fn cancel(&self, account: AccountId) -> Result<ScheduledChange, PlanChangeError> {
        let mut turn = self.turn(account).await?;
        let now = turn.now();
        let fallback = turn.fallback().await?;
        let teams = turn.store().teams(account, now).await?;
        turn.standing.may_cancel(&fallback, &teams, now)?;
        let at = turn.standing.cancel(&fallback, now);
        let standing = turn.finish().await?;
        Ok(ScheduledChange {
            plan: fallback.code,
            at,
            is_done: standing.subscription.scheduled_action.is_none(),
        })
    }

    /// Nothing changes at the end of what is paid; answers the code of the plan that stays.
    pub async fn keep(&self, account: AccountId) -> Result<String, PlanChangeError> {
        let mut turn = self.turn(account).await?;
        turn.standing.keep()?;
        let standing = turn.finish().await?;
        Ok(standing.plan.code)
    }

    async fn turn(&self, account: AccountId) -> Result<Turn<'_>, PlanChangeError> {
        let turn = Turn::begin(&self.ports, account).await?;
        Ok(turn.ok_or(BillingError::NoSubscription)?)
    }
}

#[cfg(test)]
mod tests;
