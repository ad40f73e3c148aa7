//! Changing endpoints and renewing their secrets.

use blackbox::{Client, Receiver, Reply, Stack, eventually, id_of};
use reqwest::Method;
use serde_json::{Value, json};

use super::{documented, verifies};

fn hook(endpoint: &Value) -> String {
    format!("/api/v1/webhooks/{}", id_of(endpoint))
}

async fn patch(client: &Client, endpoint: &Value, body: &Value) -> Reply {
    let body = body.to_string().into_bytes();
    client
        .call(
            Method::PATCH,
            &hook(endpoint),
            Some(body),
            "application/json",
        )
        .await
}

fn secret(of: &Value) -> String {
    of["secret"].as_str().expect("a secret").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_rotation_is_under_way_both_secrets_verify_and_no_older_one() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let receiver = Receiver::start().await;
    let endpoint = account
        .client
        .endpoint(&receiver.url, &["message.read"])
        .await;
    let test = format!("{}/test", hook(&endpoint));
    let rotate = format!("{}/rotate-secret", hook(&endpoint));
    let first = secret(&endpoint);
    let once = account.client.header("Idempotency-Key", "rotation");
    let rotated = once.post_empty(&rotate).await;
    assert_eq!(rotated.status, 200);
    assert!(rotated.data()["rotationEndsAt"].is_string());
    assert_eq!(
        once.post_empty(&rotate).await.text,
        rotated.text,
        "once per key"
    );
    let second = secret(rotated.data());
    assert_ne!(first, second);

    account.client.post_empty(&test).await;
    let heard = receiver.wait_for("webhook.test", 1).await.remove(0);
    assert!(verifies(&first, &heard) && verifies(&second, &heard));
    let mut forged = heard.clone();
    forged.raw[0] ^= 1;
    assert!(!verifies(&first, &forged) && !verifies(&second, &forged));
    let header = heard.header("x-msgflash-signature");
    assert_eq!(header, documented(&second, &heard.raw), "the new one");

    let third = secret(account.client.post_empty(&rotate).await.data());
    account.client.post_empty(&test).await;
    let heard = receiver.wait_for("webhook.test", 2).await.remove(1);
    assert!(verifies(&second, &heard) && verifies(&third, &heard));
    assert!(!verifies(&first, &heard), "it may have leaked");
    let read = account.client.get(&hook(&endpoint)).await;
    assert!(!read.text.contains("whsec_"), "{read:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_overlap_only_the_new_secret_verifies() {
    let stack = Stack::with(&[("webhook_secret_overlap_seconds", "0")]).await;
    let account = stack.account("pro").await;
    let receiver = Receiver::start().await;
    let endpoint = account
        .client
        .endpoint(&receiver.url, &["message.read"])
        .await;
    let rotate = format!("{}/rotate-secret", hook(&endpoint));
    let fresh = secret(account.client.post_empty(&rotate).await.data());
    let test = format!("{}/test", hook(&endpoint));
    account.client.post_empty(&test).await;
    let heard = receiver.wait_for("webhook.test", 1).await.remove(0);
    assert!(verifies(&fresh, &heard) && !verifies(&secret(&endpoint), &heard));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_kept_and_refused_whole_when_a_part_is_wrong() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let (old, new) = (Receiver::start().await, Receiver::start().await);
    let endpoint = account.client.endpoint(&old.url, &["message.read"]).await;
    let wrong = json!({ "url": "ftp://x", "events": ["message.sent"], "active": 1 });
    let refused = patch(&account.client, &endpoint, &wrong).await;
    assert_eq!(refused.outcome(), (400, "VALIDATION_ERROR"));
    assert_eq!(refused.fields(), ["url", "active"]);
    let read = account.client.get(&hook(&endpoint)).await;
    assert_eq!(read.data()["url"], old.url);
    assert_eq!(read.data()["events"], json!(["message.read"]));

    let change = json!({ "url": new.url, "events": ["message.sent", "message.sent"] });
    let changed = patch(&account.client, &endpoint, &change).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(changed.data()["events"], json!(["message.sent"]));
    assert_eq!(changed.data()["active"], true);
    account
        .client
        .post_empty(&format!("{}/test", hook(&endpoint)))
        .await;
    new.wait_for("webhook.test", 1).await;
    assert!(old.heard().is_empty());
    let list = account.client.get("/api/v1/webhooks").await;
    assert_eq!(&list.data()[0], changed.data());
}

#[tokio::test(flavor = "multi_thread")]
async fn switching_off_gives_up_what_waits_and_an_inactive_subscription_changes_nothing() {
    let stack = Stack::with(&[("webhook_retry_seconds", "3600")]).await;
    let account = stack.account("pro").await;
    let receiver = Receiver::answering(&[500]).await;
    let endpoint = account
        .client
        .endpoint(&receiver.url, &["message.read"])
        .await;
    let sent = account
        .client
        .post_empty(&format!("{}/test", hook(&endpoint)))
        .await;
    receiver.wait_for("webhook.test", 1).await;
    let off = patch(&account.client, &endpoint, &json!({ "active": false })).await;
    assert_eq!(
        (&off.data()["active"], &off.data()["disabledReason"]),
        (&json!(false), &Value::Null)
    );
    let path = format!("{}/deliveries/{}", hook(&endpoint), id_of(sent.data()));
    let ended = eventually("it is given up", async || {
        let found = account.client.get(&path).await;
        (found.data()["status"] == "failed").then(|| found.data().clone())
    })
    .await;
    assert_eq!(ended["error"], "endpoint disabled");

    stack
        .sql("UPDATE subscriptions SET status = 'expired'", &[])
        .await;
    let on = patch(&account.client, &endpoint, &json!({ "active": true })).await;
    assert_eq!(on.outcome(), (403, "SUBSCRIPTION_INACTIVE"));
    assert_eq!(account.client.get(&path).await.status, 200, "reading works");
}
