//! Each change is told once, also what happened while nobody listened.

use blackbox::Receiver;
use serde_json::json;

use super::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_while_the_server_was_down_is_found_out_and_told_once() {
    let mut scene = Scene::new().await;
    let (opened, closed) = (scene.make("One").await, scene.make("Two").await);
    scene.link(&closed, "33611112222").await;
    let shown = scene.act(&opened, "connect", json!({})).await;
    assert_eq!(shown.status, 200, "{shown:?}");
    scene.stack.stop_server().await;
    let (one, two) = (scene.session(&opened).await, scene.session(&closed).await);
    scene.stack.scan(&one, "33633334444").await;
    let drop = format!("instances/{two}/drop");
    let dropped = scene.stack.control(&drop, json!({ "code": 401 })).await;
    assert!(dropped.status < 300, "{dropped:?}");
    // Its events find nobody, and are not kept over a restart.
    let restarted = scene.stack.control("restart", json!({})).await;
    assert!(restarted.status < 300, "{restarted:?}");
    scene.stack.start_server().await;
    scene.client = scene.account.signed_in(&scene.stack).await;
    scene.account.client = scene.stack.client(&scene.account.key);
    let found = scene.until(&opened, "connected").await;
    assert_eq!(found["waNumber"], "+33633334444");
    let lost = scene.until(&closed, "disconnected").await;
    let reason = "The phone logged the device out";
    assert_eq!(lost["meta"], json!({ "disconnectReason": reason }));
    for (name, id, times) in [
        ("instance.connected", &opened, 1),
        ("instance.disconnected", &opened, 0),
        ("instance.connected", &closed, 1),
        ("instance.disconnected", &closed, 1),
    ] {
        assert_eq!(scene.stack.told(name, id).await, times, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_hear_of_each_change_once_whatever_is_asked_meanwhile() {
    let scene = Scene::new().await;
    let receiver = Receiver::start().await;
    let events = ["instance.connected", "instance.disconnected"];
    scene.account.client.endpoint(&receiver.url, &events).await;
    let id = scene.make("Shop").await;
    let shown = scene.act(&id, "connect", json!({})).await;
    assert_eq!(shown.status, 200, "{shown:?}");
    let session = scene.session(&id).await;
    // Screens poll the state while events arrive: who comes first must not matter.
    let poll = || async {
        let path = format!("/api/instances/{id}/state");
        for _ in 0..20 {
            assert_eq!(scene.client.get(&path).await.status, 200);
        }
    };
    tokio::join!(scene.stack.scan(&session, "33611112222"), poll(), poll());
    scene.until(&id, "connected").await;
    let (out, (), ()) = tokio::join!(scene.act(&id, "logout", json!({})), poll(), poll());
    assert_eq!(out.status, 200, "{out:?}");
    scene.until(&id, "disconnected").await;
    let heard = receiver.wait_for("instance.disconnected", 1).await;
    assert_eq!(heard[0].json["instanceId"], id.as_str());
    receiver.wait_for("instance.connected", 1).await;
    assert_eq!(scene.stack.told("instance.connected", &id).await, 1);
    assert_eq!(scene.stack.told("instance.disconnected", &id).await, 1);
}
