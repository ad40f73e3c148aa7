//! Announcements of messages that left.

use msgflash_kernel::{Phone, StoreError};
use time::{Duration, OffsetDateTime};

use super::apply::ApplyEvents;
use super::ports::{EventUnit, StoredEvent};
use super::retry::PATIENCE;
use crate::dispatch::dispatcher::outbound_of;
use crate::dispatch::settle::Verdict;
use crate::dispatch::{QueueEntry, QueueState};
use crate::provider::{Address, ProviderEvent, SentRecord};

/// A send of somebody else on the same number never gets a row here.
const FOREIGN_PATIENCE: Duration = Duration::minutes(1);
/// A call whose message provably left is not waited for longer than this.
const ANSWER_GRACE: Duration = Duration::seconds(5);

/// What an announcement came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// It is dealt with.
    Done,
    /// What it belongs to is not there yet.
    NotYet {
        /// When to look again, if that is known.
        until: Option<OffsetDateTime>,
        /// It is given up when it is this old.
        give_up: Duration,
    },
}

const FOREIGN: Proof = Proof::NotYet {
    until: None,
    give_up: FOREIGN_PATIENCE,
};

impl ApplyEvents {
    /// A message left. Usually the call's own answer says so too; this settles it when that answer
    /// is missing or late.
    pub(super) async fn prove(
        &self,
        unit: &mut dyn EventUnit,
        item: &StoredEvent,
        now: OffsetDateTime,
    ) -> Result<Proof, StoreError> {
        let ProviderEvent::Sent(record) = self.ports.decoder.decode(&item.event, &item.data) else {
            return Ok(Proof::Done);
        };
        if record.address == Address::Other {
            // A status, or somebody's message to a group: nothing in the queue waits for it.
            return Ok(Proof::Done);
        }
        let key = (item.instance, record.key_id.clone());
        if unit.queue().find_ref(key.0, &key.1).await?.is_some() {
            return Ok(Proof::Done);
        }
        let Some(entry) = self.open_call(unit, item, &record).await? else {
            return self.prove_late(unit, item, &record, now).await;
        };
        // What came before the call was started was made by another one.
        if entry.started_at.is_some_and(|at| item.received_at < at) {
            return self.prove_late(unit, item, &record, now).await;
        }
        let answer_due = entry.started_at.map(|at| at + ANSWER_GRACE);
        let answer_due = answer_due.filter(|due| now < *due);
        if entry.state == QueueState::Started && answer_due.is_some() {
            return Ok(Proof::NotYet {
                until: answer_due,
                give_up: PATIENCE,
            });
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
        if !outbound.is_some_and(|it| self.is_echo_of(&record, &it)) {
            return self.prove_late(unit, item, &record, now).await;
        }
        let address = Some(record.address);
        let verdict = Verdict::sent(Some(record.key_id), entry.phone, address);
        self.ports
            .settle
            .settle(unit, &entry, &verdict, None)
            .await?;
        // Its receipts may have been waiting for nothing else.
        unit.events().wake_receipts(&key, now).await?;
        Ok(Proof::Done)
    }

    fn is_echo_of(&self, record: &SentRecord, outbound: &crate::provider::Outbound) -> bool {
        self.ports.provider.expected_echo(outbound) == record.echo
    }

    /// The open call to where it went, whatever that address is called here.
    async fn open_call(
        &self,
        unit: &mut dyn EventUnit,
        item: &StoredEvent,
        record: &SentRecord,
    ) -> Result<Option<QueueEntry>, StoreError> {
        for phone in recipients(unit, item, &record.address).await? {
            let entry = unit.queue().lock_open(item.instance, phone).await?;
            if entry.is_some() {
                return Ok(entry);
            }
        }
        Ok(None)
    }

    /// A message whose call was given up left after all. That it failed was told, and its quota
    /// given back: it stays failed, and says what is known now.
    async fn prove_late(
        &self,
        unit: &mut dyn EventUnit,
        item: &StoredEvent,
        record: &SentRecord,
        now: OffsetDateTime,
    ) -> Result<Proof, StoreError> {
        let instance = self.ports.instances.get(item.instance).await?;
        for phone in recipients(unit, item, &record.address).await? {
            for call in unit.traces().lost(item.instance, phone).await? {
                let key = (call.workspace, call.message);
                let message = unit.messages().lock(&[key]).await?.pop();
                let Some(mut message) = message else {
                    continue;
                };
                let outbound = instance.as_ref().and_then(|it| outbound_of(&message, it));
                let is_it = outbound.is_some_and(|it| self.is_echo_of(record, &it));
                if !is_it || item.received_at < call.started_at {
                    continue;
                }
                // Nobody else may take this id for theirs.
                unit.queue()
                    .bind_ref(item.instance, &record.key_id, key.0, key.1, now)
                    .await?;
                message.note_late_proof(&record.key_id, now);
                unit.messages().update(&[message]).await?;
                unit.traces().found(&call).await?;
                return Ok(Proof::Done);
            }
        }
        Ok(FOREIGN)
    }
}

/// The numbers that may be behind an address.
async fn recipients(
    unit: &mut dyn EventUnit,
    item: &StoredEvent,
    address: &Address,
) -> Result<Vec<Phone>, StoreError> {
    let known = unit.traces().phone_behind(item.instance, address).await?;
    let own = match address {
        Address::Phone(phone) => Some(*phone),
        Address::Lid(_) | Address::Other => None,
    };
    let other = known.filter(|known| own != Some(*known));
    Ok(own.into_iter().chain(other).collect())
}
