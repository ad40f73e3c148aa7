//! A gateway that posts nonsense, restarts, or waits for its licence.

use blackbox::{Client, Stack, eventually};
use serde_json::json;

use crate::lifecycle::scene::Scene;

/// Lets the simulator post a bad webhook and answers the status it got.
async fn posted(scene: &Scene, kind: &str) -> u64 {
    let answered = async || {
        let path = "/simulator/webhooks";
        let all = scene.stack.switchboard().get(path).await.json;
        let all = all.as_array().cloned().unwrap_or_default();
        all.iter()
            .map(|it| it["status"].as_u64())
            .collect::<Option<Vec<_>>>()
    };
    let before = eventually("earlier events are answered", answered).await;
    let body = json!({ "kind": kind });
    scene.stack.phone(&scene.instance, "rogue", body).await;
    eventually("the bad event is answered", async || {
        let after = answered().await?;
        (after.len() > before.len()).then(|| after[before.len()])
    })
    .await
}

/// Row 19: webhooks with a wrong secret, an unknown instance, an unknown event, `data: null`, a
/// body of 5 MB, and one that is no JSON.
///
/// A wrong secret is refused; the rest is taken and ignored, because the gateway would give up or
/// repeat for ever otherwise. Nothing crashes and nothing is believed.
#[tokio::test(flavor = "multi_thread")]
async fn row_19_bad_webhooks_are_refused_or_ignored() {
    let scene = Scene::new().await;
    assert_eq!(posted(&scene, "wrong_secret").await, 401);
    for kind in [
        "unknown_instance",
        "unknown_event",
        "null_data",
        "large_body",
        "not_json",
    ] {
        assert_eq!(posted(&scene, kind).await, 200, "{kind}");
    }
    let nobody = Client::new(&scene.stack.base, None).header("authorization", "Bearer guess");
    let body = json!({ "event": "messages.update", "data": {} });
    let reply = nobody.post("/provider/evolution/nobody", &body).await;
    assert_eq!(reply.status, 200);
    scene.flush().await;
    scene.assert_ledger(1, 0).await;
}

/// Row 20: the gateway restarts: connections are refused, then nothing is loaded (500
/// `textMessage`), then all is well.
///
/// Messages wait through both and go out once, in order.
#[tokio::test(flavor = "multi_thread")]
async fn row_20_messages_wait_for_a_restart_and_go_out_once() {
    let scene = Scene::new().await;
    let done = async |call: &str, body| {
        let reply = scene.stack.control(call, body).await;
        assert!(reply.status < 300, "{call}: {reply:?}");
    };
    done("down", json!({})).await;
    let provider = &scene.stack.server().backend().provider;
    eventually("connections from before have ended", async || {
        provider.version().await.is_err().then_some(())
    })
    .await;
    let ids = [
        scene.text("+33612345678").await,
        scene.text("+33612345678").await,
    ];
    let held = "SELECT count(*) FROM lanes WHERE down_since IS NOT NULL";
    eventually("a call was refused", async || {
        (scene.stack.count(held, &[]).await == 1).then_some(())
    })
    .await;
    done("up", json!({ "cold": true })).await;
    eventually("a call met an instance that is not loaded", async || {
        let asked = scene.stack.asked("sendText").await;
        asked.iter().any(|it| it["status"] == 500).then_some(())
    })
    .await;
    for id in &ids {
        assert_eq!(scene.account.client.message(id).await["status"], "queued");
    }
    scene.stack.phone(&scene.instance, "load", json!({})).await;
    for id in &ids {
        scene.wait(id, "read").await;
    }
    let received = scene.stack.received_by("+33612345678").await;
    let keys: Vec<_> = received.iter().map(|it| &it["keyId"]).collect();
    let mut ours = Vec::new();
    for id in &ids {
        ours.push(scene.account.client.message(id).await["providerMessageId"].clone());
    }
    assert_eq!(keys, ours.iter().collect::<Vec<_>>());
    scene.assert_ledger(2, 0).await;
}

/// Row 21: 503 `LICENSE_REQUIRED` (2.4 without an activated licence).
///
/// The operator is alarmed, lanes wait, and everything goes out when the licence is there.
#[tokio::test(flavor = "multi_thread")]
async fn row_21_a_missing_licence_alarms_the_operator_and_holds_the_lanes() {
    let scene = Scene::new().await;
    let before = scene.stack.alarms("license_required").await;
    let locked = json!({ "version": "2.4.0-rc2", "licensed": false });
    scene.stack.switch(locked).await;
    let id = scene.text("+33612345678").await;
    eventually("the operator hears of it", async || {
        (scene.stack.alarms("license_required").await > before).then_some(())
    })
    .await;
    assert_eq!(scene.account.client.message(&id).await["status"], "queued");
    assert!(left(&scene.stack).await.is_empty());
    scene.stack.switch(json!({ "licensed": true })).await;
    scene.wait(&id, "read").await;
    assert_eq!(left(&scene.stack).await.len(), 1);
    let name = scene.instance.id.to_string();
    assert_eq!(scene.stack.told("instance.disconnected", &name).await, 0);
    scene.assert_ledger(1, 0).await;
}

async fn left(stack: &Stack) -> Vec<serde_json::Value> {
    stack.received_by("+33612345678").await
}
