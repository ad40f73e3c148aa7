//! Finding out what became of calls whose answer is missing.

use std::sync::Arc;

use msgflash_kernel::{Clock, StoreError, Tick};
use time::{Duration, OffsetDateTime};
use tracing::warn;

use super::dispatcher::outbound_of;
use super::entry::{QueueEntry, QueueState};
use super::settle::{Failure, Settle, Verdict};
use crate::instance::ports::InstanceReader;
use crate::message::ports::{MessageReader, SettleUnits};
use crate::provider::{FoundSent, SentRecord, WhatsAppProvider};

const BATCH: u32 = 32;
/// While so many outcomes are unknown, what came out of a backup waits: the gateway has other work
/// too.
const MOST_OPEN: u32 = 512;
/// The provider's clock may run behind the database's.
const CLOCK_SLACK: Duration = Duration::MINUTE;

/// The ports reconciliation needs.
#[derive(Clone)]
pub struct ReconcilePorts {
    /// Transactions.
    pub units: Arc<dyn SettleUnits>,
    /// Messages.
    pub messages: Arc<dyn MessageReader>,
    /// Instances.
    pub instances: Arc<dyn InstanceReader>,
    /// The gateway.
    pub provider: Arc<dyn WhatsAppProvider>,
    /// Records what is found.
    pub settle: Arc<Settle>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Looks up calls whose outcome is unknown. It never sends.
pub struct Reconciler {
    ports: ReconcilePorts,
}

impl Reconciler {
    /// Wires it.
    pub fn new(ports: ReconcilePorts) -> Self {
        Self { ports }
    }

    /// Turns calls that outlived their lease into unknown ones.
    pub async fn expire(&self) -> Result<Tick, StoreError> {
        let now = self.ports.clock.now();
        let mut unit = self.ports.units.begin().await?;
        let expired = unit.queue().expire_leases(now).await?;
        unit.commit().await?;
        if expired > 0 {
            warn!(
                expired,
                "calls outlived their lease; their outcome is looked up"
            );
        }
        Ok(Tick::of(usize::try_from(expired).unwrap_or(usize::MAX)))
    }

    /// Looks up what is due, side by side: a slow look-up holds up no other.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let now = self.ports.clock.now();
        let mut unit = self.ports.units.begin().await?;
        unit.queue().open_doubtful(now, MOST_OPEN).await?;
        let next_look = now + Duration::MINUTE;
        let unknown = unit.queue().claim_unknown(now, next_look, BATCH).await?;
        unit.commit().await?;
        let looked = unknown.len();
        let looks = unknown.iter().map(|entry| self.look_up(entry));
        let done = futures_util::future::join_all(looks).await;
        done.into_iter().collect::<Result<(), _>>()?;
        Ok(Tick::of(looked))
    }

    async fn look_up(&self, entry: &QueueEntry) -> Result<(), StoreError> {
        let now = self.ports.clock.now();
        let started = entry.started_at.unwrap_or(entry.due_at);
        // Until it came out of a backup, somebody else may have called for it.
        let age = now
            - entry
                .ready_since
                .map_or(started, |ready| ready.max(started));
        let found = self.find(entry, started, now).await?;
        let unknown = self.ports.settle.patience().unknown;
        let is_absent = matches!(found, Found::Nothing);
        let verdict = if let Found::This(record) = found {
            let address = Some(record.address);
            Some(Verdict::sent(Some(record.key_id), entry.phone, address))
        } else if entry.has_left && age >= unknown.min(Duration::MINUTE) {
            // It is with WhatsApp; its receipts have nobody to find.
            Some(Verdict::sent(None, entry.phone, None))
        } else if is_absent && self.may_resend(entry, age) && self.has_witness(entry).await? {
            Some(Verdict::NotLeft)
        } else if !entry.has_left && age >= unknown {
            Some(Verdict::Failed(Failure::TIMEOUT))
        } else {
            None
        };
        if let Some(verdict) = verdict {
            let settle = &self.ports.settle;
            settle
                .record_found(entry.key(), entry.attempt, &verdict)
                .await?;
            return Ok(());
        }
        let looks = entry.looks + 1;
        let wait = match looks {
            _ if entry.has_left => Duration::seconds(5),
            1 => Duration::seconds(25),
            _ => Duration::MINUTE,
        };
        let mut unit = self.ports.units.begin().await?;
        let same = unit
            .queue()
            .lock(entry.key())
            .await?
            .filter(|it| it.attempt == entry.attempt && it.state == QueueState::Unknown);
        if same.is_some() {
            unit.queue()
                .mark_unknown(entry.key(), looks, now + wait)
                .await?;
        }
        unit.commit().await
    }

    /// Whether it has been unknown for so long that the provider's own time limits are over, and
    /// may be sent once more.
    fn may_resend(&self, entry: &QueueEntry, age: Duration) -> bool {
        let patience = self.ports.settle.patience();
        patience.resend && !entry.has_left && !entry.resent && age >= patience.unknown / 2
    }

    /// Whether the provider shows a message that is known to have left there after this call was
    /// started: then it stored what it sent in this time and answers, and what it does not show was
    /// not sent. Of an entry that came out of a backup the whole time since is in question; there
    /// any message must do.
    async fn has_witness(&self, entry: &QueueEntry) -> Result<bool, StoreError> {
        let started = entry.started_at.unwrap_or(entry.due_at);
        let is_restored = entry.ready_since.is_some_and(|ready| ready > started);
        let since = if is_restored {
            OffsetDateTime::UNIX_EPOCH
        } else {
            started
        };
        let mut unit = self.ports.units.begin().await?;
        let last = unit.queue().last_ref(entry.instance, since).await?;
        unit.commit().await?;
        let instance = self.ports.instances.get(entry.instance).await?;
        let Some((key_id, instance)) = last.zip(instance) else {
            return Ok(false);
        };
        let found = self.ports.provider.find_by_key(&instance.session, &key_id);
        match found.await {
            Ok(found) => Ok(found.is_some_and(|it| it.key_id == key_id)),
            Err(error) => {
                warn!(message.id = %entry.message, %error, "the witness could not be looked up");
                Ok(false)
            }
        }
    }

    /// The earliest send at the provider that can only be this one: to the same recipient, saying
    /// the same, after the call was started, and owned by no other message.
    async fn find(
        &self,
        entry: &QueueEntry,
        started: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<Found, StoreError> {
        let Some(instance) = self.ports.instances.get(entry.instance).await? else {
            return Ok(Found::NoAnswer);
        };
        let message = self
            .ports
            .messages
            .find(entry.workspace, entry.message)
            .await?;
        let Some(outbound) = message.and_then(|message| outbound_of(&message, &instance)) else {
            return Ok(Found::NoAnswer);
        };
        let expected = self.ports.provider.expected_echo(&outbound);
        let from = started - CLOCK_SLACK;
        let until = now + CLOCK_SLACK;
        let provider = &self.ports.provider;
        let found = provider
            .find_sent(&instance.session, entry.phone, from, until)
            .await;
        let FoundSent { records, is_whole } = match found {
            Ok(found) => found,
            Err(error) => {
                warn!(message.id = %entry.message, %error, "the look-up failed");
                return Ok(Found::NoAnswer);
            }
        };
        let mut unit = self.ports.units.begin().await?;
        for record in records.into_iter().filter(|record| record.echo == expected) {
            if unit
                .queue()
                .find_ref(entry.instance, &record.key_id)
                .await?
                .is_none()
            {
                return Ok(Found::This(record));
            }
        }
        Ok(if is_whole {
            Found::Nothing
        } else {
            Found::NoAnswer
        })
    }
}

/// What a look-up came to.
enum Found {
    /// This send can only be it.
    This(SentRecord),
    /// The provider answered and shows no such send.
    Nothing,
    /// Nobody could say.
    NoAnswer,
}

#[cfg(test)]
mod tests;
