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
use crate::provider::{SentRecord, WhatsAppProvider};

const BATCH: u32 = 32;
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

    /// Turns calls that outlived their lease into unknown ones, and looks up what is due.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let now = self.ports.clock.now();
        let mut unit = self.ports.units.begin().await?;
        let expired = unit.queue().expire_leases(now).await?;
        let next_look = now + Duration::MINUTE;
        let unknown = unit.queue().claim_unknown(now, next_look, BATCH).await?;
        unit.commit().await?;
        if expired > 0 {
            warn!(
                expired,
                "calls outlived their lease; their outcome is looked up"
            );
        }
        let looked = unknown.len();
        for entry in unknown {
            self.look_up(&entry).await?;
        }
        Ok(Tick::of(looked))
    }

    async fn look_up(&self, entry: &QueueEntry) -> Result<(), StoreError> {
        let now = self.ports.clock.now();
        let started = entry.started_at.unwrap_or(entry.due_at);
        let found = self.find(entry, started, now).await?;
        let unknown = self.ports.settle.patience().unknown;
        let verdict = if let Some(record) = found {
            Some(Verdict::Sent {
                key_id: Some(record.key_id),
            })
        } else if entry.has_left && now - started >= unknown.min(Duration::MINUTE) {
            // It is with WhatsApp; its receipts have nobody to find.
            Some(Verdict::Sent { key_id: None })
        } else if !entry.has_left && now - started >= unknown {
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

    /// The earliest send at the provider that can only be this one: to the same recipient, saying
    /// the same, after the call was started, and owned by no other message.
    async fn find(
        &self,
        entry: &QueueEntry,
        started: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<Option<SentRecord>, StoreError> {
        let Some(instance) = self.ports.instances.get(entry.instance).await? else {
            return Ok(None);
        };
        let message = self
            .ports
            .messages
            .find(entry.workspace, entry.message)
            .await?;
        let Some(outbound) = message.and_then(|message| outbound_of(&message, &instance)) else {
            return Ok(None);
        };
        let expected = self.ports.provider.expected_echo(&outbound);
        let from = started - CLOCK_SLACK;
        let until = now + CLOCK_SLACK;
        let provider = &self.ports.provider;
        let found = provider
            .find_sent(&instance.session, entry.phone, from, until)
            .await;
        let records = match found {
            Ok(records) => records,
            Err(error) => {
                warn!(message.id = %entry.message, %error, "the look-up failed");
                return Ok(None);
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
                return Ok(Some(record));
            }
        }
        Ok(None)
    }
}
