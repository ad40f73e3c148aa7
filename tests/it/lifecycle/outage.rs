//! The gateway is away: nothing is lost, nothing is sent twice, order is kept.

use blackbox::{Stack, Tap, eventually};
use serde_json::{Value, json};

use super::scene::Scene;

/// The texts a number received, in the order in which they left.
async fn texts(stack: &Stack, number: &str) -> Vec<String> {
    let received = stack.received_by(number).await;
    received
        .iter()
        .filter_map(|it| it["text"].as_str().map(str::to_owned))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_wait_for_a_gateway_that_says_it_cannot_serve() {
    let scene = Scene::new().await;
    scene
        .stack
        .fault(json!({ "fault": "license_required" }))
        .await;
    let client = &scene.account.client;
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(
            client
                .text(&scene.instance, "+33612345678", &format!("{n}"))
                .await,
        );
    }
    eventually("a call is refused", async || {
        let path = "/simulator/requests?path=sendText";
        let url = scene.stack.simulator.url();
        let calls = blackbox::Client::new(&url, None).get(path).await.json;
        calls
            .as_array()
            .is_some_and(|calls| !calls.is_empty())
            .then_some(())
    })
    .await;
    for id in &ids {
        assert_eq!(client.message(id).await["status"], "queued");
    }
    assert!(scene.stack.received_by("+33612345678").await.is_empty());
    scene.stack.heal().await;
    for id in &ids {
        scene.wait(id, "read").await;
    }
    assert_eq!(
        texts(&scene.stack, "+33612345678").await,
        ["0", "1", "2", "3"]
    );
    scene.assert_ledger(4, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_wait_for_a_gateway_that_cannot_be_reached() {
    let mut tap = Tap::new().await;
    let stack = Stack::with(&[("evolution_url", &tap.url())]).await;
    tap.open(&stack.simulator.url()).await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    tap.shut().await;
    eventually("the way is shut", async || {
        stack
            .server()
            .backend()
            .provider
            .version()
            .await
            .is_err()
            .then_some(())
    })
    .await;
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(
            account
                .client
                .text(&instance, "+33612345678", &format!("{n}"))
                .await,
        );
    }
    eventually("the lane knows that nothing can leave", async || {
        let held = "SELECT count(*) FROM lanes WHERE down_since IS NOT NULL";
        (stack.count(held, &[]).await == 1).then_some(())
    })
    .await;
    for id in &ids {
        assert_eq!(account.client.message(id).await["status"], "queued");
    }
    tap.open(&stack.simulator.url()).await;
    for id in &ids {
        account.client.wait_message(id, "read").await;
    }
    assert_eq!(texts(&stack, "+33612345678").await, ["0", "1", "2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_stays_away_fails_a_single_message() {
    let scene = Scene::with(&[("gateway_patience_seconds", "1")]).await;
    scene
        .stack
        .fault(json!({ "fault": "license_required" }))
        .await;
    let id = scene.text("+33612345678").await;
    let failed = scene.wait(&id, "failed").await;
    assert_eq!(failed["meta"]["code"], "PROVIDER_UNAVAILABLE");
    assert_eq!(failed["providerMessageId"], Value::Null);
    assert_eq!(scene.told(&id).await, [0, 0, 0, 1]);
    scene.assert_ledger(0, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_in_trouble_holds_up_no_other() {
    let scene = Scene::new().await;
    let other = scene.account.instance(&scene.stack).await;
    scene
        .account
        .link(&scene.stack, &other, "33622223333")
        .await;
    let only = json!({ "fault": "license_required", "instance": scene.instance.session });
    scene.stack.fault(only).await;
    let held = scene.text("+33612345678").await;
    let free = scene
        .account
        .client
        .text(&other, "+33612345678", "Free")
        .await;
    scene.wait(&free, "read").await;
    assert_eq!(
        scene.account.client.message(&held).await["status"],
        "queued"
    );
    scene.stack.heal().await;
    scene.wait(&held, "read").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn singles_go_before_scheduled_ones_and_each_in_order() {
    let scene = Scene::new().await;
    scene
        .stack
        .fault(json!({ "fault": "license_required" }))
        .await;
    let client = &scene.account.client;
    let (instance, to) = (&scene.instance, "+33612345678");
    let mut ids = Vec::new();
    for n in 0..2 {
        let body = blackbox::text(instance, to, &format!("scheduled {n}"));
        let at = format!("2020-01-01T00:00:0{}Z", 1 - n);
        ids.push(blackbox::id_of(&client.schedule(&body, &at).await));
    }
    for n in 0..3 {
        ids.push(client.text(instance, to, &format!("single {n}")).await);
    }
    scene.stack.heal().await;
    for id in &ids {
        scene.wait(id, "read").await;
    }
    let order = texts(&scene.stack, to).await;
    let singles: Vec<_> = order
        .iter()
        .filter(|text| text.starts_with("single"))
        .collect();
    assert_eq!(singles, ["single 0", "single 1", "single 2"]);
    assert_eq!(order.len(), 5, "{order:?}");
}
