//! What a client is told when its message is accepted.

use blackbox::{Stack, id_of, text};
use serde_json::{Value, json};

const TO: &str = "+33612345678";

/// Every member of a message, besides those of the answer to a send alone.
const MEMBERS: [&str; 20] = [
    "actingUserId",
    "body",
    "campaignId",
    "contactId",
    "createdAt",
    "direction",
    "error",
    "from",
    "id",
    "instanceId",
    "mediaUrl",
    "meta",
    "providerMessageId",
    "scheduledAt",
    "status",
    "teamId",
    "to",
    "type",
    "updatedAt",
    "userId",
];

fn members(object: &Value) -> Vec<&str> {
    let mut names: Vec<_> = object
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect();
    names.sort_unstable();
    names
}

fn is_moment(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    text.len() == 24 && text.ends_with('Z') && text.as_bytes()[19] == b'.'
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_message_has_every_documented_member() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    let mut sent = account
        .client
        .send(&text(&instance, "0033 (6) 12.34-56 78", "Ready."))
        .await;
    let names = members(&sent);
    let mut expected: Vec<_> = MEMBERS.into_iter().chain(["safety", "warnings"]).collect();
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert!(
        is_moment(&sent["createdAt"]) && is_moment(&sent["updatedAt"]),
        "{sent}"
    );
    assert_eq!(sent["warnings"], sent["safety"]["reasons"]);
    let id = id_of(&sent);
    let object = sent.as_object_mut().expect("an object");
    for varying in ["createdAt", "updatedAt", "safety", "warnings"] {
        object.remove(varying);
    }
    let expected = json!({
        "id": id, "userId": account.user.to_string(), "instanceId": instance.id.to_string(),
        "contactId": null, "campaignId": null, "teamId": null, "actingUserId": null,
        "direction": "outbound", "type": "text", "from": null, "to": TO, "body": "Ready.",
        "mediaUrl": null, "status": "queued", "error": null, "meta": {},
        "providerMessageId": null, "scheduledAt": null,
    });
    assert_eq!(sent, expected);
    let read = account.client.wait_message(&id, "read").await;
    assert_eq!(members(&read), MEMBERS);
    assert!(read["meta"]["providerResult"].is_object(), "{read}");
    let safety = &read["meta"]["workerSafety"];
    assert_eq!(members(safety), ["decision", "riskLevel", "score", "state"]);
    assert!(
        is_moment(&read["updatedAt"]) && read["updatedAt"].as_str() >= read["createdAt"].as_str()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_type_holds_is_found_in_the_message() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    let contact = account.client.contact("Zoé Martin", 33_699_887_766).await;
    let send = async |mut body: Value| {
        body["instanceId"] = json!(instance.id.to_string());
        body["to"] = json!(TO);
        account.client.send(&body).await
    };
    let url = "https://files.example.com/a.jpg";
    let image = send(json!({ "type": "image", "mediaUrl": url, "text": "Look" })).await;
    assert_eq!(
        (&image["body"], &image["mediaUrl"]),
        (&json!("Look"), &json!(url))
    );
    let audio = send(json!({ "type": "audio", "mediaUrl": url, "text": "ignored" })).await;
    assert_eq!(audio["body"], Value::Null);
    let place = json!({
        "type": "location", "latitude": 1.5, "longitude": 2, "locationName": "Here",
        "locationAddress": "There",
    });
    let place = send(place).await;
    assert_eq!(place["body"], Value::Null);
    let meta = &place["meta"];
    assert_eq!(
        (meta["latitude"].as_f64(), meta["longitude"].as_f64()),
        (Some(1.5), Some(2.0))
    );
    assert_eq!(meta["locationName"], "Here");
    assert_eq!(meta["locationAddress"], "There");
    let card = send(json!({ "type": "contact", "contactId": contact })).await;
    assert_eq!(
        (&card["body"], &card["contactId"]),
        (&Value::Null, &json!(contact))
    );
    let linked = send(json!({ "type": "text", "text": "Hi", "contactId": contact })).await;
    assert_eq!(linked["contactId"], json!(contact));
    let buttons = json!([
        { "type": "reply", "displayText": "Yes", "id": "yes" },
        { "title": "reply", "displayText": "No", "id": "no" },
    ]);
    let asked = json!({
        "type": "buttons", "title": "T", "description": "D", "footer": "F", "buttons": buttons,
    });
    let asked = send(asked).await;
    assert_eq!(asked["body"], "D");
    assert_eq!(asked["meta"]["title"], "T");
    assert_eq!(asked["meta"]["description"], "D");
    assert_eq!(asked["meta"]["footer"], "F");
    let stored = json!([
        { "type": "reply", "displayText": "Yes", "id": "yes" },
        { "type": "reply", "displayText": "No", "id": "no" },
    ]);
    assert_eq!(asked["meta"]["buttons"], stored);
}

#[tokio::test(flavor = "multi_thread")]
async fn guidance_warns_a_new_number_and_leaves_a_proven_one_alone() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    let sent = account.client.send(&text(&instance, TO, "One")).await;
    let safety = &sent["safety"];
    let names = [
        "decision",
        "reasons",
        "recommendations",
        "riskLevel",
        "score",
        "state",
    ];
    assert_eq!(members(safety), names);
    assert_eq!(
        (&safety["decision"], &safety["state"]),
        (&json!("warn"), &json!("new"))
    );
    assert!(
        !safety["reasons"].as_array().is_none_or(Vec::is_empty),
        "{safety}"
    );
    let aged = "UPDATE instances SET first_connected_at = now() - interval '30 days' WHERE id = $1";
    stack.sql(aged, &[&instance.id.uuid()]).await;
    let sent = account.client.send(&text(&instance, TO, "Two")).await;
    let safety = &sent["safety"];
    assert_eq!(
        (&safety["decision"], &safety["riskLevel"]),
        (&json!("allow"), &json!("low"))
    );
    assert_eq!(safety["state"], "stable");
    assert_eq!(
        (&sent["warnings"], &safety["reasons"]),
        (&json!([]), &json!([]))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mix_the_provider_refuses_is_warned_of_and_fails() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    let native = "UPDATE instances SET native_buttons = true WHERE id = $1";
    stack.sql(native, &[&instance.id.uuid()]).await;
    let body = json!({
        "instanceId": instance.id.to_string(), "to": TO, "type": "buttons",
        "title": "T", "description": "D",
        "buttons": [
            { "type": "reply", "displayText": "Yes", "id": "yes" },
            { "type": "url", "displayText": "Shop", "url": "https://shop.example.com/" },
        ],
    });
    let sent = account.client.send(&body).await;
    let reasons = sent["safety"]["reasons"].as_array().map_or(0, Vec::len);
    assert_eq!(
        sent["warnings"].as_array().map_or(0, Vec::len),
        reasons + 1,
        "{sent}"
    );
    let failed = account.client.wait_message(&id_of(&sent), "failed").await;
    assert_eq!(failed["meta"]["code"], "PROVIDER_ERROR");
    assert!(stack.received_by(TO).await.is_empty());
    assert_eq!(account.usage().await["messagesCount"], 0);
}
