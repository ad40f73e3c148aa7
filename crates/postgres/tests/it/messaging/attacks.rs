//! Attacks on the dispatcher over a real database.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use msgflash_kernel::{
    Clock as _, FixedClock, Phone, Random, RandomIds, Secret, StoreError, Workspace,
};
use msgflash_messaging::dispatch::dispatcher::{DispatchPorts, Dispatcher, Pace};
use msgflash_messaging::dispatch::ports::LaneStore as _;
use msgflash_messaging::dispatch::ports::{Mark, StartUnit, StartUnits};
use msgflash_messaging::dispatch::reconcile::{ReconcilePorts, Reconciler};
use msgflash_messaging::dispatch::settle::{Patience, Settle};
use msgflash_messaging::dispatch::settler::settler;
use msgflash_messaging::dispatch::{Class, QueueEntry, QueueState};
use msgflash_messaging::instance::Standing;
use msgflash_messaging::instance::ports::InstanceUnits;
use msgflash_messaging::instance::recent::RecentInstances;
use msgflash_messaging::message::ports::{SettleUnit, SettleUnits};
use msgflash_messaging::provider::*;
use msgflash_messaging::{Instance, InstanceId, InstanceStatus};
use msgflash_postgres::Postgres;
use time::{Duration, OffsetDateTime};

use super::sample::{Worker, entry, push, stored};
use crate::stage::{NOW, Stage, fresh};

struct Zero;
impl Random for Zero {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// A gateway that takes everything and counts.
struct Gateway {
    dead: AtomicBool,
    down: AtomicBool,
    sent: AtomicUsize,
    key: Box<dyn Fn(usize) -> String + Send + Sync>,
}

impl Gateway {
    fn new(key: impl Fn(usize) -> String + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            dead: AtomicBool::new(false),
            down: AtomicBool::new(false),
            sent: AtomicUsize::new(0),
            key: Box::new(key),
        })
    }
    fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl WhatsAppProvider for Gateway {
    async fn create(&self, _: &NewSession) -> Result<(), ProviderError> {
        unimplemented!()
    }
    async fn connect(&self, _: &str, _: Option<Phone>) -> Result<Pairing, ProviderError> {
        unimplemented!()
    }
    async fn state(&self, _: &str) -> Result<LinkState, ProviderError> {
        Ok(LinkState::Open)
    }
    async fn fetch(&self, _: &str) -> Result<Option<SessionInfo>, ProviderError> {
        unimplemented!()
    }
    async fn fetch_all(&self) -> Result<Vec<SessionInfo>, ProviderError> {
        unimplemented!()
    }
    async fn restart(&self, _: &str) -> Result<(), ProviderError> {
        Ok(())
    }
    async fn logout(&self, _: &str) -> Result<(), ProviderError> {
        unimplemented!()
    }
    async fn delete(&self, _: &str) -> Result<(), ProviderError> {
        unimplemented!()
    }
    async fn send(&self, _: &str, _: &Outbound) -> Result<Accepted, SendFailure> {
        if self.down.load(Ordering::SeqCst) {
            return Err(SendFailure::GatewayDown("refused".into()));
        }
        if self.dead.load(Ordering::SeqCst) {
            return Err(SendFailure::NotConnected("400 Connection Closed".into()));
        }
        let n = self.sent.fetch_add(1, Ordering::SeqCst);
        Ok(Accepted {
            key_id: Some((self.key)(n)),
            address: None,
        })
    }
    fn expected_echo(&self, _: &Outbound) -> Echo {
        Echo {
            kind: "text",
            text: Some("Hello".into()),
        }
    }
    async fn publish_status(&self, _: &str, _: &OutboundStatus) -> Result<Accepted, SendFailure> {
        unimplemented!()
    }
    fn status_echo(&self, _: &StatusContent) -> Echo {
        unimplemented!()
    }
    async fn find_statuses(
        &self,
        _: &str,
        _: OffsetDateTime,
        _: OffsetDateTime,
    ) -> Result<FoundSent, ProviderError> {
        unimplemented!()
    }
    async fn check_numbers(&self, _: &str, _: &[Phone]) -> Result<Vec<NumberCheck>, ProviderError> {
        unimplemented!()
    }
    /// What is still under way is not stored yet.
    async fn find_sent(
        &self,
        _: &str,
        _: Phone,
        _: OffsetDateTime,
        _: OffsetDateTime,
    ) -> Result<FoundSent, ProviderError> {
        Ok(FoundSent {
            records: vec![],
            is_whole: true,
        })
    }
    async fn find_by_key(&self, _: &str, key: &str) -> Result<Option<SentRecord>, ProviderError> {
        Ok(Some(SentRecord {
            key_id: key.to_owned(),
            address: Address::Other,
            echo: Echo {
                kind: "text",
                text: None,
            },
            at: NOW,
            receipt: None,
        }))
    }
    async fn receipts_of(&self, _: &str, _: &str) -> Result<Option<ReceiptRank>, ProviderError> {
        Ok(None)
    }
    async fn version(&self) -> Result<String, ProviderError> {
        unimplemented!()
    }
}

/// Units that are away while told so.
struct Flaky {
    postgres: Postgres,
    away: Arc<AtomicBool>,
}

#[async_trait]
impl SettleUnits for Flaky {
    async fn begin(&self) -> Result<Box<dyn SettleUnit>, StoreError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("away".into()));
        }
        SettleUnits::begin(&self.postgres).await
    }
}

/// Units that are away while told so.
struct FlakyStarts {
    postgres: Postgres,
    away: Arc<AtomicBool>,
}

#[async_trait]
impl StartUnits for FlakyStarts {
    async fn begin(&self) -> Result<Box<dyn StartUnit>, StoreError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("away".into()));
        }
        StartUnits::begin(&self.postgres).await
    }
}

struct Process {
    starts_away: Arc<AtomicBool>,
    id: uuid::Uuid,
    dispatcher: Arc<Dispatcher>,
    away: Arc<AtomicBool>,
}

fn process(stage: &Stage, gateway: &Arc<Gateway>, clock: &Arc<FixedClock>) -> Process {
    let postgres = stage.pool(4);
    let store = Arc::new(postgres.clone());
    let starts_away = Arc::new(AtomicBool::new(false));
    let starts = Arc::new(FlakyStarts {
        postgres: postgres.clone(),
        away: starts_away.clone(),
    });
    let away = Arc::new(AtomicBool::new(false));
    let units = Arc::new(Flaky {
        postgres,
        away: away.clone(),
    });
    let settle = Arc::new(Settle::new(
        units,
        clock.clone(),
        Arc::new(RandomIds),
        Patience::default(),
    ));
    let (front, workers) = settler(1);
    for worker in workers {
        tokio::spawn(worker.run(settle.clone()));
    }
    let id = fresh::<()>().uuid();
    let ports = DispatchPorts {
        lanes: store.clone(),
        starts,
        settler: front,
        recent: Arc::new(RecentInstances::new(store, clock.clone())),
        provider: gateway.clone(),
        files: None,
        clock: clock.clone(),
        random: Arc::new(Zero),
        alarms: Arc::new(super::sample::Silent),
    };
    let dispatcher = Dispatcher::new(ports, Pace::default(), Patience::default(), id);
    Process {
        starts_away,
        id,
        dispatcher: Arc::new(dispatcher),
        away,
    }
}

async fn numbers(stage: &Stage, count: usize) -> Vec<InstanceId> {
    let user = stage.user("one@example.com").await;
    let workspace = Workspace::personal(user.id);
    let mut ids = vec![];
    let mut unit = InstanceUnits::begin(&stage.postgres).await.expect("a unit");
    for n in 0..count {
        let instance = Instance {
            id: fresh(),
            account: workspace.account,
            name: "Shop".into(),
            session: format!("mf-{n}"),
            webhook_secret: Secret::new("secret".into()),
            wa_number: None,
            status: InstanceStatus::Connected,
            native_buttons: false,
            is_business: None,
            meta: None,
            first_connected_at: None,
            connecting_since: None,
            reconnecting_since: None,
            expected_number: None,
            takes_any_number: false,
            suspended_for: None,
            unlink_since: None,
            standing: Standing::default(),
            created_at: NOW,
            updated_at: NOW,
        };
        unit.instances().insert(&instance).await.expect("inserted");
        ids.push(instance.id);
    }
    unit.commit().await.expect("committed");
    ids
}

async fn owned(stage: &Stage, by: Option<uuid::Uuid>) -> HashSet<uuid::Uuid> {
    let rows = stage
        .session()
        .await
        .query(
            "SELECT instance_id FROM lanes WHERE owner IS NOT DISTINCT FROM $1",
            &[&by],
        )
        .await
        .expect("read");
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn after_an_outage_every_lane_has_an_owner_that_knows_it() {
    let stage = Stage::new().await;
    let lanes = numbers(&stage, 16).await;
    let gateway = Gateway::new(|n| format!("K{n}"));
    let clock = Arc::new(FixedClock::at(NOW));
    let (a, b) = (
        process(&stage, &gateway, &clock),
        process(&stage, &gateway, &clock),
    );
    let rounds = async |count: usize| {
        for _ in 0..count {
            a.dispatcher.tick().await.expect("a steps");
            b.dispatcher.tick().await.expect("b steps");
            clock.advance(Duration::SECOND);
        }
    };
    rounds(6).await;
    assert_eq!(
        (
            owned(&stage, Some(a.id)).await.len(),
            owned(&stage, Some(b.id)).await.len()
        ),
        (8, 8)
    );
    let of_a = owned(&stage, Some(a.id)).await;

    // The database was away for longer than worker_silence_seconds: nobody could beat.
    let silent = "UPDATE workers SET beat_at = now() - interval '31 seconds'";
    stage
        .session()
        .await
        .execute(silent, &[])
        .await
        .expect("silenced");
    clock.advance(Duration::seconds(31));
    // B is the first to be back.
    b.dispatcher.tick().await.expect("b steps");
    rounds(30).await;
    let free = owned(&stage, None).await;
    let stuck: Vec<_> = lanes
        .iter()
        .copied()
        .filter(|lane| free.contains(&lane.uuid()) && !of_a.contains(&lane.uuid()))
        .collect();
    let entries: Vec<_> = stuck.iter().map(|lane| entry(*lane, 1)).collect();
    push(&stage.postgres, &entries).await;
    rounds(600).await;
    assert_eq!(
        (gateway.sent(), owned(&stage, None).await.len()),
        (entries.len(), 0),
        "sent of {} messages to lanes without owner, and lanes without owner, ten minutes later",
        entries.len()
    );
}

#[tokio::test]
async fn what_one_process_did_not_call_is_not_taken_from_another_that_calls() {
    let stage = Stage::new().await;
    let lane = numbers(&stage, 1).await[0];
    let gateway = Gateway::new(|n| format!("K{n}"));
    let clock = Arc::new(FixedClock::at(NOW));
    let (a, b) = (
        process(&stage, &gateway, &clock),
        process(&stage, &gateway, &clock),
    );
    a.dispatcher.tick().await.expect("A owns the lane");
    let first = entry(lane, 1);
    push(&stage.postgres, std::slice::from_ref(&first)).await;
    a.dispatcher.wake(&[lane]);
    // A's mark fails: its connection is lost. Then it is away for longer than the silence.
    a.starts_away.store(true, Ordering::SeqCst);
    assert!(a.dispatcher.tick().await.is_err());
    let silent = "UPDATE workers SET beat_at = now() - interval '31 seconds'";
    stage
        .session()
        .await
        .execute(silent, &[])
        .await
        .expect("silenced");
    // B takes the lane over and calls.
    let mut calls = vec![];
    for _ in 0..40 {
        clock.advance(Duration::SECOND);
        calls = b.dispatcher.step(10).await.expect("B steps").calls;
        if !calls.is_empty() {
            break;
        }
    }
    assert_eq!(calls.len(), 1);
    // A is back while that call is under way.
    a.starts_away.store(false, Ordering::SeqCst);
    a.dispatcher.tick().await.expect("A steps");
    for call in calls {
        b.dispatcher.call(call).await.expect("made");
    }
    assert_eq!(gateway.sent(), 1);
    for _ in 0..20 {
        clock.advance(Duration::SECOND);
        a.dispatcher.tick().await.expect("steps");
        b.dispatcher.tick().await.expect("steps");
    }
    assert_eq!(gateway.sent(), 1, "the recipient got it once");
}

#[tokio::test]
async fn a_failure_that_cannot_be_recorded_loses_no_call_of_its_group() {
    let stage = Stage::new().await;
    let lanes = numbers(&stage, 2).await;
    let gateway = Gateway::new(|n| format!("K{n}"));
    let clock = Arc::new(FixedClock::at(NOW));
    let off = "UPDATE instances SET status = 'disconnected' WHERE id = $1";
    stage
        .session()
        .await
        .execute(off, &[&lanes[1].uuid()])
        .await
        .expect("off");
    let good = [entry(lanes[0], 1), entry(lanes[0], 2)];
    push(&stage.postgres, &good).await;
    push(&stage.postgres, &[entry(lanes[1], 3)]).await;
    let a = process(&stage, &gateway, &clock);
    // The database goes away between the marks and the record of the one that failed.
    a.away.store(true, Ordering::SeqCst);
    let done = a.dispatcher.tick().await;
    assert!(done.is_err(), "the failure was not recorded");
    a.away.store(false, Ordering::SeqCst);
    let marked = stored(&stage.postgres, good[0].key()).await.expect("there");
    assert_eq!(
        marked.state,
        QueueState::Started,
        "marked, and nobody calls it"
    );
    for _ in 0..600 {
        clock.advance(Duration::SECOND);
        let _ = a.dispatcher.tick().await;
    }
    assert_eq!(
        gateway.sent(),
        2,
        "ten minutes later: both messages of the connected lane were called"
    );
}

#[tokio::test]
async fn one_outcome_that_cannot_be_recorded_stops_nobody_else() {
    let stage = Stage::new().await;
    let lanes = numbers(&stage, 2).await;
    // An odd gateway: the first id has a character that PostgreSQL's text cannot hold.
    let gateway = Gateway::new(|n| {
        if n == 0 {
            "3EB0\0".into()
        } else {
            format!("K{n}")
        }
    });
    let clock = Arc::new(FixedClock::at(NOW));
    push(&stage.postgres, &[entry(lanes[0], 1)]).await;
    let a = process(&stage, &gateway, &clock);
    let _ = a.dispatcher.tick().await;
    assert_eq!(gateway.sent(), 1);
    push(&stage.postgres, &[entry(lanes[1], 2)]).await;
    let mut last = Ok(());
    for _ in 0..60 {
        clock.advance(Duration::SECOND);
        last = a.dispatcher.tick().await.map(drop);
    }
    assert_eq!(
        gateway.sent(),
        2,
        "another lane's message a minute later; the last step: {last:?}"
    );
}

#[tokio::test]
async fn a_message_that_came_in_is_no_witness() {
    let stage = Stage::new().await;
    let lane = numbers(&stage, 1).await[0];
    let mut unit = SettleUnits::begin(&stage.postgres).await.expect("a unit");
    let queue = unit.queue();
    let inbound = entry(lane, 1);
    push(&stage.postgres, std::slice::from_ref(&inbound)).await;
    let session = stage.session().await;
    let received = "UPDATE messages SET inbound = true, status = 6 WHERE id = $1";
    session
        .execute(received, &[&inbound.message.uuid()])
        .await
        .expect("received");
    let left = entry(lane, 2);
    push(&stage.postgres, std::slice::from_ref(&left)).await;
    queue
        .bind_ref(lane, "LEFT", left.workspace, left.message, NOW)
        .await
        .expect("bound");
    let at = NOW + Duration::SECOND;
    queue
        .bind_ref(lane, "CAME-IN", inbound.workspace, inbound.message, at)
        .await
        .expect("bound");
    assert_eq!(
        queue.last_ref(lane, NOW).await.expect("read").as_deref(),
        Some("LEFT")
    );
}

#[tokio::test]
async fn a_clock_that_runs_ahead_sends_nothing_twice() {
    let stage = Stage::new().await;
    let lane = numbers(&stage, 1).await[0];
    let gateway = Gateway::new(|n| format!("K{n}"));
    let clock = Arc::new(FixedClock::at(NOW));
    let a = process(&stage, &gateway, &clock);
    // A message that left before: the witness.
    push(&stage.postgres, &[entry(lane, 1)]).await;
    for _ in 0..4 {
        a.dispatcher.tick().await.expect("steps");
        clock.advance(Duration::SECOND);
    }
    assert_eq!(gateway.sent(), 1);
    let slow = QueueEntry {
        due_at: NOW,
        ..entry(lane, 2)
    };
    push(&stage.postgres, std::slice::from_ref(&slow)).await;
    a.dispatcher.wake(&[lane]);
    let mut calls = vec![];
    for _ in 0..5 {
        calls = a.dispatcher.step(10).await.expect("starts").calls;
        if !calls.is_empty() {
            break;
        }
        clock.advance(Duration::SECOND);
    }
    assert_eq!(calls.len(), 1, "a call under way, such as an upload");
    // Another worker whose clock is six minutes ahead looks around, in the same second.
    let ahead = Arc::new(FixedClock::at(clock.now() + Duration::minutes(6)));
    let store = Arc::new(stage.pool(4));
    let settle = Arc::new(Settle::new(
        store.clone(),
        ahead.clone(),
        Arc::new(RandomIds),
        Patience::default(),
    ));
    let reconciler = Reconciler::new(ReconcilePorts {
        units: store.clone(),
        messages: store.clone(),
        instances: store.clone(),
        provider: gateway.clone(),
        settle,
        clock: ahead,
    });
    reconciler.expire().await.expect("looked");
    reconciler.tick().await.expect("looked");
    // The call ends well.
    for call in calls {
        a.dispatcher.call(call).await.expect("made");
    }
    for _ in 0..30 {
        clock.advance(Duration::SECOND);
        a.dispatcher.tick().await.expect("steps");
    }
    // not_before was written by the other clock.
    clock.advance(Duration::minutes(7));
    for _ in 0..10 {
        clock.advance(Duration::SECOND);
        a.dispatcher.tick().await.expect("steps");
    }
    assert_eq!(gateway.sent(), 2, "two messages, one call each");
}

#[tokio::test]
async fn a_message_that_cannot_be_read_holds_up_no_other_lane() {
    let stage = Stage::new().await;
    let lanes = numbers(&stage, 2).await;
    let entries = [entry(lanes[0], 1), entry(lanes[1], 2)];
    push(&stage.postgres, &entries).await;
    // Such as a newer release beside this one accepts during a rolling update.
    let novel = "UPDATE messages SET kind = 'novel' WHERE id = $1";
    stage
        .session()
        .await
        .execute(novel, &[&entries[0].message.uuid()])
        .await
        .expect("written");
    let worker = Worker::new(&stage.postgres).await;
    assert_eq!(worker.lanes.len(), 2);
    let marks = lanes.iter().map(|lane| Mark {
        lane: *lane,
        class: Class::Single,
        after: None,
        limit: 4,
    });
    let marks: Vec<_> = marks.collect();
    let read = stage.postgres.ahead(&marks, NOW).await;
    assert_eq!(read.map(|it| it.len()).map_err(|it| it.to_string()), Ok(1));
}

#[tokio::test]
async fn a_gateway_that_is_back_is_called_again_whatever_the_database_did_meanwhile() {
    let stage = Stage::new().await;
    let lanes = numbers(&stage, 4).await;
    let gateway = Gateway::new(|n| format!("K{n}"));
    let clock = Arc::new(FixedClock::at(NOW));
    let a = process(&stage, &gateway, &clock);
    gateway.down.store(true, Ordering::SeqCst);
    let old: Vec<_> = lanes[..3].iter().map(|lane| entry(*lane, 1)).collect();
    push(&stage.postgres, &old).await;
    a.dispatcher
        .tick()
        .await
        .expect("finds out that the gateway is away");
    // Fifteen minutes later the old ones are overdue, and a new one of a fourth lane is the next probe.
    for _ in 0..840 {
        clock.advance(Duration::SECOND);
        a.dispatcher.tick().await.expect("steps");
    }
    let fourth = QueueEntry {
        ready_since: Some(clock.now()),
        due_at: clock.now(),
        not_before: clock.now(),
        ..entry(lanes[3], 1)
    };
    push(&stage.postgres, &[fourth]).await;
    for _ in 0..30 {
        clock.advance(Duration::SECOND);
        a.dispatcher.tick().await.expect("steps");
    }
    // One step of that meets a database that is away.
    clock.advance(Duration::minutes(2));
    a.away.store(true, Ordering::SeqCst);
    assert!(a.dispatcher.tick().await.is_err());
    a.away.store(false, Ordering::SeqCst);
    gateway.down.store(false, Ordering::SeqCst);
    let new: Vec<_> = lanes[..3]
        .iter()
        .map(|lane| QueueEntry {
            ready_since: Some(clock.now()),
            due_at: clock.now(),
            ..entry(*lane, 2)
        })
        .collect();
    push(&stage.postgres, &new).await;
    for _ in 0..1800 {
        clock.advance(Duration::SECOND);
        let _ = a.dispatcher.tick().await;
    }
    assert_eq!(gateway.sent(), 4, "half an hour later");
}

#[tokio::test]
async fn no_single_message_waits_longer_than_patience_for_a_dead_session() {
    let stage = Stage::new().await;
    let lane = numbers(&stage, 1).await[0];
    let gateway = Gateway::new(|n| format!("K{n}"));
    let clock = Arc::new(FixedClock::at(NOW));
    let a = process(&stage, &gateway, &clock);
    gateway.dead.store(true, Ordering::SeqCst);
    let entries: Vec<_> = (0..60).map(|n| entry(lane, n)).collect();
    push(&stage.postgres, &entries).await;
    for _ in 0..1800 {
        clock.advance(Duration::SECOND);
        a.dispatcher.tick().await.expect("steps");
    }
    let left = stage
        .session()
        .await
        .query_one("SELECT count(*) FROM queue", &[])
        .await
        .expect("read");
    assert_eq!(
        left.get::<_, i64>(0),
        0,
        "of 60 messages still wait after 30 minutes"
    );
}
