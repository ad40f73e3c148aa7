//! Sending once more what failed for a passing reason.

use super::*;

/// Takes a message and refuses it afterwards.
const TAKEN: &str = "+15550100006";
/// Has no WhatsApp.
const NOBODY: &str = "+15550100010";
/// Takes no message.
const BROKEN: &str = "+15550100063";

#[tokio::test(flavor = "multi_thread")]
async fn exactly_those_who_failed_for_a_passing_reason_are_written_to_once_more() {
    let scene = Scene::new(5).await;
    let client = &scene.account.client;
    client.contact("No WhatsApp", 15_550_100_010).await;
    client.contact("Broken for now", 15_550_100_063).await;
    client.contact("Refused afterwards", 15_550_100_006).await;
    let id = scene.create(&scene.body()).await;
    let early = scene.tell(&id, "retry-failed").await;
    assert_eq!(early.outcome(), (400, "BAD_REQUEST"), "it has not ended");
    let key: Uuid = id.parse().expect("an id");
    eventually("it has ended", async || {
        // What is tried again later is tried now.
        let now = "UPDATE queue SET not_before = now() WHERE campaign_id = $1 AND state = 1";
        scene.stack.sql(now, &[&key]).await;
        let campaign = scene.campaign(&id).await;
        let has_failed = campaign["stats"]["failed"] == 3;
        (has_failed && campaign["status"] == "completed").then_some(())
    })
    .await;
    scene.require_exact(&id).await;
    let failed = scene.recipients(&id, "failed").await;
    let codes = [
        (TAKEN, "PROVIDER_ERROR"),
        (NOBODY, "INVALID_DESTINATION"),
        (BROKEN, "PROVIDER_ERROR"),
    ];
    let codes = codes.map(|(phone, code)| (phone.to_owned(), json!(code)));
    assert_eq!(failed, BTreeMap::from(codes));
    require_taken_alone_has_an_id(&scene, &id).await;
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
    assert_eq!((number(&stats, "planned"), number(&stats, "sent")), (1, 1));
    let written = scene.recipients(&second, "failed").await;
    assert!(written.is_empty(), "{written:?}");
    assert_eq!(scene.require_once().await, before + 1);
    let reached = scene.reached().await;
    assert_eq!(reached.get(&BROKEN[1..]), Some(&1));
    assert_eq!(reached.get(&TAKEN[1..]), Some(&1), "no second copy");
    assert_eq!(reached.get(&NOBODY[1..]), None);
    let nothing = scene.tell(&second, "retry-failed").await;
    assert_eq!(nothing.outcome(), (400, "BAD_REQUEST"), "nobody failed");
    // The old one stays as it was.
    assert_eq!(scene.require_exact(&id).await["failed"], failed.len());
}

/// Of those who failed WhatsApp had accepted one message: it might have been seen.
async fn require_taken_alone_has_an_id(scene: &Scene, id: &str) {
    let client = &scene.account.client;
    let path = format!("{CAMPAIGNS}/{id}/recipients?status=failed");
    let page = client.page(&path).await;
    for line in page["recipients"].as_array().expect("a list") {
        let message = line["messageId"].as_str().expect("an id");
        let message = client.message(message).await;
        let was_taken = message["providerMessageId"].is_string();
        assert_eq!(was_taken, line["phone"] == TAKEN, "{message}");
    }
}
