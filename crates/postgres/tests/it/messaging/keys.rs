//! Statements that look rows up by key, or the first of many, whatever the planner believes: plans made while the
//! tables were empty are kept, and meet full ones.

use msgflash_messaging::dispatch::ports::{LaneStore as _, Mark};
use msgflash_messaging::dispatch::{Class, QueueEntry};
use msgflash_messaging::message::ports::SettleUnits;
use msgflash_messaging::receipt::ports::{EventUnits, ReceiptUnits, RefKey};
use msgflash_messaging::{InstanceId, Message};
use msgflash_testkit::eventually;
use time::Duration;
use tokio_postgres::Client;

use super::sample::{Worker, entry, insert, message, phone, push, workspace};
use crate::stage::{NOW, Stage, fresh};

/// Rows of each kind.
const ROWS: u32 = 300;

/// A plan for all parameters is made the sixth time.
const UNTIL_KEPT: usize = 8;

/// Sessions tell what they read when they end.
const CUT: &str = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// Going through a table in the order of an index looks dear to the planner, as in a queue that many rows
/// went through: it would rather read a lane as a whole and sort it.
const DEAR_PAGES: &str = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET random_page_cost = 100', \
    current_database()); END $$";

/// Entries of indexes that were read so far.
const READ: &str = "SELECT COALESCE(sum(idx_tup_read), 0)::bigint FROM pg_stat_user_indexes \
    WHERE relname = $1 OR indexrelname = $1";

async fn read(session: &Client, what: &str) -> i64 {
    let row = session.query_one(READ, &[&what]).await.expect("counted");
    row.get(0)
}

/// Ends all sessions of the pool, and waits until what they read is counted: at least `least` of each.
async fn counted<const N: usize>(session: &Client, of: [&str; N], least: i64) -> [i64; N] {
    session.query(CUT, &[]).await.expect("cut");
    eventually("what was read is counted", async || {
        let mut found = [0; N];
        for (count, what) in found.iter_mut().zip(of) {
            *count = read(session, what).await;
        }
        found.iter().all(|it| *it >= least).then_some(found)
    })
    .await
}

/// Messages that one number sent, each with an announcement and a receipt that waits.
async fn send(stage: &Stage, lane: InstanceId) -> Vec<RefKey> {
    let whose = workspace();
    let messages: Vec<Message> = (0..ROWS).map(|n| message(whose, lane, phone(n))).collect();
    insert(&stage.postgres, &messages).await;
    let mut unit = SettleUnits::begin(&stage.postgres).await.expect("a unit");
    let mut keys = Vec::new();
    for (n, it) in messages.iter().enumerate() {
        let key_id = format!("K{n}");
        let bound = unit.queue().bind_ref(lane, &key_id, whose.id, it.id, NOW);
        assert!(bound.await.expect("bound"));
        keys.push((lane, key_id));
    }
    unit.commit().await.expect("committed");
    let heard = "INSERT INTO inbox (id, instance_id, key_id, rank, event, data, received_at, due_at) \
        SELECT gen_random_uuid(), r.instance_id, r.key_id, k.rank, k.event, k.data, r.created_at, k.due_at \
        FROM provider_refs r CROSS JOIN (VALUES \
          (NULL::smallint, 'send.message', '{}'::jsonb, '2026-05-01Z'::timestamptz), \
          (2::smallint, NULL, NULL, '2036-05-01Z')) AS k (rank, event, data, due_at)";
    let session = stage.session().await;
    session.execute(heard, &[]).await.expect("heard");
    keys
}

/// Follows keys to their messages, wakes receipts and drops announcements; answers how many messages were
/// found and how many announcements dropped.
async fn follow(stage: &Stage, keys: &[RefKey]) -> (usize, usize) {
    let mut unit = ReceiptUnits::begin(&stage.postgres).await.expect("a unit");
    unit.receipts().wake(NOW).await.expect("woken");
    let found = unit.receipts().lock(keys).await.expect("locked").len();
    unit.commit().await.expect("committed");
    let mut unit = EventUnits::begin(&stage.postgres).await.expect("a unit");
    let dropped = unit.events().drop_known(NOW, 1000).await.expect("dropped");
    unit.commit().await.expect("committed");
    (found, dropped)
}

#[tokio::test]
async fn what_a_number_sent_is_found_by_the_provider_s_ids_alone() {
    let stage = Stage::new().await;
    let session = stage.session().await;
    session
        .batch_execute("VACUUM ANALYZE inbox, provider_refs, messages")
        .await
        .expect("analysed");
    let lane = fresh();
    for _ in 0..UNTIL_KEPT {
        let nobody = [(lane, "nobody's".to_owned())];
        assert_eq!(follow(&stage, &nobody).await, (0, 0));
    }
    let keys = send(&stage, lane).await;
    let rows = ROWS as usize;
    assert_eq!(follow(&stage, &keys).await, (rows, rows));
    let least = i64::from(ROWS);
    let [refs, messages] = counted(&session, ["provider_refs", "messages"], least).await;
    assert!(refs < 10 * least, "{refs} references were read");
    assert!(messages < 10 * least, "{messages} messages were read");
}

#[tokio::test]
async fn the_next_of_a_long_lane_are_read_without_the_rest() {
    let stage = Stage::new().await;
    let session = stage.session().await;
    session.batch_execute(DEAR_PAGES).await.expect("set");
    let lane = fresh();
    let entries: Vec<QueueEntry> = (0..ROWS)
        .map(|n| QueueEntry {
            class: Class::Campaign,
            due_at: NOW - Duration::HOUR + Duration::seconds(n.into()),
            ..entry(lane, n)
        })
        .collect();
    push(&stage.postgres, &entries).await;
    session
        .batch_execute("VACUUM ANALYZE queue, messages")
        .await
        .expect("analysed");
    let mark = Mark {
        lane,
        class: Class::Campaign,
        after: None,
        limit: 100,
    };
    let next = stage.postgres.ahead(&[mark], NOW).await.expect("read");
    assert_eq!(next.len(), 100);
    assert!(
        next.iter()
            .zip(&entries)
            .all(|(read, it)| read.entry == *it)
    );
    let [ready] = counted(&session, ["queue_ready"], 100).await;
    assert!(ready < 200, "{ready} entries were read for a hundred");
}

#[tokio::test]
async fn calls_that_begin_are_not_compared_with_every_open_one() {
    let stage = Stage::new().await;
    let session = stage.session().await;
    session
        .batch_execute("VACUUM ANALYZE queue")
        .await
        .expect("analysed");
    let lane = fresh();
    let entries: Vec<QueueEntry> = (0..ROWS).map(|n| entry(lane, n)).collect();
    push(&stage.postgres, &entries).await;
    let worker = Worker::new(&stage.postgres).await;
    for some in entries.chunks(50) {
        let keys: Vec<_> = some.iter().map(QueueEntry::key).collect();
        let started = worker.start(lane, &keys, NOW).await.expect("its lane");
        assert_eq!(started.len(), some.len());
    }
    let open = "queue_one_open_per_recipient";
    let [compared] = counted(&session, [open], 0).await;
    assert!(
        compared < i64::from(ROWS),
        "{compared} open calls were read"
    );
}
