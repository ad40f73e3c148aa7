//! Delivering on request, and what the log says of it.

use blackbox::{Account, Client, Receiver, Reply, Stack, eventually, id_of};
use reqwest::Method;
use serde_json::{Value, json};

const LONG_AGO: &str = "2026-01-01T00:00:00Z";

async fn scene(settings: &[(&str, &str)]) -> (Stack, Account) {
    let stack = Stack::with(settings).await;
    let account = stack.account("pro").await;
    (stack, account)
}

fn hook(endpoint: &Value) -> String {
    format!("/api/v1/webhooks/{}", id_of(endpoint))
}

async fn patch(client: &Client, path: &str, body: &Value) -> Reply {
    let body = body.to_string().into_bytes();
    client
        .call(Method::PATCH, path, Some(body), "application/json")
        .await
}

/// Sends a test and waits for what becomes of it.
async fn tested(client: &Client, endpoint: &Value, status: &str) -> Value {
    let sent = client.post_empty(&format!("{}/test", hook(endpoint))).await;
    assert_eq!(
        (sent.status, &sent.data()["status"]),
        (202, &json!("pending"))
    );
    ended(client, endpoint, &id_of(sent.data()), status).await
}

async fn ended(client: &Client, endpoint: &Value, delivery: &str, status: &str) -> Value {
    let path = format!("{}/deliveries/{delivery}", hook(endpoint));
    eventually(status, async || {
        let found = client.get(&path).await;
        (found.data()["status"] == status).then(|| found.data().clone())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_arrives_and_the_log_says_so() {
    let (_stack, account) = scene(&[]).await;
    let receiver = Receiver::start().await;
    let endpoint = account
        .client
        .endpoint(&receiver.url, &["message.read"])
        .await;
    let logged = tested(&account.client, &endpoint, "delivered").await;
    let heard = receiver.wait_for("webhook.test", 1).await.remove(0);
    assert_eq!(heard.json, logged["payload"]);
    assert_eq!(heard.json["webhookId"], endpoint["id"]);
    assert_eq!(logged["id"], heard.header("x-msgflash-delivery"));
    assert_eq!(logged["eventId"], heard.header("webhook-id"));
    let told = (
        &logged["attempts"],
        &logged["responseStatus"],
        &logged["error"],
    );
    assert_eq!(told, (&json!(1), &json!(200), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_repeated_once_per_key_with_its_event_and_a_new_id() {
    let (_stack, account) = scene(&[]).await;
    let receiver = Receiver::start().await;
    let endpoint = account
        .client
        .endpoint(&receiver.url, &["message.read"])
        .await;
    let first = tested(&account.client, &endpoint, "delivered").await;
    let path = format!("{}/deliveries/{}/redeliver", hook(&endpoint), id_of(&first));
    let client = account.client.header("Idempotency-Key", "again");
    let made = client.post_empty(&path).await;
    let same = client.post_empty(&path).await;
    assert_eq!((made.status, same.status), (202, 202));
    assert_eq!(made.text, same.text);
    assert_eq!(same.header("idempotent-replayed"), "true");
    let heard = receiver.wait_for("webhook.test", 2).await;
    assert_eq!(heard[0].raw, heard[1].raw);
    assert_eq!(heard[0].header("webhook-id"), heard[1].header("webhook-id"));
    assert_eq!(made.data()["id"], heard[1].header("x-msgflash-delivery"));
    assert_ne!(made.data()["id"], first["id"]);
    // The key is for that delivery alone.
    let other = format!(
        "{}/deliveries/{}/redeliver",
        hook(&endpoint),
        id_of(made.data())
    );
    assert_eq!(client.post_empty(&other).await.outcome(), (409, "CONFLICT"));
    assert_eq!(receiver.heard().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_was_gone_recovers_what_it_missed() {
    let (stack, account) = scene(&[]).await;
    let receiver = Receiver::answering(&[410]).await;
    let endpoint = account
        .client
        .endpoint(&receiver.url, &["message.read"])
        .await;
    let missed = tested(&account.client, &endpoint, "failed").await;
    let off = account.client.get(&hook(&endpoint)).await;
    assert_eq!(off.data()["active"], false);
    let reason = off.data()["disabledReason"].as_str().unwrap_or_default();
    assert!(reason.contains("410"), "{off:?}");
    let told = "SELECT count(*) FROM notices WHERE kind = 'webhook.gone' AND account_id = $1";
    assert_eq!(stack.count(told, &[&account.user.uuid()]).await, 1);
    let recover = format!("{}/recover", hook(&endpoint));
    let since = json!({ "since": LONG_AGO });
    for refused in [
        account.client.post(&recover, &since).await,
        account
            .client
            .post_empty(&format!("{}/test", hook(&endpoint)))
            .await,
    ] {
        assert_eq!(refused.outcome(), (409, "CONFLICT"));
    }
    let on = patch(
        &account.client,
        &hook(&endpoint),
        &json!({ "active": true }),
    )
    .await;
    assert_eq!(
        (&on.data()["active"], &on.data()["disabledReason"]),
        (&json!(true), &Value::Null)
    );
    let recovered = account.client.post(&recover, &since).await;
    assert_eq!(
        (recovered.status, recovered.data()),
        (202, &json!({ "recovered": 1, "hasMore": false }))
    );
    let heard = receiver.wait_for("webhook.test", 2).await;
    assert_eq!(heard[1].header("x-msgflash-delivery"), missed["id"]);
    assert_eq!(heard[1].header("x-msgflash-attempt"), "2");
    let now = ended(&account.client, &endpoint, &id_of(&missed), "delivered").await;
    assert_eq!(now["attempts"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_paged_and_filtered() {
    let (_stack, account) = scene(&[("webhook_retry_seconds", "0")]).await;
    let receiver = Receiver::answering(&[500, 500]).await;
    let endpoint = account
        .client
        .endpoint(&receiver.url, &["message.read"])
        .await;
    let failed = tested(&account.client, &endpoint, "failed").await;
    let mut ids = vec![id_of(&failed)];
    for _ in 0..2 {
        ids.push(id_of(
            &tested(&account.client, &endpoint, "delivered").await,
        ));
    }
    ids.reverse();
    let log = format!("{}/deliveries", hook(&endpoint));
    let list = async |query: &str| account.client.get(&format!("{log}?{query}")).await;
    let found = |reply: &Reply| -> Vec<String> {
        let rows = reply.data()["deliveries"].as_array().expect("rows");
        rows.iter().map(id_of).collect()
    };
    let first = list("limit=2").await;
    assert_eq!(
        (found(&first), &first.data()["hasMore"]),
        (ids[..2].to_vec(), &json!(true))
    );
    let cursor = first.data()["nextCursor"].as_str().expect("a cursor");
    let second = list(&format!("limit=2&cursor={cursor}")).await;
    assert_eq!(found(&second), ids[2..]);
    assert_eq!(second.data()["nextCursor"], Value::Null);
    assert_eq!(found(&list("status=failed").await), [id_of(&failed)]);
    assert!(found(&list("event=message.read").await).is_empty());
    assert!(found(&list("until=2026-01-01T00:00:00Z").await).is_empty());
    for (query, field) in [
        (format!("status=failed&cursor={cursor}"), "cursor"),
        ("cursor=x".to_owned(), "cursor"),
        ("limit=101".to_owned(), "limit"),
        ("status=lost".to_owned(), "status"),
        ("event=message.lost".to_owned(), "event"),
        ("from=yesterday".to_owned(), "from"),
    ] {
        let refused = list(&query).await;
        assert_eq!(refused.outcome(), (400, "VALIDATION_ERROR"), "{query}");
        assert_eq!(refused.fields(), [field], "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_of_others_are_not_there_even_under_an_endpoint_of_ones_own() {
    let (stack, account) = scene(&[]).await;
    let stranger = stack.account("pro").await;
    let receiver = Receiver::start().await;
    let theirs = account
        .client
        .endpoint(&receiver.url, &["message.read"])
        .await;
    let delivery = id_of(&tested(&account.client, &theirs, "delivered").await);
    let own = stranger
        .client
        .endpoint(&receiver.url, &["message.read"])
        .await;
    for endpoint in [&theirs, &own] {
        let path = format!("{}/deliveries/{delivery}", hook(endpoint));
        let read = stranger.client.get(&path).await;
        let again = stranger
            .client
            .post_empty(&format!("{path}/redeliver"))
            .await;
        for refused in [read, again] {
            assert_eq!(refused.outcome(), (404, "NOT_FOUND"), "{refused:?}");
        }
    }
    assert_eq!(receiver.heard().len(), 1);
}
