//! Taking lists: short ones in the request, longer ones for later.

use std::sync::Arc;

use msgflash_kernel::{Actor, Clock, Id, Ids, Nudge, Problems};

use super::ports::LookupUnits;
use super::{
    AskNumbers, LONG, LookupError, LookupStatus, MOST_NUMBERS, NumberList, NumberLookup, Results,
};
use crate::instance::ports::InstanceReader;
use crate::instance::reach::is_in_reach;
use crate::instance::{Instance, InstanceId, InstanceStatus};

/// An order to look numbers up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupOrder {
    /// Who asks, and for which workspace.
    pub actor: Actor,
    /// The number that asks.
    pub instance: InstanceId,
    /// What people wrote: 1 to [`MOST_NUMBERS`].
    pub numbers: Vec<String>,
}

/// What came of an order: done, or accepted for later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The look-up. It is complete when the list is short, or there was nothing to ask.
    pub lookup: NumberLookup,
    /// What is known now.
    pub results: Results,
}

/// The ports looking up needs.
pub struct LookUpPorts {
    /// Transactions.
    pub units: Arc<dyn LookupUnits>,
    /// Instances.
    pub instances: Arc<dyn InstanceReader>,
    /// Asks about numbers.
    pub ask: Arc<AskNumbers>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn Ids>,
    /// Wakes whoever works on long lists.
    pub wake: Arc<dyn Nudge>,
}

/// Looks numbers up.
pub struct LookUpNumbers {
    ports: LookUpPorts,
}

impl LookUpNumbers {
    /// Wires the use case.
    pub fn new(ports: LookUpPorts) -> Self {
        Self { ports }
    }

    /// Looks a short list up at once: when the provider fails, there is no look-up. A long one is
    /// accepted.
    pub async fn start(&self, order: LookupOrder) -> Result<Started, LookupError> {
        let count = order.numbers.len();
        if !(1..=MOST_NUMBERS).contains(&count) {
            let message = format!("Give 1 to {MOST_NUMBERS} numbers");
            return Err(Problems::one("numbers", "length", message).into());
        }
        let instance = self.usable(&order).await?;
        let now = self.ports.clock.now();
        let requested = u32::try_from(count).unwrap_or(u32::MAX);
        let numbers = NumberList::read(order.numbers);
        let mut lookup = NumberLookup {
            id: Id::new(self.ports.ids.next()),
            workspace: order.actor.workspace,
            user: order.actor.user,
            instance: order.instance,
            status: LookupStatus::Pending,
            requested,
            // What is no number, and what repeats one, needs no asking.
            processed: requested - u32::try_from(numbers.phones.len()).unwrap_or(0),
            error: None,
            created_at: now,
            updated_at: now,
            completed_at: None,
        };
        // Of a long one there may be nothing to ask.
        if requested < LONG || numbers.phones.is_empty() {
            let results = self.at_once(&mut lookup, &instance, numbers).await?;
            return Ok(Started { lookup, results });
        }
        let mut unit = self.ports.units.begin().await?;
        unit.lookups().insert(&lookup, &numbers).await?;
        unit.commit().await?;
        self.ports.wake.nudge();
        let results = Results::of(&[], numbers.invalid);
        Ok(Started { lookup, results })
    }

    /// All calls first, then one transaction.
    async fn at_once(
        &self,
        lookup: &mut NumberLookup,
        instance: &Instance,
        numbers: NumberList,
    ) -> Result<Results, LookupError> {
        let answers = self.ports.ask.ask(instance, &numbers.phones).await?;
        let now = self.ports.clock.now();
        let mut unit = self.ports.units.begin().await?;
        if !answers.fresh.is_empty() {
            // Also when the rest failed: whoever tries again asks for what is missing alone.
            unit.lookups()
                .remember(instance.account, &answers.fresh, now)
                .await?;
        }
        if let Some(cause) = answers.failure {
            unit.commit().await?;
            return Err(cause.into());
        }
        lookup.advance(answers.verdicts.len(), now);
        unit.lookups()
            .insert_done(lookup, &answers.verdicts, &numbers.invalid)
            .await?;
        unit.commit().await?;
        Ok(Results::of(&answers.verdicts, numbers.invalid))
    }

    async fn usable(&self, order: &LookupOrder) -> Result<Instance, LookupError> {
        let account = order.actor.workspace.account;
        let found = self.ports.instances.find(account, order.instance).await?;
        let instance = found.ok_or(LookupError::NoInstance(order.instance))?;
        let instances = &*self.ports.instances;
        if !is_in_reach(instances, &order.actor, instance.id).await? {
            return Err(LookupError::NotAssigned);
        }
        match instance.status {
            InstanceStatus::Connected => Ok(instance),
            InstanceStatus::Suspended => Err(LookupError::Suspended),
            InstanceStatus::Disconnected | InstanceStatus::Connecting => {
                Err(LookupError::NotConnected)
            }
        }
    }
}
