//! What every change of an account's standing begins and ends with.

use std::sync::Arc;

use msgflash_kernel::{AccountId, Announce, Clock, Id, Ids, StoreError};
use time::OffsetDateTime;

use crate::agreement::Agreement;
use crate::catalogue::Catalogue;
use crate::effects::Effects;
use crate::lifecycle::Transition;
use crate::notice::{Notice, NoticeKind};
use crate::plan::Plan;
use crate::ports::{BillingUnit, BillingUnits, Standing, StandingStore};
use crate::subscription::GRACE;

/// What changing subscriptions needs.
#[derive(Clone)]
pub struct BillingPorts {
    /// Transactions.
    pub units: Arc<dyn BillingUnits>,
    /// The plans on offer.
    pub catalogue: Arc<Catalogue>,
    /// Tells other processes, who may remember the old plan.
    pub announce: Arc<dyn Announce>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn Ids>,
}

/// One change of an account's standing, under its lock. What time has brought by now is true before
/// anything else is decided, and what follows from another plan is written with it.
pub(crate) struct Turn<'a> {
    ports: &'a BillingPorts,
    pub(crate) unit: Box<dyn BillingUnit>,
    pub(crate) standing: Standing,
    before: Standing,
    notices: Vec<NoticeKind>,
    is_rewritten: bool,
    now: OffsetDateTime,
}

impl<'a> Turn<'a> {
    /// Locks an account and brings it up to now; `None` when there is no such account.
    pub(crate) async fn begin(
        ports: &'a BillingPorts,
        account: AccountId,
    ) -> Result<Option<Self>, StoreError> {
        let now = ports.clock.now();
        let mut unit = ports.units.begin().await?;
        let Some(standing) = unit.standings().lock(account).await? else {
            return Ok(None);
        };
        let mut turn = Self {
            ports,
            unit,
            before: standing.clone(),
            standing,
            notices: Vec::new(),
            is_rewritten: false,
            now,
        };
        turn.catch_up().await?;
        Ok(Some(turn))
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        self.now
    }

    pub(crate) fn account(&self) -> AccountId {
        self.standing.subscription.account
    }

    pub(crate) fn store(&mut self) -> &mut dyn StandingStore {
        self.unit.standings()
    }

    /// Writes the subscription even if it is as before, and with it when it is due: whoever was found by a
    /// date that is out of date would be found for ever. What the plan allows is looked at once more, too:
    /// places may have become free.
    pub(crate) fn rewrite(&mut self) {
        self.is_rewritten = true;
    }

    pub(crate) fn notify(&mut self, kind: NoticeKind) {
        self.notices.push(kind);
    }

    /// The plan of those who pay nothing.
    pub(crate) async fn fallback(&mut self) -> Result<Plan, StoreError> {
        let code = self.ports.catalogue.fallback().to_owned();
        let plan = self.store().newest_plan(&code).await?;
        plan.ok_or_else(|| StoreError::corrupt("plans.code", code))
    }

    /// Takes all steps that are due, however many.
    pub(crate) async fn catch_up(&mut self) -> Result<(), StoreError> {
        while let Some(step) = self.standing.subscription.due(self.now) {
            let plan = self.plan_after(&step).await?;
            self.standing.subscription.pass(&step, &plan);
            match &step {
                Transition::FallBack { .. } => self.detach().await?,
                Transition::Downgrade { .. } if plan.price == 0 => self.detach().await?,
                Transition::Downgrade { .. } => {}
                Transition::PastDue { since } => self.notify(NoticeKind::PaymentFailed {
                    usable_until: *since + GRACE,
                }),
                Transition::Expire { .. } => self.notify(NoticeKind::Expired),
            }
            self.standing.plan = plan;
        }
        Ok(())
    }

    async fn plan_after(&mut self, step: &Transition) -> Result<Plan, StoreError> {
        match step {
            Transition::Downgrade { to, .. } => {
                let to = to.clone();
                match self.store().newest_plan(&to).await? {
                    Some(plan) => Ok(plan),
                    None => self.fallback().await,
                }
            }
            Transition::FallBack { .. } => self.fallback().await,
            Transition::PastDue { .. } | Transition::Expire { .. } => {
                Ok(self.standing.plan.clone())
            }
        }
    }

    /// Lets go of the current agreement: its provider is told to end it.
    pub(crate) async fn detach(&mut self) -> Result<(), StoreError> {
        let Some(mut agreement) = self.standing.agreement.take() else {
            return Ok(());
        };
        agreement.supersede();
        self.store().save_agreement(&agreement).await
    }

    /// Rests the subscription on another agreement.
    pub(crate) async fn attach(&mut self, agreement: Option<Agreement>) -> Result<(), StoreError> {
        self.detach().await?;
        self.standing.agreement = agreement;
        Ok(())
    }

    /// Writes what is different, and what follows from it; keeps it, and tells others.
    pub(crate) async fn finish(mut self) -> Result<Standing, StoreError> {
        self.catch_up().await?;
        let is_different = self.standing != self.before;
        if self.is_rewritten || self.standing.subscription != self.before.subscription {
            let subscription = self.standing.subscription.clone();
            self.store().save(&subscription).await?;
        }
        if let Some(agreement) = self.standing.agreement.clone()
            && self.before.agreement.as_ref() != Some(&agreement)
        {
            self.store().save_agreement(&agreement).await?;
        }
        if self.is_rewritten || self.standing.plan.id != self.before.plan.id {
            self.change_holdings().await?;
        }
        self.write_notices().await?;
        self.unit.commit().await?;
        if is_different {
            let account = self.standing.subscription.account;
            self.ports.announce.changed(account).await;
        }
        Ok(self.standing)
    }

    async fn change_holdings(&mut self) -> Result<(), StoreError> {
        let (account, now) = (self.account(), self.now);
        let held = self.unit.holdings().held(account).await?;
        let effects = Effects::of(&self.standing.plan, &held);
        if !effects.is_empty() {
            self.unit.holdings().apply(account, &effects, now).await?;
        }
        let is_other = self.standing.plan.code != self.before.plan.code;
        // Other terms of the same plan are worth a word when they take something away.
        let is_newer = self.standing.plan.id != self.before.plan.id;
        if is_other || is_newer && effects.takes() {
            self.notices.push(NoticeKind::PlanChanged {
                from: self.before.plan.code.clone(),
                to: self.standing.plan.code.clone(),
                suspended: effects.suspend.len(),
                revoked: effects.revoke.len(),
                disabled: effects.disable.len(),
            });
        }
        Ok(())
    }

    async fn write_notices(&mut self) -> Result<(), StoreError> {
        let (account, at) = (self.account(), self.now);
        let kinds = std::mem::take(&mut self.notices).into_iter();
        let notices: Vec<_> = kinds
            .map(|kind| Notice {
                id: Id::new(self.ports.ids.next()),
                account,
                kind,
                at,
            })
            .collect();
        if notices.is_empty() {
            return Ok(());
        }
        self.unit.notices().append(&notices).await
    }
}
