//! What the gateway may do with a call, and what becomes of the status.

use blackbox::eventually;
use serde_json::{Value, json};

use super::{STATUSES, Scene, asked};

const FAST: [(&str, &str); 2] = [
    ("send_timeout_seconds", "1"),
    ("unknown_patience_seconds", "1"),
];

async fn settled(scene: &Scene) -> (String, Option<String>) {
    eventually("the status is settled", async || {
        scene.hurry().await;
        let stored = scene.stored().await.pop()?;
        (stored.0 != "pending").then_some(stored)
    })
    .await
}

/// Publishes while the gateway misbehaves, and answers the code of the refusal.
async fn code_of(scene: &Scene, fault: Value) -> String {
    scene.stack.fault(fault).await;
    let reply = scene.publish(&scene.text("Hi")).await;
    assert_eq!(reply.status, 502, "{reply:?}");
    scene.stack.heal().await;
    reply.code().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_provably_did_not_leave_has_failed_at_once_and_costs_nothing() {
    let cases = [
        ("connection_closed", "PROVIDER_UNAVAILABLE"),
        ("license_required", "PROVIDER_UNAVAILABLE"),
        ("not_loaded", "PROVIDER_UNAVAILABLE"),
        ("media_upload_failed", "PROVIDER_ERROR"),
    ];
    let scene = Scene::new().await;
    for (released, (fault, code)) in (1..).zip(cases) {
        let found = code_of(&scene, json!({ "fault": fault })).await;
        assert_eq!(found, code, "{fault}");
        let stored = scene.stored().await.pop().expect("it is listed");
        assert_eq!(stored, ("failed".into(), Some(code.into())), "{fault}");
        scene.assert_ledger(0, 0, released).await;
    }
    assert!(scene.published().await.is_empty());
    // Nothing stands in the way of the next one.
    assert_eq!(scene.publish(&scene.text("Hi")).await.status, 201);
    scene.assert_ledger(1, 0, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_away_is_told() {
    let scene = Scene::new().await;
    scene.stack.control("down", json!({})).await;
    let refused = scene.publish(&scene.text("Hi")).await;
    assert_eq!(refused.outcome(), (502, "PROVIDER_UNAVAILABLE"));
    assert!(!refused.text.contains("127.0.0.1"), "{refused:?}");
    scene.assert_ledger(0, 0, 1).await;
}

/// Publishes with an answer that proves nothing, and waits for what is found out.
async fn unknown(fault: &str, left: bool) {
    let scene = Scene::with(&FAST).await;
    let fault = json!({ "fault": fault, "ms": 1 });
    assert_eq!(code_of(&scene, fault).await, "PROVIDER_TIMEOUT");
    let (state, code) = settled(&scene).await;
    let count = usize::from(left);
    assert_eq!(scene.published().await.len(), count);
    let released = i64::from(!left);
    if left {
        assert_eq!((state.as_str(), code), ("published", None));
    } else {
        assert_eq!(state, "failed");
        assert_eq!(code.as_deref(), Some("PROVIDER_TIMEOUT"));
    }
    scene.assert_ledger(i64::from(left), 0, released).await;
    assert_eq!(
        scene.account.usage().await["statusesCount"],
        i64::from(left)
    );
    assert!(asked(&scene.stack).await.len() <= 1, "never called twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_comes_is_looked_up() {
    unknown("never_answer_but_sent", true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_after_it_left_is_looked_up() {
    unknown("cut_connection_but_sent", true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_out_that_left_after_all_is_looked_up() {
    unknown("send_timeout_but_sent", true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_left_is_given_up_after_a_while() {
    unknown("never_answer", false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_connection_is_given_up_after_a_while() {
    unknown("cut_connection", false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_the_gateway_could_not_store_is_published_without_an_id() {
    let scene = Scene::new().await;
    scene
        .stack
        .fault(json!({ "fault": "database_error" }))
        .await;
    let reply = scene.publish(&scene.text("Hi")).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    assert_eq!(reply.data()["providerMessageId"], Value::Null);
    scene.assert_ledger(1, 0, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_words_are_told_apart_by_the_ids_that_are_taken() {
    let scene = Scene::with(&FAST).await;
    // One that left and is known, one that left and is not, one that never left.
    assert_eq!(scene.publish(&scene.text("Hi")).await.status, 201);
    for fault in ["cut_connection_but_sent", "cut_connection"] {
        let code = code_of(&scene, json!({ "fault": fault })).await;
        assert_eq!(code, "PROVIDER_TIMEOUT");
    }
    eventually("all are settled", async || {
        scene.hurry().await;
        let stored = scene.stored().await;
        stored.iter().all(|it| it.0 != "pending").then_some(())
    })
    .await;
    let stored = scene.stored().await;
    let published = stored.iter().filter(|it| it.0 == "published").count();
    assert_eq!((published, stored.len()), (2, 3));
    assert_eq!(scene.published().await.len(), 2);
    scene.assert_ledger(2, 0, 1).await;
    let ids = "SELECT count(DISTINCT provider_message_id) FROM statuses";
    assert_eq!(scene.stack.count(ids, &[]).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_cuts_nothing_off() {
    let scene = Scene::new().await;
    scene.stack.switch(json!({ "timeScale": 1.0 })).await;
    let client = reqwest::Client::builder()
        .timeout(std::time::Duration::from_millis(100))
        .no_proxy()
        .build()
        .expect("a client");
    let url = format!("{}{STATUSES}", scene.stack.base);
    let request = client.post(url).header("x-api-key", &scene.account.key);
    let gone = request.json(&scene.text("Hi")).send().await;
    assert!(gone.is_err_and(|it| it.is_timeout()));
    eventually("it is published", async || {
        let stored = scene.stored().await.pop()?;
        (stored.0 == "published").then_some(())
    })
    .await;
    assert_eq!(scene.published().await.len(), 1);
    scene.assert_ledger(1, 0, 0).await;
}
