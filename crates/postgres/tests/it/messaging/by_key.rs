//! Look-ups go by the key that names what is looked for, however few rows there were when their plan was made.

use msgflash_kernel::{Claim, Phone, ReplayKey};
use msgflash_messaging::InstanceId;
use msgflash_messaging::message::ports::SettleUnits;
use msgflash_messaging::receipt::ports::ReceiptUnits;
use msgflash_messaging::status::ports::StatusUnits;
use msgflash_testkit::eventually;
use msgflash_webhooks::ports::EndpointUnits;
use tokio_postgres::Client;

use super::picks::{CUT, FILL};
use crate::stage::{NOW, Stage, fresh};

/// How often rows of a table were looked for by one of its indexes, and how many rows were read otherwise.
const BY_INDEX: &str = "SELECT \
    sum(idx_scan) FILTER (WHERE indexrelname = $2)::bigint, \
    sum(idx_tup_read) FILTER (WHERE indexrelname <> $2)::bigint \
      + (SELECT seq_tup_read::bigint FROM pg_stat_user_tables WHERE relname = $1) \
    FROM pg_stat_user_indexes WHERE relname = $1";

/// How many rows other indexes of the table gave for these look-ups, which are all counted by now.
pub(super) async fn read_by_others(
    session: &Client,
    table: &str,
    index: &str,
    lookups: i64,
) -> i64 {
    session.query(CUT, &[]).await.expect("cut");
    eventually("all looks are counted", async || {
        let counted = session.query_one(BY_INDEX, &[&table, &index]).await;
        let row = counted.expect("counted");
        let (by_index, by_others): (i64, i64) = (row.get(0), row.get(1));
        (by_index >= lookups || by_others >= lookups).then_some(by_others)
    })
    .await
}

fn lane() -> InstanceId {
    let id = "00000000-0000-7000-8000-000000000001";
    InstanceId::new(id.parse().expect("an id"))
}

fn key() -> ReplayKey {
    ReplayKey {
        workspace: fresh(),
        route: "POST /api/v1/messages/send",
        key: [1; 32],
        request: [2; 32],
    }
}

#[tokio::test]
async fn ids_of_the_provider_are_found_by_key_while_there_are_few() {
    let stage = Stage::new().await;
    let session = stage.session().await;
    let counted = "VACUUM ANALYZE provider_refs";
    session.batch_execute(counted).await.expect("analysed");
    // Two pages of the primary key, and one of the other index: there it looks cheaper.
    let refs = FILL.split(";\n").next().expect("the first statement");
    session.batch_execute(refs).await.expect("filled");
    let keys: Vec<_> = (1..=100).map(|n| (lane(), format!("K{n}"))).collect();
    let mut unit = ReceiptUnits::begin(&stage.postgres).await.expect("a unit");
    assert_eq!(unit.receipts().lock(&keys).await.expect("looked"), []);
    unit.commit().await.expect("committed");
    let others = read_by_others(&session, "provider_refs", "provider_refs_pkey", 100).await;
    assert_eq!(others, 0);
}

/// As after a day without requests: nothing is kept, and vacuum has seen that.
#[tokio::test]
async fn kept_answers_are_found_by_key_though_there_were_none_when_the_plan_was_made() {
    let stage = Stage::new().await;
    let session = stage.session().await;
    let counted = "VACUUM ANALYZE idempotency_keys";
    session.batch_execute(counted).await.expect("analysed");
    let key = key();
    let mut unit = EndpointUnits::begin(&stage.postgres).await.expect("a unit");
    assert_eq!(
        unit.replays().claim(&key, NOW).await.expect("looked"),
        Claim::Fresh
    );
    unit.commit().await.expect("committed");
    let fill = "INSERT INTO idempotency_keys \
        (workspace_id, route, key_hash, request_hash, status, body, created_at) \
        SELECT gen_random_uuid(), 'GET /', sha256(n::text::bytea), sha256('a'), 200, '{}', '2026-05-20Z' \
        FROM generate_series(1, 300) n";
    session.batch_execute(fill).await.expect("filled");
    for _ in 0..20 {
        let mut unit = EndpointUnits::begin(&stage.postgres).await.expect("a unit");
        unit.replays().claim(&key, NOW).await.expect("looked");
        unit.commit().await.expect("committed");
    }
    let table = "idempotency_keys";
    let others = read_by_others(&session, table, "idempotency_keys_pkey", 20).await;
    assert_eq!(others, 0);
}

/// A campaign may have made hundreds of messages for the lane.
#[tokio::test]
async fn an_open_call_is_found_without_reading_its_lane() {
    let stage = Stage::new().await;
    let session = stage.session().await;
    let fill = "INSERT INTO queue (instance_id, message_id, workspace_id, account_id, phone, class, state, \
          due_at, not_before, lease_until) \
        SELECT '00000000-0000-7000-8000-000000000001', gen_random_uuid(), gen_random_uuid(), \
          gen_random_uuid(), 33600000000 + n, 2, CASE WHEN n = 7 THEN 2 ELSE 1 END, '2026-05-01Z', \
          '2026-05-01Z', CASE WHEN n = 7 THEN '2026-05-01Z'::timestamptz END \
        FROM generate_series(1, 300) n; ANALYZE queue";
    session.batch_execute(fill).await.expect("filled");
    let (called, waiting) = (33_600_000_007, 33_600_000_008);
    let mut unit = SettleUnits::begin(&stage.postgres).await.expect("a unit");
    for _ in 0..10 {
        for (phone, is_open) in [(called, true), (waiting, false)] {
            let phone = Phone::from_i64(phone).expect("a number");
            let found = unit.queue().lock_open(lane(), phone).await.expect("looked");
            assert_eq!(found.map(|it| it.phone), is_open.then_some(phone));
        }
    }
    unit.commit().await.expect("committed");
    let open = "queue_one_open_per_recipient";
    let others = read_by_others(&session, "queue", open, 20).await;
    assert_eq!(others, 0);
}

/// Published ones stay for as long as the product keeps them.
#[tokio::test]
async fn statuses_under_way_are_found_without_reading_those_that_are_published() {
    let stage = Stage::new().await;
    let session = stage.session().await;
    let key = key();
    let fill = format!(
        "INSERT INTO statuses (workspace_id, id, account_id, acting_user_id, instance_id, kind, content, \
           state, background_color, period, waited_since, created_at, updated_at) \
         SELECT '{}', gen_random_uuid(), '{0}', '{0}', '00000000-0000-7000-8000-000000000001', 'text', 'a', \
           'published', '#000000', 202605, now(), now(), now() FROM generate_series(1, 300) n; \
         ANALYZE statuses",
        key.workspace.uuid()
    );
    session.batch_execute(&fill).await.expect("filled");
    let mut unit = StatusUnits::begin(&stage.postgres).await.expect("a unit");
    for _ in 0..20 {
        let statuses = unit.statuses();
        assert_eq!(statuses.running(&key).await.expect("looked"), None);
        assert_eq!(statuses.under_way(lane(), NOW).await.expect("looked"), []);
    }
    unit.commit().await.expect("committed");
    let others = read_by_others(&session, "statuses", "statuses_open", 20).await;
    assert_eq!(others, 0);
}
