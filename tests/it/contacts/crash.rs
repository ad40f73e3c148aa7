//! The real program, killed in the middle of a bulk job.

use std::net::TcpListener;

use blackbox::book::{BULK_DELETE, CONTACTS, GROUPS, members, unknown};
use blackbox::{Account, Client, Program, Stack, eventually};
use reqwest::Method;
use serde_json::{Value, json};
use tokio_postgres::Transaction;
use uuid::Uuid;

/// A stack whose program can be killed and started again under the same address.
async fn scene() -> (Stack, Account) {
    let bind = {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        free.local_addr().expect("an address").to_string()
    };
    let mut stack = Stack::with(&[("bind", bind.as_str())]).await;
    let account = stack.account("pro").await;
    stack.stop_server().await;
    (stack, account)
}

/// Waits until so many ids of a job are worked on while the next batch waits for `_hold`.
async fn until_stuck(client: &Client, job: &str, processed: u32, _hold: &Transaction<'_>) -> Value {
    eventually("the batch before is done", async || {
        let job = client.job(job).await;
        (job["processedCount"] == processed).then_some(job)
    })
    .await
}

/// How many sessions wait for a row.
async fn waiting(stack: &Stack) -> i64 {
    let waiting = "SELECT count(*) FROM pg_stat_activity \
         WHERE wait_event_type = 'Lock' AND datname = current_database()";
    stack.count(waiting, &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_a_batch_it_goes_on_behind_the_last_one_and_counts_every_id_once() {
    let (stack, account) = scene().await;
    let own = account.user.uuid();
    let all = stack.fill_book(own, own, 8_000).await;
    let stranger = unknown(1).remove(0).parse::<Uuid>().expect("an id");
    let foreign = stack.fill_book(stranger, stranger, 500).await;
    let program = Program::serve(stack.settings()).await;
    let client = stack.client(&account.key);
    let group = client.group("Everybody").await;
    client.join(&group, &all[..90]).await;

    // 7,000 of the book, 500 of somebody else's, 1,500 of nobody, 1,000 once more: 10,000.
    let mut named = all[..7_000].to_vec();
    named.extend_from_slice(&foreign);
    named.extend(unknown(1_500));
    named.extend_from_slice(&all[2_000..3_000]);
    let mut holder = stack.connection().await;

    // Its sixth batch meets a membership that this test is about to make.
    let grip = holder.transaction().await.expect("a transaction");
    let held: Uuid = all[2_600].parse().expect("an id");
    let group_id: Uuid = group.parse().expect("an id");
    let insert = "INSERT INTO contact_group_members VALUES ($1, $2, now())";
    grip.execute(insert, &[&group_id, &held])
        .await
        .expect("it is held");
    let job = client.begin(Method::POST, &members(&group), &named).await;
    let half = until_stuck(&client, &job, 2_500, &grip).await;
    assert_eq!(
        half["summary"],
        json!({ "added": 2_410, "alreadyInGroup": 90, "notFound": 0 })
    );
    eventually("it is in the middle of a batch", async || {
        (waiting(&stack).await >= 1).then_some(())
    })
    .await;
    program.kill();
    grip.rollback().await.expect("it is let go");

    let program = Program::serve(stack.settings()).await;
    let done = client.wait_job(&job, "done").await;
    assert_eq!(
        done["summary"],
        json!({ "added": 6_910, "alreadyInGroup": 1_090, "notFound": 2_000 })
    );
    assert_eq!(
        (&done["processedCount"], &done["progress"]),
        (&json!(10_000), &json!(100))
    );
    assert_eq!(
        client.page(&format!("{GROUPS}/{group}")).await["contactCount"],
        7_000
    );
    let stored = "SELECT count(*) FROM contact_group_members m JOIN contacts c ON c.id = m.contact_id \
         WHERE m.group_id = $1 AND c.workspace_id = $2";
    assert_eq!(stack.count(stored, &[&group_id, &own]).await, 7_000);
    let named_ones: Vec<Uuid> = all[..7_000]
        .iter()
        .map(|id| id.parse().expect("an id"))
        .collect();
    let right = "SELECT count(*) FROM contact_group_members \
         WHERE group_id = $1 AND contact_id = ANY ($2)";
    assert_eq!(
        stack.count(right, &[&group_id, &named_ones]).await,
        7_000,
        "those and no others"
    );

    // The same ids are deleted; a contact that the twelfth batch wants is held.
    let grip = holder.transaction().await.expect("a transaction");
    let held: Uuid = all[5_700].parse().expect("an id");
    let lock = "SELECT FROM contacts WHERE workspace_id = $1 AND id = $2 FOR UPDATE";
    grip.execute(lock, &[&own, &held])
        .await
        .expect("it is held");
    let job = client.begin(Method::POST, BULK_DELETE, &named).await;
    until_stuck(&client, &job, 5_500, &grip).await;
    eventually("it is in the middle of a batch", async || {
        (waiting(&stack).await >= 1).then_some(())
    })
    .await;
    program.kill();
    grip.rollback().await.expect("it is let go");
    // Nothing of the batch at hand is kept; what came before is.
    eventually("the dead session has ended", async || {
        let others = "SELECT count(*) FROM pg_stat_activity \
             WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()";
        (stack.count(others, &[]).await == 0).then_some(())
    })
    .await;
    let left = "SELECT count(*) FROM contacts WHERE workspace_id = $1";
    assert_eq!(stack.count(left, &[&own]).await, 8_000 - 5_500);

    let _program = Program::serve(stack.settings()).await;
    let done = client.wait_job(&job, "done").await;
    assert_eq!(
        done["summary"],
        json!({ "deleted": 7_000, "notFound": 3_000 })
    );
    assert_eq!(done["processedCount"], 10_000);
    assert_eq!(stack.count(left, &[&own]).await, 1_000);
    assert_eq!(
        stack.count(left, &[&stranger]).await,
        500,
        "others keep theirs"
    );
    assert_eq!(client.page(CONTACTS).await["total"], 1_000);
    assert_eq!(
        client.page(&format!("{GROUPS}/{group}")).await["contactCount"],
        0
    );
    let rest: Vec<Uuid> = all[7_000..]
        .iter()
        .map(|id| id.parse().expect("an id"))
        .collect();
    let right = "SELECT count(*) FROM contacts WHERE workspace_id = $1 AND id = ANY ($2)";
    assert_eq!(stack.count(right, &[&own, &rest]).await, 1_000);
    for table in ["contact_group_members", "contact_job_ids"] {
        let rows = stack
            .count(&format!("SELECT count(*) FROM {table}"), &[])
            .await;
        assert_eq!(rows, 0, "{table}");
    }
}
