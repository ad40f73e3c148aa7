//! Calls whose outcome nobody told: never twice, never lost, at worst honestly failed.

use blackbox::eventually;
use serde_json::{Value, json};

use super::scene::Scene;

/// How many sends the gateway was asked for.
async fn calls(scene: &Scene) -> usize {
    let url = scene.stack.simulator.url();
    let all = blackbox::Client::new(&url, None)
        .get("/simulator/requests?path=sendText")
        .await
        .json;
    all.as_array().map_or(0, Vec::len)
}

/// Sends to a special number whose message leaves though the answer does not say so.
async fn left_after_all(number: &str) {
    let scene = Scene::with(&[("send_timeout_seconds", "1")]).await;
    let id = scene.text(number).await;
    let message = scene.wait(&id, "read").await;
    let received = scene.stack.received_by(number).await;
    assert_eq!(received.len(), 1, "{received:?}");
    assert_eq!(message["providerMessageId"], received[0]["keyId"]);
    assert_eq!(scene.told(&id).await, [1, 1, 1, 0]);
    scene.assert_ledger(1, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_out_that_was_sent_after_all_is_one_sent_message() {
    left_after_all("+15550100051").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_never_answers_but_sends_is_believed_by_its_events() {
    left_after_all("+15550100002").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_after_the_message_left_is_one_sent_message() {
    left_after_all("+15550100061").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_the_gateway_could_not_store_counts_as_sent() {
    let scene = Scene::new().await;
    let id = scene.text("+15550100062").await;
    eventually("it counts as sent", async || {
        let status = scene.account.client.message(&id).await["status"].clone();
        ["sent", "delivered", "read"]
            .contains(&status.as_str()?)
            .then_some(())
    })
    .await;
    scene.flush().await;
    assert_eq!(scene.stack.received_by("+15550100062").await.len(), 1);
    scene.assert_ledger(2, 0).await;
}

/// Sends to a special number whose message never leaves and whose answer proves nothing.
async fn never_left(number: &str) {
    let settings = [
        ("send_timeout_seconds", "1"),
        ("unknown_patience_seconds", "1"),
    ];
    let scene = Scene::with(&settings).await;
    let id = scene.text(number).await;
    let failed = scene.wait(&id, "failed").await;
    assert_eq!(failed["meta"]["code"], "PROVIDER_TIMEOUT");
    assert_eq!(failed["error"], "Provider timeout");
    assert_eq!(failed["providerMessageId"], Value::Null);
    // Were it sent once more, it would be gone before the next message of its lane.
    let asked = calls(&scene).await;
    scene.flush().await;
    assert_eq!(calls(&scene).await, asked + 1);
    assert_eq!(asked, 1, "one call");
    assert!(scene.stack.received_by(number).await.is_empty());
    assert_eq!(scene.told(&id).await, [0, 0, 0, 1]);
    scene.assert_ledger(1, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_out_of_the_gateway_ends_failed_and_is_not_repeated() {
    never_left("+15550100001").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_at_all_ends_failed_and_is_not_repeated() {
    never_left("+15550100052").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_connection_ends_failed_and_is_not_repeated() {
    never_left("+15550100053").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_outcome_holds_its_recipient_and_nobody_else() {
    let settings = [
        ("send_timeout_seconds", "1"),
        ("unknown_patience_seconds", "1"),
        ("unknown", "fail"),
    ];
    let scene = Scene::with(&settings).await;
    let once = json!({ "fault": "send_timeout", "number": "33612345678", "times": 1 });
    scene.stack.fault(once).await;
    let unknown = scene.text("+33612345678").await;
    let behind = scene.text("+33612345678").await;
    let other = scene.text("+33687654321").await;
    scene.wait(&other, "read").await;
    assert_eq!(
        scene.account.client.message(&unknown).await["status"],
        "queued"
    );
    assert_eq!(
        scene.account.client.message(&behind).await["status"],
        "queued"
    );
    scene.wait(&unknown, "failed").await;
    scene.wait(&behind, "read").await;
    assert_eq!(scene.stack.received_by("+33612345678").await.len(), 1);
    scene.assert_ledger(2, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_texts_around_an_unknown_one_are_not_mistaken_for_it() {
    let settings = [
        ("send_timeout_seconds", "1"),
        ("unknown_patience_seconds", "1"),
        ("unknown", "fail"),
    ];
    let scene = Scene::with(&settings).await;
    let before = scene.text("+33612345678").await;
    scene.wait(&before, "read").await;
    let once = json!({ "fault": "send_timeout", "number": "33612345678", "times": 1 });
    scene.stack.fault(once).await;
    let unknown = scene.text("+33612345678").await;
    let after = scene.text("+33612345678").await;
    scene.wait(&unknown, "failed").await;
    scene.wait(&after, "read").await;
    assert_eq!(scene.stack.received_by("+33612345678").await.len(), 2);
    scene.assert_ledger(2, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn proof_that_comes_after_the_failure_does_not_undo_it() {
    let settings = [
        ("send_timeout_seconds", "1"),
        ("unknown_patience_seconds", "1"),
    ];
    let scene = Scene::with(&settings).await;
    let id = scene.text("+15550100001").await;
    scene.wait(&id, "failed").await;
    let own = json!({ "from": "15550100001", "text": "Hello", "fromMe": true });
    scene.stack.phone(&scene.instance, "inbound", own).await;
    scene.flush().await;
    assert_eq!(scene.account.client.message(&id).await["status"], "failed");
    scene.assert_ledger(1, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_hangs_though_its_message_left_frees_its_lane() {
    // With the usual limit of 90 s on a call: its event settles it long before.
    let scene = Scene::new().await;
    let hanging = scene.text("+15550100002").await;
    let behind = scene.text("+33612345678").await;
    scene.wait(&hanging, "read").await;
    scene.wait(&behind, "read").await;
    assert_eq!(scene.stack.received_by("+15550100002").await.len(), 1);
    scene.assert_ledger(2, 0).await;
}
