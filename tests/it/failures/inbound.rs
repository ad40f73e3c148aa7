//! Messages that come in more than once.

use crate::lifecycle::scene::Scene;

/// Row 9: one inbound message, announced twice under one id.
///
/// It is stored once and told once.
#[tokio::test(flavor = "multi_thread")]
async fn row_09_a_message_announced_twice_came_in_once() {
    let scene = Scene::new().await;
    // This recipient answers "Yes", twice under one id.
    let asked = scene.text("+15550100009").await;
    scene.wait(&asked, "read").await;
    let reply = scene.account.client.wait_inbound("Yes").await;
    scene.flush().await;
    let posts = scene
        .stack
        .switchboard()
        .get("/simulator/webhooks?event=messages.upsert")
        .await;
    assert_eq!(posts.json.as_array().map(Vec::len), Some(2));
    let path = "/api/v1/messages?direction=inbound&limit=100";
    let list = scene.account.client.get(path).await;
    assert_eq!(list.data()["messages"].as_array().map(Vec::len), Some(1));
    let id = blackbox::id_of(&reply);
    assert_eq!(scene.stack.told("message.received", &id).await, 1);
}
