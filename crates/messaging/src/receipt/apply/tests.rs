//! Runs of events of one instance.

use std::sync::Mutex;

use async_trait::async_trait;
use mockall::predicate::{always, eq};
use msgflash_contacts::suppression::ports::SuppressionStore;
use msgflash_contacts::{MockContactReader, MockSuppressionStore};
use msgflash_kernel::{Event, FixedClock, Id, Outbox, SequentialIds, Unit};
use msgflash_quotas::{LedgerStore, MockAllowanceReader};
use serde_json::{Value, json};
use time::Duration;
use uuid::Uuid;

use super::*;
use crate::dispatch::ports::{NoWake, QueueStore};
use crate::dispatch::settle::Patience;
use crate::dispatch::trace::TraceStore;
use crate::instance::ports::{InstanceStore, MockInstanceReader, MockInstanceStore};
use crate::message::ports::{MessageStore, SettleUnit, SettleUnits};
use crate::provider::{MockEventDecoder, MockWhatsAppProvider};
use crate::receipt::ports::{EventStore, InboxId, MockEventStore};
use crate::testing::{FakeUnit, NOW, instance, workspace};

mod opt_out;

#[derive(Default)]
struct Events {
    store: MockEventStore,
    instances: MockInstanceStore,
    suppressions: MockSuppressionStore,
    rest: FakeUnit,
}

#[async_trait]
impl Unit for Events {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        Box::new(self.rest).commit().await
    }
}

impl SettleUnit for Events {
    fn messages(&mut self) -> &mut dyn MessageStore {
        &mut self.rest.messages
    }
    fn queue(&mut self) -> &mut dyn QueueStore {
        &mut self.rest.queue
    }
    fn traces(&mut self) -> &mut dyn TraceStore {
        &mut self.rest.traces
    }
    fn tallies(&mut self) -> &mut dyn crate::campaign::ports::TallyStore {
        unreachable!("nothing of a campaign")
    }
    fn ledger(&mut self) -> &mut dyn LedgerStore {
        &mut self.rest.ledger
    }
    fn outbox(&mut self) -> &mut dyn Outbox {
        &mut self.rest.outbox
    }
}

#[async_trait]
impl EventUnit for Events {
    async fn abandon(self: Box<Self>) {}
    fn events(&mut self) -> &mut dyn EventStore {
        &mut self.store
    }
    fn instances(&mut self) -> &mut dyn InstanceStore {
        &mut self.instances
    }
    fn suppressions(&mut self) -> &mut dyn SuppressionStore {
        &mut self.suppressions
    }
}

/// Units that were prepared, one after another.
struct Prepared(Mutex<Vec<Events>>);

#[async_trait]
impl EventUnits for Prepared {
    async fn begin(&self) -> Result<Box<dyn EventUnit>, StoreError> {
        let mut units = self.0.lock().expect("whole");
        assert!(!units.is_empty(), "one unit more than expected");
        Ok(Box::new(units.remove(0)))
    }
}

struct NoUnits;

#[async_trait]
impl SettleUnits for NoUnits {
    async fn begin(&self) -> Result<Box<dyn SettleUnit>, StoreError> {
        unreachable!("nothing is settled")
    }
}

/// The decoder of these tests: the event's name is what it means.
fn decode(event: &str, _: &Value) -> ProviderEvent {
    match event {
        "closed" => ProviderEvent::Closed { code: None },
        "logged out" => ProviderEvent::Closed { code: Some(401) },
        "connecting" => ProviderEvent::Connecting,
        "opened" => ProviderEvent::Opened { number: None },
        other => panic!("{other}"),
    }
}

fn applying(units: Vec<Events>) -> ApplyEvents {
    applying_with(units, MockAllowanceReader::new())
}

fn applying_with(units: Vec<Events>, allowances: MockAllowanceReader) -> ApplyEvents {
    let mut decoder = MockEventDecoder::new();
    decoder.expect_decode().returning(decode);
    let clock = Arc::new(FixedClock::at(NOW));
    let ids = Arc::new(SequentialIds::default());
    let patience = Patience::default();
    let settle = Settle::new(Arc::new(NoUnits), clock.clone(), ids.clone(), patience);
    ApplyEvents::new(ApplyPorts {
        units: Arc::new(Prepared(Mutex::new(units))),
        decoder: Arc::new(decoder),
        provider: Arc::new(MockWhatsAppProvider::new()),
        instances: Arc::new(MockInstanceReader::new()),
        contacts: Arc::new(MockContactReader::new()),
        allowances: Arc::new(allowances),
        wake: Arc::new(NoWake),
        settle: Arc::new(settle),
        clock,
        ids,
    })
}

fn id(number: usize) -> InboxId {
    Id::new(Uuid::from_u128(0x100 + number as u128))
}

/// Events of one instance that came so long ago.
fn came(ago: Duration, events: &[&str]) -> Vec<StoredEvent> {
    let item = |(number, event): (usize, &&str)| StoredEvent {
        id: id(number),
        instance: instance().id,
        event: (*event).to_owned(),
        announces: None,
        data: json!({}),
        received_at: NOW - ago,
        due_at: NOW - ago,
        tries: 0,
    };
    events.iter().enumerate().map(item).collect()
}

/// A unit that claims these events, over a connected instance.
fn claiming(items: Vec<StoredEvent>) -> Events {
    let mut unit = Events::default();
    unit.store
        .expect_claim_run()
        .return_once(move |_, _| Ok(items));
    let stored = Arc::new(Mutex::new(instance()));
    let read = Arc::clone(&stored);
    unit.instances
        .expect_lock()
        .returning(move |_| Ok(Some(read.lock().expect("whole").clone())));
    unit.instances.expect_update().returning(move |changed| {
        *stored.lock().expect("whole") = changed.clone();
        Ok(())
    });
    unit.instances
        .expect_workspaces()
        .returning(|_| Ok(vec![workspace().id]));
    unit
}

/// Expects exactly this to be told: names and reasons.
fn expect_told(unit: &mut Events, expected: &'static [(&str, Option<&str>)]) {
    for told in expected {
        unit.rest
            .outbox
            .expect_append()
            .withf(move |events: &[Event]| {
                let [event] = events else { return false };
                let reason = event.payload.get("reason").and_then(Value::as_str);
                (event.name, reason) == *told
            })
            .times(1)
            .returning(|_| Ok(()));
    }
}

fn expect_removed(unit: &mut Events, numbers: impl IntoIterator<Item = usize>) {
    let ids: Vec<_> = numbers.into_iter().map(id).collect();
    unit.store
        .expect_remove()
        .withf(move |removed| removed == ids)
        .times(1)
        .returning(|_| Ok(()));
}

#[tokio::test]
async fn a_logout_told_three_times_is_told_once_and_with_its_reason() {
    let mut unit = claiming(came(
        Duration::ZERO,
        &["closed", "logged out", "logged out"],
    ));
    expect_told(
        &mut unit,
        &[(
            "instance.disconnected",
            Some("The phone logged the device out"),
        )],
    );
    expect_removed(&mut unit, 0..3);
    let committed = unit.rest.watch();
    assert_eq!(applying(vec![unit]).run(NOW).await.expect("applied"), 3);
    assert!(committed());
}

#[tokio::test]
async fn a_disconnection_without_cause_waits_a_moment_and_what_follows_with_it() {
    let mut unit = claiming(came(Duration::SECOND, &["closed", "connecting"]));
    unit.store
        .expect_hold()
        .with(eq([id(0), id(1)]), always())
        .times(1)
        .returning(|_, until| {
            assert!(until > NOW);
            Ok(())
        });
    let committed = unit.rest.watch();
    applying(vec![unit]).run(NOW).await.expect("applied");
    assert!(committed());
}

#[tokio::test]
async fn a_disconnection_nobody_explains_is_told_all_the_same() {
    let mut unit = claiming(came(Duration::seconds(2), &["closed", "opened"]));
    expect_told(
        &mut unit,
        &[
            ("instance.disconnected", None),
            ("instance.connected", None),
        ],
    );
    expect_removed(&mut unit, 0..2);
    applying(vec![unit]).run(NOW).await.expect("applied");
}

#[tokio::test]
async fn a_bad_event_ends_up_alone_and_is_put_off() {
    let events = ["connecting", "connecting", "connecting"];
    let failing = |count: usize| {
        let mut unit = Events::default();
        let items = came(Duration::ZERO, &events[..count]);
        unit.store
            .expect_claim_run()
            .withf(move |_, limit| *limit as usize >= count)
            .return_once(move |_, _| Ok(items));
        unit.instances
            .expect_lock()
            .returning(|_| Err(StoreError::Failed("bad".into())));
        unit
    };
    let mut last = Events::default();
    last.store
        .expect_put_off()
        .with(eq(id(0)), eq(NOW + Duration::seconds(2)))
        .times(1)
        .returning(|_, _| Ok(()));
    let committed = last.rest.watch();
    let units = vec![failing(3), failing(1), last];
    assert_eq!(applying(units).run(NOW).await.expect("survived"), 1);
    assert!(committed());
}
