//! Recorded deliveries, compared with the simulator's.

use serde_json::json;

use crate::normal;
use crate::receiver::Hook;
use crate::recording;
use crate::stage::{OWNER, PROFILE, Stage};

/// The recordings these tests compare.
pub(crate) const COMPARED: &[&str] = &[
    "w-01", "w-02", "w-10", "w-11", "w-20", "w-21", "w-23", "w-24", "w-25", "w-40", "w-42", "w-43",
    "w-44", "w-46", "w-48", "w-61", "w-63", "w-64", "w-65", "w-66", "w-70", "w-72", "w-73", "w-75",
];

/// Compares one recorded delivery with one of ours: envelope, order of its fields, data, headers.
fn compare(number: &str, at: usize, hook: &Hook) {
    let recorded = recording::read(number, &[]);
    let request = recorded["deliveries"][at]["request"].clone();
    let (mut expected, mut actual) = (request["body"].clone(), hook.body.clone());
    for body in [&mut expected, &mut actual] {
        body["destination"] = json!("<url>");
        body["instance"] = json!("<name>");
        if body["data"].get("instanceName").is_some() {
            body["data"]["instanceName"] = json!("<name>");
        }
        for pointer in ["/data/instance", "/data/qrcode/instance"] {
            if let Some(name) = body.pointer_mut(pointer) {
                *name = json!("<name>");
            }
        }
    }
    if let Some(difference) = normal::difference(&expected, &actual) {
        panic!("recording {number}[{at}]: {difference}");
    }
    let order = [
        "event",
        "instance",
        "data",
        "destination",
        "date_time",
        "server_url",
        "apikey",
    ];
    let places: Vec<_> = order
        .iter()
        .map(|name| hook.text.rfind(&format!("\"{name}\":")))
        .collect();
    assert!(
        hook.text.starts_with(r#"{"event":"#) && places[3..].is_sorted(),
        "{}",
        hook.text
    );
    for header in ["Accept", "Content-Type", "User-Agent"] {
        assert_eq!(
            request["headers"][header],
            hook.header(header).unwrap(),
            "{header}"
        );
    }
}

#[tokio::test]
async fn creation_and_pairing_are_announced_as_recorded() {
    let mut stage = Stage::instant();
    stage.replay(&["200"]).await;
    compare("w-01", 0, &stage.hooks.event("instance.create").await);
    compare("w-02", 1, &stage.hooks.event("qrcode.updated").await);
    let phone = json!({ "number": OWNER, "profileName": PROFILE });
    stage.control("/instances/clinic-01/scan", phone).await;
    let opened = stage
        .hooks
        .until(|hook| hook.body["data"]["state"] == "open")
        .await;
    compare("w-02", 5, &opened);
    let connecting = stage
        .hooks
        .until(|hook| hook.body["data"]["state"] == "connecting")
        .await;
    compare("w-02", 0, &connecting);
    compare("w-75", 0, &connecting);
    assert_eq!(
        opened.header("authorization"),
        Some("Bearer my-hook-secret")
    );
}

#[tokio::test]
async fn a_send_is_announced_and_acknowledged_as_recorded() {
    let mut stage = Stage::instant();
    stage.open("clinic-01").await;
    stage.replay(&["300"]).await;
    let key = stage.known("3EB02C33016EEEA94B4919");
    compare("w-10", 0, &stage.hooks.event("send.message").await);
    for (at, status) in [(1, "SERVER_ACK"), (2, "DELIVERY_ACK"), (3, "READ")] {
        compare("w-10", at, &stage.hooks.ack(&key, status).await);
    }
    compare("w-42", 0, &stage.hooks.ack(&key, "DELIVERY_ACK").await);
    compare("w-43", 0, &stage.hooks.ack(&key, "READ").await);
    assert_eq!(
        stage.hooks.acks(&key),
        ["SERVER_ACK", "DELIVERY_ACK", "READ"]
    );

    for (status, number) in [("PLAYED", "w-44"), ("ERROR", "w-40")] {
        let body = json!({ "keyId": key, "status": status });
        stage.control("/instances/clinic-01/ack", body).await;
        compare(number, 0, &stage.hooks.ack(&key, status).await);
    }
    stage.hooks.forget();
    let body = json!({ "keyId": key, "edited": "editado" });
    stage.control("/instances/clinic-01/ack", body).await;
    compare("w-46", 0, &stage.hooks.ack(&key, "SERVER_ACK").await);

    stage.hooks.forget();
    stage.replay(&["310"]).await;
    compare("w-11", 0, &stage.hooks.event("send.message").await);
}

#[tokio::test]
async fn messages_arrive_as_recorded() {
    let mut stage = Stage::instant();
    stage.open("clinic-01").await;
    let maria = "5511987654321";
    let sim = json!({
        "conversation": "SIM", "messageContextInfo": { "deviceListMetadataVersion": 2 },
    });
    let cases = [
        (
            "w-20",
            json!({ "from": maria, "message": sim, "id": "3A0F5C1B2D3E4F506172" }),
        ),
        (
            "w-21",
            json!({
                "from": "5511955554444", "text": "Oi", "lid": "123456789012345@lid",
                "pushName": "Joao", "id": "3A11112222333344445A",
            }),
        ),
        (
            "w-23",
            json!({
                "from": maria, "text": "Confirmo", "id": "3A0F5C1B2D3E4F506173",
                "quotedId": "3EB0AAAAAAAAAAAAAAAAAA", "quotedText": "Sua consulta",
            }),
        ),
        (
            "w-25",
            json!({
                "from": maria, "type": "button", "text": "Sim", "buttonId": "yes",
                "id": "3A0F5C1B2D3E4F506175",
            }),
        ),
    ];
    for (number, inbound) in cases {
        stage.hooks.forget();
        stage.control("/instances/clinic-01/inbound", inbound).await;
        compare(number, 0, &stage.hooks.event("messages.upsert").await);
        let contact = stage
            .hooks
            .until(|hook| hook.event().starts_with("contacts."))
            .await;
        compare(number, 1, &contact);
    }

    stage.hooks.forget();
    let typed = json!({
        "from": maria, "text": "Respondido pelo celular", "fromMe": true,
        "id": "3A0F5C1B2D3E4F506174",
    });
    stage.control("/instances/clinic-01/inbound", typed).await;
    compare("w-24", 1, &stage.hooks.event("messages.upsert").await);
    compare("w-24", 0, &stage.hooks.event("contacts.update").await);

    let edit =
        json!({ "from": maria, "type": "edit", "text": "NAO", "id": "3A0F5C1B2D3E4F506172" });
    stage.control("/instances/clinic-01/inbound", edit).await;
    compare("w-48", 0, &stage.hooks.event("messages.edited").await);
}

#[tokio::test]
async fn disconnects_are_announced_as_recorded() {
    let mut stage = Stage::instant();
    stage.open("clinic-01").await;
    stage
        .hooks
        .until(|hook| hook.body["data"]["state"] == "open")
        .await;

    stage.hooks.forget();
    stage
        .control("/instances/clinic-01/drop", json!({ "code": 440 }))
        .await;
    let connecting = |hook: &Hook| hook.body["data"]["state"] == "connecting";
    compare("w-61", 0, &stage.hooks.until(connecting).await);
    let open = stage
        .hooks
        .until(|hook| hook.body["data"]["state"] == "open")
        .await;
    compare("w-61", 1, &open);

    stage.hooks.forget();
    stage
        .control("/instances/clinic-01/drop", json!({ "code": 403 }))
        .await;
    compare("w-63", 0, &stage.hooks.event("status.instance").await);
    compare("w-63", 1, &stage.hooks.event("connection.update").await);
    compare("w-63", 2, &stage.hooks.event("logout.instance").await);

    stage.hooks.forget();
    stage.get("/instance/connect/clinic-01").await;
    compare("w-66", 0, &stage.hooks.event("connection.update").await);
    compare("w-66", 1, &stage.hooks.event("qrcode.updated").await);
    let phone = json!({ "number": OWNER, "profileName": PROFILE });
    stage.control("/instances/clinic-01/scan", phone).await;
    let open = stage
        .hooks
        .until(|hook| hook.body["data"]["state"] == "open")
        .await;
    compare("w-66", 3, &open);
    stage
        .hooks
        .take(3, |hook| hook.event() == "connection.update")
        .await;

    stage.hooks.forget();
    stage.delete("/instance/logout/clinic-01").await;
    compare("w-64", 0, &stage.hooks.event("status.instance").await);
    compare("w-64", 1, &stage.hooks.event("logout.instance").await);
    compare("w-64", 2, &stage.hooks.event("connection.update").await);
}

#[tokio::test]
async fn a_delete_is_announced_as_recorded() {
    let mut stage = Stage::instant();
    stage.open("one").await;
    stage.delete("/instance/logout/one").await;
    stage.delete("/instance/delete/one").await;
    compare("w-65", 0, &stage.hooks.event("instance.delete").await);
    compare("w-65", 1, &stage.hooks.event("remove.instance").await);
}

#[tokio::test]
async fn paths_by_event_and_tokens_come_as_recorded() {
    let mut stage = Stage::instant();
    stage.open("clinic-05").await;
    let webhook = json!({ "webhook": {
        "enabled": true, "url": format!("{}/hook/c5", stage.hooks.url), "byEvents": true,
        "base64": false, "events": [],
        "headers": { "x-tenant": "t5", "jwt_key": "jwt-signing-secret" },
    } });
    let (status, _) = stage.post("/webhook/set/clinic-05", webhook).await;
    assert_eq!(status, 201);
    stage.replay(&["500"]).await;
    let sent = stage.hooks.event("send.message").await;
    compare("w-70", 2, &sent);
    let key = stage.known("3EB090BE4F168488FBB7C2");
    compare("w-70", 3, &stage.hooks.ack(&key, "SERVER_ACK").await);
    assert_eq!(sent.path, "/hook/c5/send-message");
    assert_eq!(sent.header("x-tenant"), Some("t5"));
    assert!(sent.header("jwt_key").is_none());
    let bearer = sent.header("authorization").unwrap();
    assert!(
        bearer.starts_with("Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."),
        "{bearer}"
    );
}
