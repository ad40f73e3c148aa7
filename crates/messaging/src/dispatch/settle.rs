//! Recording what the answer to a call proves.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use msgflash_kernel::{Clock, Id, Ids, StoreError};
use msgflash_quotas::{Period, Settlement, Want};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use tracing::warn;

use super::entry::{Class, QueueEntry, QueueState};
use super::ports::{EntryKey, NewRef};
use super::settler::Outcome;
use crate::events;
use crate::instance::connection::RECONNECT_PATIENCE;
use crate::message::ports::{SettleUnit, SettleUnits};
use crate::message::{Message, MessageId, MessageStatus};
use crate::provider::SendFailure;
use crate::safety::Safety;

/// What a call came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The provider took it; its id may have been lost on the way.
    Sent {
        /// WhatsApp's id.
        key_id: Option<String>,
    },
    /// Nothing left, and the lane as a whole is the reason.
    LaneDown,
    /// Nothing left, because of this message, and it may pass.
    Missed,
    /// It will never be sent.
    Failed(Failure),
    /// It left, and its id was lost on the way.
    Left,
    /// It may have left or not.
    Unknown,
    /// It was marked and then not called.
    NotCalled,
    /// Nobody knew, and the provider proved to remember everything else and not this.
    NotLeft,
}

impl Verdict {
    /// A short word for the metrics.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Sent { .. } => "sent",
            Self::LaneDown => "lane_down",
            Self::Missed => "missed",
            Self::Failed(_) => "failed",
            Self::Left => "left",
            Self::Unknown => "unknown",
            Self::NotCalled => "not_called",
            Self::NotLeft => "not_left",
        }
    }
}

/// Why a message ends as failed: for people and for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// A sentence for people.
    pub reason: &'static str,
    /// The published code.
    pub code: &'static str,
}

impl Failure {
    /// The gateway was away for too long.
    pub const UNAVAILABLE: Self = Self {
        reason: "Provider unavailable",
        code: "PROVIDER_UNAVAILABLE",
    };
    /// The outcome stayed unknown.
    pub const TIMEOUT: Self = Self {
        reason: "Provider timeout",
        code: "PROVIDER_TIMEOUT",
    };
    /// The provider refused it.
    pub const REFUSED: Self = Self {
        reason: "The provider could not send this message",
        code: "PROVIDER_ERROR",
    };
    /// The number has no WhatsApp.
    pub const NO_WHATSAPP: Self = Self {
        reason: "The number is not on WhatsApp",
        code: "INVALID_DESTINATION",
    };
    /// The instance is not linked.
    pub const NOT_CONNECTED: Self = Self {
        reason: "The instance is not connected",
        code: "INSTANCE_NOT_CONNECTED",
    };
    /// The month's messages are used up.
    pub const OUT_OF_QUOTA: Self = Self {
        reason: "Monthly outbound quota exceeded",
        code: "MONTHLY_OUTBOUND_QUOTA_EXCEEDED",
    };
    /// The subscription ended before the message was due.
    pub const NO_SUBSCRIPTION: Self = Self {
        reason: "The subscription does not allow sending",
        code: "SUBSCRIPTION_INACTIVE",
    };
    /// The stored message cannot be sent.
    pub const BROKEN: Self = Self {
        reason: "The message could not be read",
        code: "INTERNAL_ERROR",
    };
}

impl From<&SendFailure> for Verdict {
    fn from(failure: &SendFailure) -> Self {
        match failure {
            SendFailure::GatewayDown(_) | SendFailure::NotConnected(_) => Self::LaneDown,
            SendFailure::Transient(_) => Self::Missed,
            SendFailure::NoWhatsApp => Self::Failed(Failure::NO_WHATSAPP),
            SendFailure::Refused(_) => Self::Failed(Failure::REFUSED),
            SendFailure::Unknown(_) => Self::Unknown,
        }
    }
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long a single or scheduled message waits for a gateway that is away.
    pub gateway: Duration,
    /// How often a call that proved to have had no effect is made again.
    pub misses: u32,
    /// The wait before the first repetition; each further one waits three times longer.
    pub back_off: Duration,
    /// How long an unknown outcome is looked up before the message counts as failed.
    pub unknown: Duration,
    /// Whether a message that provably did not leave is sent once more.
    pub resend: bool,
    /// How long a link that broke may take to come back.
    pub reconnect: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            gateway: Duration::minutes(15),
            misses: 3,
            back_off: Duration::seconds(5),
            unknown: Duration::minutes(10),
            resend: true,
            reconnect: RECONNECT_PATIENCE,
        }
    }
}

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
        // Nearly all calls succeed, and all of them are recorded with a few statements.
        let sent: Vec<Sent<'_>> = outcomes.iter().filter_map(Sent::of).collect();
        let taken = self.sent_all(&mut *unit, &sent, now).await?;
        let mut first = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            if Sent::of(outcome).is_some() {
                first.push(taken.contains(&(outcome.key, outcome.attempt)));
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

    async fn sent_all(
        &self,
        unit: &mut dyn SettleUnit,
        sent: &[Sent<'_>],
        now: OffsetDateTime,
    ) -> Result<HashSet<(EntryKey, u32)>, StoreError> {
        if sent.is_empty() {
            return Ok(HashSet::new());
        }
        let attempts: Vec<_> = sent.iter().map(|it| (it.key, it.attempt)).collect();
        let taken: HashMap<EntryKey, QueueEntry> = unit
            .queue()
            .take(&attempts)
            .await?
            .into_iter()
            .map(|entry| (entry.key(), entry))
            .collect();
        let ours: Vec<(&Sent<'_>, &QueueEntry)> = sent
            .iter()
            .filter_map(|it| Some((it, taken.get(&it.key)?)))
            .collect();
        if ours.is_empty() {
            return Ok(HashSet::new());
        }
        let mut lanes: Vec<_> = ours.iter().map(|(_, entry)| entry.instance).collect();
        lanes.sort_unstable_by_key(|lane| lane.uuid());
        lanes.dedup();
        unit.queue().lanes_up(&lanes).await?;
        let settlements: Vec<_> = ours
            .iter()
            .filter_map(|(_, entry)| settlement(entry, 1, 0))
            .collect();
        unit.ledger().settle(&settlements).await?;
        let refs: Vec<_> = ours
            .iter()
            .map(|(it, entry)| new_ref(entry, it.key_id))
            .collect();
        warn_of_taken(&unit.queue().bind_refs(&refs, now).await?);
        let mut messages = Vec::with_capacity(ours.len());
        let mut events = Vec::with_capacity(ours.len());
        for (it, _) in &ours {
            let mut message = it.message.clone();
            if message.advance(MessageStatus::Sent, now) {
                note_sent(&mut message, Some(it.key_id), it.safety);
                let id = Id::new(self.ids.next());
                events.extend(events::message_changed(id, &message, now));
                messages.push(message);
            }
        }
        unit.messages().update(&messages).await?;
        unit.outbox().append(&events).await?;
        Ok(ours.iter().map(|(it, _)| (it.key, it.attempt)).collect())
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
        match self.judge(entry, verdict, down_since, now) {
            Step::AwaitId(at) => unit.queue().mark_left(entry.key(), at).await,
            Step::Sent(key_id) => self.sent(unit, entry, key_id.as_deref(), safety, now).await,
            Step::Fail(failure) => self.fail(unit, entry, failure, now).await,
            // The lane's owner knows when it calls again.
            Step::LaneWaits => unit.queue().put_back(entry.key(), entry.misses, now).await,
            Step::Again(misses, at) => unit.queue().put_back(entry.key(), misses, at).await,
            Step::Resend => unit.queue().resend(entry.key(), now).await,
            Step::LookUp(at) => unit.queue().mark_unknown(entry.key(), 0, at).await,
        }
    }

    /// The decision, pure.
    fn judge(
        &self,
        entry: &QueueEntry,
        verdict: &Verdict,
        down_since: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Step {
        match verdict {
            Verdict::Sent { key_id } => Step::Sent(key_id.clone()),
            Verdict::Failed(failure) => Step::Fail(*failure),
            Verdict::Unknown => Step::LookUp(now + Duration::seconds(5)),
            Verdict::Left => Step::AwaitId(now + Duration::seconds(2)),
            Verdict::LaneDown => {
                // Waiting for its turn in a long lane is not waiting for the gateway.
                let since = entry.ready_since.unwrap_or(entry.due_at).max(down_since);
                // A campaign never loses a recipient because its sender was ill.
                if entry.class != Class::Campaign && now - since >= self.patience.gateway {
                    return Step::Fail(Failure::UNAVAILABLE);
                }
                Step::LaneWaits
            }
            Verdict::NotLeft => Step::Resend,
            Verdict::NotCalled => Step::Again(entry.misses, now),
            Verdict::Missed => {
                let misses = entry.misses + 1;
                if misses > self.patience.misses {
                    return Step::Fail(Failure::REFUSED);
                }
                let factor = 3u32.saturating_pow(entry.misses);
                Step::Again(misses, now + self.patience.back_off * factor)
            }
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
        self.charge_left(unit, entry).await?;
        if let Some(key_id) = key_id {
            let refs = [new_ref(entry, key_id)];
            warn_of_taken(&unit.queue().bind_refs(&refs, now).await?);
        }
        let Some(mut message) = load(unit, entry).await? else {
            return Ok(());
        };
        if message.advance(MessageStatus::Sent, now) {
            note_sent(&mut message, key_id, safety);
            self.keep(unit, &message, now).await?;
        }
        Ok(())
    }

    /// Ends a message that did not leave, and gives its reservation back.
    pub(crate) async fn fail(
        &self,
        unit: &mut dyn SettleUnit,
        entry: &QueueEntry,
        failure: Failure,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        unit.queue().remove(&[entry.key()]).await?;
        self.charge(unit, entry, 0, 1).await?;
        let Some(mut message) = load(unit, entry).await? else {
            return Ok(());
        };
        if message.fail(failure.reason, failure.code, now) {
            self.keep(unit, &message, now).await?;
        }
        Ok(())
    }

    async fn keep(
        &self,
        unit: &mut dyn SettleUnit,
        message: &Message,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        unit.messages()
            .update(std::slice::from_ref(message))
            .await?;
        match events::message_changed(Id::new(self.ids.next()), message, now) {
            Some(event) => unit.outbox().append(&[event]).await,
            None => Ok(()),
        }
    }

    /// Charges what left. A scheduled message that came out of a backup may have been reserved after
    /// that was made; it counts all the same, whatever the limit says.
    async fn charge_left(
        &self,
        unit: &mut dyn SettleUnit,
        entry: &QueueEntry,
    ) -> Result<(), StoreError> {
        if entry.period.is_some() {
            return self.charge(unit, entry, 1, 0).await;
        }
        let period = Period::of(entry.due_at);
        let want = Want {
            account: entry.account,
            period,
            limit: None,
            count: 1,
        };
        unit.ledger().reserve(&[want]).await?;
        let reserved = QueueEntry {
            period: Some(period),
            ..entry.clone()
        };
        self.charge(unit, &reserved, 1, 0).await
    }

    async fn charge(
        &self,
        unit: &mut dyn SettleUnit,
        entry: &QueueEntry,
        messages: u32,
        released: u32,
    ) -> Result<(), StoreError> {
        match settlement(entry, messages, released) {
            Some(settlement) => unit.ledger().settle(&[settlement]).await,
            None => Ok(()),
        }
    }
}

/// An outcome of the common kind: accepted, with its id and the message at hand.
struct Sent<'a> {
    key: EntryKey,
    attempt: u32,
    key_id: &'a str,
    safety: Option<&'a Safety>,
    message: &'a Message,
}

impl<'a> Sent<'a> {
    fn of(outcome: &'a Outcome) -> Option<Self> {
        let Verdict::Sent {
            key_id: Some(key_id),
        } = &outcome.verdict
        else {
            return None;
        };
        Some(Self {
            key: outcome.key,
            attempt: outcome.attempt,
            key_id,
            safety: outcome.safety.as_ref(),
            message: outcome.message.as_ref()?,
        })
    }
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

fn warn_of_taken(messages: &[MessageId]) {
    for message in messages {
        // Its receipts will find the other message. WhatsApp's ids do not repeat.
        warn!(message.id = %message, "the provider gave an id that is taken already");
    }
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

/// What is done with an entry.
#[derive(Debug, PartialEq)]
enum Step {
    Sent(Option<String>),
    Fail(Failure),
    LaneWaits,
    Resend,
    Again(u32, OffsetDateTime),
    LookUp(OffsetDateTime),
    AwaitId(OffsetDateTime),
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

/// The published short form of the guidance.
fn short(safety: &Safety) -> Value {
    json!({
        "decision": safety.decision(), "riskLevel": safety.risk.as_str(),
        "state": safety.state.as_str(), "score": safety.score,
    })
}

#[cfg(test)]
mod tests;
