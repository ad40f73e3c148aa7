use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use msgflash_kernel::{FixedClock, SequentialIds, Unit};
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::ports::{
    DeliveryStore, FanOutUnit, Listeners, MockDeliveryStore, MockListeners, MockRaisedEvents,
    RaisedEvents,
};

const NOW: OffsetDateTime = datetime!(2026-05-01 0:00 UTC);

#[derive(Default)]
struct FakeUnit {
    events: MockRaisedEvents,
    listeners: MockListeners,
    deliveries: MockDeliveryStore,
    committed: Arc<AtomicBool>,
}

#[async_trait]
impl Unit for FakeUnit {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.committed.store(true, Ordering::SeqCst);
        Ok(())
    }
}

impl FanOutUnit for FakeUnit {
    fn events(&mut self) -> &mut dyn RaisedEvents {
        &mut self.events
    }
    fn listeners(&mut self) -> &mut dyn Listeners {
        &mut self.listeners
    }
    fn deliveries(&mut self) -> &mut dyn DeliveryStore {
        &mut self.deliveries
    }
}

struct Units(Mutex<Option<FakeUnit>>);

#[async_trait]
impl FanOutUnits for Units {
    async fn begin(&self) -> Result<Box<dyn FanOutUnit>, StoreError> {
        let unit = self.0.lock().unwrap().take();
        Ok(Box::new(unit.expect("one unit per tick")))
    }
}

fn fan_out(unit: FakeUnit) -> FanOut {
    let units = Arc::new(Units(Mutex::new(Some(unit))));
    FanOut::new(units, Arc::new(FixedClock::at(NOW))).with_ids(Arc::new(SequentialIds::default()))
}

fn event(id: u128, workspace: u128, name: &str) -> RaisedEvent {
    RaisedEvent {
        id: Id::new(Uuid::from_u128(id)),
        workspace: Id::new(Uuid::from_u128(workspace)),
        name: name.to_owned(),
    }
}

fn listener(id: u128, workspace: u128, events: &[&str]) -> Listener {
    Listener {
        endpoint: Id::new(Uuid::from_u128(id)),
        workspace: Id::new(Uuid::from_u128(workspace)),
        events: events.iter().map(|name| (*name).to_owned()).collect(),
    }
}

#[test]
fn an_endpoint_hears_what_it_asked_for_in_its_own_workspace() {
    let events = [
        event(1, 7, "message.sent"),
        event(2, 7, "message.read"),
        event(3, 8, "message.sent"),
        event(4, 7, "something.new"),
    ];
    let listeners = [
        listener(70, 7, &["message.sent"]),
        listener(71, 7, &["message.read", "message.sent"]),
        listener(80, 8, &["message.read"]),
    ];
    let made = fan_out(FakeUnit::default()).pair(&events, &listeners, NOW);
    let pairs: Vec<_> = made
        .iter()
        .map(|it| (it.event.uuid().as_u128(), it.endpoint.uuid().as_u128()))
        .collect();
    assert_eq!(pairs, [(1, 70), (1, 71), (2, 71)]);
    let ids: Vec<_> = made.iter().map(|it| it.id.uuid().as_u128()).collect();
    assert_eq!(ids, [1, 2, 3]);
    assert_eq!(made[2].name, events[1].name);
    assert_eq!(made[2].created_at, NOW);
}

#[tokio::test]
async fn events_are_taken_and_deliveries_written_together() {
    let mut unit = FakeUnit::default();
    unit.events.expect_take().returning(|_| {
        Ok(vec![
            event(1, 7, "message.sent"),
            event(2, 7, "message.sent"),
        ])
    });
    unit.listeners
        .expect_of()
        .withf(|workspaces| workspaces == [Id::new(Uuid::from_u128(7))])
        .returning(|_| Ok(vec![listener(70, 7, &["message.sent"])]));
    unit.deliveries
        .expect_insert()
        .withf(|deliveries| deliveries.len() == 2)
        .times(1)
        .returning(|_| Ok(()));
    let committed = Arc::clone(&unit.committed);
    assert_eq!(fan_out(unit).tick().await.unwrap(), Tick::Did(2));
    assert!(committed.load(Ordering::SeqCst));
}

#[tokio::test]
async fn events_nobody_hears_of_are_done_with_too() {
    let mut unit = FakeUnit::default();
    unit.events
        .expect_take()
        .returning(|_| Ok(vec![event(1, 7, "message.sent")]));
    unit.listeners.expect_of().returning(|_| Ok(vec![]));
    let committed = Arc::clone(&unit.committed);
    assert_eq!(fan_out(unit).tick().await.unwrap(), Tick::Did(1));
    assert!(committed.load(Ordering::SeqCst));
}

#[tokio::test]
async fn without_events_there_is_nothing_to_do() {
    let mut unit = FakeUnit::default();
    unit.events.expect_take().returning(|_| Ok(vec![]));
    assert_eq!(fan_out(unit).tick().await.unwrap(), Tick::Idle);
}

#[tokio::test]
async fn a_failed_write_leaves_the_events_where_they_were() {
    let mut unit = FakeUnit::default();
    unit.events
        .expect_take()
        .returning(|_| Ok(vec![event(1, 7, "message.sent")]));
    unit.listeners
        .expect_of()
        .returning(|_| Ok(vec![listener(70, 7, &["message.sent"])]));
    unit.deliveries
        .expect_insert()
        .returning(|_| Err(StoreError::Stale("deliveries")));
    let committed = Arc::clone(&unit.committed);
    assert!(fan_out(unit).tick().await.is_err());
    assert!(!committed.load(Ordering::SeqCst));
}
