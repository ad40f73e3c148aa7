//! Applying stored events other than receipts.

use std::sync::Arc;

use metrics::counter;
use msgflash_contacts::ContactReader;
use msgflash_kernel::{Clock, Ids, StoreError, Tick};
use msgflash_quotas::AllowanceReader;
use time::OffsetDateTime;
use tracing::{debug, error, warn};

use super::ports::{EventUnit, EventUnits, StoredEvent};
use super::retry::{may_still_fit, retry};
use super::sent::Proof;
use crate::dispatch::ports::Wake;
use crate::dispatch::settle::Settle;
use crate::instance::ports::InstanceReader;
use crate::instance::{InstanceId, connection};
use crate::provider::{EventDecoder, ProviderEvent, WhatsAppProvider};

/// Events of one transaction: their instance stays locked as long.
const RUN: u32 = 50;
/// Announcements whose message is known that go at once.
const KNOWN: u32 = 1000;

/// What a run came to.
struct Applied {
    /// How many events of each kind.
    kinds: [(&'static str, u64); 2],
    /// Lanes with something new to send.
    answering: Vec<InstanceId>,
}

/// The ports applying needs.
#[derive(Clone)]
pub struct ApplyPorts {
    /// Transactions.
    pub units: Arc<dyn EventUnits>,
    /// Understands events.
    pub decoder: Arc<dyn EventDecoder>,
    /// Tells what a send would be echoed as.
    pub provider: Arc<dyn WhatsAppProvider>,
    /// Instances.
    pub instances: Arc<dyn InstanceReader>,
    /// Contacts, to link who wrote.
    pub contacts: Arc<dyn ContactReader>,
    /// What accounts may still send.
    pub allowances: Arc<dyn AllowanceReader>,
    /// Wakes the lanes.
    pub wake: Arc<dyn Wake>,
    /// Settles calls that an event proves.
    pub settle: Arc<Settle>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn Ids>,
}

/// Applies stored events: messages that came in and changes of a link in runs, one instance at a
/// time and in the order they came; announcements of sent messages one by one, because settling
/// locks what a run must not hold.
pub struct ApplyEvents {
    pub(super) ports: ApplyPorts,
}

impl ApplyEvents {
    /// Wires it.
    pub fn new(ports: ApplyPorts) -> Self {
        Self { ports }
    }

    /// Applies the due events of one instance, and one announcement, if there are any.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let now = self.ports.clock.now();
        Ok(Tick::of(
            self.run(now).await? + self.announcement(now).await?,
        ))
    }

    /// Applies events of one instance, together. When one of them is bad, fewer are taken until it
    /// stands alone and is put off.
    async fn run(&self, now: OffsetDateTime) -> Result<usize, StoreError> {
        let mut limit = RUN;
        loop {
            let mut unit = self.ports.units.begin().await?;
            let items = unit.events().claim_run(now, limit).await?;
            if items.is_empty() {
                unit.commit().await?;
                return Ok(0);
            }
            match self.apply(&mut *unit, &items, now).await {
                Ok(Applied { kinds, answering }) => {
                    unit.commit().await?;
                    if !answering.is_empty() {
                        self.ports.wake.wake(&answering);
                    }
                    for (kind, count) in kinds {
                        counter!("msgflash_inbox_applied_total", "kind" => kind).increment(count);
                    }
                    return Ok(items.len());
                }
                Err(cause @ StoreError::Unavailable(_)) => return Err(cause),
                Err(cause) => {
                    unit.abandon().await;
                    if limit == 1 {
                        self.put_off_or_drop(&items[0], &cause, now).await?;
                        return Ok(1);
                    }
                    limit = (limit.min(u32::try_from(items.len()).unwrap_or(limit)) / 2).max(1);
                }
            }
        }
    }

    async fn apply(
        &self,
        unit: &mut dyn EventUnit,
        items: &[StoredEvent],
        now: OffsetDateTime,
    ) -> Result<Applied, StoreError> {
        let decode = |item: &StoredEvent| self.ports.decoder.decode(&item.event, &item.data);
        let meanings: Vec<ProviderEvent> = items.iter().map(decode).collect();
        let mut done = Vec::with_capacity(items.len());
        let mut held = Vec::new();
        let mut said = Vec::new();
        let mut kinds = [("inbound", 0), ("link", 0)];
        for (at, item) in items.iter().enumerate() {
            if let ProviderEvent::Inbound(message) = &meanings[at] {
                said.extend(self.inbound(unit, item, message, now).await?);
                kinds[0].1 += 1;
            } else if !held.is_empty() {
                // Whatever came after a change that waits, waits with it.
                held.push(item.id);
                continue;
            } else if let Some(change) = super::link::change(&meanings[at..]) {
                let age = now - item.received_at;
                if self.waits_for_its_cause(unit, item, &change, age).await? {
                    held.push(item.id);
                    continue;
                }
                let (instance, ids) = (item.instance, &*self.ports.ids);
                let instances = unit.instances();
                let applied =
                    connection::apply(instances, instance, change.change, now, ids).await?;
                if let Some((_, told)) = applied {
                    connection::tell(unit.outbox(), &told).await?;
                }
                kinds[1].1 += 1;
            }
            done.push(item.id);
        }
        if !held.is_empty() {
            let until = now + super::link::CAUSE_GRACE;
            unit.events().hold(&held, until).await?;
        }
        if !done.is_empty() {
            unit.events().remove(&done).await?;
        }
        let answering = self.opt_out(unit, said, now).await?;
        Ok(Applied { kinds, answering })
    }

    /// Settles a call by the announcement of its message, when the answer to it is missing.
    async fn announcement(&self, now: OffsetDateTime) -> Result<usize, StoreError> {
        let mut unit = self.ports.units.begin().await?;
        let known = unit.events().drop_known(now, KNOWN).await?;
        let applied = counter!("msgflash_inbox_applied_total", "kind" => "sent");
        let Some(item) = unit.events().claim_announcement(now).await? else {
            unit.commit().await?;
            applied.increment(known as u64);
            return Ok(known);
        };
        let age = now - item.received_at;
        let mut settled = 0;
        match self.prove(&mut *unit, &item, now).await {
            Ok(Proof::NotYet { until, give_up }) if age < give_up => {
                let until = until.unwrap_or(now + retry(item.tries));
                unit.events().put_off(item.id, until).await?;
                counter!("msgflash_inbox_retried_total").increment(1);
            }
            Ok(proof) => {
                if proof == Proof::Done {
                    settled = 1;
                } else {
                    debug!(event = %item.event, "an event for an unknown message was dropped");
                }
                unit.events().remove(&[item.id]).await?;
            }
            Err(cause @ StoreError::Unavailable(_)) => return Err(cause),
            Err(cause) => {
                unit.abandon().await;
                self.put_off_or_drop(&item, &cause, now).await?;
                return Ok(1);
            }
        }
        unit.commit().await?;
        applied.increment((known + settled) as u64);
        Ok(known + 1)
    }

    /// Its transaction is lost; a fresh one puts the event off, so that one bad event never holds
    /// up the others.
    async fn put_off_or_drop(
        &self,
        item: &StoredEvent,
        cause: &StoreError,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut unit = self.ports.units.begin().await?;
        if may_still_fit(item.received_at, item.tries, now) {
            warn!(event = %item.event, %cause, "an event could not be applied yet");
            unit.events()
                .put_off(item.id, now + retry(item.tries))
                .await?;
            counter!("msgflash_inbox_retried_total").increment(1);
        } else {
            error!(event = %item.event, %cause, "an event was given up");
            unit.events().remove(&[item.id]).await?;
        }
        unit.commit().await
    }
}

#[cfg(test)]
mod tests;
