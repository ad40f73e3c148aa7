//! Instances that go, and what stays of them.

use std::time::Duration;

use blackbox::{eventually, moment_in};
use serde_json::json;

use super::{INSTANCES, Scene};

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_instance_frees_its_slot_and_keeps_its_messages() {
    let scene = Scene::new().await;
    let id = scene.make("Shop").await;
    scene.link(&id, "33611112222").await;
    let session = scene.session(&id).await;
    let body = json!({ "instanceId": id, "to": "+33612345678", "type": "text", "text": "Hi" });
    let sent = scene.client.post("/api/messages/send", &body).await;
    let sent = blackbox::id_of(sent.data());
    scene.account.client.wait_message(&sent, "read").await;
    let mut later = body.clone();
    later["scheduledAt"] = json!(moment_in(Duration::from_hours(1)));
    let later = scene.client.post("/api/messages/send", &later).await;
    let later = blackbox::id_of(later.data());
    let path = format!("{INSTANCES}/{id}");
    let deleted = scene.client.delete(&path).await;
    assert_eq!(*deleted.data(), json!({ "deleted": true }));
    for again in [
        scene.client.delete(&path).await,
        scene.client.get(&path).await,
    ] {
        assert_eq!(again.outcome(), (404, "NOT_FOUND"));
    }
    assert_eq!(scene.at_gateway(&session).await.status, 404);
    assert_eq!(scene.stack.told("instance.disconnected", &id).await, 1);
    let refused = scene.client.post("/api/messages/send", &body).await;
    assert_eq!(refused.outcome(), (404, "NOT_FOUND"));
    let kept = scene.client.get(&format!("/api/messages/{sent}")).await;
    assert_eq!(kept.data()["status"], "read");
    // What waits for its time fails then.
    let due = "UPDATE queue SET due_at = now(), not_before = now() WHERE state = 0";
    assert_eq!(scene.stack.sql(due, &[]).await, 1);
    let failed = scene.account.client.wait_message(&later, "failed").await;
    assert_eq!(failed["meta"]["code"], "INSTANCE_NOT_CONNECTED");
    for n in 0..5 {
        scene.make(&format!("Shop {n}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_could_not_be_removed_goes_when_the_gateway_is_back() {
    let scene = Scene::new().await;
    let id = scene.make("Shop").await;
    scene.link(&id, "33611112222").await;
    let session = scene.session(&id).await;
    scene.stack.control("down", json!({})).await;
    let deleted = scene.client.delete(&format!("{INSTANCES}/{id}")).await;
    assert_eq!(deleted.status, 200, "{deleted:?}");
    scene.stack.control("up", json!({})).await;
    assert_eq!(scene.at_gateway(&session).await.status, 200);
    let due = "UPDATE instances SET session_due = now() WHERE session_due IS NOT NULL";
    assert_eq!(scene.stack.sql(due, &[]).await, 1);
    eventually("the session is removed", async || {
        (scene.at_gateway(&session).await.status == 404).then_some(())
    })
    .await;
    eventually("nothing is left to do", async || {
        let left = "SELECT count(*) FROM instances WHERE session_due IS NOT NULL";
        (scene.stack.count(left, &[]).await == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_socket_does_not_keep_an_instance() {
    let scene = Scene::new().await;
    let id = scene.make("Shop").await;
    scene.link(&id, "33611112222").await;
    let session = scene.session(&id).await;
    let dead = format!("instances/{session}/dead");
    assert!(scene.stack.control(&dead, json!({})).await.status < 300);
    let deleted = scene.client.delete(&format!("{INSTANCES}/{id}")).await;
    assert_eq!(deleted.status, 200, "{deleted:?}");
    eventually("the session is gone", async || {
        (scene.at_gateway(&session).await.status == 404).then_some(())
    })
    .await;
}
