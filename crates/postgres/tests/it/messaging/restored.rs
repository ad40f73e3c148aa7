//! A queue that came out of a backup.

use std::collections::BTreeMap;

use msgflash_kernel::{AccountId, Id};
use msgflash_messaging::dispatch::ports::{EntryKey, LaneStore as _, QueueReader as _};
use msgflash_messaging::dispatch::{QueueEntry, QueueState};
use msgflash_messaging::message::ports::SettleUnits;
use msgflash_postgres::{Postgres, restore};
use msgflash_quotas::{LedgerAudit as _, Period, Recount, Want};
use msgflash_testkit::TestDatabase;
use time::{Duration, OffsetDateTime};

use super::sample::{SILENCE, Worker, entry, phone, push, stored};
use crate::backup::{file_of, session_of};
use crate::stage::{NOW, Stage, fresh};

/// An entry of each kind, by name.
const KINDS: [&str; 7] = [
    "ready", "again", "started", "unknown", "left", "due", "later",
];

async fn far(stage: &Stage) -> OffsetDateTime {
    let day = "SELECT now() + interval '1 day'";
    let row = stage.session().await.query_one(day, &[]).await;
    row.expect("a time").get(0)
}

/// A database with an entry of each kind, reserved for where it is, its worker alive.
async fn scene(stage: &Stage) -> BTreeMap<&'static str, QueueEntry> {
    let (lane, account): (_, AccountId) = (fresh(), fresh());
    let later = far(stage).await;
    let mut entries = BTreeMap::new();
    for (n, kind) in (0u32..).zip(KINDS) {
        let base = QueueEntry {
            account,
            ..entry(lane, n)
        };
        let waits = |due_at| QueueEntry {
            state: QueueState::Waiting,
            due_at,
            not_before: due_at,
            ready_since: None,
            period: None,
            ..base.clone()
        };
        let entry = match kind {
            "due" => waits(NOW),
            "later" => waits(later),
            _ => base,
        };
        entries.insert(kind, entry);
    }
    let all: Vec<_> = entries.values().cloned().collect();
    push(&stage.postgres, &all).await;
    let want = Want {
        account,
        period: Period::of(NOW),
        limit: None,
        count: 5,
    };
    let mut unit = SettleUnits::begin(&stage.postgres).await.expect("a unit");
    unit.ledger().reserve(&[want]).await.expect("reserved");
    unit.commit().await.expect("committed");
    let worker = Worker::new(&stage.postgres).await;
    let open: Vec<EntryKey> = ["started", "unknown", "left", "again"]
        .map(|kind| entries[kind].key())
        .to_vec();
    let started = worker.start(lane, &open, NOW).await.expect("its lane");
    assert_eq!(started.len(), 4);
    let mut unit = SettleUnits::begin(&stage.postgres).await.expect("a unit");
    let queue = unit.queue();
    let unknown = queue.mark_unknown(entries["unknown"].key(), 3, NOW);
    unknown.await.expect("marked");
    let left = queue.mark_left(entries["left"].key(), NOW);
    left.await.expect("marked");
    let again = queue.put_back(entries["again"].key(), 2, NOW);
    again.await.expect("put back");
    queue.lane_down(lane, NOW).await.expect("noted");
    unit.commit().await.expect("committed");
    entries
}

/// What a restore made of it.
async fn restored(stage: &Stage, gateway_is_intact: bool) -> (TestDatabase, Postgres) {
    let file = file_of(stage.url()).await;
    let empty = TestDatabase::empty().await;
    let told = restore(empty.url(), "1.2.3", file.as_slice(), gateway_is_intact)
        .await
        .expect("restored");
    assert_eq!((told.doubtful, told.waiting), (6, 1));
    let postgres = Postgres::new(empty.url(), 5).expect("an address");
    (empty, postgres)
}

#[tokio::test]
async fn what_may_have_been_sent_since_is_doubted_and_nothing_else() {
    let stage = Stage::new().await;
    let entries = scene(&stage).await;
    for intact in [true, false] {
        let before = stage.session().await;
        let before = before.query_one("SELECT clock_timestamp()", &[]).await;
        let before: OffsetDateTime = before.expect("a time").get(0);
        let (_empty, postgres) = restored(&stage, intact).await;
        for kind in KINDS {
            let was = stored(&stage.postgres, entries[kind].key()).await;
            let was = was.expect("there");
            let is = stored(&postgres, was.key()).await.expect("there");
            if kind == "later" {
                assert_eq!(is, was);
                continue;
            }
            let is_open = matches!(was.state, QueueState::Started | QueueState::Unknown);
            let expected = if is_open {
                QueueState::Unknown
            } else {
                QueueState::Doubtful
            };
            assert_eq!(is.state, expected, "{kind}");
            // One call more than was known of, begun after the snapshot; an open one is the last.
            let more = u32::from(!is_open);
            assert_eq!(is.attempt, was.attempt + more, "{kind}");
            if is_open {
                assert_eq!(is.started_at, was.started_at, "{kind}");
            } else {
                assert!(is.started_at.expect("a time") >= before, "{kind}");
            }
            assert!(
                is.ready_since > is.started_at,
                "patience begins now: {kind}"
            );
            assert_eq!(is.resent, !intact, "{kind}");
            assert_eq!(is.looks, 0, "{kind}");
            assert_eq!((is.period, is.misses), (was.period, was.misses), "{kind}");
            assert_eq!(
                (is.has_left, is.due_at),
                (was.has_left, was.due_at),
                "{kind}"
            );
        }
        let drift = postgres.recount().await.expect("read").expect("its turn");
        assert_eq!(drift, Recount::default(), "what was reserved is");
    }
}

#[tokio::test]
async fn nobody_seems_to_be_at_work() {
    let stage = Stage::new().await;
    let entries = scene(&stage).await;
    let lane = entries["ready"].instance;
    let session = stage.session().await;
    let claimed = "INSERT INTO delivery_queue VALUES (gen_random_uuid(), gen_random_uuid(), now(), \
                     now() + interval '1 hour'); \
                   UPDATE receipt_looks SET lease_until = now() + interval '1 hour'";
    session.batch_execute(claimed).await.expect("claimed");
    let (empty, postgres) = restored(&stage, false).await;
    let held = "SELECT (SELECT count(*) FROM workers) \
                + (SELECT count(*) FROM lanes WHERE owner IS NOT NULL OR down_since IS NOT NULL) \
                + (SELECT count(*) FROM delivery_queue WHERE lease_until > now()) \
                + (SELECT count(*) FROM receipt_looks WHERE lease_until > now())";
    let held = session_of(empty.url()).await.query_one(held, &[]).await;
    assert_eq!(held.expect("a count").get::<_, i64>(0), 0);
    // So a worker has the lane at once, as its next owner.
    let worker = Worker::new(&postgres).await;
    assert_eq!(worker.epoch(lane), 3);
    // And nothing of it goes out by itself.
    assert_eq!(worker.ahead(lane, far(&stage).await).await, []);
    let due = postgres.due_accounts(OffsetDateTime::UNIX_EPOCH, 9).await;
    assert_eq!(due.expect("read"), []);
}

/// Doubtful entries of one lane, each to the recipient of that number.
async fn doubtful(stage: &Stage, recipients: &[u32]) -> Vec<QueueEntry> {
    let lane = fresh();
    let entries: Vec<_> = (0i64..)
        .zip(recipients)
        .map(|(n, recipient)| QueueEntry {
            state: QueueState::Doubtful,
            due_at: NOW + Duration::seconds(n),
            phone: phone(*recipient),
            ..entry(lane, 0)
        })
        .collect();
    push(&stage.postgres, &entries).await;
    entries
}

async fn open(postgres: &Postgres, most: u32) -> u64 {
    let mut unit = SettleUnits::begin(postgres).await.expect("a unit");
    let opened = unit.queue().open_doubtful(NOW, most).await.expect("opened");
    unit.commit().await.expect("committed");
    opened
}

async fn states(postgres: &Postgres, entries: &[QueueEntry]) -> Vec<Option<QueueState>> {
    let mut states = Vec::new();
    for entry in entries {
        states.push(stored(postgres, entry.key()).await.map(|it| it.state));
    }
    states
}

#[tokio::test]
async fn of_each_recipient_one_at_a_time_becomes_unknown_the_first_due_first() {
    const DOUBTFUL: Option<QueueState> = Some(QueueState::Doubtful);
    const UNKNOWN: Option<QueueState> = Some(QueueState::Unknown);
    let stage = Stage::new().await;
    let postgres = &stage.postgres;
    let entries = doubtful(&stage, &[1, 1, 2, 1]).await;
    assert_eq!(open(postgres, 9).await, 2);
    assert_eq!(
        states(postgres, &entries).await,
        [UNKNOWN, DOUBTFUL, UNKNOWN, DOUBTFUL]
    );
    assert_eq!(
        open(postgres, 9).await,
        0,
        "their recipient has an open call"
    );
    let looked_up = stored(postgres, entries[0].key()).await.expect("there");
    assert_eq!((looked_up.looks, looked_up.attempt), (0, 0));
    super::sample::remove(postgres, entries[0].key()).await;
    assert_eq!(open(postgres, 9).await, 1);
    assert_eq!(
        states(postgres, &entries).await,
        [None, UNKNOWN, UNKNOWN, DOUBTFUL]
    );
    let mut unit = SettleUnits::begin(postgres).await.expect("a unit");
    let later = NOW + Duration::MINUTE;
    let claimed = unit
        .queue()
        .claim_unknown(NOW, later, 9)
        .await
        .expect("read");
    assert_eq!(claimed.len(), 2, "at once");
}

#[tokio::test]
async fn so_many_are_looked_up_at_once_and_no_more() {
    let stage = Stage::new().await;
    let postgres = &stage.postgres;
    let entries = doubtful(&stage, &[1, 2, 3, 4, 5]).await;
    assert_eq!(open(postgres, 2).await, 2);
    assert_eq!(open(postgres, 2).await, 0);
    assert_eq!(open(postgres, 1).await, 0, "never less than none");
    super::sample::remove(postgres, entries[0].key()).await;
    assert_eq!(open(postgres, 2).await, 1);
}

#[tokio::test]
async fn while_a_call_is_being_started_in_a_lane_nothing_of_it_becomes_unknown() {
    let stage = Stage::new().await;
    let postgres = &stage.postgres;
    let entries = doubtful(&stage, &[1]).await;
    let mut starting = stage.session().await;
    let starting = starting.transaction().await.expect("begun");
    let hold = "SELECT 1 FROM lanes FOR NO KEY UPDATE";
    starting.query(hold, &[]).await.expect("held");
    assert_eq!(open(postgres, 9).await, 0);
    starting.rollback().await.expect("free");
    assert_eq!(open(postgres, 9).await, 1);
    // One that was not called for behind it is started only when it is settled.
    let new = QueueEntry {
        phone: entries[0].phone,
        ..entry(entries[0].instance, 1)
    };
    push(postgres, std::slice::from_ref(&new)).await;
    let worker = Worker::new(postgres).await;
    assert_eq!(worker.take(new.instance, NOW).await, None);
    super::sample::remove(postgres, entries[0].key()).await;
    assert!(worker.take(new.instance, NOW).await.is_some());
}

#[tokio::test]
async fn what_did_not_leave_is_ready_or_waits_for_its_reservation() {
    let stage = Stage::new().await;
    let postgres = &stage.postgres;
    let entries = doubtful(&stage, &[1, 2]).await;
    let unreserved = "UPDATE queue SET period = NULL WHERE phone = $1";
    let session = stage.session().await;
    session
        .execute(unreserved, &[&phone(2).to_i64()])
        .await
        .expect("one");
    assert_eq!(open(postgres, 9).await, 2);
    for entry in &entries {
        let mut unit = SettleUnits::begin(postgres).await.expect("a unit");
        unit.queue().resend(entry.key(), NOW).await.expect("ready");
        unit.commit().await.expect("committed");
    }
    assert_eq!(
        states(postgres, &entries).await,
        [Some(QueueState::Ready), Some(QueueState::Waiting)]
    );
    let later = NOW + Duration::HOUR;
    let due = postgres.due_accounts(later, 9).await.expect("read");
    assert_eq!(due, [entries[1].account]);
    let claimed = postgres.claim(
        Id::<()>::new(entries[0].message.uuid()).uuid(),
        SILENCE,
        &[],
        NOW,
    );
    assert_eq!(claimed.await.expect("claimed").orphans, 0);
}
