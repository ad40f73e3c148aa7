//! Following and stopping bulk jobs.

use blackbox::book::{BULK_DELETE, CONTACTS, GROUPS, JOBS, each, members, unknown};
use blackbox::{Account, Stack, eventually};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::NOBODY;

/// A server that accepts jobs and works on none.
async fn idle() -> (Stack, Account) {
    let stack = Stack::with(&[("roles", "api")]).await;
    let account = stack.account("pro").await;
    (stack, account)
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_listed_newest_first_by_the_id_of_the_last() {
    let (_stack, account) = idle().await;
    let client = &account.client;
    assert_eq!(
        client.page(JOBS).await,
        json!({ "jobs": [], "nextCursor": null, "hasMore": false })
    );
    let group = client.group("G").await;
    let mut made = Vec::new();
    for n in 0..25 {
        let path = if n % 2 == 0 {
            BULK_DELETE.to_owned()
        } else {
            members(&group)
        };
        made.push(client.begin(Method::POST, &path, &unknown(100)).await);
    }
    made.reverse();
    let first = client.page(JOBS).await;
    assert_eq!(
        first["jobs"].as_array().map(Vec::len),
        Some(20),
        "the default"
    );
    assert_eq!(first["nextCursor"], json!(made[19]));
    let pages = client.pages(&format!("{JOBS}?limit=10")).await;
    assert_eq!(each(&pages, "jobs", "id"), made);
    let job = &pages[0]["jobs"][0];
    let mut names: Vec<_> = job.as_object().expect("members").keys().collect();
    names.sort();
    let expected = [
        "completedAt",
        "createdAt",
        "error",
        "groupId",
        "id",
        "operation",
        "processedCount",
        "progress",
        "requestedCount",
        "status",
        "summary",
        "updatedAt",
    ];
    assert_eq!(names, expected);
    assert_eq!(
        (&job["status"], &job["progress"]),
        (&json!("pending"), &json!(0))
    );
    assert_eq!(job["summary"], json!({ "deleted": 0, "notFound": 0 }));
    assert_eq!(
        (&job["completedAt"], &job["groupId"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(pages[0]["jobs"][1]["groupId"], json!(group));
    for at in ["", "/progress"] {
        let read = client.page(&format!("{JOBS}/{}{at}", made[0])).await;
        assert_eq!(&read, job);
    }
    for (query, fields) in [
        ("limit=0", vec!["limit"]),
        ("limit=101", vec!["limit"]),
        ("cursor=1", vec!["cursor"]),
        ("cursor=%00", vec!["cursor"]),
    ] {
        let reply = client.get(&format!("{JOBS}?{query}")).await;
        assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"), "{query}");
        assert_eq!(reply.fields(), fields, "{query}");
    }
    let all = client.page(&format!("{JOBS}?limit=100")).await;
    assert_eq!(
        (&all["hasMore"], &all["nextCursor"]),
        (&json!(false), &Value::Null)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_job_is_cancelled_for_good() {
    let (mut stack, account) = idle().await;
    let own = account.user.uuid();
    let all = stack.fill_book(own, own, 200).await;
    let id = account.client.begin(Method::POST, BULK_DELETE, &all).await;
    let path = format!("{JOBS}/{id}/cancel");
    let cancelled = account.client.post_empty(&path).await;
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    let job = cancelled.data();
    assert_eq!(
        (&job["status"], &job["processedCount"]),
        (&json!("cancelled"), &json!(0))
    );
    assert!(job["completedAt"].is_string());
    let again = account
        .client
        .header("Idempotency-Key", "k")
        .post_empty(&path)
        .await;
    assert_eq!(
        (again.status, again.data()),
        (200, job),
        "the same answer, and no replay"
    );
    assert_eq!(again.header("idempotent-replayed"), "");
    // Somebody who works on jobs comes, and does the next one.
    let next = account
        .client
        .begin(Method::POST, BULK_DELETE, &all[..150])
        .await;
    stack.restart_with("roles", "api,worker").await;
    let client = stack.client(&account.key);
    let done = client.wait_job(&next, "done").await;
    assert_eq!(done["summary"], json!({ "deleted": 150, "notFound": 0 }));
    assert_eq!(&client.job(&id).await, job);
    assert_eq!(client.page(CONTACTS).await["total"], 50);
    let late = client.post_empty(&format!("{JOBS}/{next}/cancel")).await;
    assert_eq!(late.outcome(), (409, "CONFLICT"));
    assert_eq!(client.job(&next).await, done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_group_goes_fails_and_says_why() {
    let (mut stack, account) = idle().await;
    let group = account.client.group("Gone").await;
    let added = account
        .client
        .begin(Method::POST, &members(&group), &unknown(100))
        .await;
    let removed = account
        .client
        .begin(Method::DELETE, &members(&group), &unknown(100))
        .await;
    let gone = account.client.delete(&format!("{GROUPS}/{group}")).await;
    assert_eq!(gone.status, 200);
    stack.restart_with("roles", "api,worker").await;
    let client = stack.client(&account.key);
    for id in [added, removed] {
        let failed = client.wait_job(&id, "failed").await;
        assert_eq!(failed["error"], "The group was deleted");
        assert_eq!(
            (&failed["processedCount"], &failed["groupId"]),
            (&json!(0), &json!(group))
        );
        assert!(failed["completedAt"].is_string());
        let late = client.post_empty(&format!("{JOBS}/{id}/cancel")).await;
        assert_eq!(late.outcome(), (409, "CONFLICT"));
    }
}

/// A batch waits for a row that this test holds, so that what is asked meanwhile is asked in the
/// middle of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_takes_effect_behind_the_batch_at_hand() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let client = &account.client;
    let own = account.user.uuid();
    let all = stack.fill_book(own, own, 10_000).await;
    let mut holder = stack.connection().await;
    let held: Uuid = all[1_700].parse().expect("an id");
    let grip = holder.transaction().await.expect("a transaction");
    let lock = "SELECT FROM contacts WHERE workspace_id = $1 AND id = $2 FOR UPDATE";
    grip.execute(lock, &[&own, &held])
        .await
        .expect("it is held");
    let id = client.begin(Method::POST, BULK_DELETE, &all).await;
    let half = eventually("three batches are done", async || {
        let job = client.job(&id).await;
        (job["processedCount"] == 1_500).then_some(job)
    })
    .await;
    assert_eq!(
        (&half["status"], &half["progress"]),
        (&json!("processing"), &json!(15))
    );
    assert_eq!(half["summary"], json!({ "deleted": 1_500, "notFound": 0 }));
    let path = format!("{JOBS}/{id}/cancel");
    let cancel = {
        let client = client.clone();
        tokio::spawn(async move { client.post_empty(&path).await })
    };
    eventually("the cancellation waits", async || {
        let waiting = "SELECT count(*) FROM pg_stat_activity \
             WHERE wait_event_type = 'Lock' AND datname = current_database()";
        (stack.count(waiting, &[]).await >= 2).then_some(())
    })
    .await;
    grip.rollback().await.expect("it is let go");
    let cancelled = cancel.await.expect("no panic");
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    let job = cancelled.data().clone();
    assert_eq!(job["status"], "cancelled");
    let done = job["processedCount"].as_u64().expect("a number");
    // The batch at hand is finished; one more may have begun before the cancellation was heard.
    assert!([2_000, 2_500].contains(&done), "{job}");
    assert_eq!(job["summary"], json!({ "deleted": done, "notFound": 0 }));
    // Nothing follows: another job of the same book is worked on to its end.
    let next = client.begin(Method::POST, BULK_DELETE, &unknown(100)).await;
    client.wait_job(&next, "done").await;
    assert_eq!(client.job(&id).await, job);
    assert_eq!(client.page(CONTACTS).await["total"], 10_000 - done);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_jobs_are_not_found() {
    let (stack, account) = idle().await;
    let stranger = stack.account("pro").await;
    let foreign = stranger
        .client
        .begin(Method::POST, BULK_DELETE, &unknown(100))
        .await;
    for id in [NOBODY, "1", "%20", "progress", &*foreign] {
        for reply in [
            account.client.get(&format!("{JOBS}/{id}")).await,
            account.client.get(&format!("{JOBS}/{id}/progress")).await,
            account
                .client
                .post_empty(&format!("{JOBS}/{id}/cancel"))
                .await,
        ] {
            assert_eq!(reply.outcome(), (404, "NOT_FOUND"), "{id}: {reply:?}");
            assert!(reply.text.contains("Bulk job not found"), "{reply:?}");
        }
    }
    assert_eq!(account.client.page(JOBS).await["jobs"], json!([]));
    // A foreign job as a cursor tells nothing either.
    let page = account
        .client
        .page(&format!("{JOBS}?cursor={foreign}"))
        .await;
    assert_eq!(page["jobs"], json!([]));
}
