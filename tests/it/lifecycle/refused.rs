//! Messages that will never be sent.

use serde_json::json;

use super::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn a_number_without_whatsapp_fails_at_once_and_costs_nothing() {
    let scene = Scene::new().await;
    let id = scene.text("+15550100010").await;
    let failed = scene.wait(&id, "failed").await;
    assert_eq!(failed["meta"]["code"], "INVALID_DESTINATION");
    assert!(
        failed["error"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
    assert_eq!(failed["providerMessageId"], serde_json::Value::Null);
    assert!(scene.stack.received_by("+15550100010").await.is_empty());
    assert_eq!(scene.told(&id).await, [0, 0, 0, 1]);
    scene.assert_ledger(0, 1).await;
    assert_eq!(scene.account.usage().await["messagesCount"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_was_never_linked_fails_what_it_is_given() {
    let scene = Scene::new().await;
    let unlinked = scene.account.instance(&scene.stack).await;
    let id = scene
        .account
        .client
        .text(&unlinked, "+33612345678", "Hello")
        .await;
    let failed = scene.wait(&id, "failed").await;
    assert_eq!(failed["meta"]["code"], "INSTANCE_NOT_CONNECTED");
    assert_eq!(scene.told(&id).await, [0, 0, 0, 1]);
    scene.assert_ledger(0, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_refusal_does_not_hold_up_the_next_message() {
    let scene = Scene::new().await;
    let bad = scene.text("+15550100010").await;
    let good = scene.text("+33612345678").await;
    scene.wait(&good, "read").await;
    scene.wait(&bad, "failed").await;
    scene.assert_ledger(1, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatsapp_may_refuse_later_and_the_quota_stays_used() {
    let scene = Scene::new().await;
    let id = scene.text("+15550100006").await;
    let failed = scene.wait(&id, "failed").await;
    assert_eq!(failed["meta"]["code"], "PROVIDER_ERROR");
    assert!(failed["providerMessageId"].is_string(), "{failed}");
    assert_eq!(scene.told(&id).await, [1, 0, 0, 1]);
    scene.assert_ledger(1, 0).await;
    assert_eq!(scene.account.usage().await["messagesCount"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passing_trouble_with_one_message_is_tried_again() {
    let scene = Scene::new().await;
    let once = json!({ "fault": "media_upload_failed", "number": "33612345678", "times": 1 });
    scene.stack.fault(once).await;
    let body = json!({
        "instanceId": scene.instance.id.to_string(), "to": "+33612345678", "type": "image",
        "mediaUrl": "https://files.example.com/a.jpg",
    });
    let id = blackbox::id_of(&scene.account.client.send(&body).await);
    // It waits for its second try and holds up nobody.
    scene.flush().await;
    assert_eq!(scene.account.client.message(&id).await["status"], "queued");
    scene.wait(&id, "read").await;
    assert_eq!(scene.stack.received_by("+33612345678").await.len(), 1);
    scene.assert_ledger(2, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_refusal_tells_what_the_gateway_said() {
    let scene = Scene::new().await;
    for number in ["+15550100010", "+15550100006"] {
        let id = scene.text(number).await;
        let failed = scene.wait(&id, "failed").await;
        // Ids and times have digits of their own.
        let failed = format!("{} {}", failed["error"], failed["meta"]).to_lowercase();
        for word in [
            "exists",
            "evolution",
            "400",
            "whatsapp.net",
            "jid",
            "apikey",
        ] {
            assert!(!failed.contains(word), "{word}: {failed}");
        }
    }
}
