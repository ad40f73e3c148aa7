//! `POST`, `GET` and `DELETE /api/v1/webhooks`, as far as no delivery is involved.

use std::collections::BTreeSet;

use blackbox::{EVENTS, Stack};
use serde_json::{Value, json};

use super::NOBODY;

const HOOKS: &str = "/api/v1/webhooks";

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_shown_once_and_never_again() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let events = json!(["message.sent", "message.failed", "message.sent"]);
    let body = json!({ "url": "https://hooks.example.com/a", "events": events });
    let made = account.client.post(HOOKS, &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let secret = made.data()["secret"].as_str().expect("a secret").to_owned();
    let body64 = secret.strip_prefix("whsec_").expect("the prefix");
    assert_eq!(body64.len(), 32, "24 bytes in base64");
    assert_eq!(
        made.data()["events"],
        json!(["message.sent", "message.failed"])
    );
    assert_eq!(made.data()["active"], true);
    let second = account.client.post(HOOKS, &body).await;
    assert_eq!(second.status, 201, "one URL may be there twice");
    assert_ne!(second.data()["secret"], secret.as_str());
    let list = account.client.get(HOOKS).await;
    let rows = list.data().as_array().expect("a plain array");
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["id"], second.data()["id"], "newest first");
    let members: BTreeSet<_> = rows[0]
        .as_object()
        .expect("members")
        .keys()
        .map(String::as_str)
        .collect();
    for member in ["id", "url", "events", "active", "createdAt", "updatedAt"] {
        assert!(members.contains(member), "{member}");
    }
    assert!(
        !list.text.contains("secret") && !list.text.contains("whsec_"),
        "{list:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn all_events_are_known_and_no_other() {
    let stack = Stack::start().await;
    let account = stack.account("max").await;
    let create = async |events: Value| {
        let body = json!({ "url": "https://hooks.example.com/a", "events": events });
        account.client.post(HOOKS, &body).await
    };
    let all = create(json!(EVENTS)).await;
    assert_eq!(
        (all.status, &all.data()["events"]),
        (201, &json!(EVENTS)),
        "{all:?}"
    );
    let fifty: Vec<_> = std::iter::repeat_n("message.sent", 50).collect();
    assert_eq!(create(json!(fifty)).await.status, 201);
    let fifty_one: Vec<_> = std::iter::repeat_n("message.sent", 51).collect();
    let bad: [(Value, &[&str]); 8] = [
        (json!(null), &["events"]),
        (json!([]), &["events"]),
        (json!("message.sent"), &["events"]),
        (json!({}), &["events"]),
        (json!(fifty_one), &["events"]),
        (
            json!(["message.sent", "message.seen", 7]),
            &["events.1", "events.2"],
        ),
        (json!(["*"]), &["events.0"]),
        (json!(["Message.Sent", ""]), &["events.0", "events.1"]),
    ];
    for (events, fields) in bad {
        let reply = create(events.clone()).await;
        assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"), "{events}");
        assert_eq!(reply.fields(), fields, "{events}");
    }
    let both = account
        .client
        .post(HOOKS, &json!({ "url": 7, "events": [1] }))
        .await;
    assert_eq!(both.fields(), ["url", "events.0"], "all problems at once");
    let nothing = account.client.post(HOOKS, &json!({})).await;
    assert_eq!(nothing.fields(), ["url", "events"]);
    assert_eq!(
        stack
            .count("SELECT count(*) FROM webhook_endpoints", &[])
            .await,
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_has_2048_characters_at_most() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let start = "https://hooks.example.com/";
    for (length, status) in [(2048, 201), (2049, 400)] {
        let url = format!("{start}{}", "a".repeat(length - start.len()));
        let reply = account
            .client
            .post(HOOKS, &json!({ "url": url, "events": ["message.sent"] }))
            .await;
        assert_eq!(reply.status, status, "{length}");
    }
    let with_password =
        json!({ "url": "https://a:b@hooks.example.com/", "events": ["message.sent"] });
    assert_eq!(
        account.client.post(HOOKS, &with_password).await.fields(),
        ["url"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_works_once_and_only_for_what_is_there() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let body = json!({ "url": "https://hooks.example.com/a", "events": ["message.sent"] });
    let made = account.client.post(HOOKS, &body).await;
    let path = format!("{HOOKS}/{}", made.data()["id"].as_str().expect("an id"));
    let gone = account.client.delete(&path).await;
    assert_eq!(
        (gone.status, gone.data()),
        (200, &json!({ "deleted": true }))
    );
    assert_eq!(
        account.client.delete(&path).await.outcome(),
        (404, "NOT_FOUND")
    );
    for id in [NOBODY, "x", "1", "%20"] {
        let reply = account.client.delete(&format!("{HOOKS}/{id}")).await;
        assert_eq!(reply.outcome(), (404, "NOT_FOUND"), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cap_counts_every_workspace_of_the_owner_and_holds_under_concurrency() {
    let stack = Stack::start().await;
    stack
        .sql(
            "UPDATE plans SET max_webhook_endpoints = 4 WHERE code = 'pro'",
            &[],
        )
        .await;
    let account = stack.account("pro").await;
    let team = account.team(&stack).await;
    let body = json!({ "url": "https://hooks.example.com/a", "events": ["message.sent"] });
    let calls: Vec<_> = (0..16)
        .map(|at| {
            let client = if at % 2 == 0 {
                account.client.clone()
            } else {
                team.client.clone()
            };
            let body = body.clone();
            tokio::spawn(async move { client.post(HOOKS, &body).await })
        })
        .collect();
    let mut made = 0;
    for call in calls {
        let reply = call.await.expect("no panic");
        match reply.outcome() {
            (201, "") => made += 1,
            outcome => assert_eq!(outcome, (403, "MAX_WEBHOOK_ENDPOINTS_REACHED")),
        }
    }
    assert_eq!(made, 4);
    assert_eq!(
        stack
            .count("SELECT count(*) FROM webhook_endpoints", &[])
            .await,
        4
    );
}
