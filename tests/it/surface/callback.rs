//! Where the gateway posts its events.

use blackbox::{Account, Client, Stack, eventually};
use msgflash_messaging::Instance;
use serde_json::{Value, json};

const JSON: &str = "application/json";

fn hook(instance: &Instance) -> String {
    format!("/provider/evolution/{}", instance.session)
}

fn holder(stack: &Stack, instance: &Instance) -> Client {
    let secret = instance.webhook_secret.reveal();
    stack
        .anonymous()
        .header("Authorization", &format!("Bearer {secret}"))
}

fn event(instance: &Instance, name: &str, data: &Value) -> Value {
    json!({ "event": name, "instance": instance.session, "data": data, "apikey": "never-read" })
}

async fn ready() -> (Stack, Account, Instance) {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    // What linking raised must not be counted by the test.
    eventually("the inbox is empty", async || {
        (stack.count("SELECT count(*) FROM inbox", &[]).await == 0).then_some(())
    })
    .await;
    (stack, account, instance)
}

fn inbound(id: &str, text: &str) -> Value {
    json!({
        "key": { "remoteJid": "33699999999@s.whatsapp.net", "fromMe": false, "id": id },
        "pushName": "Ada", "message": { "conversation": text }, "messageType": "conversation",
        "messageTimestamp": 1_780_000_000, "source": "android",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_instances_own_secret_opens_it() {
    let (stack, account, instance) = ready().await;
    let other = account.instance(&stack).await;
    let body = event(&instance, "messages.upsert", &inbound("A1", "Hi"));
    let path = hook(&instance);
    let secret = instance.webhook_secret.reveal().clone();
    let wrong = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer x".to_owned(),
        format!("Bearer {secret}x"),
        format!("Bearer {}", secret.to_uppercase()),
        format!("Basic {secret}"),
        secret.clone(),
        format!("Bearer {}", other.webhook_secret.reveal()),
        format!("Bearer {}", account.key),
    ];
    let anonymous = stack.anonymous();
    let missing = anonymous.post(&path, &body).await;
    assert_eq!(missing.outcome(), (401, "UNAUTHORIZED"));
    for header in wrong {
        if header.to_uppercase() == format!("BEARER {secret}").to_uppercase()
            && header.ends_with(&secret)
        {
            continue;
        }
        let reply = anonymous
            .header("Authorization", &header)
            .post(&path, &body)
            .await;
        assert_eq!(reply.outcome(), (401, "UNAUTHORIZED"), "{header:?}");
        assert!(!reply.header("x-request-id").is_empty());
    }
    let key = anonymous
        .header("x-api-key", &account.key)
        .post(&path, &body)
        .await;
    assert_eq!(
        key.outcome(),
        (401, "UNAUTHORIZED"),
        "an API key is no secret of the gateway"
    );
    let listed = account
        .client
        .get("/api/v1/messages?direction=inbound")
        .await;
    assert_eq!(listed.data()["messages"], json!([]));
    assert_eq!(
        holder(&stack, &instance).post(&path, &body).await.status,
        200
    );
    eventually("the message came in", async || {
        let listed = account
            .client
            .get("/api/v1/messages?direction=inbound")
            .await;
        (listed.data()["messages"][0]["body"] == "Hi").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_repetition_cannot_mend_is_taken_and_dropped() {
    let (stack, _account, instance) = ready().await;
    let client = holder(&stack, &instance);
    let path = hook(&instance);
    let before = stack
        .rows("SELECT status FROM instances ORDER BY id", &[])
        .await
        .len();
    let strange = [
        event(&instance, "chats.update", &json!([])),
        event(&instance, "some.thing.new", &json!({ "a": 1 })),
        event(&instance, "", &json!({})),
        event(&instance, "messages.upsert", &Value::Null),
        event(&instance, "messages.upsert", &json!([])),
        event(&instance, "messages.upsert", &json!("text")),
        event(&instance, "messages.update", &Value::Null),
        event(&instance, "send.message", &json!({ "key": null })),
        event(&instance, "connection.update", &Value::Null),
        event(&instance, "connection.update", &json!({ "state": "weird" })),
        json!({ "event": "messages.upsert" }),
        json!({ "event": 7, "data": {} }),
        json!({}),
        json!([]),
        Value::Null,
    ];
    for body in strange {
        let reply = client.post(&path, &body).await;
        assert_eq!(reply.status, 200, "{body}: {reply:?}");
    }
    for raw in [
        &b""[..],
        b"{",
        b"not json",
        b"\xff\xfe",
        b"{\"event\":\"messages.upsert\",\"data\":",
    ] {
        assert_eq!(
            client.post_raw(&path, raw, JSON).await.status,
            200,
            "{raw:?}"
        );
    }
    assert_eq!(
        client.post_raw(&path, "{}", "text/plain").await.status,
        200,
        "whatever it calls itself"
    );
    let body = event(&instance, "messages.upsert", &inbound("A", "x"));
    let unknown = client.post("/provider/evolution/nobody", &body).await;
    assert_eq!(unknown.status, 200, "an instance that is gone");
    eventually("the inbox is empty again", async || {
        (stack.count("SELECT count(*) FROM inbox", &[]).await == 0).then_some(())
    })
    .await;
    assert_eq!(stack.count("SELECT count(*) FROM messages", &[]).await, 0);
    assert_eq!(
        stack
            .rows("SELECT status FROM instances ORDER BY id", &[])
            .await
            .len(),
        before
    );
    assert_eq!(stack.anonymous().get("/readyz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_event_is_read_and_an_endless_one_dropped() {
    let (stack, account, instance) = ready().await;
    let client = holder(&stack, &instance);
    let path = hook(&instance);
    let mut data = inbound("BIG", "with a picture");
    data["message"]["base64"] = json!("A".repeat(5 << 20));
    let reply = client
        .post(&path, &event(&instance, "messages.upsert", &data))
        .await;
    assert_eq!(reply.status, 200);
    eventually("the message came in", async || {
        let listed = account
            .client
            .get("/api/v1/messages?direction=inbound")
            .await;
        (listed.data()["messages"][0]["body"] == "with a picture").then_some(())
    })
    .await;
    data["message"]["base64"] = json!("A".repeat(9 << 20));
    let reply = client
        .post(&path, &event(&instance, "messages.upsert", &data))
        .await;
    assert_eq!(reply.status, 200, "asking again would not make it smaller");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_event_twice_is_one_message() {
    let (stack, account, instance) = ready().await;
    let client = holder(&stack, &instance);
    let path = hook(&instance);
    let twice = event(&instance, "messages.upsert", &inbound("SAME", "once"));
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let (client, path, body) = (client.clone(), path.clone(), twice.clone());
            tokio::spawn(async move { client.post(&path, &body).await.status })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.expect("no panic"), 200);
    }
    let last = event(&instance, "messages.upsert", &inbound("LAST", "last"));
    assert_eq!(client.post(&path, &last).await.status, 200);
    let bodies = eventually("the last one came in", async || {
        let listed = account
            .client
            .get("/api/v1/messages?direction=inbound")
            .await
            .json;
        let inbox = stack.count("SELECT count(*) FROM inbox", &[]).await;
        let messages = listed["data"]["messages"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let bodies: Vec<_> = messages.iter().map(|it| it["body"].clone()).collect();
        (inbox == 0 && bodies.contains(&json!("last"))).then_some(bodies)
    })
    .await;
    assert_eq!(bodies.len(), 2, "{bodies:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_connecting_events_is_not_even_stored() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.instance(&stack).await;
    let client = holder(&stack, &instance);
    let path = hook(&instance);
    let state = "SELECT row_to_json(i)::text FROM instances i";
    let before: String = stack.rows(state, &[]).await[0].get(0);
    // Rows that were deleted again count too, so nothing hides in a busy inbox.
    let written = "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'inbox'";
    let body = event(
        &instance,
        "connection.update",
        &json!({ "instance": instance.session, "state": "connecting", "statusReason": 200 }),
    );
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let (client, path, body) = (client.clone(), path.clone(), body.clone());
            tokio::spawn(async move { client.post(&path, &body).await.status })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.expect("no panic"), 200);
    }
    assert_eq!(stack.count("SELECT count(*) FROM inbox", &[]).await, 0);
    assert_eq!(stack.count(written, &[]).await, 0);
    let after: String = stack.rows(state, &[]).await[0].get(0);
    assert_eq!(before, after);
}
