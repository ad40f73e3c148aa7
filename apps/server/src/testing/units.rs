//! Units of work that accept everything, and answers kept in memory.

use std::sync::Arc;

use async_trait::async_trait;
use msgflash_kernel::{
    Claim, FixedClock, MockOutbox, Outbox, Places, ReplayKey, ReplayReader, ReplayStore,
    StoreError, StoredAnswer, Unit,
};
use msgflash_messaging::campaign::ports::{MockTallyStore, TallyStore};
use msgflash_messaging::dispatch::ports::{MockQueueStore, NoWake, QueueStore};
use msgflash_messaging::dispatch::trace::{MockTraceStore, TraceStore};
use msgflash_messaging::instance::ports::{
    InstanceStore, InstanceUnit, InstanceUnits, MockInstanceStore,
};
use msgflash_messaging::message::accept::{AcceptPorts, Acceptor, acceptor};
use msgflash_messaging::message::ports::{
    FakeAcceptance, MessageStore, MockMessageStore, SettleUnit, SettleUnits,
};
use msgflash_quotas::{LedgerStore, MockLedgerStore};
use msgflash_templates::{MockTemplateStore, Template, TemplateStore, TemplateUnit, TemplateUnits};
use msgflash_webhooks::ports::{DeliveryStore, EndpointStore, EndpointUnit, EndpointUnits};
use msgflash_webhooks::{MockDeliveryStore, MockEndpointStore};
use time::OffsetDateTime;

/// Answers given before, for readers and units alike: those of accepting, and those of others.
#[derive(Clone, Default)]
pub(crate) struct Replays(pub(crate) FakeAcceptance);

impl Replays {
    fn find(&self, key: &ReplayKey) -> Claim {
        match self.0.answer(key) {
            None => Claim::Fresh,
            Some((kept, answer)) if kept == *key => Claim::Replay(answer),
            Some(_) => Claim::Mismatch,
        }
    }
}

#[async_trait]
impl ReplayReader for Replays {
    async fn look(&self, key: &ReplayKey, _: OffsetDateTime) -> Result<Claim, StoreError> {
        Ok(self.find(key))
    }
}

#[async_trait]
impl ReplayStore for Replays {
    async fn claim(&mut self, key: &ReplayKey, _: OffsetDateTime) -> Result<Claim, StoreError> {
        Ok(self.find(key))
    }
    async fn keep(
        &mut self,
        key: &ReplayKey,
        answer: &StoredAnswer,
        _: OffsetDateTime,
    ) -> Result<(), StoreError> {
        self.0.keep(key, answer);
        Ok(())
    }
}

/// Begins units over one memory of answers.
pub(crate) struct Units {
    replays: Replays,
    held_endpoints: u32,
    held_template: Option<Template>,
}

impl Units {
    pub(crate) fn new(
        replays: Replays,
        held_endpoints: u32,
        held_template: Option<Template>,
    ) -> Self {
        Self {
            replays,
            held_endpoints,
            held_template,
        }
    }

    fn unit(&self) -> Box<AllUnit> {
        let mut unit = AllUnit {
            replays: self.replays.clone(),
            ledger: MockLedgerStore::new(),
            messages: MockMessageStore::new(),
            queue: MockQueueStore::new(),
            tallies: MockTallyStore::new(),
            traces: MockTraceStore::new(),
            instances: MockInstanceStore::new(),
            outbox: MockOutbox::new(),
            templates: MockTemplateStore::new(),
            endpoints: MockEndpointStore::new(),
            deliveries: MockDeliveryStore::new(),
        };
        unit.queue.expect_lock().returning(|_| Ok(None));
        let taken = self.held_endpoints;
        unit.endpoints
            .expect_count_locked()
            .returning(move |_, cap| Ok(Places { taken, cap }));
        let held = self.held_template.clone();
        let own = held.as_ref().map(|it| (it.workspace.id, it.id));
        unit.templates
            .expect_lock()
            .returning(move |workspace, id| {
                Ok(held.clone().filter(|_| own == Some((workspace, id))))
            });
        unit.templates
            .expect_delete()
            .returning(move |workspace, id| Ok(own == Some((workspace, id))));
        unit.templates.expect_insert().returning(|_| Ok(()));
        unit.templates.expect_update().returning(|_| Ok(()));
        unit.endpoints.expect_insert().returning(|_| Ok(()));
        unit.endpoints.expect_delete().returning(|_, _| Ok(false));
        unit.endpoints.expect_lock().returning(|_, _| Ok(None));
        Box::new(unit)
    }
}

#[async_trait]
impl SettleUnits for Units {
    async fn begin(&self) -> Result<Box<dyn SettleUnit>, StoreError> {
        Ok(self.unit())
    }
}

#[async_trait]
impl InstanceUnits for Units {
    async fn begin(&self) -> Result<Box<dyn InstanceUnit>, StoreError> {
        Ok(self.unit())
    }
}

#[async_trait]
impl TemplateUnits for Units {
    async fn begin(&self) -> Result<Box<dyn TemplateUnit>, StoreError> {
        Ok(self.unit())
    }
}

#[async_trait]
impl EndpointUnits for Units {
    async fn begin(&self) -> Result<Box<dyn EndpointUnit>, StoreError> {
        Ok(self.unit())
    }
}

struct AllUnit {
    replays: Replays,
    ledger: MockLedgerStore,
    messages: MockMessageStore,
    queue: MockQueueStore,
    tallies: MockTallyStore,
    traces: MockTraceStore,
    instances: MockInstanceStore,
    outbox: MockOutbox,
    templates: MockTemplateStore,
    endpoints: MockEndpointStore,
    deliveries: MockDeliveryStore,
}

#[async_trait]
impl Unit for AllUnit {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        Ok(())
    }
}

impl SettleUnit for AllUnit {
    fn messages(&mut self) -> &mut dyn MessageStore {
        &mut self.messages
    }
    fn queue(&mut self) -> &mut dyn QueueStore {
        &mut self.queue
    }
    fn traces(&mut self) -> &mut dyn TraceStore {
        &mut self.traces
    }
    fn ledger(&mut self) -> &mut dyn LedgerStore {
        &mut self.ledger
    }
    fn tallies(&mut self) -> &mut dyn TallyStore {
        &mut self.tallies
    }
    fn outbox(&mut self) -> &mut dyn Outbox {
        &mut self.outbox
    }
}

impl InstanceUnit for AllUnit {
    fn instances(&mut self) -> &mut dyn InstanceStore {
        &mut self.instances
    }
    fn outbox(&mut self) -> &mut dyn Outbox {
        &mut self.outbox
    }
}

impl TemplateUnit for AllUnit {
    fn replays(&mut self) -> &mut dyn ReplayStore {
        &mut self.replays
    }
    fn templates(&mut self) -> &mut dyn TemplateStore {
        &mut self.templates
    }
}

impl EndpointUnit for AllUnit {
    fn replays(&mut self) -> &mut dyn ReplayStore {
        &mut self.replays
    }
    fn endpoints(&mut self) -> &mut dyn EndpointStore {
        &mut self.endpoints
    }
    fn deliveries(&mut self) -> &mut dyn DeliveryStore {
        &mut self.deliveries
    }
}

/// Accepts everything until the test ends, and keeps the answers with `replays`.
pub(crate) fn accepting(replays: &Replays, clock: &Arc<FixedClock>) -> Acceptor {
    let (acceptor, workers) = acceptor(1);
    for worker in workers {
        tokio::spawn(worker.run(AcceptPorts {
            units: Arc::new(replays.0.clone()),
            clock: Arc::clone(clock) as _,
            wake: Arc::new(NoWake),
        }));
    }
    acceptor
}
