//! The header by which a client asks for one thing only once.

use blackbox::{Account, Client, Stack, id_of, text};
use serde_json::{Value, json};

const TO: &str = "+33612345678";
const SEND: &str = "/api/v1/messages/send";

fn once(client: &Client, key: &str) -> Client {
    client.header("Idempotency-Key", key)
}

async fn messages(account: &Account) -> Vec<Value> {
    let list = account.client.get("/api/v1/messages?limit=100").await;
    list.data()["messages"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_equal_requests_at_once_are_one_message_and_one_answer() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    let client = once(&account.client, "order-17");
    let body = text(&instance, TO, "Once");
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (client, body) = (client.clone(), body.clone());
        calls.spawn(async move { client.post(SEND, &body).await });
    }
    let replies = calls.join_all().await;
    let first = &replies[0];
    for reply in &replies {
        assert_eq!((reply.status, &reply.text), (201, &first.text));
    }
    let fresh = replies
        .iter()
        .filter(|it| it.header("idempotent-replayed").is_empty())
        .count();
    assert_eq!(fresh, 1, "one is the first, the others are replays");
    let replayed = replies
        .iter()
        .filter(|it| it.header("idempotent-replayed") == "true")
        .count();
    assert_eq!(replayed, 19);
    account
        .client
        .wait_message(&id_of(first.data()), "read")
        .await;
    assert_eq!(messages(&account).await.len(), 1);
    assert_eq!(stack.received_by(TO).await.len(), 1);
    assert_eq!(account.usage().await["messagesCount"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_the_first_answer_whatever_became_of_the_message() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    let client = once(&account.client, "k");
    let body = text(&instance, TO, "Once");
    let first = client.post(SEND, &body).await;
    account
        .client
        .wait_message(&id_of(first.data()), "read")
        .await;
    let again = client.post(SEND, &body).await;
    assert_eq!((again.status, &again.text), (201, &first.text));
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.header("content-type"), first.header("content-type"));
    assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_body_under_the_same_key_is_a_conflict() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    let client = once(&account.client, "k");
    assert_eq!(
        client.post(SEND, &text(&instance, TO, "One")).await.status,
        201
    );
    let other = client.post(SEND, &text(&instance, TO, "Two")).await;
    assert_eq!(other.outcome(), (409, "CONFLICT"), "{other:?}");
    assert_eq!(messages(&account).await.len(), 1);
    // Another key and another route know nothing of it.
    let body = text(&instance, TO, "Two");
    assert_eq!(
        once(&account.client, "l").post(SEND, &body).await.status,
        201
    );
    let mut later = body.clone();
    later["scheduledAt"] = json!("2020-01-01T00:00:00Z");
    assert_eq!(
        client
            .post("/api/v1/messages/schedule", &later)
            .await
            .status,
        201
    );
    assert_eq!(messages(&account).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_not_kept() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    let client = once(&account.client, "k");
    let refused = client.post(SEND, &text(&instance, "12", "Hi")).await;
    assert_eq!(refused.outcome(), (422, "INVALID_DESTINATION"));
    stack
        .sql("UPDATE plans SET monthly_outbound_quota = 0", &[])
        .await;
    let body = text(&instance, TO, "Hi");
    let refused = client.post(SEND, &body).await;
    assert_eq!(refused.outcome(), (429, "MONTHLY_OUTBOUND_QUOTA_EXCEEDED"));
    stack
        .sql("UPDATE plans SET monthly_outbound_quota = 10", &[])
        .await;
    let sent = client.post(SEND, &body).await;
    assert_eq!((sent.status, sent.header("idempotent-replayed")), (201, ""));
    // A replay costs nothing, so it passes where a new message would not.
    stack
        .sql("UPDATE plans SET monthly_outbound_quota = 1", &[])
        .await;
    let again = client.post(SEND, &body).await;
    assert_eq!((again.status, again.text), (201, sent.text));
}

#[tokio::test(flavor = "multi_thread")]
async fn workspaces_do_not_share_keys() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let team = account.team(&stack).await;
    let stranger = stack.account("pro").await;
    let mine = account.instance(&stack).await;
    let theirs = stranger.instance(&stack).await;
    let mut ids = std::collections::BTreeSet::new();
    for (client, instance) in [
        (&account.client, &mine),
        (&team.client, &mine),
        (&stranger.client, &theirs),
    ] {
        let reply = once(client, "k")
            .post(SEND, &text(instance, TO, "Hi"))
            .await;
        assert_eq!(
            (reply.status, reply.header("idempotent-replayed")),
            (201, ""),
            "{reply:?}"
        );
        ids.insert(id_of(reply.data()));
    }
    assert_eq!(ids.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_made_once_with_one_secret() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let client = once(&account.client, "hook");
    let body = json!({ "url": "http://127.0.0.1:9/hook", "events": ["message.sent"] });
    let first = client.post("/api/v1/webhooks", &body).await;
    let again = client.post("/api/v1/webhooks", &body).await;
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.text, again.text);
    let list = account.client.get("/api/v1/webhooks").await;
    assert_eq!(list.data().as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_two_equal_requests_are_two_messages() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.instance(&stack).await;
    let body = text(&instance, TO, "Hi");
    let (one, two) = (
        account.client.send(&body).await,
        account.client.send(&body).await,
    );
    assert_ne!(one["id"], two["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_ignores_the_key() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.instance(&stack).await;
    let at = blackbox::moment_in(std::time::Duration::from_mins(10));
    let id = id_of(
        &account
            .client
            .schedule(&text(&instance, TO, "Hi"), &at)
            .await,
    );
    let client = once(&account.client, "k");
    let path = format!("/api/v1/messages/{id}/cancel");
    assert_eq!(client.post_empty(&path).await.status, 200);
    assert_eq!(
        client.post_empty(&path).await.outcome(),
        (400, "BAD_REQUEST")
    );
}
