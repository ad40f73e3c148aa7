//! Templates as clients make, try and send them, one module per topic.

mod manage;
mod order;
mod placeholders;
mod preview;
mod sending;
mod team;

use blackbox::{Account, Client, Reply, Stack, id_of};
use reqwest::Method;
use serde_json::{Value, json};

const TEMPLATES: &str = "/api/v1/templates";
const SEND: &str = "/api/v1/messages/send";
const SCHEDULE: &str = "/api/v1/messages/schedule";
const TO: &str = "+33612345678";
const NOBODY: &str = "0197b3c0-1111-7000-8000-00000000dead";
const MEDIA: &str = "https://files.example.com/offer.jpg";

/// A text as a template.
fn text_template(body: &str) -> Value {
    json!({ "name": "Cart reminder", "type": "text", "body": body })
}

/// Makes a template and answers its id.
async fn make(client: &Client, template: &Value) -> String {
    let made = client.post(TEMPLATES, template).await;
    assert_eq!(made.status, 201, "{template}: {made:?}");
    id_of(made.data())
}

/// `PUT` with a JSON body.
async fn put(client: &Client, id: &str, body: &Value) -> Reply {
    let bytes = body.to_string().into_bytes();
    let path = format!("{TEMPLATES}/{id}");
    client
        .call(Method::PUT, &path, Some(bytes), "application/json")
        .await
}

async fn preview(client: &Client, id: &str, body: &Value) -> Reply {
    client
        .post(&format!("{TEMPLATES}/{id}/preview"), body)
        .await
}

/// Gives a contact tags and meta.
async fn enrich(stack: &Stack, contact: &str, tags: &[&str], meta: &Value) {
    let contact: uuid::Uuid = contact.parse().expect("an id");
    let tags: Vec<String> = tags.iter().map(|it| (*it).to_owned()).collect();
    let set = "UPDATE contacts SET tags = $2, meta = $3::text::jsonb WHERE id = $1";
    let meta = meta.to_string();
    assert_eq!(stack.sql(set, &[&contact, &tags, &meta]).await, 1);
}

/// Nothing was accepted, and nothing is charged.
async fn nothing_happened(stack: &Stack, account: &Account) {
    for table in ["messages", "queue", "idempotency_keys"] {
        let rows = format!("SELECT count(*) FROM {table}");
        assert_eq!(stack.count(&rows, &[]).await, 0, "{table}");
    }
    assert_eq!(stack.ledger(account).await.reserved, 0);
}
