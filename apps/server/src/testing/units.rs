//! Units of work that accept everything, and answers kept in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use msgflash_kernel::{
    AccountId, Claim, FixedClock, MockOutbox, Outbox, ReplayKey, ReplayReader, ReplayStore,
    StoreError, StoredAnswer, Unit,
};
use msgflash_messaging::dispatch::ports::{MockQueueStore, NoWake, QueueStore};
use msgflash_messaging::instance::ports::{
    InstanceStore, InstanceUnit, InstanceUnits, MockInstanceStore,
};
use msgflash_messaging::message::accept::{AcceptPorts, Acceptor, acceptor};
use msgflash_messaging::message::ports::{
    AcceptStore, AcceptUnit, AcceptUnits, Admission, Facts, Held, MessageStore, MockMessageStore,
    Question, SettleUnit, SettleUnits, Standing, Wait, name,
};
use msgflash_quotas::{LedgerStore, MockLedgerStore, Period};
use msgflash_webhooks::ports::{DeliveryStore, EndpointStore, EndpointUnit, EndpointUnits};
use msgflash_webhooks::{MockDeliveryStore, MockEndpointStore};
use time::OffsetDateTime;

/// Answers given before, for readers and units alike.
#[derive(Clone, Default)]
pub(crate) struct Replays(Arc<Mutex<Kept>>);

/// By the hash of the client's key.
type Kept = HashMap<[u8; 32], (ReplayKey, StoredAnswer)>;

impl Replays {
    fn find(&self, key: &ReplayKey) -> Claim {
        match self.0.lock().unwrap().get(&key.key) {
            None => Claim::Fresh,
            Some((kept, answer)) if kept == key => Claim::Replay(answer.clone()),
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
        self.0
            .lock()
            .unwrap()
            .insert(key.key, (key.clone(), answer.clone()));
        Ok(())
    }
}

/// Begins units over one memory of answers.
pub(crate) struct Units {
    replays: Replays,
    held_endpoints: u32,
}

impl Units {
    pub(crate) fn new(replays: Replays, held_endpoints: u32) -> Self {
        Self {
            replays,
            held_endpoints,
        }
    }

    fn unit(&self) -> Box<AllUnit> {
        let mut unit = AllUnit {
            replays: self.replays.clone(),
            ledger: MockLedgerStore::new(),
            messages: MockMessageStore::new(),
            queue: MockQueueStore::new(),
            instances: MockInstanceStore::new(),
            outbox: MockOutbox::new(),
            endpoints: MockEndpointStore::new(),
            deliveries: MockDeliveryStore::new(),
        };
        unit.queue.expect_lock().returning(|_| Ok(None));
        let held = self.held_endpoints;
        unit.endpoints
            .expect_count_locked()
            .returning(move |_| Ok(held));
        unit.endpoints.expect_insert().returning(|_| Ok(()));
        unit.endpoints.expect_delete().returning(|_, _| Ok(false));
        unit.endpoints.expect_lock().returning(|_, _| Ok(None));
        Box::new(unit)
    }
}

#[async_trait]
impl AcceptUnits for Units {
    async fn ensure(&self, _: &[(AccountId, Period)]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn begin(&self) -> Result<Box<dyn AcceptUnit>, StoreError> {
        Ok(self.unit())
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
    instances: MockInstanceStore,
    outbox: MockOutbox,
    endpoints: MockEndpointStore,
    deliveries: MockDeliveryStore,
}

#[async_trait]
impl Unit for AllUnit {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        Ok(())
    }
}

impl AcceptUnit for AllUnit {
    fn acceptance(&mut self) -> &mut dyn AcceptStore {
        self
    }
}

/// Knows every key and instance, refuses nothing, and keeps answers.
#[async_trait]
impl AcceptStore for AllUnit {
    async fn hold(
        &mut self,
        rows: &[(AccountId, Period)],
        _: Wait,
    ) -> Result<Vec<Held>, StoreError> {
        let held = rows.iter().map(|(account, period)| Held {
            account: *account,
            period: *period,
            released: 0,
            reserved_total: 0,
        });
        Ok(held.collect())
    }

    async fn look<'a>(
        &mut self,
        question: &Question<'a>,
        _: OffsetDateTime,
    ) -> Result<Facts<'a>, StoreError> {
        let mut facts = Facts::default();
        for it in question.applications {
            let standing = Standing {
                usable: true,
                outbound_limit: None,
            };
            facts.keys.extend(it.key.map(|key| (key, standing)));
            let account = it.message.workspace.account;
            facts
                .instances
                .insert(it.message.instance, (account, false));
            if let Some((key, _)) = &it.once
                && let Some((kept, answer)) = self.replays.0.lock().unwrap().get(&key.key)
            {
                facts
                    .answers
                    .insert(name(key), (kept.request, answer.clone()));
            }
        }
        Ok(facts)
    }

    async fn record(
        &mut self,
        admission: &Admission<'_>,
        _: OffsetDateTime,
    ) -> Result<(), StoreError> {
        for (key, answer) in admission.admitted.iter().filter_map(|it| it.once.as_ref()) {
            let kept = (key.clone(), answer.clone());
            self.replays.0.lock().unwrap().insert(key.key, kept);
        }
        Ok(())
    }
}

/// Accepts messages over `units` until the test ends.
pub(crate) fn accepting(units: &Arc<Units>, clock: &Arc<FixedClock>) -> Acceptor {
    let (acceptor, workers) = acceptor(1);
    for worker in workers {
        tokio::spawn(worker.run(AcceptPorts {
            units: Arc::clone(units) as _,
            clock: Arc::clone(clock) as _,
            wake: Arc::new(NoWake),
        }));
    }
    acceptor
}

impl SettleUnit for AllUnit {
    fn messages(&mut self) -> &mut dyn MessageStore {
        &mut self.messages
    }
    fn queue(&mut self) -> &mut dyn QueueStore {
        &mut self.queue
    }
    fn ledger(&mut self) -> &mut dyn LedgerStore {
        &mut self.ledger
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
