//! Phones that are linked: by a picture, by a code, by the wrong owner, too late.

use base64::Engine as _;
use serde_json::{Value, json};

use super::{INSTANCES, Scene};

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_is_linked_by_a_picture_and_unlinked_again() {
    let scene = Scene::new().await;
    let id = scene.make("Shop").await;
    let shown = scene.act(&id, "connect", json!({})).await;
    let it = shown.data();
    assert_eq!(
        (&it["instanceId"], &it["pairingCode"], &it["state"]),
        (&json!(id), &Value::Null, &json!("connecting"))
    );
    let picture = it["qrCode"].as_str().expect("a picture");
    let picture = picture
        .strip_prefix("data:image/png;base64,")
        .expect("a data URL");
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(picture)
        .expect("base64");
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
    assert_eq!(scene.read(&id).await["status"], "connecting");
    scene
        .stack
        .scan(&scene.session(&id).await, "33611112222")
        .await;
    let linked = scene.until(&id, "connected").await;
    assert_eq!(linked["waNumber"], "+33611112222");
    let state = scene.client.get(&format!("{INSTANCES}/{id}/state")).await;
    assert_eq!(
        *state.data(),
        json!({ "instanceId": id, "status": "connected", "providerState": "open" })
    );
    let again = scene.act(&id, "connect", json!({})).await;
    assert_eq!(
        *again.data(),
        json!({ "instanceId": id, "qrCode": null, "pairingCode": null, "state": "open" })
    );
    let out = scene.act(&id, "logout", json!({})).await;
    assert_eq!(*out.data(), json!({ "success": true }));
    let after = scene.read(&id).await;
    assert_eq!(
        (&after["status"], &after["waNumber"]),
        (&json!("disconnected"), &json!("+33611112222"))
    );
    assert_eq!(after["meta"], json!({ "disconnectReason": "Logged out" }));
    assert_eq!(scene.stack.told("instance.connected", &id).await, 1);
    assert_eq!(scene.stack.told("instance.disconnected", &id).await, 1);
    // What is not linked is unlinked already.
    assert_eq!(scene.act(&id, "logout", json!({})).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_is_linked_by_a_code_also_after_a_picture_was_shown() {
    let scene = Scene::new().await;
    let id = scene.make("Shop").await;
    let shown = scene.act(&id, "connect", json!({})).await;
    assert!(shown.data()["qrCode"].is_string(), "{shown:?}");
    let named = json!({ "phoneNumber": "+33 6 11 11 22 22" });
    let shown = scene.act(&id, "connect", named).await;
    let it = shown.data();
    let code = it["pairingCode"]
        .as_str()
        .unwrap_or_else(|| panic!("no code: {shown:?}"));
    assert_eq!((code.len(), code.find('-')), (9, Some(4)), "{code}");
    assert_eq!(
        (&it["qrCode"], &it["state"]),
        (&Value::Null, &json!("connecting"))
    );
    assert_eq!(scene.read(&id).await["status"], "connecting");
    scene
        .stack
        .scan(&scene.session(&id).await, "33611112222")
        .await;
    scene.until(&id, "connected").await;
    assert_eq!(scene.stack.told("instance.disconnected", &id).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_phone_than_the_named_one_is_sent_away_with_the_reason() {
    let scene = Scene::new().await;
    let id = scene.make("Shop").await;
    let session = scene.session(&id).await;
    let named = json!({ "phoneNumber": "+33611112222" });
    assert_eq!(scene.act(&id, "connect", named).await.status, 200);
    scene.stack.scan(&session, "33699999999").await;
    let refused = scene.until(&id, "disconnected").await;
    let reason = "Another number was linked than the expected one";
    assert_eq!(refused["meta"], json!({ "disconnectReason": reason }));
    assert_eq!(refused["waNumber"], Value::Null);
    blackbox::eventually("the phone is unlinked", async || {
        let state = scene.client.get(&format!("{INSTANCES}/{id}/state")).await;
        (state.data()["providerState"] == "close").then_some(())
    })
    .await;
    // Without a name any phone is taken, and the reason goes.
    scene.link(&id, "33699999999").await;
    assert_eq!(scene.read(&id).await["meta"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_that_ran_out_are_asked_for_anew() {
    let scene = Scene::new().await;
    let id = scene.make("Shop").await;
    let session = scene.session(&id).await;
    assert_eq!(scene.act(&id, "connect", json!({})).await.status, 200);
    let limit = format!("instances/{session}/qr-limit");
    let reached = scene.stack.control(&limit, json!({})).await;
    assert!(reached.status < 300, "{reached:?}");
    scene.until(&id, "disconnected").await;
    let state = scene.client.get(&format!("{INSTANCES}/{id}/state")).await;
    assert_eq!(state.data()["providerState"], "close");
    scene.link(&id, "33611112222").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_open_and_dead_is_mended_by_a_restart() {
    let scene = Scene::new().await;
    let id = scene.make("Shop").await;
    let closed = scene.act(&id, "restart", json!({})).await;
    assert_eq!(closed.outcome(), (400, "BAD_REQUEST"));
    scene.link(&id, "33611112222").await;
    let session = scene.session(&id).await;
    let dead = format!("instances/{session}/dead");
    assert!(scene.stack.control(&dead, json!({})).await.status < 300);
    let restarted = scene.act(&id, "restart", json!({})).await;
    assert_eq!(
        *restarted.data(),
        json!({ "instanceId": id, "state": "connecting" })
    );
    let body = json!({ "instanceId": id, "to": "+33612345678", "type": "text", "text": "Hi" });
    let sent = scene.client.post("/api/messages/send", &body).await;
    let sent = blackbox::id_of(sent.data());
    scene.account.client.wait_message(&sent, "read").await;
    assert_eq!(scene.stack.told("instance.disconnected", &id).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_instance_is_neither_linked_nor_restarted() {
    let scene = Scene::new().await;
    let id = scene.make("Shop").await;
    let suspend = "UPDATE instances SET status = 'suspended'";
    scene.stack.sql(suspend, &[]).await;
    for what in ["connect", "restart"] {
        let refused = scene.act(&id, what, json!({})).await;
        assert_eq!(refused.outcome(), (403, "FORBIDDEN"), "{what}");
    }
    let state = scene.client.get(&format!("{INSTANCES}/{id}/state")).await;
    assert_eq!(state.data()["status"], "suspended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_away_or_answers_nonsense_is_an_upstream_error() {
    let scene = Scene::new().await;
    let id = scene.make("Shop").await;
    scene.stack.control("down", json!({})).await;
    let made = scene
        .client
        .post(INSTANCES, &json!({ "name": "More" }))
        .await;
    assert_eq!(made.outcome(), (502, "PROVIDER_UNAVAILABLE"));
    for what in ["connect", "logout", "restart"] {
        let reply = scene.act(&id, what, json!({})).await;
        assert_eq!(reply.outcome(), (502, "PROVIDER_UNAVAILABLE"), "{what}");
    }
    scene.stack.control("up", json!({})).await;
    // 200 with `error: true`: the session is there and not loaded.
    let session = scene.session(&id).await;
    let unload = format!("instances/{session}/unload");
    assert!(scene.stack.control(&unload, json!({})).await.status < 300);
    let reply = scene.act(&id, "connect", json!({})).await;
    assert_eq!(reply.outcome(), (502, "PROVIDER_ERROR"));
    let listed = scene.client.get(INSTANCES).await;
    assert_eq!(
        listed.data().as_array().map(Vec::len),
        Some(1),
        "{listed:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_number_gets_a_code_of_its_own() {
    let scene = Scene::new().await;
    let id = scene.make("Shop").await;
    let typo = json!({ "phoneNumber": "+33699999999" });
    let first = scene.act(&id, "connect", typo).await;
    // The gateway clears up for a while after a delete, as it does in earnest.
    let lingers = json!({ "fault": "delete_lingers", "ms": 700, "times": 1 });
    scene.stack.fault(lingers).await;
    let right = json!({ "phoneNumber": "+33611112222" });
    let second = scene.act(&id, "connect", right.clone()).await;
    let code = |reply: &blackbox::Reply| reply.data()["pairingCode"].clone();
    assert!(code(&second).is_string(), "{second:?}");
    assert_ne!(code(&first), code(&second));
    let again = scene.act(&id, "connect", right).await;
    assert_eq!(code(&again), code(&second));
    scene
        .stack
        .scan(&scene.session(&id).await, "33611112222")
        .await;
    scene.until(&id, "connected").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_that_the_gateway_did_not_do_is_none() {
    let scene = Scene::new().await;
    let id = scene.make("Shop").await;
    scene.link(&id, "33611112222").await;
    let session = scene.session(&id).await;
    // It has not loaded the session, and says that it logged it out.
    let unload = format!("instances/{session}/unload");
    assert!(scene.stack.control(&unload, json!({})).await.status < 300);
    let out = scene.act(&id, "logout", json!({})).await;
    assert_eq!(out.outcome(), (502, "PROVIDER_UNAVAILABLE"));
    let load = format!("instances/{session}/load");
    assert!(scene.stack.control(&load, json!({})).await.status < 300);
    scene.until(&id, "connected").await;
    assert_eq!(scene.stack.told("instance.disconnected", &id).await, 0);
    assert_eq!(scene.act(&id, "logout", json!({})).await.status, 200);
    scene.until(&id, "disconnected").await;
}
