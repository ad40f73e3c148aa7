//! A gateway that remembers whom it served, and a process that sends through it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use msgflash_kernel::{Clock as _, Random, Tick};
use msgflash_messaging::dispatch::dispatcher::{DispatchPorts, Dispatcher, Pace};
use msgflash_messaging::dispatch::reconcile::{ReconcilePorts, Reconciler};
use msgflash_messaging::dispatch::settle::{Patience, Settle};
use msgflash_messaging::dispatch::settler::settler;
use msgflash_messaging::provider::{
    Accepted, Address, Echo, FoundSent, LinkState, MockWhatsAppProvider, ReceiptRank, SendFailure,
    SentRecord,
};
use msgflash_messaging::receipt::batch::ApplyReceipts;
use msgflash_messaging::receipt::ports::{Inbox as _, InboxItem, StoredReceipt};

use super::*;
use crate::messaging::sample::Silent;

/// What a call comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Taken,
    /// Nothing left; it may pass.
    Miss,
    /// The number has no WhatsApp.
    Nobody,
    /// It left, and the answer was lost.
    LostAfter,
    /// It did not leave, and nobody knows.
    LostBefore,
    /// The session is not linked.
    Unlinked,
}

#[derive(Default)]
struct Served {
    /// What reached WhatsApp: the id and the moment, by number.
    left: HashMap<Phone, Vec<(String, OffsetDateTime)>>,
    /// Calls that were made, whatever they came to.
    calls: Vec<Phone>,
}

/// Answers each call as `decide` says, by how many were made before.
pub(super) struct Gateway {
    clock: Arc<FixedClock>,
    decide: Box<dyn Fn(u64, Phone) -> Answer + Send + Sync>,
    calls: AtomicU64,
    served: Mutex<Served>,
}

impl Gateway {
    pub(super) fn new(
        scene: &Scene,
        decide: impl Fn(u64, Phone) -> Answer + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            clock: scene.clock.clone(),
            decide: Box::new(decide),
            calls: AtomicU64::new(0),
            served: Mutex::default(),
        })
    }

    /// How often each number was reached, in order.
    pub(super) fn copies(&self) -> Vec<(i64, usize)> {
        let served = self.served.lock().expect("free");
        let copies = served.left.iter();
        let mut copies: Vec<_> = copies.map(|(to, left)| (to.to_i64(), left.len())).collect();
        copies.sort_unstable();
        copies
    }

    /// The numbers that were reached, each of them once.
    pub(super) fn reached(&self) -> Vec<i64> {
        let copies = self.copies();
        assert!(
            copies.iter().all(|(_, times)| *times == 1),
            "twice: {copies:?}"
        );
        copies.into_iter().map(|(to, _)| to).collect()
    }

    /// How many calls were made.
    pub(super) fn calls(&self) -> usize {
        self.served.lock().expect("free").calls.len()
    }

    /// Every id it gave out.
    pub(super) fn keys(&self) -> Vec<String> {
        let served = self.served.lock().expect("free");
        let left = served.left.values().flatten();
        let mut keys: Vec<_> = left.map(|(key, _)| key.clone()).collect();
        keys.sort_unstable();
        keys
    }

    /// A call to one number.
    fn take(&self, to: Phone) -> Result<Accepted, SendFailure> {
        let n = self.calls.fetch_add(1, Ordering::SeqCst);
        let answer = (self.decide)(n, to);
        let key = format!("K{n:08}");
        let mut served = self.served.lock().expect("free");
        served.calls.push(to);
        if matches!(answer, Answer::Taken | Answer::LostAfter) {
            let left = served.left.entry(to).or_default();
            left.push((key.clone(), self.clock.now()));
        }
        match answer {
            Answer::Taken => Ok(Accepted {
                key_id: Some(key),
                address: None,
            }),
            Answer::Miss => Err(SendFailure::Transient("500".into())),
            Answer::Nobody => Err(SendFailure::NoWhatsApp),
            Answer::LostAfter | Answer::LostBefore => Err(SendFailure::Unknown("reset".into())),
            Answer::Unlinked => Err(SendFailure::NotConnected("400 Connection Closed".into())),
        }
    }

    fn sent_to(&self, to: Phone) -> FoundSent {
        let served = self.served.lock().expect("free");
        let left = served.left.get(&to).into_iter().flatten();
        FoundSent {
            records: left.map(|(key, at)| Self::record(key, to, *at)).collect(),
            is_whole: true,
        }
    }

    fn under_key(&self, key: &str) -> Option<SentRecord> {
        let served = self.served.lock().expect("free");
        let mut left = served.left.iter();
        left.find_map(|(to, left)| {
            let (_, at) = left.iter().find(|(known, _)| known == key)?;
            Some(Self::record(key, *to, *at))
        })
    }

    /// It as the engine sees it, with what sending and looking up call for.
    fn provider(self: &Arc<Self>) -> Arc<MockWhatsAppProvider> {
        let mut provider = MockWhatsAppProvider::new();
        provider.expect_state().returning(|_| Ok(LinkState::Open));
        provider.expect_restart().returning(|_| Ok(()));
        provider.expect_expected_echo().returning(|_| echo());
        let gateway = Arc::clone(self);
        provider
            .expect_send()
            .returning(move |_, outbound| gateway.take(outbound.to));
        let gateway = Arc::clone(self);
        provider
            .expect_find_sent()
            .returning(move |_, to, _, _| Ok(gateway.sent_to(to)));
        let gateway = Arc::clone(self);
        provider
            .expect_find_by_key()
            .returning(move |_, key| Ok(gateway.under_key(key)));
        Arc::new(provider)
    }

    fn record(key: &str, to: Phone, at: OffsetDateTime) -> SentRecord {
        SentRecord {
            key_id: key.to_owned(),
            address: Address::Phone(to),
            echo: echo(),
            at: at.replace_nanosecond(0).expect("a second"),
            receipt: None,
        }
    }
}

fn echo() -> Echo {
    Echo {
        kind: "text",
        text: Some("Hello".into()),
    }
}

struct Zero;

impl Random for Zero {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// A process that sends, looks up and applies receipts.
pub(super) struct Process {
    pub(super) dispatcher: Dispatcher,
    pub(super) reconciler: Reconciler,
    receipts: ApplyReceipts,
    postgres: Postgres,
}

impl Process {
    pub(super) fn new(scene: &Scene, gateway: &Arc<Gateway>) -> Self {
        let postgres = scene.stage.pool(4);
        let store = Arc::new(postgres.clone());
        let clock = scene.clock.clone();
        let settle = Arc::new(Settle::new(
            store.clone(),
            clock.clone(),
            Arc::new(RandomIds),
            Patience::default(),
        ));
        let provider = gateway.provider();
        let (front, workers) = settler(1);
        for worker in workers {
            tokio::spawn(worker.run(settle.clone()));
        }
        let ports = DispatchPorts {
            lanes: store.clone(),
            starts: store.clone(),
            settler: front,
            recent: Arc::new(RecentInstances::new(store.clone(), clock.clone())),
            provider: provider.clone(),
            files: None,
            clock: clock.clone(),
            random: Arc::new(Zero),
            alarms: Arc::new(Silent),
        };
        let pace = Pace {
            gap: AT_ONCE,
            ..Pace::default()
        };
        let worker = fresh::<()>().uuid();
        Self {
            dispatcher: Dispatcher::new(ports, pace, Patience::default(), worker),
            reconciler: Reconciler::new(ReconcilePorts {
                units: store.clone(),
                messages: store.clone(),
                instances: store.clone(),
                provider,
                settle,
                clock: clock.clone(),
            }),
            receipts: ApplyReceipts::new(
                store,
                clock,
                Arc::new(RandomIds),
                Arc::new(Silent),
                Duration::HOUR,
            ),
            postgres,
        }
    }

    /// Sends what may go out at this moment; answers how many calls that were.
    pub(super) async fn send(&self) -> usize {
        self.dispatcher.wake_all();
        let mut calls = 0;
        while let Tick::Did(count) = self.dispatcher.tick().await.expect("a step") {
            calls += count;
        }
        calls
    }

    /// Receipts of one rank for some ids arrive and are applied.
    pub(super) async fn receive(&self, scene: &Scene, keys: &[String], rank: ReceiptRank) {
        let receipts = keys.iter().map(|key| {
            InboxItem::Receipt(StoredReceipt {
                id: fresh(),
                instance: scene.instance.id,
                key_id: key.clone(),
                rank,
                received_at: scene.clock.now(),
                tries: 0,
            })
        });
        let receipts: Vec<_> = receipts.collect();
        self.postgres.store(&receipts).await.expect("stored");
        while self.receipts.tick().await.expect("applied") != Tick::Idle {}
    }
}
