//! Sessions that cannot be removed, cannot be made, or are gone.

use blackbox::{Stack, eventually};
use msgflash_kernel::{Actor, Secret};
use msgflash_messaging::provider::{NewSession, Pairing};
use serde_json::{Value, json};

use crate::lifecycle::scene::Scene;

/// How the gateway answered the requests to a path, in order.
async fn answers(stack: &Stack, path: &str) -> Vec<u64> {
    let asked = stack.asked(path).await;
    asked
        .iter()
        .filter_map(|it| it["status"].as_u64())
        .collect()
}

/// Row 16: on a dead socket a delete answers 400 `[object Object]`, and the session stays.
///
/// It is restarted and deleted again.
#[tokio::test(flavor = "multi_thread")]
async fn row_16_a_session_with_a_dead_socket_is_restarted_and_deleted() {
    let scene = Scene::new().await;
    scene.stack.phone(&scene.instance, "dead", json!({})).await;
    let provider = &scene.stack.server().backend().provider;
    let deleted = provider.delete(&scene.instance.session).await;
    assert_eq!(deleted, Ok(()));
    let tries = answers(&scene.stack, "instance/delete").await;
    assert_eq!((tries.first(), tries.last()), (Some(&400), Some(&200)));
    assert_eq!(answers(&scene.stack, "instance/restart").await, [200]);
    let stored = provider.fetch(&scene.instance.session).await;
    assert_eq!(stored, Ok(None));
}

/// Row 17, right after a delete: the name stays taken and a create answers 403.
///
/// The create is repeated until the name is free.
#[tokio::test(flavor = "multi_thread")]
async fn row_17_a_name_that_was_just_deleted_is_taken_again_when_it_is_free() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.instance(&stack).await;
    let fault = json!({ "fault": "delete_lingers", "ms": 700, "times": 1 });
    stack.fault(fault).await;
    let provider = &stack.server().backend().provider;
    assert_eq!(provider.delete(&instance.session).await, Ok(()));
    let again = NewSession {
        session: instance.session.clone(),
        webhook_url: format!("{}/provider/evolution/{}", stack.base, instance.session),
        webhook_secret: Secret::new(instance.webhook_secret.reveal().clone()),
    };
    assert_eq!(provider.create(&again).await, Ok(()));
    let creates = answers(&stack, "instance/create").await;
    assert!(creates.contains(&403), "{creates:?}");
    assert_eq!(creates.last(), Some(&201));
}

/// Row 17, two creates of one name at once: at the gateway the loser takes the winner down.
///
/// They are made one after the other here, and a race lost against somebody else is made good.
#[tokio::test(flavor = "multi_thread")]
async fn row_17_creates_at_once_end_with_one_session() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.instance(&stack).await;
    let backend = stack.server().backend();
    assert_eq!(backend.provider.delete(&instance.session).await, Ok(()));
    let fault = json!({ "fault": "create_race", "times": 1 });
    stack.fault(fault).await;
    let actor = Actor::owner_of(instance.account);
    let connect = || backend.provision.connect(&actor, instance.id, None);
    let (one, two, three) = tokio::join!(connect(), connect(), connect());
    for pairing in [one, two, three] {
        let pairing = pairing.expect("the gateway answers");
        assert!(!matches!(pairing, Pairing::AlreadyOpen), "{pairing:?}");
    }
    // The first of all belongs to the making of the instance.
    let creates = answers(&stack, "instance/create").await;
    let made = creates.iter().filter(|status| **status == 201).count();
    assert_eq!((made, creates.contains(&400)), (2, true), "{creates:?}");
    account.link(&stack, &instance, "33611112222").await;
}

/// Row 18, 404: the gateway does not have a session any more that was linked.
///
/// The instance is marked, the user told, the operator alarmed, its message failed and not lost.
#[tokio::test(flavor = "multi_thread")]
async fn row_18_a_session_that_is_gone_is_marked_and_told() {
    let scene = Scene::new().await;
    let before = scene.stack.alarms("session_lost").await;
    let session = &scene.instance.session;
    let fault = json!({ "fault": "instance_gone", "instance": session });
    scene.stack.fault(fault).await;
    let id = scene.text("+33612345678").await;
    scene
        .account
        .wait_status(&scene.stack, scene.instance.id, "disconnected")
        .await;
    eventually("the operator hears of it", async || {
        (scene.stack.alarms("session_lost").await > before).then_some(())
    })
    .await;
    let failed = scene.wait(&id, "failed").await;
    assert_eq!(failed["meta"]["code"], "INSTANCE_NOT_CONNECTED");
    let name = scene.instance.id.to_string();
    assert_eq!(scene.stack.told("instance.disconnected", &name).await, 1);
    assert!(scene.stack.received_by("+33612345678").await.is_empty());
    scene.assert_ledger(0, 1).await;
}

/// Row 18, 401: the gateway refuses a key that was good.
///
/// The operator is alarmed at once. A key can be mended, so the link is waited for like one that
/// broke, then lost and told; when the key is good again, so is the link, without a new scan.
#[tokio::test(flavor = "multi_thread")]
async fn row_18_a_key_that_is_refused_is_told_and_healed_without_a_scan() {
    let scene = Scene::with(&[("reconnect_patience_seconds", "1")]).await;
    let refused = scene.stack.alarms("key_refused").await;
    let lost = scene.stack.alarms("connection_lost").await;
    let session = &scene.instance.session;
    let fault = json!({ "fault": "unauthorized", "instance": session });
    scene.stack.fault(fault).await;
    let id = scene.text("+33612345678").await;
    eventually("the operator hears of the key", async || {
        (scene.stack.alarms("key_refused").await > refused).then_some(())
    })
    .await;
    eventually("the operator hears of the link", async || {
        (scene.stack.alarms("connection_lost").await > lost).then_some(())
    })
    .await;
    let failed = scene.wait(&id, "failed").await;
    assert_eq!(failed["meta"]["code"], "INSTANCE_NOT_CONNECTED");
    assert_eq!(failed["providerMessageId"], Value::Null);
    let name = scene.instance.id.to_string();
    assert_eq!(scene.stack.told("instance.disconnected", &name).await, 1);
    scene.stack.heal().await;
    scene
        .account
        .wait_status(&scene.stack, scene.instance.id, "connected")
        .await;
    scene.flush().await;
    scene.assert_ledger(1, 1).await;
}
