//! Equal requests.

use blackbox::eventually;
use serde_json::json;

use super::{STATUSES, Scene};

#[tokio::test(flavor = "multi_thread")]
async fn equal_requests_are_one_status_and_one_answer() {
    let scene = Scene::new().await;
    // The call takes a while, so that the others find it under way.
    scene.stack.switch(json!({ "timeScale": 1.0 })).await;
    let client = scene.account.client.header("idempotency-key", "spring");
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let (client, body) = (client.clone(), scene.text("Hi"));
        calls.spawn(async move { client.post(STATUSES, &body).await });
    }
    let replies = calls.join_all().await;
    assert!(replies.iter().all(|it| it.status == 201), "{replies:?}");
    let is_first = |it: &&blackbox::Reply| it.header("idempotent-replayed").is_empty();
    assert_eq!(replies.iter().filter(is_first).count(), 1);
    assert!(replies.iter().all(|it| it.text == replies[0].text));
    assert_eq!(scene.published().await.len(), 1);
    scene.assert_ledger(1, 0, 0).await;

    let other = client.post(STATUSES, &scene.text("Ho")).await;
    assert_eq!(other.outcome(), (409, "CONFLICT"));
    // Whatever has changed since.
    let gone = "UPDATE instances SET status = 'suspended'";
    scene.stack.sql(gone, &[]).await;
    let lack = "UPDATE plans SET feature_statuses = false";
    scene.stack.sql(lack, &[]).await;
    let again = client.post(STATUSES, &scene.text("Hi")).await;
    assert_eq!(again.text, replies[0].text);
    assert_eq!(again.header("idempotent-replayed"), "true");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_outcome_is_unknown_is_not_published_again() {
    let scene = Scene::with(&[("send_timeout_seconds", "1")]).await;
    let fault = json!({ "fault": "cut_connection_but_sent", "times": 1 });
    scene.stack.fault(fault).await;
    let client = scene.account.client.header("idempotency-key", "spring");
    let unknown = client.post(STATUSES, &scene.text("Hi")).await;
    assert_eq!(unknown.outcome(), (502, "PROVIDER_TIMEOUT"));
    // Nobody looks yet: an equal request waits in vain, and is told to come again.
    let later = "UPDATE statuses SET look_at = now() + interval '1 hour'";
    scene.stack.sql(later, &[]).await;
    let busy = client.post(STATUSES, &scene.text("Hi")).await;
    assert_eq!(busy.outcome(), (409, "CONFLICT"));
    assert!(!busy.header("retry-after").is_empty());
    scene.hurry().await;
    let answer = eventually("it was found", async || {
        let reply = client.post(STATUSES, &scene.text("Hi")).await;
        (reply.status == 201).then_some(reply)
    })
    .await;
    assert_eq!(answer.header("idempotent-replayed"), "true");
    let left = scene.published().await;
    assert_eq!(left.len(), 1);
    assert_eq!(answer.data()["providerMessageId"], left[0]["keyId"]);
    scene.assert_ledger(1, 0, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_success_is_kept() {
    let scene = Scene::new().await;
    let client = scene.account.client.header("idempotency-key", "spring");
    let fault = json!({ "fault": "connection_closed", "times": 1 });
    scene.stack.fault(fault).await;
    let failed = client.post(STATUSES, &scene.text("Hi")).await;
    assert_eq!(failed.outcome(), (502, "PROVIDER_UNAVAILABLE"));
    let done = client.post(STATUSES, &scene.text("Hi")).await;
    assert_eq!(done.status, 201, "{done:?}");
    assert_eq!(scene.published().await.len(), 1);
    scene.assert_ledger(1, 0, 1).await;
    let odd = scene.account.client.header("idempotency-key", "é");
    let odd = odd.post(STATUSES, &json!({})).await;
    assert_eq!(odd.fields()[0], "Idempotency-Key");
}
