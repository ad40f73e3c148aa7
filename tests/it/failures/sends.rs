//! Sends whose answer is missing, late or wrong.

use blackbox::eventually;
use serde_json::json;

use crate::lifecycle::scene::Scene;

/// Row 1, nothing left: the gateway answers 400 `Timed Out`.
///
/// The outcome is looked up; nothing is found, so the message fails honestly. It is called once and
/// its reservation is given back.
#[tokio::test(flavor = "multi_thread")]
async fn row_01_a_time_out_without_a_message_is_looked_up_and_not_repeated() {
    let scene = Scene::with(&[("unknown_patience_seconds", "1")]).await;
    let id = scene.text("+15550100001").await;
    let failed = scene.wait(&id, "failed").await;
    assert_eq!(failed["meta"]["code"], "PROVIDER_TIMEOUT");
    assert_eq!(scene.stack.asked("sendText").await.len(), 1);
    assert!(!scene.stack.asked("findMessages").await.is_empty());
    assert!(scene.stack.received_by("+15550100001").await.is_empty());
    scene.assert_ledger(0, 1).await;
}

/// Row 1, nothing left as far as anybody could say, and its event comes after all.
///
/// The message stays failed, as it was told, and says that it left.
#[tokio::test(flavor = "multi_thread")]
async fn row_01_a_proof_that_comes_too_late_is_noted() {
    let scene = Scene::with(&[("unknown_patience_seconds", "1")]).await;
    let id = scene.text("+15550100001").await;
    scene.wait(&id, "failed").await;
    let event = json!({
        "event": "send.message", "instance": scene.instance.session,
        "data": {
            "key": { "remoteJid": "15550100001@s.whatsapp.net", "fromMe": true, "id": "3EB0LATE" },
            "message": { "conversation": "Hello" }, "messageType": "conversation",
            "messageTimestamp": 1_780_000_000,
        },
    });
    let path = format!("/provider/evolution/{}", scene.instance.session);
    let secret = format!("Bearer {}", scene.instance.webhook_secret.reveal());
    let gateway = scene.stack.anonymous().header("Authorization", &secret);
    assert_eq!(gateway.post(&path, &event).await.status, 200);
    let message = eventually("the proof is noted", async || {
        let message = scene.account.client.message(&id).await;
        message["meta"]["lateProof"].is_object().then_some(message)
    })
    .await;
    assert_eq!(message["status"], "failed");
    assert_eq!(
        message["meta"]["lateProof"]["providerMessageId"],
        "3EB0LATE"
    );
    assert_eq!(scene.told(&id).await, [0, 0, 0, 1]);
    scene.assert_ledger(0, 1).await;
}

/// Row 1, the variant: 400 `Timed Out`, but the message left.
///
/// The look-up finds it: one message, sent, with the gateway's id; never a second call.
#[tokio::test(flavor = "multi_thread")]
async fn row_01_a_time_out_with_a_message_is_found_and_counts_as_sent() {
    let scene = Scene::new().await;
    let id = scene.text("+15550100051").await;
    let read = scene.wait(&id, "read").await;
    let received = scene.stack.received_by("+15550100051").await;
    assert_eq!(received.len(), 1);
    assert_eq!(read["providerMessageId"], received[0]["keyId"]);
    assert_eq!(scene.stack.asked("sendText").await.len(), 1);
    scene.assert_ledger(1, 0).await;
}

/// Row 2: the send never answers; `SEND_MESSAGE` and the acks come all the same.
///
/// The event settles it long before the limit on a send (90 s) ends.
#[tokio::test(flavor = "multi_thread")]
async fn row_02_a_send_without_answer_is_sent_as_its_events_say() {
    let scene = Scene::new().await;
    let id = scene.text("+15550100002").await;
    let read = scene.wait(&id, "read").await;
    let received = scene.stack.received_by("+15550100002").await;
    assert_eq!(received.len(), 1);
    assert_eq!(read["providerMessageId"], received[0]["keyId"]);
    let told = scene.told(&id).await;
    assert!(matches!(told, [1, 0 | 1, 1, 0]), "{told:?}");
    scene.assert_ledger(1, 0).await;
}

/// Row 2: the send is answered with what is no answer, and the message left.
///
/// 201 proves nothing without an id: it is looked up, found, and never sent again.
#[tokio::test(flavor = "multi_thread")]
async fn row_02_a_send_answered_with_garbage_is_looked_up() {
    let scene = Scene::new().await;
    scene.flush().await;
    scene.be_silent().await;
    let session = &scene.instance.session;
    let fault = json!({ "fault": "garbage_but_sent", "instance": session, "times": 1 });
    scene.stack.fault(fault).await;
    let id = scene.text("+33612345678").await;
    let sent = scene.wait(&id, "sent").await;
    let received = scene.stack.received_by("+33612345678").await;
    assert_eq!(received.len(), 1);
    assert_eq!(sent["providerMessageId"], received[0]["keyId"]);
    // The one before the silence is the other.
    assert_eq!(scene.stack.asked("sendText").await.len(), 2);
    scene.assert_ledger(2, 0).await;
}

/// Row 2: the send is answered with what is no answer, and nothing left.
#[tokio::test(flavor = "multi_thread")]
async fn row_02_a_send_answered_with_garbage_that_never_left_is_not_said_to_be_sent() {
    let scene = Scene::with(&[("unknown_patience_seconds", "4")]).await;
    let session = &scene.instance.session;
    let fault = json!({ "fault": "garbage", "instance": session });
    scene.stack.fault(fault).await;
    let id = scene.text("+33612345678").await;
    let failed = scene.wait(&id, "failed").await;
    assert_eq!(failed["meta"]["code"], "PROVIDER_TIMEOUT", "{failed}");
    assert!(scene.stack.received_by("+33612345678").await.is_empty());
    scene.assert_ledger(0, 1).await;
}

/// Row 2: the answer comes when nobody waits for it any more.
///
/// The message left: its events settle it, and it is called once.
#[tokio::test(flavor = "multi_thread")]
async fn row_02_a_send_answered_too_late_is_sent_as_its_events_say() {
    let scene = Scene::with(&[("send_timeout_seconds", "1")]).await;
    scene.stack.switch(json!({ "timeScale": 0.1 })).await;
    let session = &scene.instance.session;
    let fault = json!({ "fault": "answer_late", "instance": session, "times": 1, "ms": 20_000 });
    scene.stack.fault(fault).await;
    let id = scene.text("+33612345678").await;
    let read = scene.wait(&id, "read").await;
    let received = scene.stack.received_by("+33612345678").await;
    assert_eq!(received.len(), 1);
    assert_eq!(read["providerMessageId"], received[0]["keyId"]);
    assert_eq!(scene.stack.asked("sendText").await.len(), 1);
    scene.assert_ledger(1, 0).await;
}

/// Row 2: the answer comes twice on one connection.
///
/// Each message has the id of its own, also the one that is sent next.
#[tokio::test(flavor = "multi_thread")]
async fn row_02_an_answer_that_comes_twice_tells_of_one_message() {
    let scene = Scene::new().await;
    let session = &scene.instance.session;
    let fault = json!({ "fault": "answer_twice", "instance": session, "times": 1 });
    scene.stack.fault(fault).await;
    let mut ids = Vec::new();
    for n in 0..3 {
        let to = format!("+3361234560{n}");
        ids.push((scene.text(&to).await, to));
    }
    for (id, to) in &ids {
        let read = scene.wait(id, "read").await;
        let received = scene.stack.received_by(to).await;
        assert_eq!(received.len(), 1, "{to}");
        assert_eq!(read["providerMessageId"], received[0]["keyId"], "{to}");
    }
    scene.assert_ledger(3, 0).await;
}

/// Row 3: 500 `Connection Closed` for a while, under the state `open`.
///
/// The lane backs off, the instance is restarted, and when that does not help in time the operator
/// hears of it. The message waits and goes out once when the socket lives again.
#[tokio::test(flavor = "multi_thread")]
async fn row_03_a_dead_socket_is_restarted_and_told_and_nothing_is_lost() {
    let scene = Scene::with(&[("reconnect_patience_seconds", "1")]).await;
    let before = scene.stack.alarms("socket_dead").await;
    let session = &scene.instance.session;
    scene
        .stack
        .fault(json!({ "fault": "connection_closed", "instance": session }))
        .await;
    let id = scene.text("+33612345678").await;
    eventually("the operator hears of it", async || {
        (scene.stack.alarms("socket_dead").await > before).then_some(())
    })
    .await;
    assert!(!scene.stack.asked("instance/restart").await.is_empty());
    assert!(scene.stack.alarms("dead_link").await > 0);
    assert_eq!(scene.account.client.message(&id).await["status"], "queued");
    scene.stack.heal().await;
    scene.wait(&id, "read").await;
    assert_eq!(scene.stack.received_by("+33612345678").await.len(), 1);
    let told = scene.told(&id).await;
    assert!(matches!(told, [1, 0 | 1, 1, 0]), "{told:?}");
    scene.assert_ledger(1, 0).await;
}
