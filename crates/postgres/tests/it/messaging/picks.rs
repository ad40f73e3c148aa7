//! Statements whose plan was made and kept while the queues were empty, as they often are, and that meet full ones.

use msgflash_messaging::message::ports::SettleUnits;
use msgflash_messaging::receipt::ports::{EventUnits, ReceiptUnits};
use msgflash_testkit::eventually;
use tokio_postgres::Client;

use crate::stage::{NOW, Stage};

/// Rows of each kind.
const ROWS: i64 = 300;

/// Announcements of messages that are known, receipts of such that wait for their time, and calls whose
/// leases ended.
pub(super) const FILL: &str = "
    INSERT INTO provider_refs (instance_id, key_id, workspace_id, message_id, created_at)
      SELECT '00000000-0000-7000-8000-000000000001', 'K' || n, gen_random_uuid(), gen_random_uuid(),
        '2026-05-01Z' FROM generate_series(1, 300) n;
    INSERT INTO inbox (id, instance_id, key_id, event, data, received_at, due_at)
      SELECT gen_random_uuid(), '00000000-0000-7000-8000-000000000001', 'K' || n, 'send.message',
        '{}', '2026-05-01Z', '2026-05-20 09:59:59.5Z' FROM generate_series(1, 300) n;
    INSERT INTO inbox (id, instance_id, key_id, rank, received_at, due_at)
      SELECT gen_random_uuid(), '00000000-0000-7000-8000-000000000001', 'K' || n, 2,
        '2026-05-01Z', '2036-05-01Z' FROM generate_series(1, 300) n;
    INSERT INTO queue (instance_id, message_id, workspace_id, account_id, phone, class, state,
        due_at, not_before, lease_until)
      SELECT '00000000-0000-7000-8000-000000000001', gen_random_uuid(), gen_random_uuid(),
        gen_random_uuid(), 33600000000 + n, 0, 2, '2026-05-01Z', '2026-05-01Z', '2026-05-20 09:59:59.5Z'
      FROM generate_series(1, 300) n";

/// How often rows were looked for, and how many of these changes are counted by now. Sessions tell when
/// they end.
const LOOKS: &str = "SELECT \
    (SELECT sum(seq_scan)::bigint FROM pg_stat_user_tables WHERE relname IN ('inbox', 'queue')) \
    + (SELECT sum(idx_scan)::bigint FROM pg_stat_user_indexes \
       WHERE indexrelname IN ('inbox_announcements', 'inbox_receipts', 'queue_leases')), \
    (SELECT sum(n_tup_upd + n_tup_del)::bigint FROM pg_stat_user_tables \
     WHERE relname IN ('inbox', 'queue'))";

pub(super) const CUT: &str = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

async fn looks(session: &Client) -> (i64, i64) {
    let row = session.query_one(LOOKS, &[]).await.expect("counted");
    (row.get(0), row.get(1))
}

/// Drops what is known, wakes receipts and ends leases; answers how many were dropped and ended.
async fn changed(stage: &Stage) -> (usize, u64) {
    let mut unit = EventUnits::begin(&stage.postgres).await.expect("a unit");
    let dropped = unit.events().drop_known(NOW, 1000).await.expect("dropped");
    unit.commit().await.expect("committed");
    let mut unit = ReceiptUnits::begin(&stage.postgres).await.expect("a unit");
    unit.receipts().wake(NOW).await.expect("woken");
    unit.commit().await.expect("committed");
    let mut unit = SettleUnits::begin(&stage.postgres).await.expect("a unit");
    let expired = unit.queue().expire_leases(NOW).await.expect("expired");
    unit.commit().await.expect("committed");
    (dropped, expired)
}

#[tokio::test]
async fn each_statement_picks_once_whatever_the_planner_believes() {
    let stage = Stage::new().await;
    let session = stage.session().await;
    session
        .batch_execute("VACUUM ANALYZE inbox, queue, provider_refs")
        .await
        .expect("analysed");
    // A plan for all parameters is made the sixth time.
    for _ in 0..8 {
        assert_eq!(changed(&stage).await, (0, 0));
    }
    for statement in FILL.split(";\n") {
        session.batch_execute(statement).await.expect("filled");
    }
    assert_eq!(changed(&stage).await, (300, 300));
    session.query(CUT, &[]).await.expect("cut");
    let looked = eventually("all changes are counted", async || {
        let (looked, changed) = looks(&session).await;
        (changed >= 3 * ROWS).then_some(looked)
    })
    .await;
    assert!(looked < 100, "rows were looked for {looked} times");
}
