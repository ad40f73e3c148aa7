//! Contacts and what is sent to them.

use std::time::Duration;

use blackbox::book::{CONTACTS, each};
use blackbox::{Stack, id_of, moment_in, text};
use serde_json::{Value, json};

const LINA: u64 = 33_698_765_432;
const LINA_PHONE: &str = "+33698765432";

#[tokio::test(flavor = "multi_thread")]
async fn messages_forget_a_contact_that_is_deleted_and_lose_nothing_else() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let client = &account.client;
    let instance = account.connected(&stack).await;
    let lina = client.contact("Lina", LINA).await;
    let mut linked = text(&instance, LINA_PHONE, "Hi");
    linked["contactId"] = json!(lina);
    let sent = id_of(&client.send(&linked).await);
    let at = moment_in(Duration::from_hours(1));
    let later = client.schedule(&linked, &at).await;
    assert_eq!(later["contactId"], json!(lina));
    let mut card = linked.clone();
    card["type"] = json!("contact");
    let card = id_of(&client.send(&card).await);
    let inbound = json!({ "from": "33698765432", "text": "Hello", "id": "3EB0AA" });
    stack.phone(&instance, "inbound", inbound).await;
    let heard = client.wait_inbound("Hello").await;
    assert_eq!(heard["contactId"], json!(lina), "found by its number");
    let before = client.wait_message(&sent, "read").await;
    client.wait_message(&card, "read").await;

    assert_eq!(
        client.delete(&format!("{CONTACTS}/{lina}")).await.status,
        200
    );
    let after = client.message(&sent).await;
    assert_eq!(after["contactId"], Value::Null);
    for (member, value) in before.as_object().expect("members") {
        if member != "contactId" {
            assert_eq!(&after[member], value, "{member}");
        }
    }
    let all = client.page("/api/v1/messages?limit=100").await;
    let all = all["messages"].as_array().expect("messages");
    assert_eq!(all.len(), 4);
    for message in all {
        assert_eq!(message["contactId"], Value::Null, "{message}");
    }
    assert_eq!(
        client.message(&card).await["meta"]["card"]["name"],
        "Lina",
        "as it was"
    );
    let refused = client.post("/api/v1/messages/send", &linked).await;
    assert_eq!(refused.outcome(), (404, "NOT_FOUND"));
    // A new contact with that number is somebody else.
    client.contact("Eve", LINA).await;
    assert_eq!(client.message(&sent).await["contactId"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_grows_warm_and_cold_with_its_messages() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let client = &account.client;
    let instance = account.connected(&stack).await;
    let lina = format!("{CONTACTS}/{}", client.contact("Lina", LINA).await);
    // A number without WhatsApp: all that is sent there fails.
    let nobody = format!(
        "{CONTACTS}/{}",
        client.contact("Nobody", 15_550_100_010).await
    );
    let of = async |path: &str| client.page(path).await["temperature"].clone();
    assert_eq!(
        (of(&lina).await, of(&nobody).await),
        (Value::Null, Value::Null)
    );
    let sent = client.text(&instance, LINA_PHONE, "Hi").await;
    client.wait_message(&sent, "read").await;
    assert_eq!(of(&lina).await, "cold");
    let inbound = json!({ "from": "33698765432", "text": "Hello", "id": "3EB0AB" });
    stack.phone(&instance, "inbound", inbound).await;
    client.wait_inbound("Hello").await;
    assert_eq!(of(&lina).await, "warm");
    for words in ["One", "Two"] {
        assert_eq!(of(&nobody).await, Value::Null, "one failure tells nothing");
        let failed = client.text(&instance, "+15550100010", words).await;
        client.wait_message(&failed, "failed").await;
    }
    assert_eq!(of(&nobody).await, "blocked");
    let listed = client.page(CONTACTS).await;
    let listed = each(std::slice::from_ref(&listed), "contacts", "temperature");
    assert_eq!(listed, ["blocked", "warm"]);
    let same = client.put(&lina, &json!({ "name": "Lina" })).await;
    assert_eq!(same.data()["temperature"], "warm");
    // A contact that is made of a known number is known.
    client.delete(&lina).await;
    let body = json!({ "name": "Lina again", "phone": LINA_PHONE });
    assert_eq!(client.made_contact(&body).await["temperature"], "warm");
}
