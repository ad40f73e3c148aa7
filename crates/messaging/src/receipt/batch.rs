//! Applying receipts, many at a time.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use metrics::{counter, histogram};
use msgflash_kernel::{Clock, Event, Id, Ids, StoreError, Tick};
use time::{Duration, OffsetDateTime};
use tracing::{debug, error, warn};

use super::brake;
use super::fold::steps;
use super::ports::{InboxId, Moved, ReceiptUnit, ReceiptUnits, RefKey, StoredReceipt, Tracked};
use super::retry::{may_still_fit, retry};
use crate::alarm::{Alarm, Alarms};
use crate::campaign::Tally;
use crate::events;
use crate::instance::InstanceId;
use crate::instance::standing::Echoed;
use crate::message::{CampaignId, MessageStatus};

/// Receipts of one batch.
const BATCH: u32 = 1000;
/// How often put-off receipts whose id became known are looked for.
const WAKE: Duration = Duration::SECOND;
/// Why a message failed that WhatsApp took and then refused. Its quota stays used: the provider
/// had accepted it.
const REFUSED: &str = "WhatsApp refused the message";
/// The published code of that.
const REFUSED_CODE: &str = "PROVIDER_ERROR";

/// Applies stored receipts.
pub struct ApplyReceipts {
    units: Arc<dyn ReceiptUnits>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    alarms: Arc<dyn Alarms>,
    /// How long the first restriction of a number lasts.
    restriction: Duration,
    woken_at: Mutex<Option<OffsetDateTime>>,
}

/// What a batch of receipts comes to.
#[derive(Default)]
struct Outcome {
    moved: Vec<Moved>,
    told: Vec<Event>,
    done: Vec<InboxId>,
    waiting: Vec<(InboxId, OffsetDateTime)>,
    given_up: usize,
    /// What each step says of its number, by the receipt that led to it.
    echoed: Vec<(OffsetDateTime, InboxId, InstanceId, Echoed)>,
    restricted: Vec<InstanceId>,
    /// What the steps change of the counters of campaigns.
    tallies: Vec<(CampaignId, Tally)>,
}

impl Outcome {
    /// What was said of each number, in the order it came.
    fn by_instance(&mut self) -> BTreeMap<InstanceId, Vec<Echoed>> {
        self.echoed.sort_unstable_by_key(|it| (it.0, it.1));
        let mut said: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (_, _, instance, echoed) in std::mem::take(&mut self.echoed) {
            said.entry(instance).or_default().push(echoed);
        }
        said
    }
}

impl ApplyReceipts {
    /// Wires it. `restriction` is how long the first restriction of a number lasts.
    pub fn new(
        units: Arc<dyn ReceiptUnits>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        alarms: Arc<dyn Alarms>,
        restriction: Duration,
    ) -> Self {
        Self {
            units,
            clock,
            ids,
            alarms,
            restriction,
            woken_at: Mutex::new(None),
        }
    }

    /// Applies one batch of due receipts in one transaction, if there are any. When that fails,
    /// the batch is halved until the bad row stands alone.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let now = self.clock.now();
        if self.is_time_to_wake(now) {
            // On its own: it touches what others may be about to claim.
            let mut unit = self.units.begin().await?;
            unit.receipts().wake(now).await?;
            unit.commit().await?;
        }
        let mut limit = BATCH;
        loop {
            let mut unit = self.units.begin().await?;
            let receipts = unit.receipts().claim(now, limit).await?;
            if receipts.is_empty() {
                unit.commit().await?;
                return Ok(Tick::Idle);
            }
            match self.apply(&mut *unit, &receipts, now).await {
                Ok(outcome) => {
                    unit.commit().await?;
                    count(&receipts, &outcome);
                    for instance in outcome.restricted {
                        self.alarms.raise(Alarm::Restricted, Some(instance));
                    }
                    return Ok(Tick::Did(receipts.len()));
                }
                Err(cause @ StoreError::Unavailable(_)) => return Err(cause),
                Err(cause) => {
                    unit.abandon().await;
                    if limit == 1 {
                        self.put_off(&receipts, &cause, now).await?;
                        return Ok(Tick::Did(receipts.len()));
                    }
                    limit = (limit.min(u32::try_from(receipts.len()).unwrap_or(limit)) / 2).max(1);
                }
            }
        }
    }

    fn is_time_to_wake(&self, now: OffsetDateTime) -> bool {
        let mut last = self.woken_at.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| now >= last + WAKE);
        if due {
            *last = Some(now);
        }
        due
    }

    async fn apply(
        &self,
        unit: &mut dyn ReceiptUnit,
        receipts: &[StoredReceipt],
        now: OffsetDateTime,
    ) -> Result<Outcome, StoreError> {
        let by_key = grouped(receipts);
        let keys: Vec<RefKey> = by_key
            .keys()
            .map(|(instance, key_id)| (*instance, (*key_id).to_owned()))
            .collect();
        let messages = unit.receipts().lock(&keys).await?;
        let mut outcome = self.decide(by_key, &messages, now);
        if !outcome.moved.is_empty() {
            let said = outcome.by_instance();
            let braked = brake::apply(unit.receipts(), &said, self.restriction, now, &*self.ids);
            let (restricted, told) = braked.await?;
            outcome.restricted = restricted;
            outcome.told.extend(told);
            unit.receipts()
                .advance(&outcome.moved, REFUSED, REFUSED_CODE)
                .await?;
            unit.outbox().append(&outcome.told).await?;
            for (campaign, change) in &outcome.tallies {
                unit.tallies().tally(*campaign, *change, now);
            }
        }
        if !outcome.waiting.is_empty() {
            unit.receipts().put_off(&outcome.waiting).await?;
        }
        if !outcome.done.is_empty() {
            unit.receipts().remove(&outcome.done).await?;
        }
        Ok(outcome)
    }

    /// The decision: what moves, what is told, what waits.
    fn decide<'a>(
        &self,
        mut by_key: ByKey<'a>,
        messages: &'a [Tracked],
        now: OffsetDateTime,
    ) -> Outcome {
        let mut outcome = Outcome::default();
        // A message may be known by two ids; it has one life all the same.
        for same in messages.chunk_by(|a, b| (a.workspace, a.id) == (b.workspace, b.id)) {
            let message = &same[0];
            let mut receipts: Vec<_> = same
                .iter()
                .filter_map(|it| by_key.remove(&(it.instance, it.key_id.as_str())))
                .flatten()
                .collect();
            receipts.sort_unstable_by_key(|it| (it.received_at, it.id));
            let steps = steps(message.status, receipts.iter().map(|it| (*it, it.rank)));
            outcome.done.extend(receipts.iter().map(|it| it.id));
            if let Some(&(_, status)) = steps.last() {
                if let Some(campaign) = message.campaign {
                    let change = Tally::step(message.status, status);
                    outcome.tallies.push((campaign, change));
                }
                debug!(
                    message.id = %message.id,
                    instance.id = %message.instance,
                    request.id = message.request_id.as_deref().unwrap_or(""),
                    status = status.as_str(),
                    "a receipt moves a message"
                );
                outcome.moved.push(Moved {
                    workspace: message.workspace,
                    id: message.id,
                    status,
                    at: now,
                });
            }
            for (receipt, step) in steps {
                let echoed = match step {
                    MessageStatus::Failed => Echoed::Refused,
                    _ => Echoed::Reached,
                };
                let said = (receipt.received_at, receipt.id, receipt.instance, echoed);
                outcome.echoed.push(said);
                let failure = (step == MessageStatus::Failed).then_some((REFUSED, REFUSED_CODE));
                let id = Id::new(self.ids.next());
                let event = events::step(id, message, step, failure, now);
                outcome.told.extend(event);
            }
        }
        // Nobody knows these ids: not yet, or never.
        for receipt in by_key.into_values().flatten() {
            if may_still_fit(receipt.received_at, receipt.tries, now) {
                let until = now + retry(receipt.tries);
                outcome.waiting.push((receipt.id, until));
            } else {
                outcome.given_up += 1;
                outcome.done.push(receipt.id);
            }
        }
        outcome
    }

    /// Receipts that cannot be applied wait, and are given up in the end, so that they hold up
    /// nobody.
    async fn put_off(
        &self,
        receipts: &[StoredReceipt],
        cause: &StoreError,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut unit = self.units.begin().await?;
        let (waiting, lost): (Vec<_>, Vec<_>) = receipts
            .iter()
            .partition(|it| may_still_fit(it.received_at, it.tries, now));
        if !waiting.is_empty() {
            warn!(count = waiting.len(), %cause, "an event could not be applied yet");
            let until: Vec<_> = waiting
                .iter()
                .map(|it| (it.id, now + retry(it.tries)))
                .collect();
            unit.receipts().put_off(&until).await?;
        }
        if !lost.is_empty() {
            error!(count = lost.len(), %cause, "an event was given up");
            let ids: Vec<_> = lost.iter().map(|it| it.id).collect();
            unit.receipts().remove(&ids).await?;
        }
        unit.commit().await
    }
}

/// Receipts by the id they are for.
type ByKey<'a> = HashMap<(crate::InstanceId, &'a str), Vec<&'a StoredReceipt>>;

fn grouped(receipts: &[StoredReceipt]) -> ByKey<'_> {
    let mut by_key: ByKey<'_> = HashMap::with_capacity(receipts.len());
    for receipt in receipts {
        by_key
            .entry((receipt.instance, receipt.key_id.as_str()))
            .or_default()
            .push(receipt);
    }
    by_key
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a batch has a thousand receipts, not 2^53"
)]
fn count(receipts: &[StoredReceipt], outcome: &Outcome) {
    histogram!("msgflash_inbox_batch_size").record(receipts.len() as f64);
    let applied = outcome.done.len() - outcome.given_up;
    counter!("msgflash_inbox_applied_total", "kind" => "receipt").increment(applied as u64);
    if !outcome.waiting.is_empty() {
        counter!("msgflash_inbox_retried_total").increment(outcome.waiting.len() as u64);
    }
    if outcome.given_up > 0 {
        debug!(
            count = outcome.given_up,
            "receipts for unknown messages were dropped"
        );
    }
}

#[cfg(test)]
mod tests;
