//! Equal requests make one campaign.

use blackbox::id_of;
use serde_json::{Value, json};

use super::{CAMPAIGNS, Scene, number, path, with};

#[tokio::test(flavor = "multi_thread")]
async fn twenty_equal_requests_at_once_are_one_campaign_and_one_answer() {
    let scene = Scene::new(1).await;
    let client = scene.client().header("Idempotency-Key", "april");
    let body = scene.text();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (client, body) = (client.clone(), body.clone());
        calls.spawn(async move { client.post(CAMPAIGNS, &body).await });
    }
    let replies = calls.join_all().await;
    for reply in &replies {
        assert_eq!((reply.status, &reply.text), (201, &replies[0].text));
    }
    let replayed = replies
        .iter()
        .filter(|it| it.header("idempotent-replayed") == "true");
    assert_eq!(replayed.count(), 19);
    let id = id_of(replies[0].data());
    scene.wait(&id, "completed").await;
    let again = client.post(CAMPAIGNS, &body).await;
    assert_eq!(again.text, replies[0].text, "whatever became of it");
    let other = with(&body, json!({ "name": "Another" }));
    assert_eq!(
        client.post(CAMPAIGNS, &other).await.outcome(),
        (409, "CONFLICT")
    );
    assert_eq!(scene.stored().await, 1);
    assert_eq!(scene.stack.received_by(&number(0)).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_takes_no_key_and_gives_no_answer_back() {
    let scene = Scene::new(1).await;
    let client = scene.client().header("Idempotency-Key", "may");
    let dry = format!("{CAMPAIGNS}?dryRun=true");
    let body = scene.tomorrow();
    let shown = client.post(&dry, &body).await;
    assert_eq!((shown.status, &shown.data()["dryRun"]), (200, &json!(true)));
    let made = client.post(CAMPAIGNS, &body).await;
    assert_eq!(made.status, 201, "the key is still free: {made:?}");
    let shown = client.post(&dry, &body).await;
    assert_eq!(
        (shown.status, shown.header("idempotent-replayed")),
        (200, "")
    );
    // Nor is a refusal answered by what was accepted before, or the key looked at.
    let lack = "UPDATE plans SET feature_campaigns = false";
    scene.stack.sql(lack, &[]).await;
    assert_eq!(client.post(&dry, &body).await.status, 403);
    assert_eq!(client.post(CAMPAIGNS, &body).await.text, made.text);
    let malformed = scene.client().header("Idempotency-Key", "");
    assert_eq!(malformed.post(&dry, &body).await.status, 403);
    assert_eq!(scene.stored().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_is_made_once_per_key_and_once_at_all() {
    let scene = Scene::new(1).await;
    let id = failed(&scene).await;
    let retry = path(&id, "retry-failed");
    let client = scene.client().header("Idempotency-Key", "again");
    let made = client.post_empty(&retry).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.data()["retryOf"], id.as_str());
    assert_eq!(client.post_empty(&retry).await.text, made.text);
    let second = scene.client().post_empty(&retry).await;
    assert_eq!(second.outcome(), (409, "CONFLICT"));
    scene.wait(&id_of(made.data()), "completed").await;
    assert_eq!(scene.stack.received_by(&number(0)).await.len(), 2);
}

/// An ended campaign whose only message is marked as failed for a passing reason, and never accepted: the
/// three tries that lead there take a minute.
pub(super) async fn failed(scene: &Scene) -> String {
    failed_of(scene, &scene.text()).await
}

/// The same with a campaign of one's own for one person.
pub(super) async fn failed_of(scene: &Scene, body: &Value) -> String {
    let id = id_of(&scene.made(body).await);
    blackbox::eventually("it was read", async || {
        let read = scene.read(&id).await;
        (read["status"] == "completed" && read["stats"]["read"] == 1).then_some(())
    })
    .await;
    let campaign: uuid::Uuid = id.parse().expect("an id");
    for change in [
        "UPDATE messages SET status = 4, provider_message_id = NULL, \
           meta = '{\"code\": \"PROVIDER_ERROR\"}' WHERE campaign_id = $1",
        "UPDATE campaign_counters SET sent = 0, delivered = 0, read = 0, failed = 1 \
         WHERE campaign_id = $1",
    ] {
        assert_eq!(scene.stack.sql(change, &[&campaign]).await, 1);
    }
    id
}
