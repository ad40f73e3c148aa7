//! The events: who raises them, what they say, how they are signed.

use blackbox::{Delivery, EVENTS, Receiver, Stack, eventually};
use serde_json::{Value, json};

use super::{documented, verifies};

fn members(delivery: &Delivery) -> Vec<&str> {
    let object = delivery.json.as_object().expect("a flat object");
    let mut names: Vec<_> = object.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

fn assert_signed(secret: &str, delivery: &Delivery) {
    let signature = delivery.header("x-msgflash-signature");
    assert_eq!(signature, documented(secret, &delivery.raw));
    assert!(
        verifies(secret, delivery),
        "the standard's verifier refuses it"
    );
    let mut forged = delivery.clone();
    forged.raw[0] ^= 1;
    assert!(!verifies(secret, &forged));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_tells_its_life_with_the_documented_members() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let receiver = Receiver::start().await;
    account.client.endpoint(&receiver.url, &EVENTS).await;
    let instance = account.connected(&stack).await;
    // Two messages, because a read receipt that overtakes the delivery's is told alone: the
    // recipient of the second one never reads.
    let (reader, other) = ("+33612345678", "+15550100057");
    let mut told = Vec::new();
    for (to, last) in [(reader, "read"), (other, "delivered")] {
        let id = account.client.text(&instance, to, "Hi").await;
        let message = account.client.wait_message(&id, last).await;
        told.push((to, id, message["providerMessageId"].clone()));
    }
    for (event, status, (to, id, key)) in [
        ("message.sent", "sent", &told[0]),
        ("message.read", "read", &told[0]),
        ("message.sent", "sent", &told[1]),
        ("message.delivered", "delivered", &told[1]),
    ] {
        let heard = eventually(&format!("{event} of {to}"), async || {
            let heard = receiver.heard_of(event);
            heard.into_iter().find(|it| it.json["messageId"] == **id)
        })
        .await;
        let mut body = heard.json;
        let at = body["timestamp"].take();
        assert!(
            at.as_str()
                .is_some_and(|at| at.len() == 24 && at.ends_with('Z')),
            "{at}"
        );
        let expected = json!({
            "event": event, "instanceId": instance.id.to_string(), "messageId": id,
            "providerMessageId": key, "to": to,
            "status": status, "campaignId": null, "timestamp": null,
        });
        assert_eq!(body, expected);
    }
    assert_eq!(receiver.heard_of("message.sent").len(), 2);
    assert_eq!(receiver.heard_of("message.read").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_tells_its_reason_and_its_code() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let receiver = Receiver::start().await;
    account
        .client
        .endpoint(&receiver.url, &["message.failed"])
        .await;
    let instance = account.connected(&stack).await;
    let id = account.client.text(&instance, "+15550100010", "Hi").await;
    let message = account.client.wait_message(&id, "failed").await;
    let heard = receiver.wait_for("message.failed", 1).await;
    let mut body = heard[0].json.clone();
    body["timestamp"].take();
    let expected = json!({
        "event": "message.failed", "instanceId": instance.id.to_string(), "messageId": id,
        "providerMessageId": null, "to": "+15550100010", "status": "failed", "campaignId": null,
        "error": message["error"], "code": "INVALID_DESTINATION", "timestamp": null,
    });
    assert_eq!(body, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_in_is_told_with_its_button() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let receiver = Receiver::start().await;
    account
        .client
        .endpoint(&receiver.url, &["message.received"])
        .await;
    let contact = account.client.contact("Maria", 33_699_887_766).await;
    let instance = account.connected(&stack).await;
    let text = json!({ "from": "33699887766", "text": "Yes please", "id": "3EB0FFEE01" });
    stack.phone(&instance, "inbound", text).await;
    let heard = receiver.wait_for("message.received", 1).await;
    let stored = account.client.wait_inbound("Yes please").await;
    let mut body = heard[0].json.clone();
    body["timestamp"].take();
    let expected = json!({
        "event": "message.received", "instanceId": instance.id.to_string(),
        "messageId": stored["id"], "providerMessageId": "3EB0FFEE01", "from": "+33699887766",
        "to": "+33611112222", "contactId": contact, "type": "text", "body": "Yes please",
        "mediaUrl": null, "status": "received", "timestamp": null,
    });
    assert_eq!(body, expected);
    let pressed = json!({
        "from": "33699887766", "type": "button", "text": "Yes", "buttonId": "id-yes",
    });
    stack.phone(&instance, "inbound", pressed).await;
    let heard = receiver.wait_for("message.received", 2).await;
    let pressed = heard
        .iter()
        .find(|it| it.json["body"] == "Yes")
        .expect("the press");
    assert_eq!(pressed.json["buttonId"], "id-yes");
    assert_eq!(pressed.json["type"], "text");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_tells_that_it_comes_and_goes() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let receiver = Receiver::start().await;
    account
        .client
        .endpoint(
            &receiver.url,
            &["instance.connected", "instance.disconnected"],
        )
        .await;
    let instance = account.connected(&stack).await;
    let connected = receiver.wait_for("instance.connected", 1).await;
    let names = [
        "event",
        "instanceId",
        "name",
        "status",
        "timestamp",
        "waNumber",
    ];
    assert_eq!(members(&connected[0]), names);
    let body = &connected[0].json;
    assert_eq!(body["instanceId"], json!(instance.id.to_string()));
    assert_eq!(
        (&body["name"], &body["status"]),
        (&json!("Shop"), &json!("connected"))
    );
    assert_eq!(body["waNumber"], "+33611112222");
    stack.phone(&instance, "drop", json!({ "code": 401 })).await;
    let gone = receiver.wait_for("instance.disconnected", 1).await;
    let names = [
        "event",
        "instanceId",
        "name",
        "reason",
        "status",
        "timestamp",
        "waNumber",
    ];
    assert_eq!(members(&gone[0]), names);
    assert_eq!(gone[0].json["status"], "disconnected");
    // Null when the gateway's event without a cause came first.
    assert!(gone[0].json["reason"].is_string() || gone[0].json["reason"].is_null());
    assert_eq!(receiver.heard_of("instance.connected").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_delivery_is_signed_in_both_ways() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let receiver = Receiver::start().await;
    let endpoint = account.client.endpoint(&receiver.url, &EVENTS).await;
    let secret = endpoint["secret"].as_str().expect("a secret");
    assert!(
        secret.starts_with("whsec_") && secret.len() == 38,
        "{secret}"
    );
    let instance = account.connected(&stack).await;
    let id = account
        .client
        .text(&instance, "+33612345678", "Grüße 👋")
        .await;
    account.client.wait_message(&id, "read").await;
    receiver.wait_for("message.read", 1).await;
    let heard = receiver.heard();
    let mut deliveries = std::collections::BTreeSet::new();
    let mut events = std::collections::BTreeSet::new();
    for delivery in &heard {
        assert_signed(secret, delivery);
        assert_eq!(delivery.header("content-type"), "application/json");
        assert_eq!(delivery.header("user-agent"), "MsgFlash-Webhooks/1.0");
        assert_eq!(delivery.header("x-msgflash-attempt"), "1");
        assert_eq!(delivery.json["event"], delivery.header("x-msgflash-event"));
        deliveries.insert(delivery.header("x-msgflash-delivery").to_owned());
        events.insert(delivery.header("webhook-id").to_owned());
        assert!(
            delivery
                .header("x-msgflash-delivery")
                .parse::<uuid::Uuid>()
                .is_ok()
        );
    }
    assert_eq!(
        (deliveries.len(), events.len()),
        (heard.len(), heard.len()),
        "ids of their own"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_is_told_once_however_often_it_was_reported() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let receiver = Receiver::start().await;
    account.client.endpoint(&receiver.url, &EVENTS).await;
    let instance = account.connected(&stack).await;
    let mut ids = Vec::new();
    for number in [
        "+15550100055",
        "+15550100005",
        "+15550100002",
        "+33612345678",
    ] {
        ids.push(account.client.text(&instance, number, "Hi").await);
    }
    for id in &ids {
        account.client.wait_message(id, "read").await;
    }
    for copies in [3, 1] {
        let twice = json!({ "from": "33699887766", "text": "In", "id": "3EB0", "copies": copies });
        stack.phone(&instance, "inbound", twice).await;
    }
    // The last event of all: when it is here, everything before it was handed out.
    stack.phone(&instance, "drop", json!({ "code": 401 })).await;
    receiver.wait_for("instance.disconnected", 1).await;
    receiver.wait_for("message.read", ids.len()).await;
    receiver.wait_for("message.received", 1).await;
    let heard = receiver.heard();
    let mut seen = std::collections::BTreeMap::<(String, String), u32>::new();
    for delivery in &heard {
        let about = match &delivery.json["messageId"] {
            Value::String(id) => id.clone(),
            _ => delivery.json["instanceId"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        };
        *seen
            .entry((delivery.header("x-msgflash-event").to_owned(), about))
            .or_default() += 1;
    }
    assert!(seen.values().all(|count| *count == 1), "{seen:?}");
    for id in &ids {
        assert!(
            seen.contains_key(&("message.sent".to_owned(), id.clone())),
            "{id}: {seen:?}"
        );
    }
}
