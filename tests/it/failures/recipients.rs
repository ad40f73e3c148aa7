//! Recipients without WhatsApp, with another address, and with phones that show no buttons.

use serde_json::json;

use crate::lifecycle::scene::Scene;

/// Row 10, `exists: false`.
///
/// The recipient is invalid: the message fails at once, costs nothing, and is not tried again.
#[tokio::test(flavor = "multi_thread")]
async fn row_10_a_number_without_whatsapp_is_an_invalid_recipient() {
    let scene = Scene::new().await;
    let id = scene.text("+15550100010").await;
    let failed = scene.wait(&id, "failed").await;
    assert_eq!(failed["meta"]["code"], "INVALID_DESTINATION");
    assert_eq!(scene.stack.asked("sendText").await.len(), 1);
    assert_eq!(scene.told(&id).await, [0, 0, 0, 1]);
    scene.assert_ledger(0, 1).await;
}

/// Row 10, `exists: true` under another address.
///
/// It is the same message to the number that was asked for; its receipts find it by id.
#[tokio::test(flavor = "multi_thread")]
async fn row_10_a_number_under_another_address_is_the_same_recipient() {
    let scene = Scene::new().await;
    let id = scene.text("+15550100060").await;
    let read = scene.wait(&id, "read").await;
    assert_eq!(read["to"], "+15550100060");
    let left = scene.stack.received_by("+155501000609").await;
    assert_eq!(left.len(), 1, "the other address");
    assert_eq!(read["providerMessageId"], left[0]["keyId"]);
    scene.assert_ledger(1, 0).await;
}

/// Row 10, `exists: true` under another address, when the answer of the call is lost.
///
/// The look-up asks for that address too: it is found there and not sent again, although the gateway
/// provably shows everything else.
#[tokio::test(flavor = "multi_thread")]
async fn row_10_a_lost_answer_is_found_under_the_other_address() {
    let scene = Scene::with(&[("unknown_patience_seconds", "8")]).await;
    scene.flush().await;
    scene.be_silent().await;
    let session = &scene.instance.session;
    let fault = json!({ "fault": "cut_connection_but_sent", "instance": session });
    scene.stack.fault(fault).await;
    let id = scene.text("+15550100060").await;
    scene.wait(&id, "sent").await;
    assert_eq!(scene.stack.received_by("+155501000609").await.len(), 1);
    assert_eq!(scene.told(&id).await, [1, 0, 0, 0]);
}

/// Row 10, `exists: true` under another address, when that person answers.
///
/// The answer comes from the other address, and belongs to the number that was written to.
#[tokio::test(flavor = "multi_thread")]
async fn row_10_an_answer_from_the_other_address_comes_from_the_same_person() {
    let scene = Scene::new().await;
    let id = scene.text("+15550100060").await;
    scene.wait(&id, "read").await;
    let answer = json!({ "from": "155501000609", "text": "It is me" });
    scene.stack.phone(&scene.instance, "inbound", answer).await;
    let inbound = scene.account.client.wait_inbound("It is me").await;
    assert_eq!(inbound["from"], "+15550100060");
}

/// Row 22: buttons are answered with 201 and shown on no phone.
///
/// So they go out as numbered text, which arrives; natively only where somebody asked for it, and
/// then the silence is not mistaken for a failure.
#[tokio::test(flavor = "multi_thread")]
async fn row_22_buttons_go_out_as_text_that_arrives() {
    let scene = Scene::new().await;
    let body = json!({
        "instanceId": scene.instance.id.to_string(), "to": "+15550100022", "type": "buttons",
        "title": "Appointment", "description": "Can you come?",
        "buttons": [{ "type": "reply", "displayText": "Yes", "id": "yes" }],
    });
    let id = blackbox::id_of(&scene.account.client.send(&body).await);
    scene.wait(&id, "read").await;
    let left = scene.stack.received_by("+15550100022").await;
    assert_eq!(left[0]["type"], "conversation");

    let native = "UPDATE instances SET native_buttons = true WHERE id = $1";
    scene.stack.sql(native, &[&scene.instance.id.uuid()]).await;
    let id = blackbox::id_of(&scene.account.client.send(&body).await);
    scene.wait(&id, "sent").await;
    scene.flush().await;
    assert_eq!(scene.account.client.message(&id).await["status"], "sent");
    assert_eq!(scene.told(&id).await, [1, 0, 0, 0]);
}
