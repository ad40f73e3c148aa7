//! Work that waits for time, or for a provider. Any process may do it: who is found is looked at once
//! more under the account's lock.

use std::collections::HashMap;
use std::sync::Arc;

use msgflash_kernel::{AccountId, Id, StoreError, Tick};
use time::Duration;

use crate::agreement::{Agreement, Wish};
use crate::catalogue::Existing;
use crate::plan::Plan;
use crate::ports::{BillingQueue, PlanUnits};
use crate::provider::{Instruction, PaymentProvider, ProviderError};
use crate::subscription::BillingProvider;
use crate::turn::{BillingPorts, Turn};

/// The most accounts in one step.
const BATCH: u32 = 100;
/// How long an account waits that could not be brought up.
const TRY_AGAIN: Duration = Duration::minutes(5);
/// How long nobody else tells the provider about an agreement that is being told of.
const LEASE: Duration = Duration::minutes(2);
/// How long an agreement waits that could not be told.
const TELL_AGAIN: Duration = Duration::minutes(5);

/// Takes the steps that time brings.
pub struct TurnCalendar {
    ports: BillingPorts,
    queue: Arc<dyn BillingQueue>,
}

impl TurnCalendar {
    /// Wires the use case.
    pub fn new(ports: BillingPorts, queue: Arc<dyn BillingQueue>) -> Self {
        Self { ports, queue }
    }

    /// Brings some of those that are due up to now, each in a transaction of its own.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let due = self.queue.due(self.ports.clock.now(), BATCH).await?;
        let mut outcome = Ok(Tick::of(due.len()));
        for account in &due {
            // One that cannot be brought up must not keep the others waiting, now or at the next look.
            if let Err(error) = self.bring_up(*account).await {
                let until = self.ports.clock.now() + TRY_AGAIN;
                self.queue.postpone(*account, until).await?;
                outcome = Err(error);
            }
        }
        outcome
    }

    async fn bring_up(&self, account: AccountId) -> Result<(), StoreError> {
        if let Some(mut turn) = Turn::begin(&self.ports, account).await? {
            turn.rewrite();
            turn.finish().await?;
        }
        Ok(())
    }
}

/// Tells providers what to do about agreements. What is to be done was written down with the change
/// it follows from, so that it is told sooner or later whatever happens.
pub struct TellProviders {
    ports: BillingPorts,
    queue: Arc<dyn BillingQueue>,
    providers: HashMap<BillingProvider, Arc<dyn PaymentProvider>>,
}

impl TellProviders {
    /// Wires the use case, with every provider that may still have agreements.
    pub fn new(
        ports: BillingPorts,
        queue: Arc<dyn BillingQueue>,
        providers: impl IntoIterator<Item = Arc<dyn PaymentProvider>>,
    ) -> Self {
        let named = providers.into_iter().map(|it| (it.name(), it));
        Self {
            ports,
            queue,
            providers: named.collect(),
        }
    }

    /// Tells of one agreement. A provider that fails is asked again later; why is told to `failed`,
    /// for the logs.
    pub async fn tick(
        &self,
        failed: &(dyn Fn(&Agreement, &ProviderError) + Sync),
    ) -> Result<Tick, StoreError> {
        let now = self.ports.clock.now();
        let Some(agreement) = self.queue.claim_untold(now, now + LEASE).await? else {
            return Ok(Tick::Idle);
        };
        match self.tell(&agreement).await {
            Ok(()) => self.queue.set_told(agreement.id, &agreement.wish).await?,
            Err(error) => {
                failed(&agreement, &error);
                let until = self.ports.clock.now() + TELL_AGAIN;
                self.queue.put_off(agreement.id, until).await?;
            }
        }
        Ok(Tick::Did(1))
    }

    async fn tell(&self, agreement: &Agreement) -> Result<(), ProviderError> {
        let name = agreement.provider.as_str();
        let provider = self.providers.get(&agreement.provider);
        let provider =
            provider.ok_or_else(|| ProviderError::NotSetUp(format!("{name} is not set up")))?;
        let instruction = self.instruction(agreement)?;
        provider.instruct(&agreement.reference, &instruction).await
    }

    fn instruction(&self, agreement: &Agreement) -> Result<Instruction, ProviderError> {
        match &agreement.wish {
            Wish::Stop => Ok(Instruction::Stop),
            Wish::End => Ok(Instruction::End),
            Wish::Charge(code) => {
                // What was bought keeps its price, whatever the catalogue says by now.
                let bought = agreement.product.clone();
                let bought = bought.filter(|_| *code == agreement.bought_code);
                let product = match bought {
                    Some(product) => product,
                    None => self.ports.catalogue.product(code, agreement.provider)?,
                };
                Ok(Instruction::Charge { product })
            }
        }
    }
}

/// Makes the stored plans those of the catalogue.
pub struct SyncCatalogue {
    ports: BillingPorts,
    plans: Arc<dyn PlanUnits>,
    queue: Arc<dyn BillingQueue>,
}

impl SyncCatalogue {
    /// Wires the use case.
    pub fn new(
        ports: BillingPorts,
        plans: Arc<dyn PlanUnits>,
        queue: Arc<dyn BillingQueue>,
    ) -> Self {
        Self {
            ports,
            plans,
            queue,
        }
    }

    /// Writes what is different; answers how much that was. Processes that start together write it
    /// once.
    pub async fn write(&self) -> Result<usize, StoreError> {
        let mut unit = self.plans.begin().await?;
        let newest = unit.plans().lock_newest().await?;
        let changes = self.ports.catalogue.compare(&newest);
        if changes.is_empty() {
            return Ok(0);
        }
        let ids: Vec<_> = changes
            .iter()
            .map(|_| Id::new(self.ports.ids.next()))
            .collect();
        unit.plans().change(&changes, &ids).await?;
        unit.commit().await?;
        Ok(changes.len())
    }

    /// Moves some subscribers to the newest version of their plan, where the catalogue says so, and
    /// where that version is what the catalogue says: another process may have written another one.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        if self.ports.catalogue.existing() == Existing::Grandfathered {
            return Ok(Tick::Idle);
        }
        let mut moved = 0;
        let mut outcome = Ok(());
        for plan in self.own().await? {
            for account in self.queue.outdated(plan.id, BATCH).await? {
                match self.move_to(account, &plan).await {
                    Ok(()) => moved += 1,
                    // One that cannot be moved must not keep the others waiting.
                    Err(error) => outcome = Err(error),
                }
            }
        }
        outcome.map(|()| Tick::of(moved))
    }

    /// The stored plans, in their newest versions, that are as the catalogue says.
    async fn own(&self) -> Result<Vec<Plan>, StoreError> {
        let mut unit = self.ports.units.begin().await?;
        let mut own = Vec::new();
        for offer in self.ports.catalogue.offers() {
            let newest = unit.standings().newest_plan(&offer.code).await?;
            own.extend(newest.filter(|it| offer.version(it.id) == *it));
        }
        Ok(own)
    }

    async fn move_to(&self, account: AccountId, plan: &Plan) -> Result<(), StoreError> {
        let Some(mut turn) = Turn::begin(&self.ports, account).await? else {
            return Ok(());
        };
        // It may hold another plan by now.
        if turn.standing.plan.code == plan.code {
            turn.standing.subscription.plan = plan.id;
            turn.standing.plan = plan.clone();
        }
        turn.finish().await.map(drop)
    }
}

#[cfg(test)]
mod tests;
