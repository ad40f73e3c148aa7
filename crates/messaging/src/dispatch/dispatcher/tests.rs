use async_trait::async_trait;
use msgflash_kernel::{CountingRandom, FixedClock, Id, Phone, SequentialIds};

use super::*;
use crate::dispatch::ports::{Claimed, HeldLanes, MockLaneStore, OwnedLane, Planned, StartUnit};
use crate::dispatch::settle::Settle;
use crate::dispatch::settler::settler;
use crate::instance::InstanceStatus;
use crate::instance::ports::MockInstanceReader;
use crate::message::ports::{SettleUnit, SettleUnits};
use crate::provider::MockWhatsAppProvider;
use crate::testing::{FakeUnit, NOW, entry, instance, message};

/// Hands units out, one after the other.
struct Units(Mutex<Vec<FakeUnit>>);

impl Units {
    fn of(units: Vec<FakeUnit>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(units)))
    }

    fn next(&self) -> Box<FakeUnit> {
        let next = self.0.lock().expect("unpoisoned").pop();
        Box::new(next.expect("a unit was expected"))
    }
}

#[async_trait]
impl StartUnits for Units {
    async fn begin(&self) -> Result<Box<dyn StartUnit>, StoreError> {
        Ok(self.next())
    }
}

#[async_trait]
impl SettleUnits for Units {
    async fn begin(&self) -> Result<Box<dyn SettleUnit>, StoreError> {
        Ok(self.next())
    }
}

fn planned(n: u32) -> Planned {
    let id = Id::new(Uuid::from_u128(u128::from(n)));
    Planned {
        entry: QueueEntry {
            message: id,
            phone: Phone::parse(&format!("+336123{n:05}")).expect("a number"),
            ..entry()
        },
        message: Message { id, ..message() },
    }
}

/// A lane with these entries.
fn lane(waiting: Vec<Planned>) -> MockLaneStore {
    let mut lanes = MockLaneStore::new();
    lanes.expect_beat().returning(|_| Ok(()));
    lanes.expect_claim().returning(|_, _, _, _| {
        let taken = vec![OwnedLane {
            lane: instance().id,
            epoch: 1,
            down_since: None,
        }];
        Ok(Claimed {
            taken,
            share: 1,
            orphans: 0,
        })
    });
    lanes
        .expect_ahead()
        .returning(move |_, _| Ok(waiting.clone()));
    lanes
}

#[tokio::test]
async fn what_fails_before_its_call_is_settled_in_one_group() {
    let mut starting = FakeUnit::default();
    starting.starts.expect_hold_lanes().returning(|_, _| {
        let lost = Instance {
            status: InstanceStatus::Disconnected,
            ..instance()
        };
        Ok(HeldLanes {
            lanes: vec![lost.id],
            instances: vec![lost],
        })
    });
    let mut settling = FakeUnit::default();
    settling
        .queue
        .expect_withdraw()
        .times(1)
        .returning(|attempts| {
            assert_eq!(attempts.len(), 5);
            Ok((0..5).map(|n| planned(n).entry).collect())
        });
    settling.ledger.expect_settle().times(1).returning(|all| {
        assert_eq!(all.len(), 5);
        Ok(())
    });
    settling
        .messages
        .expect_lock()
        .times(1)
        .returning(|_| Ok((0..5).map(|n| planned(n).message).collect()));
    settling.messages.expect_update().times(1).returning(|all| {
        assert!(
            all.iter()
                .all(|it| it.meta["code"] == "INSTANCE_NOT_CONNECTED")
        );
        Ok(())
    });
    settling
        .outbox
        .expect_append()
        .times(1)
        .returning(|_| Ok(()));
    let committed = settling.watch();

    let clock: Arc<dyn Clock> = Arc::new(FixedClock::at(NOW));
    let (front, workers) = settler(1);
    let settle = Settle::new(
        Units::of(vec![settling]),
        Arc::clone(&clock),
        Arc::new(SequentialIds::default()),
        Patience::default(),
    );
    let settle = Arc::new(settle);
    for worker in workers {
        tokio::spawn(worker.run(Arc::clone(&settle)));
    }
    let mut numbers = MockInstanceReader::new();
    numbers
        .expect_window()
        .returning(|_, _| Ok(crate::safety::Window::default()));
    let ports = DispatchPorts {
        lanes: Arc::new(lane((0..5).map(planned).collect())),
        starts: Units::of(vec![starting]),
        settler: front,
        recent: Arc::new(RecentInstances::new(Arc::new(numbers), Arc::clone(&clock))),
        provider: Arc::new(MockWhatsAppProvider::new()),
        clock,
        random: Arc::new(CountingRandom::default()),
    };
    let abreast = Pace {
        gap: time::Duration::ZERO,
        ..Pace::default()
    };
    let dispatcher = Dispatcher::new(ports, abreast, Patience::default(), Uuid::nil());
    let step = dispatcher.step(512).await.expect("settled");
    assert!(step.calls.is_empty());
    assert!(committed());
}

#[test]
fn a_stored_message_becomes_what_is_sent() {
    let outbound = outbound_of(&message(), &instance()).expect("sendable");
    assert_eq!(outbound.content, Content::Text("Hello".into()));
    let mut broken = message();
    broken.body = None;
    assert_eq!(outbound_of(&broken, &instance()), None);
}
