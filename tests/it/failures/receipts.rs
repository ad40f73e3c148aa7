//! Receipts that come early, late, twice, out of order, under another address, or not at all.

use blackbox::eventually;
use serde_json::json;

use crate::lifecycle::scene::Scene;

/// Whether it was told as sent and as read, once each. A READ that overtakes the delivery on a busy
/// machine is told alone.
fn went_all_the_way(told: [i64; 4]) -> bool {
    matches!(told, [1, 0 | 1, 1, 0])
}

/// Sends to a special number, waits for the furthest state, and answers how often each was told.
async fn life(number: &str, furthest: &str) -> [i64; 4] {
    let scene = Scene::new().await;
    let id = scene.text(number).await;
    let message = scene.wait(&id, furthest).await;
    let received = scene.stack.received_by(number).await;
    assert_eq!(received.len(), 1);
    assert_eq!(message["providerMessageId"], received[0]["keyId"]);
    scene.told(&id).await
}

/// Row 4: acks before the HTTP answer, and before `SEND_MESSAGE`.
///
/// They are kept, and matched as soon as the id is known.
#[tokio::test(flavor = "multi_thread")]
async fn row_04_acks_that_come_too_early_are_kept_and_matched() {
    for number in ["+15550100004", "+15550100054"] {
        let told = life(number, "read").await;
        assert!(went_all_the_way(told), "{number}: {told:?}");
    }
}

/// Row 5: acks out of order, twice, READ without `DELIVERY_ACK`, `SERVER_ACK` after READ.
///
/// The state only moves forward, and each step is told once at most.
#[tokio::test(flavor = "multi_thread")]
async fn row_05_acks_in_any_order_only_move_forward() {
    assert_eq!(life("+15550100005", "read").await, [1, 0, 1, 0]);
    assert_eq!(life("+15550100056", "read").await, [1, 0, 1, 0]);
    for number in ["+15550100055", "+15550100058"] {
        let told = life(number, "read").await;
        assert!(went_all_the_way(told), "{number}: {told:?}");
    }
}

/// Row 6, once: `WhatsApp` refuses the message after the gateway took it.
///
/// The message fails, told after it was told as sent; the quota stays used.
#[tokio::test(flavor = "multi_thread")]
async fn row_06_a_refusal_afterwards_fails_the_message() {
    let scene = Scene::new().await;
    let id = scene.text("+15550100006").await;
    let failed = scene.wait(&id, "failed").await;
    assert_eq!(failed["meta"]["code"], "PROVIDER_ERROR");
    assert_eq!(scene.told(&id).await, [1, 0, 0, 1]);
    scene.assert_ledger(1, 0).await;
}

/// Row 6, on every new contact: the number is restricted.
///
/// After two refusals in a row new contacts wait, the operator hears of it, and people who wrote
/// first still get their answers.
#[tokio::test(flavor = "multi_thread")]
async fn row_06_refusals_of_every_new_contact_brake_the_number() {
    let scene = Scene::new().await;
    let session = &scene.instance.session;
    let fault = json!({ "fault": "error_ack_new_contacts", "instance": session });
    scene.stack.fault(fault).await;
    let known = json!({ "from": "33600000077", "text": "Hello?" });
    scene.stack.phone(&scene.instance, "inbound", known).await;
    scene.account.client.wait_inbound("Hello?").await;
    for number in ["+33612345601", "+33612345602"] {
        let id = scene.text(number).await;
        scene.wait(&id, "failed").await;
    }
    let braked = scene.text("+33612345603").await;
    let answer = scene.text("+33600000077").await;
    scene.wait(&answer, "read").await;
    let status = &scene.account.client.message(&braked).await["status"];
    assert_eq!(*status, "queued");
    assert!(scene.stack.received_by("+33612345603").await.is_empty());
    assert!(scene.stack.alarms("restricted").await > 0);
}

/// Row 6, when the restriction is over.
///
/// What waited goes out by itself, once.
#[tokio::test(flavor = "multi_thread")]
async fn row_06_a_restricted_number_goes_on_by_itself() {
    let scene = Scene::with(&[("restriction_seconds", "3")]).await;
    let session = &scene.instance.session;
    let fault = json!({ "fault": "error_ack_new_contacts", "instance": session });
    scene.stack.fault(fault).await;
    for number in ["+33612345601", "+33612345602"] {
        let id = scene.text(number).await;
        scene.wait(&id, "failed").await;
    }
    let braked = scene.text("+33612345603").await;
    assert!(scene.stack.alarms("restricted").await > 0);
    scene.stack.heal().await;
    scene.wait(&braked, "read").await;
    assert_eq!(scene.stack.received_by("+33612345603").await.len(), 1);
}

/// Row 7: no ack at all.
///
/// That is no failure: the message stays `sent`, and its quota used.
#[tokio::test(flavor = "multi_thread")]
async fn row_07_a_message_without_acks_stays_sent() {
    let scene = Scene::new().await;
    let id = scene.text("+15550100007").await;
    scene.wait(&id, "sent").await;
    scene.flush().await;
    assert_eq!(scene.account.client.message(&id).await["status"], "sent");
    assert_eq!(scene.told(&id).await, [1, 0, 0, 0]);
    scene.assert_ledger(2, 0).await;
}

/// Row 7, when the acks were stored by the gateway and their events were lost.
///
/// After a while the gateway is asked for them, and the message moves forward.
#[tokio::test(flavor = "multi_thread")]
async fn row_07_receipts_whose_events_were_lost_are_asked_for() {
    let scene = Scene::with(&[("unconfirmed_after_seconds", "1")]).await;
    scene.be_silent().await;
    let id = scene.text("+33612345678").await;
    eventually("the gateway has the acks", async || {
        let received = scene.stack.received_by("+33612345678").await;
        (received.first()?["acks"].as_array()?.len() == 3).then_some(())
    })
    .await;
    scene.wait(&id, "read").await;
}

/// Row 8: acks whose address is an opaque one.
///
/// They are matched by the message's id alone.
#[tokio::test(flavor = "multi_thread")]
async fn row_08_acks_under_an_opaque_address_are_matched_by_id() {
    let told = life("+15550100008", "read").await;
    assert!(went_all_the_way(told), "{told:?}");
}
