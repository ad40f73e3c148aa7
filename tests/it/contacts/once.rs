//! Requests of the address book that are to be done once.

use blackbox::book::{BULK_DELETE, CONTACTS, GROUPS, JOBS, ids, members, unknown};
use blackbox::{Account, Client, Reply, Stack, id_of};
use serde_json::{Value, json};

async fn scene() -> (Stack, Account) {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    (stack, account)
}

fn once(client: &Client, key: &str) -> Client {
    client.header("Idempotency-Key", key)
}

/// Twenty equal calls at once: the same answer for all, and one of them is the first.
async fn twenty(client: &Client, path: &str, body: &Value, status: u16) -> Reply {
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (client, path, body) = (client.clone(), path.to_owned(), body.clone());
        calls.spawn(async move { client.post(&path, &body).await });
    }
    let replies = calls.join_all().await;
    let first = replies[0].clone();
    for reply in &replies {
        assert_eq!((reply.status, &reply.text), (status, &first.text), "{path}");
    }
    let replayed = |it: &&Reply| it.header("idempotent-replayed") == "true";
    assert_eq!(replies.iter().filter(replayed).count(), 19, "{path}");
    first
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_equal_requests_at_once_are_one_thing_and_one_answer() {
    let (stack, account) = scene().await;
    let client = &account.client;
    let person = json!({ "name": "Lina", "phone": "+33698765432" });
    let made = twenty(&once(client, "lina"), CONTACTS, &person, 201).await;
    let lina = id_of(made.data());
    assert_eq!(stack.count("SELECT count(*) FROM contacts", &[]).await, 1);

    let made = twenty(&once(client, "g"), GROUPS, &json!({ "name": "VIP" }), 201).await;
    let group = id_of(made.data());
    assert_eq!(
        stack
            .count("SELECT count(*) FROM contact_groups", &[])
            .await,
        1
    );

    let added = twenty(&once(client, "add"), &members(&group), &ids(&[&lina]), 200).await;
    assert_eq!(added.data()["added"], 1, "not 'already in group'");

    let begun = twenty(
        &once(client, "many"),
        &members(&group),
        &ids(&unknown(100)),
        202,
    )
    .await;
    let begun = begun.data()["jobId"].as_str().expect("an id").to_owned();
    client.wait_job(&begun, "done").await;
    let gone = twenty(&once(client, "gone"), BULK_DELETE, &ids(&[&lina]), 200).await;
    assert_eq!(gone.data()["deleted"], 1);
    let begun = twenty(&once(client, "bulk"), BULK_DELETE, &ids(&unknown(100)), 202).await;
    client
        .wait_job(begun.data()["jobId"].as_str().expect("an id"), "done")
        .await;
    assert_eq!(
        client.page(JOBS).await["jobs"].as_array().map(Vec::len),
        Some(2)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_the_first_answer_whatever_became_of_it() {
    let (stack, account) = scene().await;
    let client = &account.client;
    let person = json!({ "name": "Lina", "phone": "+33698765432", "meta": { "b": 1, "a": [2.0] } });
    let first = once(client, "k").post(CONTACTS, &person).await;
    let path = format!("{CONTACTS}/{}", id_of(first.data()));
    client.put(&path, &json!({ "name": "Changed" })).await;
    let again = once(client, "k").post(CONTACTS, &person).await;
    assert_eq!((again.status, &again.text), (201, &first.text));
    client.delete(&path).await;
    stack
        .sql("UPDATE subscriptions SET status = 'expired'", &[])
        .await;
    let again = once(client, "k").post(CONTACTS, &person).await;
    assert_eq!((again.status, &again.text), (201, &first.text));
    assert_eq!(
        client.page(CONTACTS).await["total"],
        0,
        "nothing is made again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_belongs_to_one_request() {
    let (stack, account) = scene().await;
    let client = &account.client;
    let keyed = once(client, "k");
    let person = json!({ "name": "Lina", "phone": "+33698765432" });
    assert_eq!(keyed.post(CONTACTS, &person).await.status, 201);
    let other = json!({ "name": "Ada", "phone": "+33612345678" });
    assert_eq!(
        keyed.post(CONTACTS, &other).await.outcome(),
        (409, "CONFLICT")
    );
    // Another route is another request, and so is another group.
    assert_eq!(
        keyed.post(GROUPS, &json!({ "name": "One" })).await.status,
        201
    );
    let (one, two) = (client.group("Two").await, client.group("Three").await);
    let body = ids(&unknown(1));
    assert_eq!(keyed.post(&members(&one), &body).await.status, 200);
    assert_eq!(
        keyed.post(&members(&two), &body).await.outcome(),
        (409, "CONFLICT")
    );
    let team = account.team(&stack).await;
    assert_eq!(
        once(&team.client, "k").post(CONTACTS, &other).await.status,
        201
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_not_kept_and_deletes_and_cancels_ignore_the_key() {
    let (_stack, account) = scene().await;
    let client = &account.client;
    let keyed = once(client, "k");
    let taken = client.contact("Lina", 33_698_765_432).await;
    let person = json!({ "name": "Eve", "phone": "+33698765432" });
    assert_eq!(
        keyed.post(CONTACTS, &person).await.outcome(),
        (409, "CONFLICT")
    );
    let path = format!("{CONTACTS}/{taken}");
    assert_eq!(keyed.delete(&path).await.status, 200);
    assert_eq!(keyed.delete(&path).await.status, 404, "no replay");
    assert_eq!(
        keyed.post(CONTACTS, &person).await.status,
        201,
        "now it is free"
    );
    let group = client.group("G").await;
    let body = ids(&unknown(1));
    for _ in 0..2 {
        let removed = keyed.delete_with(&members(&group), &body).await;
        assert_eq!(
            (removed.status, removed.header("idempotent-replayed")),
            (200, "")
        );
    }
    let odd = once(client, &"x".repeat(256));
    for (path, fields) in [
        (
            CONTACTS.to_owned(),
            vec!["Idempotency-Key", "name", "phone"],
        ),
        (GROUPS.to_owned(), vec!["Idempotency-Key", "name"]),
        (
            BULK_DELETE.to_owned(),
            vec!["Idempotency-Key", "contactIds"],
        ),
        (members(&group), vec!["Idempotency-Key", "contactIds"]),
    ] {
        assert_eq!(odd.post(&path, &json!({})).await.fields(), fields, "{path}");
    }
}
