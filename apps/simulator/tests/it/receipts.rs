//! Acks: their order, their addresses, and the queries about them.

use serde_json::{Value, json};

use crate::stage::Stage;

#[tokio::test]
async fn send_message_is_posted_before_the_answer_is_written() {
    let stage = Stage::instant();
    stage.open("one").await;
    for _ in 0..20 {
        let key = stage.send_key("one", "33612345678").await;
        let (_, posts) = stage.get("/simulator/webhooks?event=send.message").await;
        let posted = posts
            .as_array()
            .unwrap()
            .iter()
            .any(|post| post["body"]["data"]["key"]["id"] == *key);
        assert!(posted, "the event of {key} was still to come");
    }
}

#[tokio::test]
async fn acks_can_overtake_the_answer() {
    let mut stage = Stage::instant();
    stage.open("one").await;
    stage.fault("ack_before_answer").await;
    let key = stage.send_key("one", "33612345678").await;
    assert_eq!(
        stage.hooks.acks(&key),
        ["SERVER_ACK", "DELIVERY_ACK", "READ"]
    );
}

#[tokio::test]
async fn acks_can_overtake_send_message() {
    let mut stage = Stage::instant();
    stage.open("one").await;
    stage.fault("ack_before_send_message").await;
    let key = stage.send_key("one", "33612345678").await;
    stage.hooks.event("send.message").await;
    let events: Vec<&str> = stage
        .hooks
        .seen()
        .iter()
        .filter(|hook| hook.text.contains(&key))
        .map(crate::receiver::Hook::event)
        .collect();
    assert_eq!(
        events,
        [
            "messages.update",
            "messages.update",
            "messages.update",
            "send.message"
        ]
    );
}

/// The first acks of a send that meets this failure.
async fn acks_under(fault: &str, count: usize) -> Vec<String> {
    let mut stage = Stage::instant();
    stage.open("one").await;
    stage.fault(fault).await;
    let key = stage.send_key("one", "33612345678").await;
    stage
        .hooks
        .take(count, |hook| hook.body["data"]["keyId"] == *key)
        .await;
    stage.hooks.acks(&key)
}

#[tokio::test]
async fn acks_can_come_in_any_order_and_number() {
    for (fault, expected) in [
        (
            "acks_disordered",
            "READ SERVER_ACK DELIVERY_ACK READ DELIVERY_ACK",
        ),
        (
            "acks_duplicated",
            "SERVER_ACK SERVER_ACK DELIVERY_ACK DELIVERY_ACK READ READ",
        ),
        ("read_without_delivery", "SERVER_ACK READ"),
        ("server_ack_after_read", "DELIVERY_ACK READ SERVER_ACK"),
        ("no_read", "SERVER_ACK DELIVERY_ACK"),
        ("error_ack", "ERROR"),
    ] {
        let expected: Vec<&str> = expected.split(' ').collect();
        assert_eq!(acks_under(fault, expected.len()).await, expected, "{fault}");
    }
}

#[tokio::test]
async fn acks_can_carry_an_opaque_address() {
    let mut stage = Stage::instant();
    stage.open("one").await;
    stage.fault("lid_acks").await;
    let key = stage.send_key("one", "33612345678").await;
    let ack = stage.hooks.ack(&key, "READ").await;
    let address = ack.body["data"]["remoteJid"].as_str().unwrap();
    assert!(address.ends_with("@lid"), "{address}");
}

#[tokio::test]
async fn refused_contacts_are_those_who_never_wrote() {
    let mut stage = Stage::instant();
    stage.open("one").await;
    stage
        .control("/faults", json!({ "fault": "error_ack_new_contacts" }))
        .await;
    let wrote = json!({ "from": "33600000001", "text": "Bonjour" });
    stage.control("/instances/one/inbound", wrote).await;
    let (new, old) = (
        stage.send_key("one", "33600000002").await,
        stage.send_key("one", "33600000001").await,
    );
    stage.hooks.ack(&new, "ERROR").await;
    stage.hooks.ack(&old, "READ").await;
}

#[tokio::test]
async fn buttons_are_accepted_and_never_acknowledged() {
    let mut stage = Stage::instant();
    stage.open("one").await;
    let body = json!({
        "number": "33612345678", "title": "Oui ?",
        "buttons": [{ "type": "reply", "displayText": "Oui", "id": "yes" }],
    });
    let (status, buttons) = stage.post("/message/sendButtons/one", body).await;
    assert_eq!(status, 201);
    let text = stage.send_key("one", "33612345678").await;
    stage.hooks.ack(&text, "READ").await;
    assert!(
        stage
            .hooks
            .acks(buttons["key"]["id"].as_str().unwrap())
            .is_empty()
    );
}

#[tokio::test]
async fn a_share_of_recipients_hides_that_it_reads() {
    let mut stage = Stage::instant();
    stage.open("one").await;
    stage.switch(json!({ "readShare": 0.0 })).await;
    let hidden = stage.send_key("one", "33612345678").await;
    stage.switch(json!({ "readShare": 1.0 })).await;
    let shown = stage.send_key("one", "33612345678").await;
    stage.hooks.ack(&shown, "READ").await;
    stage.hooks.ack(&hidden, "DELIVERY_ACK").await;
    assert!(!stage.hooks.acks(&hidden).contains(&"READ".to_owned()));
}

#[tokio::test]
async fn a_lost_answer_is_found_by_address_and_time() {
    let mut stage = Stage::instant();
    stage.open("one").await;
    stage.fault("send_timeout_but_sent").await;
    let (status, answer) = stage.send("one", "33612345678").await;
    assert_eq!(
        (status, &answer["response"]["message"]),
        (400, &json!(["Error: Timed Out"]))
    );
    let query = json!({ "where": {
        "key": { "remoteJid": "33612345678@s.whatsapp.net", "fromMe": true },
        "messageTimestamp": { "gte": "2020-01-01T00:00:00Z", "lte": "2100-01-01T00:00:00Z" },
    } });
    let (_, found) = stage.post("/chat/findMessages/one", query).await;
    assert_eq!(found["messages"]["total"], 1);
    let record = &found["messages"]["records"][0];
    assert_eq!(record["message"]["conversation"], "Olá");
    let key = record["key"]["id"].as_str().unwrap();
    stage.hooks.ack(key, "READ").await;
    assert!(
        stage
            .hooks
            .seen()
            .iter()
            .all(|hook| hook.event() != "send.message")
    );

    let none = json!({ "where": {
        "key": { "remoteJid": "33612345678@s.whatsapp.net" },
        "messageTimestamp": { "gte": "2020-01-01T00:00:00Z", "lte": "2020-01-02T00:00:00Z" },
    } });
    let (_, found) = stage.post("/chat/findMessages/one", none).await;
    assert_eq!(found["messages"]["total"], 0);
}

#[tokio::test]
async fn stored_acks_are_listed_with_the_message() {
    let mut stage = Stage::instant();
    stage.open("one").await;
    let key = stage.send_key("one", "33612345678").await;
    stage.hooks.ack(&key, "READ").await;
    let query = json!({ "where": { "key": { "id": key } } });
    let (_, found) = stage.post("/chat/findMessages/one", query).await;
    let updates: Vec<&Value> = found["messages"]["records"][0]["MessageUpdate"]
        .as_array()
        .unwrap()
        .iter()
        .map(|update| &update["status"])
        .collect();
    assert_eq!(updates, ["SERVER_ACK", "DELIVERY_ACK", "READ"]);
}
