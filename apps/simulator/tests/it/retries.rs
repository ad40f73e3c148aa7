//! Which deliveries are repeated, which are not, and which are not made at all.

use reqwest::Method;
use serde_json::{Value, json};

use crate::receiver::Hook;
use crate::recording;
use crate::stage::{KEY, Stage};

/// Sends and answers the first deliveries of `SEND_MESSAGE` with these statuses.
async fn answered(stage: &mut Stage, statuses: &[u16]) -> Vec<Value> {
    stage.open_quietly("one").await;
    let webhook = json!({ "webhook": {
        "enabled": true, "url": stage.hooks.url, "events": ["SEND_MESSAGE"],
        "headers": { "jwt_key": "secret" },
    } });
    stage.post("/webhook/set/one", webhook).await;
    stage.hooks.answer(statuses);
    let key = stage.send_key("one", "33612345678").await;
    let wanted = statuses
        .iter()
        .take_while(|status| ![200, 404].contains(status))
        .count()
        + 1;
    let ours = |hook: &Hook| hook.body["data"]["key"]["id"] == *key;
    let received = stage.hooks.take(wanted, ours).await;
    received
        .iter()
        .map(|hook| json!({ "jwt": hook.header("authorization"), "text": hook.text }))
        .collect()
}

#[tokio::test]
async fn a_500_is_tried_again_with_the_same_body_and_token() {
    let mut stage = Stage::instant();
    let received = answered(&mut stage, &[500, 503, 500, 200]).await;
    assert_eq!(received.len(), 4);
    assert!(
        received
            .iter()
            .all(|one| one["text"] == received[0]["text"])
    );
    assert!(received.iter().all(|one| one["jwt"] == received[0]["jwt"]));
    let recorded = recording::read("w-72", &[]);
    assert_eq!(
        recorded["deliveries"].as_array().unwrap().len(),
        received.len()
    );
}

#[tokio::test]
async fn a_404_loses_the_event_at_once() {
    let mut stage = Stage::instant();
    answered(&mut stage, &[404, 200]).await;
    let recorded = recording::read("w-73", &[]);
    assert_eq!(recorded["deliveries"].as_array().unwrap().len(), 1);
    // Another event after it: had there been a retry without delay, it would be in the log.
    stage.send_key("one", "33612345679").await;
    let path = "/simulator/webhooks?event=send.message";
    let attempts: Vec<Value> = stage
        .get(path)
        .await
        .1
        .as_array()
        .unwrap()
        .iter()
        .map(|post| post["attempt"].clone())
        .collect();
    assert!(attempts.iter().all(|attempt| *attempt == 1), "{attempts:?}");
}

#[tokio::test]
async fn ten_attempts_are_the_end() {
    let mut stage = Stage::instant();
    let received = answered(&mut stage, &[500; 9]).await;
    assert_eq!(received.len(), 10);
}

#[tokio::test]
async fn the_waits_grow_and_scale_with_time() {
    let mut stage = Stage::with(&evolution_simulator::Options {
        time_scale: 0.005,
        ..evolution_simulator::Options::default()
    });
    stage.open_quietly("one").await;
    stage.hooks.answer(&[500, 500, 500]);
    let webhook = json!({ "webhook": {
        "enabled": true, "url": stage.hooks.url, "events": ["SEND_MESSAGE"],
    } });
    stage.post("/webhook/set/one", webhook).await;
    stage.send_key("one", "33612345678").await;
    let sent = stage
        .hooks
        .take(4, |hook| hook.event() == "send.message")
        .await;
    let at: Vec<_> = sent.iter().map(|hook| hook.at).collect();
    // 5, 10 and 20 s, twenty per cent up or down but never under 5 s, two hundred times faster.
    let waits: Vec<u128> = at
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_millis())
        .collect();
    for (wait, shortest) in waits.iter().zip([25, 40, 80]) {
        assert!(*wait >= shortest, "{waits:?}");
    }
}

#[tokio::test]
async fn a_disabled_webhook_stays_silent_and_an_event_not_asked_for_too() {
    let mut stage = Stage::instant();
    stage.open_quietly("one").await;
    let webhook = |enabled, events: Value| json!({ "webhook": { "enabled": enabled, "url": stage.hooks.url, "events": events } });
    let (silent, some) = (
        webhook(false, json!([])),
        webhook(true, json!(["MESSAGES_UPDATE"])),
    );
    stage.post("/webhook/set/one", silent).await;
    stage.send_key("one", "33612345678").await;
    stage.post("/webhook/set/one", some).await;
    let key = stage.send_key("one", "33612345678").await;
    stage.hooks.ack(&key, "READ").await;
    let sent = stage
        .hooks
        .seen()
        .iter()
        .filter(|hook| hook.event() == "send.message")
        .count();
    assert_eq!(sent, 0);
}

#[tokio::test]
async fn the_next_version_names_the_event_in_headers() {
    let mut stage = Stage::instant();
    stage.open("one").await;
    stage.switch(json!({ "version": "2.4.0-rc2" })).await;
    stage.send_key("one", "33612345678").await;
    let sent = stage.hooks.event("send.message").await;
    assert_eq!(sent.header("x-event-type"), Some("send.message"));
    assert_eq!(sent.header("x-instance-name"), Some("one"));
    let (_, root) = stage.call(Method::GET, "/", Some(KEY), None).await.unwrap();
    assert_eq!(root["version"], "2.4.0-rc2");
}
