//! Messages that come in.

use blackbox::{Account, Client, Stack, eventually, id_of};
use msgflash_messaging::Instance;
use serde_json::{Value, json};

const FROM: &str = "33612345678";

async fn scene() -> (Stack, Account, Instance) {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    (stack, account, instance)
}

/// The sender writes a text.
async fn says(stack: &Stack, instance: &Instance, words: &str) {
    let body = json!({ "from": FROM, "text": words });
    stack.phone(instance, "inbound", body).await;
}

async fn inbox(client: &Client) -> Vec<Value> {
    let reply = client
        .get("/api/v1/messages?direction=inbound&limit=100")
        .await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.data()["messages"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_comes_in_whole() {
    let (stack, account, instance) = scene().await;
    let contact = account.client.contact("Maria", 33_612_345_678).await;
    let body = json!({ "from": FROM, "text": "Yes please", "id": "3EB0FFEE01" });
    stack.phone(&instance, "inbound", body).await;
    let message = account.client.wait_inbound("Yes please").await;
    let expected = json!({
        "userId": account.user.to_string(), "instanceId": instance.id.to_string(),
        "contactId": contact, "campaignId": null, "teamId": null, "actingUserId": null,
        "direction": "inbound", "type": "text", "from": "+33612345678", "to": "+33611112222",
        "body": "Yes please", "mediaUrl": null, "status": "received", "error": null,
        "providerMessageId": "3EB0FFEE01", "scheduledAt": null,
    });
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&message[name], value, "{name}");
    }
    assert_eq!(message["meta"]["pushName"], "Maria");
    assert_eq!(
        account.usage().await["messagesCount"],
        0,
        "what comes in is free"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_is_one_message_and_one_event() {
    let (stack, account, instance) = scene().await;
    let body = json!({ "from": FROM, "text": "Twice", "id": "3EB0D0", "copies": 3 });
    stack.phone(&instance, "inbound", body.clone()).await;
    stack.phone(&instance, "inbound", body).await;
    says(&stack, &instance, "Last").await;
    account.client.wait_inbound("Last").await;
    let inbox = inbox(&account.client).await;
    assert_eq!(inbox.len(), 2, "{inbox:?}");
    assert_eq!(stack.told("message.received", &id_of(&inbox[1])).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn media_quotes_and_places_keep_what_they_say() {
    let (stack, account, instance) = scene().await;
    let image = json!({ "from": FROM, "type": "image", "text": "A photo" });
    stack.phone(&instance, "inbound", image).await;
    assert_eq!(
        account.client.wait_inbound("A photo").await["type"],
        "image"
    );
    let quoted = json!({
        "from": FROM, "text": "About that", "quotedId": "3EB0ABCD", "quotedText": "Offer",
    });
    stack.phone(&instance, "inbound", quoted).await;
    let answer = account.client.wait_inbound("About that").await;
    assert_eq!(answer["meta"]["quotedProviderMessageId"], "3EB0ABCD");
    stack
        .phone(
            &instance,
            "inbound",
            json!({ "from": FROM, "type": "audio" }),
        )
        .await;
    let place = json!({ "locationMessage": { "degreesLatitude": 1.5, "degreesLongitude": -2.5 } });
    stack
        .phone(
            &instance,
            "inbound",
            json!({ "from": FROM, "message": place }),
        )
        .await;
    let place = eventually("the place comes in", async || {
        inbox(&account.client)
            .await
            .into_iter()
            .find(|it| it["type"] == "location")
    })
    .await;
    assert_eq!(place["meta"]["latitude"], 1.5);
    assert_eq!(place["meta"]["longitude"], -2.5);
    let voice = inbox(&account.client)
        .await
        .into_iter()
        .find(|it| it["type"] == "voice_note");
    assert!(voice.is_some_and(|voice| voice["body"].is_null()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_carries_its_button_however_it_was_made() {
    let (stack, account, instance) = scene().await;
    let asked = json!({
        "instanceId": instance.id.to_string(), "to": format!("+{FROM}"), "type": "buttons",
        "title": "T", "description": "D",
        "buttons": [
            { "type": "reply", "displayText": "Yes", "id": "id-yes" },
            { "type": "reply", "displayText": "No, thanks", "id": "id-no" },
        ],
    });
    let asked = account.client.send(&asked).await;
    account.client.wait_message(&id_of(&asked), "read").await;
    let pressed = json!({ "from": FROM, "type": "button", "text": "Press", "buttonId": "id-x" });
    stack.phone(&instance, "inbound", pressed).await;
    let cases = [
        ("Press", json!("id-x")),
        ("2", json!("id-no")),
        (" 1. ", json!("id-yes")),
        ("no, THANKS", json!("id-no")),
        ("3", Value::Null),
        ("Maybe", Value::Null),
    ];
    for (words, button) in cases {
        if words != "Press" {
            says(&stack, &instance, words).await;
        }
        let message = account.client.wait_inbound(words).await;
        assert_eq!(message["type"], "text");
        assert_eq!(message["meta"]["buttonId"], button, "{words:?}");
    }
    // Somebody who was never asked chooses nothing.
    stack
        .phone(
            &instance,
            "inbound",
            json!({ "from": "33699999999", "text": "1" }),
        )
        .await;
    let other = account.client.wait_inbound("1").await;
    assert_eq!(other["meta"]["buttonId"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_known_by_an_opaque_address_alone_is_kept_and_later_recognised() {
    let (stack, account, instance) = scene().await;
    let opaque = |words: &str, with_alt: bool| {
        json!({
            "from": FROM, "text": words, "lid": "123456789012345@lid", "withAlt": with_alt,
        })
    };
    stack
        .phone(&instance, "inbound", opaque("Who?", false))
        .await;
    let unknown = account.client.wait_inbound("Who?").await;
    assert_eq!(unknown["from"], Value::Null);
    assert_eq!(unknown["status"], "received");
    stack
        .phone(
            &instance,
            "inbound",
            json!({
                "from": FROM, "text": "Me", "lid": "123456789012345@lid",
                "message": { "conversation": "Me" },
            }),
        )
        .await;
    let known = account.client.wait_inbound("Me").await;
    assert_eq!(known["from"], "+33612345678");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_own_phone_groups_and_edits_raise_nothing() {
    let (stack, account, instance) = scene().await;
    let own = json!({ "from": FROM, "text": "Typed on the phone", "fromMe": true });
    stack.phone(&instance, "inbound", own).await;
    let group = json!({ "from": "120363025246125486@g.us", "text": "To all" });
    stack.phone(&instance, "inbound", group).await;
    stack
        .phone(
            &instance,
            "inbound",
            json!({ "from": FROM, "type": "edit", "text": "Edited" }),
        )
        .await;
    let reaction = json!({ "reactionMessage": { "text": "👍" } });
    stack
        .phone(
            &instance,
            "inbound",
            json!({ "from": FROM, "message": reaction }),
        )
        .await;
    says(&stack, &instance, "Last").await;
    account.client.wait_inbound("Last").await;
    let inbox = inbox(&account.client).await;
    assert_eq!(inbox.len(), 1, "{inbox:?}");
    let told = "SELECT count(*) FROM events WHERE name LIKE 'message.%'";
    assert_eq!(stack.count(told, &[]).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_belongs_to_the_workspace_that_wrote_last() {
    let (stack, account, instance) = scene().await;
    let team = account.team(&stack).await;
    let to = format!("+{FROM}");
    says(&stack, &instance, "First").await;
    account.client.wait_inbound("First").await;

    let id = team.client.text(&instance, &to, "From the team").await;
    let sent = team.client.wait_message(&id, "read").await;
    assert_eq!(sent["teamId"], team.team.to_string());
    says(&stack, &instance, "To the team").await;
    let answer = team.client.wait_inbound("To the team").await;
    assert_eq!(answer["teamId"], team.team.to_string());
    assert_eq!(answer["userId"], account.user.to_string());

    let id = account.client.text(&instance, &to, "From me").await;
    account.client.wait_message(&id, "read").await;
    says(&stack, &instance, "To me").await;
    account.client.wait_inbound("To me").await;
    let bodies = |list: Vec<Value>| -> Vec<String> {
        list.iter()
            .filter_map(|it| it["body"].as_str().map(str::to_owned))
            .collect()
    };
    assert_eq!(bodies(inbox(&account.client).await), ["To me", "First"]);
    assert_eq!(bodies(inbox(&team.client).await), ["To the team"]);
    // Another number the team never wrote to is the person's.
    stack
        .phone(
            &instance,
            "inbound",
            json!({ "from": "33699999999", "text": "Other" }),
        )
        .await;
    account.client.wait_inbound("Other").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rogue_events_are_refused_or_ignored_and_harm_nobody() {
    let (stack, account, instance) = scene().await;
    for kind in [
        "wrong_secret",
        "unknown_instance",
        "unknown_event",
        "null_data",
        "large_body",
        "not_json",
    ] {
        stack
            .phone(&instance, "rogue", json!({ "kind": kind }))
            .await;
    }
    says(&stack, &instance, "Still here").await;
    account.client.wait_inbound("Still here").await;
    assert_eq!(inbox(&account.client).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_character_no_database_holds_costs_only_itself() {
    let (stack, account, instance) = scene().await;
    let odd = json!({ "from": FROM, "text": "a\u{0}b", "pushName": "Ma\u{0}ria" });
    stack.phone(&instance, "inbound", odd).await;
    let message = account.client.wait_inbound("ab").await;
    assert_eq!(message["meta"]["pushName"], "Maria");
}
