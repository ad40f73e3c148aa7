//! Receivers that refuse, hang or are gone.

use std::time::Duration;

use blackbox::{Account, Receiver, Stack, eventually, id_of};
use msgflash_messaging::Instance;
use serde_json::Value;

const AT_ONCE: (&str, &str) = ("webhook_retry_seconds", "0,0,0,0");

async fn scene(settings: &[(&str, &str)]) -> (Stack, Account, Instance) {
    let stack = Stack::with(settings).await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    (stack, account, instance)
}

/// Sends one message all the way, which raises one `message.sent`.
async fn send(account: &Account, instance: &Instance) -> String {
    let id = account.client.text(instance, "+33612345678", "Hi").await;
    account.client.wait_message(&id, "read").await;
    id
}

async fn deliveries(stack: &Stack, endpoint: &Value) -> Vec<(String, i32)> {
    let text = "SELECT status, attempts FROM deliveries WHERE endpoint_id = $1::text::uuid \
                ORDER BY id";
    let rows = stack.rows(text, &[&id_of(endpoint)]).await;
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

async fn is_active(account: &Account, endpoint: &Value) -> bool {
    let list = account.client.get("/api/v1/webhooks").await;
    let list = list.data().as_array().cloned().unwrap_or_default();
    list.iter()
        .any(|it| it["id"] == endpoint["id"] && it["active"] == true)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_delivery_comes_again_with_the_same_body_and_id() {
    let (stack, account, instance) = scene(&[AT_ONCE]).await;
    let receiver = Receiver::answering(&[500, 302, 404]).await;
    let endpoint = account
        .client
        .endpoint(&receiver.url, &["message.sent"])
        .await;
    send(&account, &instance).await;
    let heard = receiver.wait_for("message.sent", 4).await;
    for (number, delivery) in (1..).zip(&heard) {
        assert_eq!(delivery.raw, heard[0].raw);
        assert_eq!(delivery.header("x-msgflash-attempt"), number.to_string());
        for name in ["x-msgflash-delivery", "webhook-id", "x-msgflash-signature"] {
            assert_eq!(delivery.header(name), heard[0].header(name), "{name}");
        }
    }
    eventually("it counts as delivered", async || {
        (deliveries(&stack, &endpoint).await == [("delivered".to_owned(), 4)]).then_some(())
    })
    .await;
    assert_eq!(receiver.heard().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn five_failures_end_a_delivery_and_leave_the_endpoint_alone() {
    let (stack, account, instance) = scene(&[AT_ONCE]).await;
    let receiver = Receiver::answering(&[500; 5]).await;
    let endpoint = account
        .client
        .endpoint(&receiver.url, &["message.sent"])
        .await;
    let first = send(&account, &instance).await;
    eventually("the delivery has failed", async || {
        (deliveries(&stack, &endpoint).await == [("failed".to_owned(), 5)]).then_some(())
    })
    .await;
    assert!(is_active(&account, &endpoint).await);
    let second = send(&account, &instance).await;
    let heard = receiver.wait_for("message.sent", 6).await;
    assert_eq!(heard.len(), 6);
    assert!(
        heard[..5]
            .iter()
            .all(|delivery| delivery.json["messageId"] == first)
    );
    assert_eq!(heard[5].json["messageId"], second);
    assert_eq!(
        account.client.message(&first).await["status"],
        "read",
        "messages do not mind"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_gone_is_not_called_again() {
    let (stack, account, instance) = scene(&[AT_ONCE]).await;
    let gone = Receiver::answering(&[410]).await;
    let there = Receiver::start().await;
    let endpoint = account.client.endpoint(&gone.url, &["message.sent"]).await;
    account.client.endpoint(&there.url, &["message.sent"]).await;
    send(&account, &instance).await;
    eventually("the endpoint is switched off", async || {
        (!is_active(&account, &endpoint).await).then_some(())
    })
    .await;
    send(&account, &instance).await;
    there.wait_for("message.sent", 2).await;
    assert_eq!(gone.heard().len(), 1);
    assert_eq!(
        deliveries(&stack, &endpoint).await,
        [("failed".to_owned(), 1)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_an_endpoint_drops_what_still_waits_for_it() {
    let (stack, account, instance) = scene(&[("webhook_retry_seconds", "1,1,1,1")]).await;
    let receiver = Receiver::answering(&[500; 9]).await;
    let there = Receiver::start().await;
    let endpoint = account
        .client
        .endpoint(&receiver.url, &["message.sent"])
        .await;
    account.client.endpoint(&there.url, &["message.sent"]).await;
    send(&account, &instance).await;
    receiver.wait_for("message.sent", 1).await;
    let path = format!("/api/v1/webhooks/{}", id_of(&endpoint));
    let reply = account.client.delete(&path).await;
    assert_eq!(
        (reply.status, reply.data()),
        (200, &serde_json::json!({ "deleted": true }))
    );
    assert_eq!(
        account.client.delete(&path).await.outcome(),
        (404, "NOT_FOUND")
    );
    let before = receiver.heard().len();
    let waiting = "SELECT count(*) FROM delivery_queue WHERE endpoint_id = $1::text::uuid";
    eventually("nothing waits for it", async || {
        (stack.count(waiting, &[&id_of(&endpoint)]).await == 0).then_some(())
    })
    .await;
    send(&account, &instance).await;
    there.wait_for("message.sent", 2).await;
    // At most the attempt that was under way when it was deleted.
    assert!(receiver.heard().len() <= before + 1);
    let pending = "SELECT count(*) FROM deliveries WHERE status = 'pending' \
                   AND endpoint_id = $1::text::uuid";
    assert_eq!(stack.count(pending, &[&id_of(&endpoint)]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_receiver_holds_up_no_other() {
    let (stack, account, instance) = scene(&[]).await;
    let slow = Receiver::slow(Duration::from_secs(8)).await;
    let quick = Receiver::start().await;
    let endpoint = account
        .client
        .endpoint(&slow.url, &["message.sent", "message.read"])
        .await;
    account.client.endpoint(&quick.url, &["message.sent"]).await;
    for _ in 0..12 {
        account.client.text(&instance, "+33612345678", "Hi").await;
    }
    quick.wait_for("message.sent", 12).await;
    let done = deliveries(&stack, &endpoint).await;
    assert!(
        done.iter().all(|(status, _)| status == "pending"),
        "{done:?}"
    );
    assert!(!slow.heard().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_takes_too_long_is_tried_again() {
    let settings = [AT_ONCE, ("webhook_timeout_seconds", "1")];
    let (stack, account, instance) = scene(&settings).await;
    let slow = Receiver::slow(Duration::from_secs(5)).await;
    let endpoint = account.client.endpoint(&slow.url, &["message.sent"]).await;
    send(&account, &instance).await;
    let heard = slow.wait_for("message.sent", 2).await;
    assert_eq!(heard[1].header("x-msgflash-attempt"), "2");
    let text = "SELECT error FROM deliveries WHERE endpoint_id = $1::text::uuid";
    let rows = stack.rows(text, &[&id_of(&endpoint)]).await;
    assert_eq!(
        rows[0].get::<_, Option<String>>(0).as_deref(),
        Some("timed out")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_survive_a_restart_of_the_server() {
    let (mut stack, account, instance) = scene(&[("webhook_retry_seconds", "2,0,0,0")]).await;
    let receiver = Receiver::answering(&[503]).await;
    account
        .client
        .endpoint(&receiver.url, &["message.sent"])
        .await;
    send(&account, &instance).await;
    receiver.wait_for("message.sent", 1).await;
    stack.stop_server().await;
    stack.start_server().await;
    let heard = receiver.wait_for("message.sent", 2).await;
    let delivery = |at: usize| heard[at].header("x-msgflash-delivery").to_owned();
    assert_eq!(delivery(0), delivery(1));
}
