//! Sending once more what failed for a passing reason.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn exactly_those_who_failed_for_a_passing_reason_are_written_to_once_more() {
    let scene = Scene::new(5).await;
    let client = &scene.account.client;
    client.contact("No WhatsApp", 15_550_100_010).await;
    client.contact("Broken for now", 15_550_100_063).await;
    let id = scene.create(&scene.body()).await;
    let early = scene.tell(&id, "retry-failed").await;
    assert_eq!(early.outcome(), (400, "BAD_REQUEST"), "it has not ended");
    let key: Uuid = id.parse().expect("an id");
    eventually("it has ended", async || {
        // What is tried again later is tried now.
        let now = "UPDATE queue SET not_before = now() WHERE campaign_id = $1 AND state = 1";
        scene.stack.sql(now, &[&key]).await;
        (scene.campaign(&id).await["status"] == "completed").then_some(())
    })
    .await;
    let stats = scene.require_exact(&id).await;
    let failed = scene.recipients(&id, "failed").await;
    assert_eq!(failed["+15550100010"], "INVALID_DESTINATION");
    let passing: Vec<_> = failed
        .iter()
        .filter(|(_, code)| **code == "PROVIDER_ERROR")
        .collect();
    assert_eq!(
        passing.len() as u64 + 1,
        number(&stats, "failed"),
        "{failed:?}"
    );
    assert!(!passing.is_empty(), "{failed:?}");
    let before = scene.require_once().await;
    // The trouble is over.
    scene.stack.switch(json!({ "specialNumbers": false })).await;
    let again = scene.tell(&id, "retry-failed").await;
    assert_eq!(again.status, 201, "{again:?}");
    assert_eq!(again.data()["retryOf"], json!(id));
    let second = id_of(again.data());
    assert_ne!(second, id);
    let refused = scene.tell(&id, "retry-failed").await;
    assert_eq!(refused.outcome(), (409, "CONFLICT"));
    scene.wait(&second, "completed").await;
    let stats = scene.require_exact(&second).await;
    assert_eq!(number(&stats, "planned"), passing.len() as u64);
    assert_eq!(number(&stats, "sent"), passing.len() as u64);
    assert_eq!(scene.require_once().await, before + passing.len());
    assert!(!scene.reached().await.contains_key("15550100010"));
    let nothing = scene.tell(&second, "retry-failed").await;
    assert_eq!(nothing.outcome(), (400, "BAD_REQUEST"), "nobody failed");
    // The old one stays as it was.
    assert_eq!(scene.require_exact(&id).await["failed"], failed.len());
}
