//! Announcements of messages that left.

use msgflash_kernel::{Phone, StoreError};
use time::{Duration, OffsetDateTime};

use super::apply::ApplyEvents;
use super::ports::{EventUnit, StoredEvent};
use super::retry::PATIENCE;
use crate::dispatch::QueueState;
use crate::dispatch::dispatcher::outbound_of;
use crate::dispatch::settle::Verdict;
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
        let key = (item.instance, record.key_id.clone());
        if unit.queue().find_ref(key.0, &key.1).await?.is_some() {
            return Ok(Proof::Done);
        }
        let Some(phone) = self.phone_of(unit, item, &record.address).await? else {
            return Ok(FOREIGN);
        };
        let Some(entry) = unit.queue().lock_open(item.instance, phone).await? else {
            return Ok(FOREIGN);
        };
        // What came before the call was started was made by another one.
        if entry.started_at.is_some_and(|at| item.received_at < at) {
            return Ok(FOREIGN);
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
            return Ok(FOREIGN);
        }
        let verdict = Verdict::Sent {
            key_id: Some(record.key_id),
        };
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

    async fn phone_of(
        &self,
        unit: &mut dyn EventUnit,
        item: &StoredEvent,
        address: &Address,
    ) -> Result<Option<Phone>, StoreError> {
        match address {
            Address::Phone(phone) => Ok(Some(*phone)),
            Address::Lid(lid) => unit.instances().phone_of_lid(item.instance, lid).await,
            Address::Other => Ok(None),
        }
    }
}
