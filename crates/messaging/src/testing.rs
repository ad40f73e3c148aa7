//! Fake units and sample values for this crate's tests.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use msgflash_kernel::{Actor, Id, MockOutbox, Outbox, Phone, Secret, StoreError, Unit, Workspace};
use msgflash_quotas::{LedgerStore, MockLedgerStore, Period};
use serde_json::Map;
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use crate::campaign::ports::TallyStore;
use crate::campaign::recipient::Skip;
use crate::campaign::{CampaignId, Tally};
use crate::dispatch::ports::{MockQueueStore, MockStartStore, QueueStore, StartStore, StartUnit};
use crate::dispatch::trace::{MockTraceStore, TraceStore};
use crate::dispatch::{Class, QueueEntry, QueueState};
use crate::message::ports::{MessageStore, MockMessageStore, SettleUnit};
use crate::{Instance, InstanceStatus, Message, MessageId, MessageKind, MessageStatus};

pub(crate) const NOW: OffsetDateTime = datetime!(2026-05-20 12:00 UTC);

/// One mock per port and whether the unit was committed.
#[derive(Default)]
pub(crate) struct FakeUnit {
    pub(crate) ledger: MockLedgerStore,
    pub(crate) messages: MockMessageStore,
    pub(crate) queue: MockQueueStore,
    pub(crate) starts: MockStartStore,
    pub(crate) traces: MockTraceStore,
    pub(crate) tallies: Noted,
    pub(crate) outbox: MockOutbox,
    pub(crate) committed: Arc<AtomicBool>,
}

/// What was counted for campaigns, and who was left out.
#[derive(Clone, Default)]
pub(crate) struct Noted(pub(crate) Arc<Mutex<Notes>>);

/// The changes, and the messages of those who were left out.
pub(crate) type Notes = (Vec<(CampaignId, Tally)>, Vec<MessageId>);

#[async_trait]
impl TallyStore for Noted {
    fn tally(&mut self, campaign: CampaignId, change: Tally, _: OffsetDateTime) {
        self.0.lock().expect("free").0.push((campaign, change));
    }

    async fn leave_out(
        &mut self,
        _: CampaignId,
        messages: &[MessageId],
        _: Skip,
    ) -> Result<(), StoreError> {
        self.0.lock().expect("free").1.extend(messages);
        Ok(())
    }
}

impl FakeUnit {
    pub(crate) fn watch(&self) -> impl Fn() -> bool + use<> {
        let committed = Arc::clone(&self.committed);
        move || committed.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Unit for FakeUnit {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.committed.store(true, Ordering::SeqCst);
        Ok(())
    }
}

impl SettleUnit for FakeUnit {
    fn messages(&mut self) -> &mut dyn MessageStore {
        &mut self.messages
    }
    fn queue(&mut self) -> &mut dyn QueueStore {
        &mut self.queue
    }
    fn traces(&mut self) -> &mut dyn TraceStore {
        &mut self.traces
    }
    fn tallies(&mut self) -> &mut dyn TallyStore {
        &mut self.tallies
    }
    fn ledger(&mut self) -> &mut dyn LedgerStore {
        &mut self.ledger
    }
    fn outbox(&mut self) -> &mut dyn Outbox {
        &mut self.outbox
    }
}

impl StartUnit for FakeUnit {
    fn starts(&mut self) -> &mut dyn StartStore {
        &mut self.starts
    }
}

pub(crate) fn workspace() -> Workspace {
    Workspace::personal(Id::new(Uuid::from_u128(0xA)))
}

pub(crate) fn actor() -> Actor {
    Actor::new(workspace(), Id::new(Uuid::from_u128(0xA)))
}

pub(crate) fn phone() -> Phone {
    Phone::parse("+33612345678").expect("valid")
}

pub(crate) fn instance() -> Instance {
    Instance {
        id: Id::new(Uuid::from_u128(0x1)),
        account: workspace().account,
        name: "Shop".into(),
        session: "mf-1".into(),
        webhook_secret: Secret::new("secret".into()),
        wa_number: None,
        status: InstanceStatus::Connected,
        native_buttons: false,
        is_business: None,
        meta: None,
        first_connected_at: Some(NOW - time::Duration::days(30)),
        connecting_since: None,
        reconnecting_since: None,
        expected_number: None,
        takes_any_number: false,
        suspended_for: None,
        unlink_since: None,
        standing: crate::instance::Standing::default(),
        created_at: NOW,
        updated_at: NOW,
    }
}

pub(crate) fn message() -> Message {
    Message {
        id: Id::new(Uuid::from_u128(0x2)),
        workspace: workspace(),
        acting_user: workspace().owner(),
        instance: instance().id,
        contact: None,
        campaign: None,
        inbound: false,
        kind: MessageKind::Text,
        peer: Some(phone()),
        own_number: None,
        body: Some("Hello".into()),
        media_url: None,
        status: MessageStatus::Queued,
        error: None,
        meta: Map::new(),
        provider_message_id: None,
        charged_to: None,
        scheduled_at: None,
        request_id: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

pub(crate) fn entry() -> QueueEntry {
    QueueEntry {
        instance: instance().id,
        message: message().id,
        workspace: workspace().id,
        account: workspace().account,
        phone: phone(),
        class: Class::Single,
        state: QueueState::Ready,
        due_at: NOW,
        not_before: NOW,
        ready_since: Some(NOW),
        period: Some(Period::of(NOW)),
        attempt: 0,
        misses: 0,
        started_at: None,
        looks: 0,
        has_left: false,
        resent: false,
        campaign: None,
        until: None,
        ignores_suppression: false,
    }
}
