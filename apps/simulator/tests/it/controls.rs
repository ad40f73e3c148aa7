//! The control API.

use evolution_simulator::Options;
use serde_json::{Value, json};

use crate::receiver::Hook;
use crate::stage::{OWNER, Stage};

async fn create_with_qr(stage: &Stage, name: &str) -> Value {
    let body = json!({
        "instanceName": name, "integration": "WHATSAPP-BAILEYS", "qrcode": true,
        "webhook": { "url": stage.hooks.url, "events": [] },
    });
    let (status, created) = stage.post("/instance/create", body).await;
    assert_eq!(status, 201, "{created}");
    created
}

#[tokio::test]
async fn a_code_scans_itself_when_asked_to() {
    let stage = Stage::with(&Options {
        time_scale: 0.0,
        auto_scan: true,
        ..Options::default()
    });
    create_with_qr(&stage, "one").await;
    let (_, opened) = stage.get("/simulator/instances/one?until=open").await;
    assert_eq!(opened["state"], "open");
}

#[tokio::test]
async fn another_phone_can_scan() {
    let mut stage = Stage::instant();
    create_with_qr(&stage, "one").await;
    stage
        .control("/instances/one/scan", json!({ "number": "33699999999" }))
        .await;
    let open = stage
        .hooks
        .until(|hook| hook.body["data"]["state"] == "open")
        .await;
    assert_eq!(open.body["data"]["wuid"], "33699999999@s.whatsapp.net");
}

#[tokio::test]
async fn a_scan_without_a_code_is_refused() {
    let stage = Stage::instant();
    let body = json!({ "instanceName": "one", "integration": "WHATSAPP-BAILEYS" });
    stage.post("/instance/create", body).await;
    let phone = json!({ "number": OWNER });
    assert_eq!(
        stage.post("/simulator/instances/one/scan", phone).await.0,
        409
    );
}

#[tokio::test]
async fn codes_expire_until_the_limit() {
    let mut stage = Stage::instant();
    stage.switch(json!({ "qrLimit": 8 })).await;
    create_with_qr(&stage, "one").await;
    for count in 2..=8 {
        let shown = stage.control("/instances/one/next-qr", json!({})).await;
        assert_eq!(shown["qrCount"], count);
    }
    stage.control("/instances/one/next-qr", json!({})).await;
    let refused = stage
        .hooks
        .until(|hook| hook.body["data"]["state"] == "refused")
        .await;
    assert_eq!(refused.body["data"]["statusReason"], 428);
    let last = stage
        .hooks
        .until(|hook| hook.body["data"]["statusCode"] == 500)
        .await;
    assert_eq!(last.event(), "qrcode.updated");
    let (_, again) = stage.get("/instance/connect/one").await;
    assert_eq!(again["count"], 1);
}

#[tokio::test]
async fn a_transient_drop_comes_back_and_a_lasting_one_does_not() {
    let mut stage = Stage::instant();
    stage.open("one").await;
    stage
        .hooks
        .until(|hook| hook.body["data"]["state"] == "open")
        .await;
    for code in [408, 428, 440, 515] {
        stage.hooks.forget();
        stage
            .control("/instances/one/drop", json!({ "code": code }))
            .await;
        stage
            .hooks
            .until(|hook| hook.body["data"]["state"] == "open")
            .await;
    }
    stage
        .control("/instances/one/drop", json!({ "code": 428, "stays": true }))
        .await;
    let (_, answer) = stage.get("/instance/connectionState/one").await;
    assert_eq!(answer["instance"]["state"], "connecting");
    assert_eq!(stage.send("one", "33612345678").await.0, 500);
}

#[tokio::test]
async fn a_lost_connection_is_final_in_the_next_version() {
    let mut stage = Stage::instant();
    stage.open("one").await;
    stage.switch(json!({ "version": "2.4.0-rc2" })).await;
    stage
        .control("/instances/one/drop", json!({ "code": 408 }))
        .await;
    let status = stage.hooks.event("status.instance").await;
    assert_eq!(status.body["data"]["disconnectionReasonCode"], 408);
}

#[tokio::test]
async fn an_inbound_message_can_come_twice_and_without_a_number() {
    let mut stage = Stage::instant();
    stage.open("one").await;
    let twice = json!({ "from": "33612345678", "text": "STOP", "copies": 2 });
    let answer = stage.control("/instances/one/inbound", twice).await;
    let key = answer["keyId"].as_str().unwrap().to_owned();
    stage.hooks.event("contacts.upsert").await;
    let copy = |hook: &Hook| hook.event() == "messages.upsert" && hook.text.contains(&key);
    assert_eq!(stage.hooks.take(2, copy).await.len(), 2);

    stage.hooks.forget();
    let opaque = json!({
        "from": "33612345678", "text": "Oi", "lid": "123456789012345@lid", "withAlt": false,
    });
    stage.control("/instances/one/inbound", opaque).await;
    let arrived = stage.hooks.event("messages.upsert").await;
    assert_eq!(
        arrived.body["data"]["key"]["remoteJid"],
        "123456789012345@lid"
    );
    assert!(arrived.body["data"]["key"].get("remoteJidAlt").is_none());
}

#[tokio::test]
async fn files_travel_in_the_event_when_the_webhook_asks() {
    let mut stage = Stage::instant();
    stage.open("one").await;
    let webhook = json!({ "webhook": {
        "enabled": true, "url": stage.hooks.url, "base64": true, "events": [],
    } });
    stage.post("/webhook/set/one", webhook).await;
    for kind in ["audio", "image"] {
        stage.hooks.forget();
        let inbound = json!({ "from": "33612345678", "type": kind, "base64": "SGVsbG8=" });
        stage.control("/instances/one/inbound", inbound).await;
        let arrived = stage.hooks.event("messages.upsert").await;
        assert_eq!(arrived.body["data"]["message"]["base64"], "SGVsbG8=");
        assert_eq!(
            arrived.body["data"]["messageType"],
            format!("{kind}Message")
        );
    }
}

#[tokio::test]
async fn what_left_is_listed_with_its_number_text_and_id() {
    let stage = Stage::instant();
    stage.open("one").await;
    let key = stage.send_key("one", "+33 6 12 34 56 78").await;
    stage.send_key("one", "33600000000").await;
    let left = stage.left("one", "33612345678").await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["keyId"], *key);
    assert_eq!(left[0]["number"], "33612345678");
    assert_eq!(left[0]["asked"], "+33 6 12 34 56 78");
    assert_eq!(left[0]["text"], "Olá");
    assert_eq!(left[0]["type"], "conversation");
    let (_, requests) = stage.get("/simulator/requests?path=sendText").await;
    assert_eq!(requests.as_array().unwrap().len(), 2);
    assert_eq!(requests[0]["status"], 201);
    let (_, last) = stage.get("/simulator/requests?path=sendText&last=1").await;
    assert_eq!(last, json!([requests[1]]));
}

#[tokio::test]
async fn a_reset_forgets_everything() {
    let stage = Stage::instant();
    stage.open("one").await;
    stage
        .control("/faults", json!({ "fault": "send_timeout" }))
        .await;
    stage.control("/reset", json!({})).await;
    for path in [
        "/simulator/instances",
        "/simulator/faults",
        "/simulator/requests",
    ] {
        assert_eq!(stage.get(path).await.1, json!([]), "{path}");
    }
    stage.open("one").await;
    assert_eq!(stage.send("one", "33612345678").await.0, 201);
}

#[tokio::test]
async fn rogue_webhooks_come_as_asked() {
    let mut stage = Stage::instant();
    stage.open("one").await;
    let webhook = json!({ "webhook": {
        "enabled": true, "url": stage.hooks.url, "events": ["MESSAGES_UPDATE"],
        "headers": { "authorization": "Bearer right" },
    } });
    stage.post("/webhook/set/one", webhook).await;
    for (kind, check) in [
        ("wrong_secret", "Bearer wrong"),
        ("unknown_instance", "\"instance\":\"nobody\""),
        ("unknown_event", "moon.phase"),
        ("null_data", "\"data\":null"),
        ("large_body", "xxxxxxxx"),
        ("not_json", "{\"event\":"),
    ] {
        stage.hooks.forget();
        stage
            .control("/instances/one/rogue", json!({ "kind": kind }))
            .await;
        let hook = stage
            .hooks
            .until(|hook| hook.text.contains(check) || hook.header("authorization") == Some(check))
            .await;
        assert_eq!(hook.text.len() > 5_000_000, kind == "large_body", "{kind}");
    }
}

#[tokio::test]
async fn a_storm_is_many_connecting_events() {
    let mut stage = Stage::instant();
    stage.open("one").await;
    stage
        .control("/instances/one/storm", json!({ "count": 200 }))
        .await;
    let storm = |hook: &Hook| hook.body["data"]["state"] == "connecting";
    assert_eq!(stage.hooks.take(200, storm).await.len(), 200);
}

#[tokio::test]
async fn the_next_version_takes_the_callers_message_id() {
    let stage = Stage::instant();
    stage.open("one").await;
    let body = json!({ "number": "33612345678", "text": "x", "messageId": "3EB0CHOSEN" });
    let (_, stable) = stage.post("/message/sendText/one", body.clone()).await;
    assert_ne!(stable["key"]["id"], "3EB0CHOSEN");
    stage.switch(json!({ "version": "2.4.0-rc2" })).await;
    let (_, next) = stage.post("/message/sendText/one", body).await;
    assert_eq!(next["key"]["id"], "3EB0CHOSEN");
}

#[tokio::test]
async fn an_unknown_field_is_refused_rather_than_ignored() {
    let stage = Stage::instant();
    let (status, answer) = stage
        .post(
            "/simulator/faults",
            json!({ "fault": "send_timeout", "time": 1 }),
        )
        .await;
    assert_eq!(status, 400, "{answer}");
}
