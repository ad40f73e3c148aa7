//! While somebody reads for long, rows that are done with stay: looks for what is due do not go through all of
//! them again and again.

use msgflash_messaging::InstanceId;
use msgflash_messaging::dispatch::Class;
use msgflash_messaging::dispatch::ports::{LaneStore, Mark};
use msgflash_messaging::receipt::ports::ReceiptUnits;
use msgflash_testkit::eventually;
use msgflash_webhooks::ports::FanOutUnits;
use tokio_postgres::Client;

use super::by_key::read_by_others;
use super::picks::CUT;
use crate::stage::{NOW, Stage};

/// Looks, each of which finds one row.
const LOOKS: i64 = 10;
/// What they may read: looks from the beginning are rare, but there is one now and then, and the first is one.
/// It was all of it for each statement of each look.
const MOST: i64 = 250_000;

/// Sixty thousand receipts that were applied.
const APPLIED: &str = "
    INSERT INTO inbox (id, instance_id, key_id, rank, received_at, due_at)
      SELECT gen_random_uuid(), '00000000-0000-7000-8000-000000000001', 'K' || n, 2,
        '2026-05-01Z', '2026-05-01Z' FROM generate_series(1, 60000) n;
    DELETE FROM inbox";
/// One that is not.
const RECEIPT: &str = "
    INSERT INTO inbox (id, instance_id, key_id, rank, received_at, due_at)
      VALUES (gen_random_uuid(), '00000000-0000-7000-8000-000000000001', 'K', 2, '2026-05-20Z', '2026-05-20Z')";

/// Sixty thousand events that were handed on, with ids that begin with their time.
const HANDED_ON: &str = "
    INSERT INTO outbox (event_id, workspace_id)
      SELECT ('0196' || lpad(to_hex(n), 4, '0') || '-0000-7000-8000-000000000000')::uuid, gen_random_uuid()
      FROM generate_series(1, 60000) n;
    DELETE FROM outbox";
/// One that is not.
const EVENT: &str = "
    WITH made AS (
      INSERT INTO events (workspace_id, id, account_id, name, payload, at)
        VALUES (gen_random_uuid(), ('01970000-0000-7000-8000-' || left(md5(random()::text), 12))::uuid,
          gen_random_uuid(), 'message.sent', '{}', '2026-05-20Z')
        RETURNING workspace_id, id)
    INSERT INTO outbox (event_id, workspace_id) SELECT id, workspace_id FROM made";

/// How many entries an index gave; sessions tell when they end.
const READ: &str = "SELECT idx_scan::bigint, idx_tup_read::bigint FROM pg_stat_user_indexes WHERE indexrelname = $1";

/// Begins to read, and reads until it is dropped: nothing that is deleted from now on may be removed.
async fn reader(stage: &Stage) -> Client {
    let reader = stage.session().await;
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM inbox";
    reader.batch_execute(begin).await.expect("reads");
    reader
}

/// How many entries of an index were read by looks that ended.
async fn read(session: &Client, index: &str) -> i64 {
    session.query(CUT, &[]).await.expect("cut");
    eventually("all looks are counted", async || {
        let counted = session.query_one(READ, &[&index]).await.expect("counted");
        let (scans, entries): (i64, i64) = (counted.get(0), counted.get(1));
        (scans >= LOOKS).then_some(entries)
    })
    .await
}

#[tokio::test]
async fn receipts_that_were_applied_are_not_gone_through_at_each_look() {
    let stage = Stage::new().await;
    let session = stage.session().await;
    let reader = reader(&stage).await;
    session.batch_execute(APPLIED).await.expect("applied");
    for _ in 0..LOOKS {
        session.batch_execute(RECEIPT).await.expect("received");
        let mut unit = ReceiptUnits::begin(&stage.postgres).await.expect("a unit");
        let due = unit.receipts().claim(NOW, 100).await.expect("claimed");
        assert_eq!(due.len(), 1);
        let ids: Vec<_> = due.iter().map(|it| it.id).collect();
        unit.receipts().remove(&ids).await.expect("removed");
        unit.commit().await.expect("committed");
    }
    let entries = read(&session, "inbox_receipts").await;
    assert!(entries < MOST, "{entries}");
    drop(reader);
}

#[tokio::test]
async fn events_that_were_handed_on_are_not_gone_through_at_each_look() {
    let stage = Stage::new().await;
    let session = stage.session().await;
    let reader = reader(&stage).await;
    session.batch_execute(HANDED_ON).await.expect("handed on");
    for _ in 0..LOOKS {
        session.batch_execute(EVENT).await.expect("raised");
        let mut unit = FanOutUnits::begin(&stage.postgres).await.expect("a unit");
        assert_eq!(unit.events().take(100).await.expect("taken").len(), 1);
        unit.commit().await.expect("committed");
    }
    let entries = read(&session, "outbox_pkey").await;
    assert!(entries < MOST, "{entries}");
    drop(reader);
}

/// Twenty thousand entries of one lane that were sent, and calls and a few entries of others: a large table with
/// little in it, in which what is ready seems to lie far apart.
const SENT: [&str; 6] = [
    "INSERT INTO queue (instance_id, message_id, workspace_id, account_id, phone, class, state, due_at, not_before)
       SELECT '00000000-0000-7000-8000-000000000001', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
         33600000000 + n, 0, 1, '2026-05-01Z', '2026-05-01Z' FROM generate_series(1, 20000) n",
    "DELETE FROM queue",
    "INSERT INTO queue (instance_id, message_id, workspace_id, account_id, phone, class, state, due_at, not_before)
       SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
         33600000000 + n, 0, CASE WHEN n > 300 THEN 1 ELSE 2 END, '2026-05-01Z', '2026-05-01Z'
       FROM generate_series(1, 305) n",
    "VACUUM ANALYZE queue",
    "SELECT pg_stat_force_next_flush()",
    "SELECT pg_stat_reset()",
];

#[tokio::test]
async fn what_was_sent_is_not_gone_through_for_what_is_ready() {
    let stage = Stage::new().await;
    let session = stage.session().await;
    let reader = reader(&stage).await;
    for statement in SENT {
        session.batch_execute(statement).await.expect(statement);
    }
    let lane = "00000000-0000-7000-8000-000000000001";
    let mark = Mark {
        lane: InstanceId::new(lane.parse().expect("an id")),
        class: Class::Single,
        after: None,
        limit: 10,
    };
    for _ in 0..LOOKS {
        let ready = LaneStore::ahead(&stage.postgres, std::slice::from_ref(&mark), NOW).await;
        assert_eq!(ready.expect("read").len(), 0);
    }
    let others = read_by_others(&session, "queue", "queue_ready", LOOKS).await;
    assert_eq!(others, 0);
    drop(reader);
}
