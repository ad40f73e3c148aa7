//! Applying stored events, one transaction each.

use std::sync::Arc;

use msgflash_contacts::ContactReader;
use msgflash_kernel::{Clock, Id, Ids, Phone, StoreError, Tick};
use time::{Duration, OffsetDateTime};
use tracing::{debug, error, warn};

use super::ports::{InboxItem, ReceiptUnit, ReceiptUnits};
use crate::dispatch::QueueState;
use crate::dispatch::dispatcher::outbound_of;
use crate::dispatch::settle::{Settle, Verdict};
use crate::events;
use crate::instance::connection::{self, Change};
use crate::instance::ports::InstanceReader;
use crate::message::MessageStatus;
use crate::provider::{
    Address, EventDecoder, ProviderEvent, ReceiptRank, SentRecord, WhatsAppProvider,
};

/// An event for an id we do not know is tried again after this wait, doubled each time …
const RETRY: Duration = Duration::seconds(2);
/// … up to this one …
const LONGEST_RETRY: Duration = Duration::seconds(30);
/// … for this long: the row it belongs to may be committing beside it.
const PATIENCE: Duration = Duration::minutes(15);
/// A send of somebody else on the same number never gets a row here.
const FOREIGN_PATIENCE: Duration = Duration::minutes(1);
/// A call whose message provably left is not waited for longer than this.
const ANSWER_GRACE: Duration = Duration::seconds(5);

/// The ports applying needs.
#[derive(Clone)]
pub struct ApplyPorts {
    /// Transactions.
    pub units: Arc<dyn ReceiptUnits>,
    /// Understands events.
    pub decoder: Arc<dyn EventDecoder>,
    /// Tells what a send would be echoed as.
    pub provider: Arc<dyn WhatsAppProvider>,
    /// Instances.
    pub instances: Arc<dyn InstanceReader>,
    /// Contacts, to link who wrote.
    pub contacts: Arc<dyn ContactReader>,
    /// Settles calls that an event proves.
    pub settle: Arc<Settle>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn Ids>,
}

/// Applies stored events.
pub struct ApplyEvents {
    pub(super) ports: ApplyPorts,
}

/// What is done with an event after it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// It is dealt with.
    Yes,
    /// What it belongs to is not there yet; give up after this long.
    NotYet(Duration),
}

/// The wait before an event that was tried `tries` times is tried again.
fn retry(tries: u32) -> Duration {
    (RETRY * 2i32.saturating_pow(tries.min(8))).min(LONGEST_RETRY)
}

impl ApplyEvents {
    /// Wires it.
    pub fn new(ports: ApplyPorts) -> Self {
        Self { ports }
    }

    /// Applies one due event, if there is one.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let now = self.ports.clock.now();
        let mut unit = self.ports.units.begin().await?;
        let Some(item) = unit.inbox().claim(now, 1).await?.pop() else {
            return Ok(Tick::Idle);
        };
        let age = now - item.received_at;
        match self.apply(&mut *unit, &item, now).await {
            Ok(Done::NotYet(patience)) if age < patience => {
                unit.inbox()
                    .put_off(item.id, now + retry(item.tries))
                    .await?;
            }
            Ok(done) => {
                if done != Done::Yes {
                    debug!(event = %item.event, "an event for an unknown message was dropped");
                }
                unit.inbox().remove(&[item.id]).await?;
            }
            Err(error) => {
                // Its transaction is lost; a fresh one puts the event off, so that one bad event
                // never holds up the others.
                drop(unit);
                return self.put_off_or_drop(&item, &error, age, now).await;
            }
        }
        unit.commit().await?;
        Ok(Tick::Did(1))
    }

    async fn put_off_or_drop(
        &self,
        item: &InboxItem,
        cause: &StoreError,
        age: Duration,
        now: OffsetDateTime,
    ) -> Result<Tick, StoreError> {
        let mut unit = self.ports.units.begin().await?;
        if age < PATIENCE {
            warn!(event = %item.event, cause = %cause, "an event could not be applied yet");
            unit.inbox()
                .put_off(item.id, now + retry(item.tries))
                .await?;
        } else {
            error!(event = %item.event, cause = %cause, "an event was given up");
            unit.inbox().remove(&[item.id]).await?;
        }
        unit.commit().await?;
        Ok(Tick::Did(1))
    }

    async fn apply(
        &self,
        unit: &mut dyn ReceiptUnit,
        item: &InboxItem,
        now: OffsetDateTime,
    ) -> Result<Done, StoreError> {
        let change = match self.ports.decoder.decode(&item.event, &item.data) {
            ProviderEvent::Ignored => return Ok(Done::Yes),
            ProviderEvent::Sent(record) => return self.sent(unit, item, &record, now).await,
            ProviderEvent::Receipt { key_id, rank } => {
                return self.receipt(unit, item, &key_id, rank, now).await;
            }
            ProviderEvent::Inbound(message) => {
                return self.inbound(unit, item, &message, now).await;
            }
            ProviderEvent::Opened { number } => Change::Opened { number },
            ProviderEvent::Connecting => Change::Connecting,
            ProviderEvent::Closed { code } => Change::Closed { code },
            ProviderEvent::Removed => Change::Closed { code: None },
            ProviderEvent::PairingExpired => Change::PairingExpired,
        };
        let ids = &*self.ports.ids;
        let applied = connection::apply(unit.instances(), item.instance, change, now, ids).await?;
        if let Some((_, told)) = applied {
            connection::tell(unit.outbox(), &told).await?;
        }
        Ok(Done::Yes)
    }

    /// A message of ours moves forward, never back.
    async fn receipt(
        &self,
        unit: &mut dyn ReceiptUnit,
        item: &InboxItem,
        key_id: &str,
        rank: ReceiptRank,
        now: OffsetDateTime,
    ) -> Result<Done, StoreError> {
        if rank == ReceiptRank::Nothing {
            return Ok(Done::Yes);
        }
        let Some(key) = unit.queue().find_ref(item.instance, key_id).await? else {
            return Ok(Done::NotYet(PATIENCE));
        };
        let Some(mut message) = unit.messages().lock(&[key]).await?.pop() else {
            return Ok(Done::Yes);
        };
        let moved = match rank {
            ReceiptRank::Nothing => false,
            ReceiptRank::Delivered => message.advance(MessageStatus::Delivered, now),
            ReceiptRank::Read => message.advance(MessageStatus::Read, now),
            // The quota stays used: the provider had accepted it.
            ReceiptRank::Error => {
                message.fail("WhatsApp refused the message", "PROVIDER_ERROR", now)
            }
        };
        if moved {
            unit.messages()
                .update(std::slice::from_ref(&message))
                .await?;
            let id = Id::new(self.ports.ids.next());
            let event = events::message_changed(id, &message, now);
            unit.outbox().append(event.as_slice()).await?;
        }
        Ok(Done::Yes)
    }

    /// A message left. Usually the call's own answer says so too; this settles it when that answer
    /// is missing or late.
    async fn sent(
        &self,
        unit: &mut dyn ReceiptUnit,
        item: &InboxItem,
        record: &SentRecord,
        now: OffsetDateTime,
    ) -> Result<Done, StoreError> {
        if unit
            .queue()
            .find_ref(item.instance, &record.key_id)
            .await?
            .is_some()
        {
            return Ok(Done::Yes);
        }
        let Some(phone) = self.phone_of(unit, item, &record.address).await? else {
            return Ok(Done::NotYet(FOREIGN_PATIENCE));
        };
        let Some(entry) = unit.queue().lock_open(item.instance, phone).await? else {
            return Ok(Done::NotYet(FOREIGN_PATIENCE));
        };
        // What came before the call was started was made by another one.
        if entry.started_at.is_some_and(|at| item.received_at < at) {
            return Ok(Done::NotYet(FOREIGN_PATIENCE));
        }
        let answer_due = entry.started_at.is_some_and(|at| now < at + ANSWER_GRACE);
        if entry.state == QueueState::Started && answer_due {
            return Ok(Done::NotYet(PATIENCE));
        }
        let instance = self.ports.instances.get(item.instance).await?;
        let message = unit
            .messages()
            .lock(&[(entry.workspace, entry.message)])
            .await?
            .pop();
        let outbound = message
            .zip(instance)
            .and_then(|(it, instance)| outbound_of(&it, &instance));
        let same = outbound.is_some_and(|it| self.ports.provider.expected_echo(&it) == record.echo);
        if !same {
            return Ok(Done::NotYet(FOREIGN_PATIENCE));
        }
        let verdict = Verdict::Sent {
            key_id: Some(record.key_id.clone()),
        };
        self.ports
            .settle
            .settle(unit, &entry, &verdict, None)
            .await?;
        Ok(Done::Yes)
    }

    async fn phone_of(
        &self,
        unit: &mut dyn ReceiptUnit,
        item: &InboxItem,
        address: &Address,
    ) -> Result<Option<Phone>, StoreError> {
        match address {
            Address::Phone(phone) => Ok(Some(*phone)),
            Address::Lid(lid) => unit.instances().phone_of_lid(item.instance, lid).await,
            Address::Other => Ok(None),
        }
    }
}
