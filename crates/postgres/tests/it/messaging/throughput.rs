//! How fast receipts become events, beside the same row changes in plain SQL.
//!
//! Run by hand, optimised and alone:
//! `cargo test --release -p msgflash-postgres --test it -- --ignored --nocapture receipts_beside`

use std::sync::Arc;
use std::time::{Duration, Instant};

use msgflash_kernel::{RandomIds, Tick};
use msgflash_messaging::receipt::batch::ApplyReceipts;
use tokio_postgres::Client;

use super::sample::Silent;
use crate::stage::{Stage, clock};

/// Sent messages on fifty lanes, and one receipt of each in the inbox.
const SEED: &str = "
    CREATE TEMP TABLE lane AS SELECT n, gen_random_uuid() AS id FROM generate_series(0, 49) n;
    CREATE TEMP TABLE seed AS
      SELECT s.n, lane.id AS instance,
        (SELECT id FROM lane WHERE lane.n = s.n % 7) AS workspace,
        -- Ids grow with time, as those of real messages do.
        (lpad(to_hex(1780000000000 + s.n), 12, '0') || '7000'
          || right(replace(gen_random_uuid()::text, '-', ''), 16))::uuid AS id,
        '3EB0' || upper(lpad(to_hex(s.n), 18, '0')) AS key_id
      FROM generate_series(1, {count}) s(n) JOIN lane ON lane.n = s.n % 50;
    INSERT INTO messages (workspace_id, id, account_id, acting_user_id, instance_id, inbound, kind,
        peer, body, status, meta, provider_message_id, created_at, updated_at)
      SELECT workspace, id, workspace, workspace, instance, false, 'text', 33612345678,
        repeat('Hello ', 10), 1, '{\"providerResult\": {\"accepted\": true}}', key_id,
        '2026-05-20 10:00Z', '2026-05-20 10:00Z'
      FROM seed ORDER BY n;
    INSERT INTO provider_refs (instance_id, key_id, workspace_id, message_id, created_at)
      SELECT instance, key_id, workspace, id, '2026-05-20 10:00Z' FROM seed ORDER BY n;
    INSERT INTO inbox (id, instance_id, key_id, rank, received_at, due_at)
      SELECT id, instance, key_id, 2, '2026-05-20 09:59Z', '2026-05-20 09:59Z'
      FROM seed ORDER BY n;
    DROP TABLE seed, lane;
    VACUUM ANALYZE messages, provider_refs, inbox;
    CHECKPOINT;";

/// The same rows changed, a thousand at a time, by one statement that asks nobody.
const PLAIN: &str = "
    WITH due AS (
      SELECT id, instance_id, key_id, rank FROM inbox
      WHERE rank IS NOT NULL AND due_at <= '2026-05-20 10:00Z'
      ORDER BY due_at, id LIMIT 1000 FOR UPDATE SKIP LOCKED),
    gone AS (DELETE FROM inbox i USING due WHERE i.id = due.id),
    moved AS (
      UPDATE messages m SET status = due.rank, updated_at = '2026-05-20 10:00Z'
      FROM due JOIN provider_refs r ON r.instance_id = due.instance_id AND r.key_id = due.key_id
      WHERE m.workspace_id = r.workspace_id AND m.id = r.message_id AND m.status < due.rank
      RETURNING m.workspace_id, m.account_id, m.id, m.instance_id, m.provider_message_id, m.peer),
    told AS (
      INSERT INTO events (workspace_id, id, account_id, name, payload, at)
      -- One event for each message, so its id serves: it grows with time, as ours do.
      SELECT workspace_id, id, account_id, 'message.delivered', jsonb_build_object(
          'event', 'message.delivered', 'instanceId', instance_id, 'messageId', id,
          'providerMessageId', provider_message_id, 'to', '+' || peer, 'status', 'delivered',
          'campaignId', NULL, 'timestamp', '2026-05-20T10:00:00.000Z'), '2026-05-20 10:00Z'
      FROM moved RETURNING id, workspace_id),
    queued AS (INSERT INTO outbox (event_id, workspace_id) SELECT id, workspace_id FROM told)
    SELECT count(*) FROM due";

async fn seed(session: &Client, count: u32) {
    for statement in SEED.replace("{count}", &count.to_string()).split(";\n") {
        session.batch_execute(statement).await.expect("seeded");
    }
}

/// Every receipt became an event, and nothing is left.
async fn assert_done(session: &Client, count: u32) {
    let row = session
        .query_one(
            "SELECT (SELECT count(*) FROM inbox), (SELECT count(*) FROM outbox), \
               (SELECT count(*) FROM messages WHERE status = 2)",
            &[],
        )
        .await
        .expect("read");
    let found: [i64; 3] = [row.get(0), row.get(1), row.get(2)];
    assert_eq!(found, [0, i64::from(count), i64::from(count)]);
}

/// The time the real use case takes for `count` receipts.
async fn applied(count: u32) -> Duration {
    let stage = Stage::new().await;
    let session = stage.session().await;
    seed(&session, count).await;
    let units = Arc::new(stage.postgres.clone());
    let apply = ApplyReceipts::new(
        units,
        clock(),
        Arc::new(RandomIds),
        Arc::new(Silent),
        time::Duration::HOUR,
    );
    let began = Instant::now();
    while apply.tick().await.expect("applied") != Tick::Idle {}
    let took = began.elapsed();
    assert_done(&session, count).await;
    took
}

/// The time plain SQL takes for them.
async fn plain(count: u32) -> Duration {
    let stage = Stage::new().await;
    let session = stage.session().await;
    seed(&session, count).await;
    let statement = session.prepare(PLAIN).await.expect("prepared");
    let began = Instant::now();
    while session
        .query_one(&statement, &[])
        .await
        .expect("changed")
        .get::<_, i64>(0)
        > 0
    {}
    let took = began.elapsed();
    assert_done(&session, count).await;
    took
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, to be run optimised and alone"]
async fn receipts_beside_plain_sql() {
    let count = std::option_env!("RECEIPTS").map_or(50_000, |it| it.parse().expect("a number"));
    for _ in 0..3 {
        let (ours, sql) = (applied(count).await, plain(count).await);
        let ratio = ours.as_secs_f64() / sql.as_secs_f64();
        eprintln!("{count} receipts: {ours:?}, plain SQL: {sql:?}, ratio {ratio:.2}");
    }
}
