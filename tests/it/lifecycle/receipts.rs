//! Receipts come twice, disordered, early, late and under other addresses.

use blackbox::eventually;
use serde_json::json;

use super::scene::Scene;

/// Sends to one of the simulator's special numbers and answers how the life of the message went:
/// the final state and how often each of sent, delivered, read and failed was told.
async fn life(number: &str, end: &str) -> [i64; 4] {
    let scene = Scene::new().await;
    let id = scene.text(number).await;
    scene.wait(&id, end).await;
    // Whatever the simulator still had to say about it is said and heard.
    eventually("every webhook is answered", async || {
        let url = scene.stack.simulator.url();
        let path = "/simulator/webhooks?event=messages.update";
        let all = blackbox::Client::new(&url, None).get(path).await.json;
        let all = all.as_array().cloned().unwrap_or_default();
        all.iter().all(|post| post["status"] == 200).then_some(())
    })
    .await;
    scene.flush().await;
    let message = scene.account.client.message(&id).await;
    assert_eq!(message["status"], end, "{message}");
    assert_eq!(scene.stack.received_by(number).await.len(), 1);
    scene.assert_ledger(2, 0).await;
    scene.told(&id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_phone_leaves_a_message_sent() {
    assert_eq!(life("+15550100007", "sent").await, [1, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_is_not_looked_at_leaves_it_delivered() {
    assert_eq!(life("+15550100057", "delivered").await, [1, 1, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_receipt_twice_tells_each_step_once() {
    // A read receipt that overtakes the delivery's is told alone.
    let told = life("+15550100055", "read").await;
    assert!(matches!(told, [1, 0 | 1, 1, 0]), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_out_of_order_never_go_back() {
    assert_eq!(life("+15550100005", "read").await, [1, 0, 1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn read_without_delivered_is_told_alone() {
    assert_eq!(life("+15550100056", "read").await, [1, 0, 1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_by_the_server_after_read_changes_nothing() {
    // A read receipt that overtakes the delivery's is told alone.
    let told = life("+15550100058", "read").await;
    assert!(matches!(told, [1, 0 | 1, 1, 0]), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_before_the_answer_are_kept_for_it() {
    assert_eq!(life("+15550100004", "read").await, [1, 1, 1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_before_the_gateway_announced_the_message_are_kept_for_it() {
    assert_eq!(life("+15550100054", "read").await, [1, 1, 1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_under_an_opaque_address_find_their_message() {
    assert_eq!(life("+15550100008", "read").await, [1, 1, 1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_exists_under_another_address_is_the_same_message() {
    let scene = Scene::new().await;
    let id = scene.text("+15550100060").await;
    let read = scene.wait(&id, "read").await;
    assert_eq!(read["to"], "+15550100060");
    scene.assert_ledger(1, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_after_delivery_is_not_believed() {
    let scene = Scene::new().await;
    let id = scene.text("+15550100057").await;
    let message = scene.wait(&id, "delivered").await;
    let ack = |status: &str| json!({ "keyId": message["providerMessageId"], "status": status });
    scene
        .stack
        .phone(&scene.instance, "ack", ack("ERROR"))
        .await;
    scene
        .stack
        .phone(&scene.instance, "ack", ack("PLAYED"))
        .await;
    let read = scene.wait(&id, "read").await;
    assert_eq!(read["error"], serde_json::Value::Null);
    assert_eq!(scene.told(&id).await, [1, 1, 1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_after_a_failure_do_not_revive_it() {
    let scene = Scene::new().await;
    let id = scene.text("+15550100006").await;
    let message = scene.wait(&id, "failed").await;
    let read = json!({ "keyId": message["providerMessageId"], "status": "READ" });
    scene.stack.phone(&scene.instance, "ack", read).await;
    scene.flush().await;
    assert_eq!(scene.account.client.message(&id).await["status"], "failed");
    assert_eq!(scene.told(&id).await, [1, 0, 0, 1]);
}
