//! Links that break, do not come back, are cut by the phone, or belong to another phone.

use std::time::{Duration, Instant};

use blackbox::{Stack, eventually};
use msgflash_kernel::{Actor, Phone};
use msgflash_messaging::Instance;
use msgflash_messaging::provider::Pairing;
use serde_json::json;

use crate::lifecycle::scene::Scene;

/// Asks for a code until the gateway has one.
async fn code(stack: &Stack, instance: &Instance, phone: Option<Phone>) {
    eventually("a code", async || {
        let provision = &stack.server().backend().provision;
        let pairing = provision
            .connect(&Actor::owner_of(instance.account), instance.id, phone)
            .await;
        matches!(pairing.expect("the gateway answers"), Pairing::Code { .. }).then_some(())
    })
    .await;
}

/// Row 11: 200 `connecting` events in two minutes.
///
/// The receiver takes them all, far faster than they come, and messages go on meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn row_11_a_storm_of_connecting_events_holds_nothing_up() {
    let scene = Scene::new().await;
    let begun = Instant::now();
    let storm = json!({ "count": 200 });
    scene.stack.phone(&scene.instance, "storm", storm).await;
    eventually("every event is answered", async || {
        let path = "/simulator/webhooks?event=connection.update";
        let all = scene.stack.switchboard().get(path).await.json;
        let taken = all.as_array()?.iter().filter(|it| it["status"] == 200);
        (taken.count() >= 200).then_some(())
    })
    .await;
    let took = begun.elapsed();
    assert!(
        took < Duration::from_secs(12),
        "a tenth of the time: {took:?}"
    );
    // The link is open all the same, and found to be so without an event.
    let id = scene.text("+33612345678").await;
    scene.wait(&id, "read").await;
    let session = scene.instance.id.to_string();
    assert_eq!(scene.stack.told("instance.disconnected", &session).await, 0);
}

/// Row 12: `connecting` that is not followed by `open`.
///
/// After the patience for it the link counts as lost: told once, an alarm, and looked at until it
/// opens again.
#[tokio::test(flavor = "multi_thread")]
async fn row_12_a_link_that_does_not_come_back_is_lost_with_an_alarm() {
    let scene = Scene::with(&[("reconnect_patience_seconds", "1")]).await;
    let before = scene.stack.alarms("connection_lost").await;
    let id = scene.instance.id.to_string();
    let cut = json!({ "code": 428, "stays": true });
    scene.stack.phone(&scene.instance, "drop", cut).await;
    scene
        .account
        .wait_status(&scene.stack, scene.instance.id, "connecting")
        .await;
    eventually("the operator hears of it", async || {
        (scene.stack.alarms("connection_lost").await > before).then_some(())
    })
    .await;
    assert_eq!(scene.stack.told("instance.disconnected", &id).await, 1);
    let phone = json!({ "number": "33611112222" });
    scene.stack.phone(&scene.instance, "open", phone).await;
    scene
        .account
        .wait_status(&scene.stack, scene.instance.id, "connected")
        .await;
    assert_eq!(scene.stack.told("instance.connected", &id).await, 2);
    scene.flush().await;
}

/// Row 13: the phone logs the device out while messages wait.
///
/// Single messages fail with the reason and are given back, the user is told once, nothing is
/// called meanwhile; after a new scan sending goes on.
#[tokio::test(flavor = "multi_thread")]
async fn row_13_a_logout_fails_what_waits_and_a_new_scan_goes_on() {
    let scene = Scene::new().await;
    let sent = scene.text("+33612345678").await;
    scene.wait(&sent, "read").await;
    // They wait behind a gateway that refuses, until the phone cuts the link.
    let fault = json!({ "fault": "license_required" });
    scene.stack.fault(fault).await;
    let mut waiting = Vec::new();
    for n in 0..3 {
        waiting.push(scene.text(&format!("+3361234560{n}")).await);
    }
    let cut = json!({ "code": 401 });
    scene.stack.phone(&scene.instance, "drop", cut).await;
    scene
        .account
        .wait_status(&scene.stack, scene.instance.id, "disconnected")
        .await;
    scene.stack.heal().await;
    for (n, id) in waiting.iter().enumerate() {
        let failed = scene.wait(id, "failed").await;
        assert_eq!(failed["meta"]["code"], "INSTANCE_NOT_CONNECTED");
        let number = format!("+3361234560{n}");
        assert!(scene.stack.received_by(&number).await.is_empty());
    }
    let id = scene.instance.id.to_string();
    assert_eq!(scene.stack.told("instance.disconnected", &id).await, 1);
    scene.assert_ledger(1, 3).await;
    scene
        .account
        .link(&scene.stack, &scene.instance, "33611112222")
        .await;
    scene.flush().await;
    scene.assert_ledger(2, 3).await;
}

/// Row 14: another phone scans than the one that was named.
///
/// It is refused and unlinked again: no message leaves in another's name. The user is told, and
/// the right phone can be linked afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn row_14_another_phone_than_the_named_one_is_unlinked_again() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.instance(&stack).await;
    let before = stack.alarms("wrong_number").await;
    let named = Phone::parse("+33611112222").ok();
    code(&stack, &instance, named).await;
    stack.scan(&instance.session, "33699999999").await;
    account
        .wait_status(&stack, instance.id, "disconnected")
        .await;
    let id = instance.id.to_string();
    let shown = account.client.get(&format!("/api/v1/instances/{id}")).await;
    assert_eq!(shown.data()["waNumber"], serde_json::Value::Null);
    let path = format!("/simulator/instances/{}?until=close", instance.session);
    stack.switchboard().get(&path).await;
    eventually("the operator hears of it", async || {
        (stack.alarms("wrong_number").await > before).then_some(())
    })
    .await;
    assert_eq!(stack.told("instance.connected", &id).await, 0);
    assert_eq!(stack.told("instance.disconnected", &id).await, 1);
    code(&stack, &instance, named).await;
    stack.scan(&instance.session, "33611112222").await;
    account.wait_status(&stack, instance.id, "connected").await;
}

/// Row 14, later: the instance has a number, and another phone is linked under it.
///
/// Behind our back that is refused: it would speak in another's name. Who asks for a code, and
/// names no number, takes any phone.
#[tokio::test(flavor = "multi_thread")]
async fn row_14_a_number_changes_only_by_a_linking() {
    let scene = Scene::new().await;
    let (stack, account, instance) = (&scene.stack, &scene.account, &scene.instance);
    let id = instance.id.to_string();
    let number = async || {
        let shown = account.client.get(&format!("/api/v1/instances/{id}")).await;
        shown.data()["waNumber"].clone()
    };
    // Somebody linked another phone behind our back.
    let other = json!({ "number": "33699999999" });
    stack.phone(instance, "open", other).await;
    account
        .wait_status(stack, instance.id, "disconnected")
        .await;
    assert_eq!(number().await, "+33611112222");
    eventually("the phone is unlinked", async || {
        let path = format!("/api/v1/instances/{id}/state");
        let state = account.client.get(&path).await;
        (state.data()["providerState"] == "close").then_some(())
    })
    .await;
    // Who asks for a code and names no number takes the phone that scans it.
    code(stack, instance, None).await;
    stack.scan(&instance.session, "33699999999").await;
    account.wait_status(stack, instance.id, "connected").await;
    assert_eq!(number().await, "+33699999999");
    assert_eq!(stack.told("instance.disconnected", &id).await, 1);
}

/// Row 15: the gateway has shown its last QR code.
///
/// The instance is disconnected again, and connecting on demand starts over.
#[tokio::test(flavor = "multi_thread")]
async fn row_15_after_the_last_code_connecting_starts_over() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.instance(&stack).await;
    code(&stack, &instance, None).await;
    account.wait_status(&stack, instance.id, "connecting").await;
    stack.phone(&instance, "qr-limit", json!({})).await;
    account
        .wait_status(&stack, instance.id, "disconnected")
        .await;
    account.link(&stack, &instance, "33611112222").await;
    assert_eq!(
        stack
            .told("instance.disconnected", &instance.id.to_string())
            .await,
        0
    );
}
