//! What the document says of answers is so.

use std::collections::{BTreeMap, BTreeSet};

use blackbox::Stack;
use blackbox::book::{BULK_DELETE, ids, unknown};
use reqwest::Method;
use serde_json::{Value, json};

use super::{JSON, NOBODY, document};

/// Whether a value fits a schema, as far as types, required and known members go.
pub(super) fn fits(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(to) = schema["$ref"].as_str() {
        let target = document
            .pointer(to.trim_start_matches('#'))
            .expect("a schema");
        return fits(document, target, value, at);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let null = choices.iter().any(|it| it["type"] == "null");
        if value.is_null() && null {
            return;
        }
        let other = choices
            .iter()
            .find(|it| it["type"] != "null")
            .expect("a choice");
        return fits(document, other, value, at);
    }
    let mut properties = BTreeMap::new();
    let mut required = BTreeSet::new();
    collect(document, schema, &mut properties, &mut required);
    let types: Vec<_> = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    };
    let actual = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fitting = types.is_empty()
        || types.contains(&actual)
        || (actual == "integer" && types.contains(&"number"));
    assert!(fitting, "{at} is {actual}, documented as {types:?}");
    if let Some(items) = value.as_array() {
        for (index, item) in items.iter().enumerate() {
            fits(document, &schema["items"], item, &format!("{at}.{index}"));
        }
    }
    let Some(members) = value.as_object() else {
        return;
    };
    if properties.is_empty() {
        return;
    }
    for (name, member) in members {
        let known = properties
            .get(name)
            .unwrap_or_else(|| panic!("{at}.{name} is not documented"));
        fits(document, known, member, &format!("{at}.{name}"));
    }
    for name in required {
        assert!(
            members.contains_key(&name),
            "{at}.{name} is documented as always there"
        );
    }
}

fn collect<'a>(
    document: &'a Value,
    schema: &'a Value,
    properties: &mut BTreeMap<String, &'a Value>,
    required: &mut BTreeSet<String>,
) {
    if let Some(to) = schema["$ref"].as_str() {
        let target = document
            .pointer(to.trim_start_matches('#'))
            .expect("a schema");
        collect(document, target, properties, required);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        collect(document, part, properties, required);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        properties.insert(name.clone(), property);
    }
    let names = schema["required"].as_array().into_iter().flatten();
    required.extend(names.filter_map(|it| Some(it.as_str()?.to_owned())));
}

/// The path as the document writes it, whatever it calls its parameters.
pub(super) fn documented<'a>(document: &'a Value, path: &str) -> &'a str {
    let plain = |path: &str| {
        let parts = path.split('/');
        let parts = parts.map(|part| if part.starts_with('{') { "{id}" } else { part });
        parts.collect::<Vec<_>>().join("/")
    };
    let paths = document["paths"].as_object().expect("paths");
    let found = paths.keys().find(|it| plain(it) == path);
    found.unwrap_or_else(|| panic!("{path} is not documented"))
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_have_the_members_and_types_the_document_says() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await.id.to_string();
    let add = "INSERT INTO payments (id, account_id, provider, plan_code, plan_name, amount, currency, status, \
        created_at) VALUES (gen_random_uuid(), $1, 'dodo', 'pro', 'Pro', 1900, 'EUR', 'succeeded', now())";
    stack.sql(add, &[&account.user.uuid()]).await;
    let document = document(&stack).await;
    let text =
        json!({ "instanceId": instance, "to": "+33612345678", "type": "text", "text": "Hi" });
    let mut later = text.clone();
    later["scheduledAt"] = json!("2020-01-01T00:00:00Z");
    let hook = json!({ "url": "https://hooks.example.com/a", "events": ["message.sent"] });
    let made = account.client.post("/api/v1/webhooks", &hook).await;
    let made = made.data()["id"].as_str().expect("an id").to_owned();
    let template = json!({
        "name": "A", "type": "image", "mediaUrl": "https://files.example.com/a.jpg",
        "body": "{{custom.code}}",
    });
    let stored = account.client.post("/api/v1/templates", &template).await;
    let stored = stored.data()["id"].as_str().expect("an id").to_owned();
    let message = account.client.post("/api/v1/messages/send", &text).await;
    let message = message.data()["id"].as_str().expect("an id").to_owned();
    account.wait_message(&message, "read").await;
    let contact = account.client.contact("Lina", 33_698_765_432).await;
    let group = account.client.group("VIP").await;
    account.client.join(&group, &[&contact]).await;
    let job = account
        .client
        .begin(Method::POST, BULK_DELETE, &unknown(100))
        .await;
    let few = || Some(ids(&[NOBODY]));
    let campaign = json!({
        "name": "Spring", "instanceId": instance, "schedule": "2020-01-01T00:00:00Z",
        "recipients": { "type": "explicit", "value": [contact] }, "type": "text", "body": "Hi",
    });
    let mut hours = campaign.clone();
    hours["recipients"] = json!({ "type": "all" });
    hours["window"] = json!({ "start": "09:00", "end": "18:00", "timezone": "UTC" });
    let run = account.client.post("/api/v1/campaigns", &campaign).await;
    let run = run.data()["id"].as_str().expect("an id").to_owned();
    blackbox::eventually("it has run", async || {
        let read = account
            .client
            .get(&format!("/api/v1/campaigns/{run}"))
            .await;
        (read.data()["stats"]["sent"] == 1).then_some(())
    })
    .await;
    let calls = [
        (
            "POST",
            "/api/v1/contacts",
            String::new(),
            Some(json!({ "name": "Ada", "phone": "+33612345678" })),
        ),
        ("GET", "/api/v1/contacts", String::new(), None),
        ("GET", "/api/v1/contacts/{id}", contact.clone(), None),
        ("GET", "/api/v1/contacts/{id}/groups", contact.clone(), None),
        (
            "PUT",
            "/api/v1/contacts/{id}",
            contact.clone(),
            Some(json!({ "meta": { "city": "Lyon" } })),
        ),
        ("POST", "/api/v1/contacts/bulk-delete", String::new(), few()),
        (
            "POST",
            "/api/v1/contacts/bulk-delete",
            String::new(),
            Some(ids(&unknown(100))),
        ),
        ("GET", "/api/v1/contacts/bulk-jobs", String::new(), None),
        ("GET", "/api/v1/contacts/bulk-jobs/{id}", job.clone(), None),
        ("GET", "/api/v1/contacts/bulk-jobs/{id}/progress", job, None),
        (
            "POST",
            "/api/v1/contacts/groups",
            String::new(),
            Some(json!({ "name": "New" })),
        ),
        ("GET", "/api/v1/contacts/groups", String::new(), None),
        ("GET", "/api/v1/contacts/groups/{id}", group.clone(), None),
        (
            "PUT",
            "/api/v1/contacts/groups/{id}",
            group.clone(),
            Some(json!({ "color": "#1A7F5A" })),
        ),
        (
            "GET",
            "/api/v1/contacts/groups/{id}/members",
            group.clone(),
            None,
        ),
        (
            "POST",
            "/api/v1/contacts/groups/{id}/members",
            group.clone(),
            few(),
        ),
        (
            "DELETE",
            "/api/v1/contacts/groups/{id}/members",
            group.clone(),
            few(),
        ),
        (
            "POST",
            "/api/v1/contacts/groups/{id}/members",
            group.clone(),
            Some(ids(&unknown(100))),
        ),
        ("DELETE", "/api/v1/contacts/groups/{id}", group, None),
        ("DELETE", "/api/v1/contacts/{id}", contact, None),
        ("POST", "/api/v1/campaigns", String::new(), Some(hours)),
        ("GET", "/api/v1/campaigns", String::new(), None),
        ("GET", "/api/v1/campaigns/{id}", run.clone(), None),
        ("GET", "/api/v1/campaigns/{id}/stats", run.clone(), None),
        ("GET", "/api/v1/campaigns/{id}/messages", run.clone(), None),
        (
            "GET",
            "/api/v1/campaigns/{id}/recipients",
            run.clone(),
            None,
        ),
        ("DELETE", "/api/v1/campaigns/{id}", run, None),
        ("POST", "/api/v1/messages/send", String::new(), Some(text)),
        (
            "POST",
            "/api/v1/messages/schedule",
            String::new(),
            Some(later),
        ),
        ("POST", "/api/v1/webhooks", String::new(), Some(hook)),
        ("GET", "/api/v1/messages", String::new(), None),
        ("GET", "/api/v1/messages/{id}", message, None),
        ("GET", "/api/v1/instances", String::new(), None),
        ("GET", "/api/v1/instances/{id}", instance.clone(), None),
        (
            "GET",
            "/api/v1/instances/{id}/state",
            instance.clone(),
            None,
        ),
        ("GET", "/api/v1/instances/{id}/health", instance, None),
        (
            "POST",
            "/api/v1/templates",
            String::new(),
            Some(template.clone()),
        ),
        ("GET", "/api/v1/templates", String::new(), None),
        ("GET", "/api/v1/templates/{id}", stored.clone(), None),
        (
            "PUT",
            "/api/v1/templates/{id}",
            stored.clone(),
            Some(json!({ "body": "" })),
        ),
        (
            "POST",
            "/api/v1/templates/{id}/preview",
            stored.clone(),
            Some(json!({})),
        ),
        ("DELETE", "/api/v1/templates/{id}", stored, None),
        ("GET", "/api/v1/webhooks", String::new(), None),
        ("GET", "/api/v1/webhooks/{id}", made.clone(), None),
        (
            "PATCH",
            "/api/v1/webhooks/{id}",
            made.clone(),
            Some(json!({ "active": true })),
        ),
        (
            "POST",
            "/api/v1/webhooks/{id}/rotate-secret",
            made.clone(),
            None,
        ),
        ("POST", "/api/v1/webhooks/{id}/test", made.clone(), None),
        (
            "POST",
            "/api/v1/webhooks/{id}/recover",
            made.clone(),
            Some(json!({ "since": "2026-01-01T00:00:00Z" })),
        ),
        ("GET", "/api/v1/webhooks/{id}/deliveries", made, None),
        ("GET", "/api/v1/me", String::new(), None),
        ("GET", "/api/v1/usage", String::new(), None),
        ("GET", "/api/v1/billing/plans", String::new(), None),
        ("GET", "/api/v1/billing/subscription", String::new(), None),
        ("GET", "/api/v1/billing/usage", String::new(), None),
        ("GET", "/api/v1/billing/payments", String::new(), None),
    ];
    for (method, path, id, body) in calls {
        let verb: Method = method.parse().expect("a method");
        let bytes = body.map(|it| it.to_string().into_bytes());
        let kind = if bytes.is_some() { JSON } else { "" };
        let reply = account
            .client
            .call(verb, &path.replace("{id}", &id), bytes, kind)
            .await;
        assert!(reply.status < 300, "{method} {path}: {reply:?}");
        let written = documented(&document, path);
        let operation = &document["paths"][written][method.to_lowercase()];
        let schema = &operation["responses"][reply.status.to_string()]["content"][JSON]["schema"];
        fits(&document, schema, &reply.json, &format!("{method} {path}"));
    }
}
