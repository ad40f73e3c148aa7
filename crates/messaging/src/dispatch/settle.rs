//! Recording what the answer to a call proves.

use std::sync::Arc;

use msgflash_kernel::{Clock, Id, Ids, StoreError};
use msgflash_quotas::Settlement;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use tracing::warn;

use super::entry::{QueueEntry, QueueState};
use super::ports::EntryKey;
use crate::events;
use crate::message::ports::{SettleUnit, SettleUnits};
use crate::message::{Message, MessageStatus};
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
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            gateway: Duration::minutes(15),
            misses: 3,
            back_off: Duration::seconds(5),
            unknown: Duration::minutes(10),
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

    /// Records the verdict on attempt `attempt` of an entry. Whoever comes second finds nothing to
    /// do: an entry that is gone or has begun another attempt was settled by somebody else.
    pub async fn record(
        &self,
        key: EntryKey,
        attempt: u32,
        verdict: &Verdict,
        safety: Option<&Safety>,
    ) -> Result<bool, StoreError> {
        let mut unit = self.units.begin().await?;
        let Some(entry) = unit
            .queue()
            .lock(key)
            .await?
            .filter(|it| it.attempt == attempt)
        else {
            return Ok(false);
        };
        self.settle(&mut *unit, &entry, verdict, safety).await?;
        unit.commit().await?;
        Ok(true)
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
            Step::LaneWaits(until) => {
                unit.queue()
                    .put_back(entry.key(), entry.misses, until)
                    .await?;
                unit.queue().hold_lane(entry.instance, until).await
            }
            Step::Again(misses, at) => unit.queue().put_back(entry.key(), misses, at).await,
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
                if now - since >= self.patience.gateway {
                    return Step::Fail(Failure::UNAVAILABLE);
                }
                // Waits half as long again as the outage has lasted, so a short one costs seconds
                // and a long one few calls.
                let lasted: Duration = now - down_since;
                let half: Duration = lasted / 2;
                let wait = half.clamp(Duration::SECOND, Duration::MINUTE);
                Step::LaneWaits(now + wait)
            }
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
        unit.queue().lane_up(entry.instance).await?;
        self.charge(unit, entry, 1, 0).await?;
        if let Some(key_id) = key_id {
            let queue = unit.queue();
            let (instance, message) = (entry.instance, entry.message);
            if !queue
                .bind_ref(instance, key_id, entry.workspace, message, now)
                .await?
            {
                // Its receipts will find the other message. WhatsApp's ids do not repeat.
                warn!(message.id = %message, "the provider gave an id that is taken already");
            }
        }
        let Some(mut message) = load(unit, entry).await? else {
            return Ok(());
        };
        if message.advance(MessageStatus::Sent, now) {
            message.provider_message_id = key_id.map(str::to_owned);
            message
                .meta
                .insert("providerResult".into(), json!({ "accepted": true }));
            if let Some(safety) = safety {
                message.meta.insert("workerSafety".into(), short(safety));
            }
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

    async fn charge(
        &self,
        unit: &mut dyn SettleUnit,
        entry: &QueueEntry,
        messages: u32,
        released: u32,
    ) -> Result<(), StoreError> {
        // Without a period nothing was reserved, so nothing is owed.
        let Some(period) = entry.period else {
            return Ok(());
        };
        let account = entry.account;
        let settlement = Settlement {
            account,
            period,
            messages,
            statuses: 0,
            released,
        };
        unit.ledger().settle(&[settlement]).await
    }
}

/// What is done with an entry.
#[derive(Debug, PartialEq)]
enum Step {
    Sent(Option<String>),
    Fail(Failure),
    LaneWaits(OffsetDateTime),
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
