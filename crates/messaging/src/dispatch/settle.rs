//! Recording what the answer to a call proves.

use std::sync::Arc;

use msgflash_kernel::{Clock, Id, Ids, StoreError};
use msgflash_quotas::{Period, Settlement, Want};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tracing::warn;

use self::group::{is_plain, step};
use self::judge::Step;
use super::entry::{QueueEntry, QueueState};
use super::ports::{EntryKey, NewRef};
use super::settler::Outcome;
use super::trace::{KnownAddress, LostCall};
use crate::events;
use crate::message::ports::{SettleUnit, SettleUnits};
use crate::message::{Message, MessageId, MessageStatus};
use crate::provider::Address;
use crate::safety::Safety;

mod group;
mod judge;
mod verdict;

pub use judge::Patience;
pub use verdict::{Failure, Verdict};

/// Records what calls came to.
pub struct Settle {
    units: Arc<dyn SettleUnits>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    patience: Patience,
}

impl Settle {
    /// Wires it.
    pub fn new(
        units: Arc<dyn SettleUnits>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        patience: Patience,
    ) -> Self {
        Self {
            units,
            clock,
            ids,
            patience,
        }
    }

    /// How long to wait for what.
    pub fn patience(&self) -> Patience {
        self.patience
    }

    /// Records outcomes together and answers for each whether it was the first for its attempt. An
    /// entry that is gone or has begun another attempt was settled by somebody else.
    pub(crate) async fn record_all(&self, outcomes: &[Outcome]) -> Result<Vec<bool>, StoreError> {
        let mut unit = self.units.begin().await?;
        let now = self.clock.now();
        // Nearly all are of these kinds, and all of them are recorded with a few statements.
        let plain = self.record_plain(&mut *unit, outcomes, now).await?;
        let mut first = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            if is_plain(outcome) {
                first.push(plain.contains(&(outcome.key, outcome.attempt)));
                continue;
            }
            let entry = unit.queue().lock(outcome.key).await?;
            let entry = entry.filter(|it| it.attempt == outcome.attempt);
            if let Some(entry) = &entry {
                let safety = outcome.safety.as_ref();
                self.settle(&mut *unit, entry, &outcome.verdict, safety)
                    .await?;
            }
            first.push(entry.is_some());
        }
        unit.commit().await?;
        Ok(first)
    }

    /// Records what a look-up of an unknown outcome came to. An entry that is not unknown any more
    /// was settled meanwhile, and what was found out about it is old.
    pub(crate) async fn record_found(
        &self,
        key: EntryKey,
        attempt: u32,
        verdict: &Verdict,
    ) -> Result<bool, StoreError> {
        let mut unit = self.units.begin().await?;
        let entry = unit.queue().lock(key).await?;
        let unknown = |it: &QueueEntry| it.attempt == attempt && it.state == QueueState::Unknown;
        let Some(entry) = entry.filter(unknown) else {
            return Ok(false);
        };
        self.settle(&mut *unit, &entry, verdict, None).await?;
        unit.commit().await?;
        Ok(true)
    }

    /// Settles a locked entry within the caller's transaction.
    pub(crate) async fn settle(
        &self,
        unit: &mut dyn SettleUnit,
        entry: &QueueEntry,
        verdict: &Verdict,
        safety: Option<&Safety>,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let down_since = match verdict {
            Verdict::LaneDown => unit.queue().lane_down(entry.instance, now).await?,
            _ => now,
        };
        match self.patience.judge(entry, verdict, down_since, now) {
            Step::AwaitId(at) => unit.queue().mark_left(entry.key(), at).await,
            Step::Sent { key_id, other } => {
                let key_id = key_id.as_deref();
                self.sent(unit, entry, key_id, safety, now).await?;
                match other {
                    Some(other) => unit.traces().learn(&[known(entry, &other)]).await,
                    None => Ok(()),
                }
            }
            Step::Fail(failure) => self.fail_all(unit, &[(entry, failure)], now).await,
            // The lane's owner knows when it calls again.
            Step::LaneWaits => unit.queue().put_back(entry.key(), entry.misses, now).await,
            Step::Again(misses, at) => unit.queue().put_back(entry.key(), misses, at).await,
            Step::Resend => unit.queue().resend(entry.key(), now).await,
            Step::LookUp(at) => unit.queue().mark_unknown(entry.key(), 0, at).await,
        }
    }

    async fn sent(
        &self,
        unit: &mut dyn SettleUnit,
        entry: &QueueEntry,
        key_id: Option<&str>,
        safety: Option<&Safety>,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        unit.queue().remove(&[entry.key()]).await?;
        unit.queue().lanes_up(&[entry.instance]).await?;
        let period = charge_left(unit, entry).await?;
        if let Some(key_id) = key_id {
            let refs = [new_ref(entry, key_id)];
            warn_of_taken(&unit.queue().bind_refs(&refs, now).await?);
        }
        let Some(mut message) = load(unit, entry).await? else {
            return Ok(());
        };
        message.charged_to = Some(period);
        let is_news = step(unit, &mut message, now, |it| {
            it.advance(MessageStatus::Sent, now)
        });
        if is_news {
            note_sent(&mut message, key_id, safety);
        }
        // It is charged to its month whatever it has become meanwhile.
        unit.messages()
            .update(std::slice::from_ref(&message))
            .await?;
        let event = events::message_changed(Id::new(self.ids.next()), &message, now);
        match event.filter(|_| is_news) {
            Some(event) => unit.outbox().append(&[event]).await,
            None => Ok(()),
        }
    }
}

/// Charges what left, and answers the month. A scheduled message that came out of a backup may have
/// been reserved after that was made; it counts all the same, whatever the limit says.
async fn charge_left(unit: &mut dyn SettleUnit, entry: &QueueEntry) -> Result<Period, StoreError> {
    let period = entry.period.unwrap_or_else(|| Period::of(entry.due_at));
    if entry.period.is_none() {
        let want = Want {
            account: entry.account,
            period,
            limit: None,
            count: 1,
        };
        unit.ledger().reserve(&[want]).await?;
    }
    let reserved = QueueEntry {
        period: Some(period),
        ..entry.clone()
    };
    if let Some(charge) = settlement(&reserved, 1, 0) {
        unit.ledger().settle(&[charge]).await?;
    }
    Ok(period)
}

/// What an entry owes; nothing without a period, for nothing was reserved.
fn settlement(entry: &QueueEntry, messages: u32, released: u32) -> Option<Settlement> {
    Some(Settlement {
        account: entry.account,
        period: entry.period?,
        messages,
        statuses: 0,
        released,
    })
}

fn new_ref(entry: &QueueEntry, key_id: &str) -> NewRef {
    NewRef {
        instance: entry.instance,
        key_id: key_id.to_owned(),
        workspace: entry.workspace,
        message: entry.message,
    }
}

fn known(entry: &QueueEntry, address: &Address) -> KnownAddress {
    KnownAddress {
        instance: entry.instance,
        address: address.clone(),
        phone: entry.phone,
    }
}

/// A call nobody could say anything about.
fn lost(entry: &QueueEntry, failure: Failure) -> Option<LostCall> {
    Some(LostCall {
        instance: entry.instance,
        phone: entry.phone,
        message: entry.message,
        workspace: entry.workspace,
        started_at: entry.started_at.filter(|_| failure == Failure::TIMEOUT)?,
    })
}

fn warn_of_taken(messages: &[MessageId]) {
    for message in messages {
        // Its receipts will find the other message. WhatsApp's ids do not repeat.
        warn!(message.id = %message, "the provider gave an id that is taken already");
    }
}

async fn load(
    unit: &mut dyn SettleUnit,
    entry: &QueueEntry,
) -> Result<Option<Message>, StoreError> {
    Ok(unit
        .messages()
        .lock(&[(entry.workspace, entry.message)])
        .await?
        .pop())
}

fn note_sent(message: &mut Message, key_id: Option<&str>, safety: Option<&Safety>) {
    message.provider_message_id = key_id.map(str::to_owned);
    message
        .meta
        .insert("providerResult".into(), json!({ "accepted": true }));
    if let Some(safety) = safety {
        message.meta.insert("workerSafety".into(), short(safety));
    }
}

/// The published short form of the guidance.
fn short(safety: &Safety) -> Value {
    json!({
        "decision": safety.decision(), "riskLevel": safety.risk.as_str(),
        "state": safety.state.as_str(), "score": safety.score,
    })
}

#[cfg(test)]
mod tests;
