//! The document clients are generated from, held against OpenAPI's rules and the running server.
//!
//! That every status and code any test meets is documented for its route is checked by the kit's
//! client on every call.

use std::collections::{BTreeMap, BTreeSet};

use blackbox::Stack;
use reqwest::Method;
use serde_json::{Value, json};

const NOBODY: &str = "0197b3c0-1111-7000-8000-00000000dead";
const JSON: &str = "application/json";

async fn document(stack: &Stack) -> Value {
    let reply = stack.anonymous().get("/openapi.json").await;
    assert_eq!(reply.status, 200);
    assert!(
        reply.header("content-type").starts_with(JSON),
        "{:?}",
        reply.headers
    );
    reply.json
}

/// Method, path and operation, for each.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            all.push((method.to_uppercase(), path.clone(), operation));
        }
    }
    all
}

fn walk<'a>(value: &'a Value, at: &str, visit: &mut dyn FnMut(&str, &'a Value)) {
    visit(at, value);
    match value {
        Value::Object(members) => {
            members
                .iter()
                .for_each(|(name, it)| walk(it, &format!("{at}/{name}"), visit));
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, it)| walk(it, &format!("{at}/{index}"), visit));
        }
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_keeps_the_rules_of_openapi_3_1() {
    let stack = Stack::start().await;
    let document = document(&stack).await;
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
    assert_eq!(
        document["servers"][0]["url"]
            .as_str()
            .map(|it| it.trim_end_matches('/')),
        Some(stack.base.as_str())
    );
    let schemes = document["components"]["securitySchemes"]
        .as_object()
        .expect("schemes");
    for requirement in document["security"].as_array().expect("security") {
        for name in requirement.as_object().expect("a requirement").keys() {
            assert!(schemes.contains_key(name), "security names {name}");
        }
    }
    let tags: BTreeSet<_> = document["tags"]
        .as_array()
        .expect("tags")
        .iter()
        .filter_map(|it| it["name"].as_str())
        .collect();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let at = format!("{method} {path}");
        let id = operation["operationId"]
            .as_str()
            .unwrap_or_else(|| panic!("{at} has no id"));
        assert!(ids.insert(id.to_owned()), "{id} is there twice");
        assert!(
            id.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "{id} is no name in code"
        );
        assert!(
            !operation["summary"].as_str().unwrap_or_default().is_empty(),
            "{at} has no summary"
        );
        for tag in operation["tags"].as_array().expect("tags") {
            assert!(
                tags.contains(tag.as_str().expect("text")),
                "{at}: unknown tag {tag}"
            );
        }
        let mut named = BTreeSet::new();
        let mut in_path = BTreeSet::new();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().expect("a name");
            let place = parameter["in"].as_str().expect("a place");
            assert!(named.insert((place, name)), "{at}: {name} is there twice");
            assert!(
                parameter["schema"].is_object(),
                "{at}: {name} has no schema"
            );
            assert!(
                parameter["description"].is_string(),
                "{at}: {name} has no description"
            );
            if place == "path" {
                assert_eq!(parameter["required"], true, "{at}: {name}");
                in_path.insert(name.to_owned());
            }
        }
        let wanted: BTreeSet<_> = path
            .split('/')
            .filter_map(|part| Some(part.strip_prefix('{')?.strip_suffix('}')?.to_owned()))
            .collect();
        assert_eq!(
            in_path, wanted,
            "{at}: declared and written parameters differ"
        );
        assert!(
            matches!(method.as_str(), "POST" | "PUT" | "PATCH")
                || operation["requestBody"].is_null(),
            "{at}"
        );
        let responses = operation["responses"].as_object().expect("responses");
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{at} never succeeds"
        );
        for (status, response) in responses {
            assert!(
                status
                    .parse::<u16>()
                    .is_ok_and(|it| (100..600).contains(&it)),
                "{at}: {status}"
            );
            assert!(
                !response["description"]
                    .as_str()
                    .unwrap_or_default()
                    .is_empty(),
                "{at}: {status}"
            );
            assert!(
                response["content"][JSON]["schema"].is_object(),
                "{at}: {status} has no schema"
            );
            assert!(
                response["headers"]["X-Request-Id"].is_object(),
                "{at}: {status}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reference_leads_somewhere_and_no_schema_is_left_over() {
    let stack = Stack::start().await;
    let document = document(&stack).await;
    let mut used = BTreeSet::new();
    walk(&document, "", &mut |at, value| {
        let Some(to) = value.get("$ref").and_then(Value::as_str) else {
            return;
        };
        let pointer = to
            .strip_prefix('#')
            .unwrap_or_else(|| panic!("{at}: {to} leads outside"));
        assert!(
            document.pointer(pointer).is_some(),
            "{at}: {to} leads nowhere"
        );
        used.insert(pointer.to_owned());
    });
    for name in document["components"]["schemas"]
        .as_object()
        .expect("schemas")
        .keys()
    {
        let pointer = format!("/components/schemas/{name}");
        assert!(used.contains(&pointer), "{name} is used by nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_tells_its_refusals_by_code() {
    let stack = Stack::start().await;
    let document = document(&stack).await;
    for (method, path, operation) in operations(&document) {
        let at = format!("{method} {path}");
        let mut codes: BTreeMap<&str, u16> = BTreeMap::new();
        for (status, response) in operation["responses"].as_object().expect("responses") {
            let number: u16 = status.parse().expect("a number");
            if number < 400 {
                continue;
            }
            let examples = response["content"][JSON]["examples"].as_object();
            for (code, example) in
                examples.unwrap_or_else(|| panic!("{at}: {status} has no examples"))
            {
                assert_eq!(example["value"]["error"]["code"], code.as_str(), "{at}");
                codes.insert(code, number);
            }
            assert_eq!(
                response["headers"]["Retry-After"].is_object(),
                matches!(number, 409 | 429 | 503),
                "{at} {status}"
            );
        }
        let always = [
            ("UNAUTHORIZED", 401),
            ("TEAM_KEY_REQUIRED", 403),
            ("API_RATE_LIMIT_EXCEEDED", 429),
            ("MONTHLY_API_REQUEST_QUOTA_EXCEEDED", 429),
            ("INTERNAL_ERROR", 500),
            ("SERVICE_UNAVAILABLE", 503),
        ];
        for (code, status) in always {
            assert_eq!(codes.get(code), Some(&status), "{at}: {code}");
        }
        if path.contains('{') {
            assert_eq!(codes.get("NOT_FOUND"), Some(&404), "{at}");
        }
        if operation["requestBody"].is_object() {
            for (code, status) in [
                ("VALIDATION_ERROR", 400),
                ("BAD_REQUEST", 400),
                ("PAYLOAD_TOO_LARGE", 413),
                ("UNSUPPORTED_MEDIA_TYPE", 415),
            ] {
                assert_eq!(codes.get(code), Some(&status), "{at}: {code}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_documented_is_there_and_nothing_else() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let document = document(&stack).await;
    let known: BTreeSet<_> = operations(&document)
        .into_iter()
        .map(|(method, path, _)| (method, path))
        .collect();
    let paths: BTreeSet<_> = known.iter().map(|(_, path)| path.clone()).collect();
    for path in paths {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let verb: Method = method.parse().expect("a method");
            let reply = account
                .client
                .call(verb, &path.replace("{id}", NOBODY), None, "")
                .await;
            let nowhere = reply.text.contains("There is nothing at this path");
            assert!(!nowhere, "{method} {path}: {reply:?}");
            let expected = known.contains(&(method.to_owned(), path.clone()));
            assert_eq!(reply.status != 405, expected, "{method} {path}: {reply:?}");
        }
    }
    // The published tables, as far as this version serves them.
    for route in [
        "POST /messages/send",
        "POST /messages/schedule",
        "GET /messages",
        "GET /messages/{id}",
        "GET /webhooks",
        "POST /webhooks",
        "DELETE /webhooks/{id}",
        "GET /instances",
        "GET /instances/{id}",
        "GET /instances/{id}/state",
        "GET /instances/{id}/health",
        "GET /me",
        "GET /usage",
        "GET /billing/plans",
        "GET /billing/subscription",
        "GET /billing/usage",
        "GET /billing/payments",
    ] {
        let (method, path) = route.split_once(' ').expect("two words");
        assert!(
            known.contains(&(method.to_owned(), format!("/api/v1{path}"))),
            "{route}"
        );
    }
}

/// The examples of a request body.
fn examples(operation: &Value) -> Vec<Value> {
    let content = &operation["requestBody"]["content"][JSON];
    let named = content["examples"]
        .as_object()
        .into_iter()
        .flat_map(|all| all.values());
    let mut all: Vec<_> = named.map(|it| it["value"].clone()).collect();
    all.extend(content.get("example").cloned());
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn example_requests_fail_only_for_the_ids_they_name() {
    let stack = Stack::with(&[("allow_private_targets", "false")]).await;
    let account = stack.account("pro").await;
    let instance = account.instance(&stack).await.id.to_string();
    let document = document(&stack).await;
    let mut tried = 0;
    for (method, path, operation) in operations(&document) {
        if operation["requestBody"].is_null() {
            continue;
        }
        let mut bodies = examples(operation);
        if bodies.is_empty() {
            bodies.push(from_schema(
                &document,
                &operation["requestBody"]["content"][JSON]["schema"],
            ));
        }
        for body in bodies {
            let verb: Method = method.parse().expect("a method");
            let target = path.replace("{id}", NOBODY);
            let send = async |body: &Value| {
                account
                    .client
                    .call(verb.clone(), &target, Some(body.to_string().into()), JSON)
                    .await
            };
            let reply = send(&body).await;
            let fine = reply.status < 300 || reply.status == 404;
            assert!(fine, "{method} {path} {body}: {reply:?}");
            if body.get("instanceId").is_some() {
                let mut own = body.clone();
                own["instanceId"] = json!(instance);
                let reply = send(&own).await;
                assert_eq!(reply.status, 201, "{method} {path} {own}: {reply:?}");
            }
            tried += 1;
        }
    }
    assert!(tried >= 5, "only {tried} examples");
}

/// The body the examples of a schema's required members add up to.
fn from_schema(document: &Value, schema: &Value) -> Value {
    let pointer = schema["$ref"].as_str().map(|it| it.trim_start_matches('#'));
    let schema = pointer
        .and_then(|it| document.pointer(it))
        .unwrap_or(schema);
    let mut body = json!({});
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().expect("a name");
        let member = &schema["properties"][name];
        let example = member.get("example").or_else(|| member["examples"].get(0));
        body[name] = example
            .cloned()
            .unwrap_or_else(|| panic!("{name} has no example"));
    }
    body
}

/// Whether a value fits a schema, as far as types, required and known members go.
fn fits(document: &Value, schema: &Value, value: &Value, at: &str) {
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
    let message = account.client.post("/api/v1/messages/send", &text).await;
    let message = message.data()["id"].as_str().expect("an id").to_owned();
    account.wait_message(&message, "read").await;
    let calls = [
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
        ("GET", "/api/v1/webhooks", String::new(), None),
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
        let operation = &document["paths"][path][method.to_lowercase()];
        let schema = &operation["responses"][reply.status.to_string()]["content"][JSON]["schema"];
        fits(&document, schema, &reply.json, &format!("{method} {path}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_asks_nobody_else_for_anything() {
    let stack = Stack::start().await;
    let anonymous = stack.anonymous();
    let moved = anonymous.get("/docs").await;
    assert_eq!((moved.status, moved.header("location")), (308, "/docs/"));
    let page = anonymous.get("/docs/").await;
    assert_eq!(page.status, 200);
    assert!(
        page.header("content-type").starts_with("text/html"),
        "{:?}",
        page.headers
    );
    let mut assets = 0;
    for (attribute, quoted) in [("src=\"", '"'), ("href=\"", '"')] {
        for rest in page.text.split(attribute).skip(1) {
            let asset = rest.split(quoted).next().expect("a value");
            assert!(!asset.contains("//"), "{asset} is not ours");
            let path = format!("/docs/{}", asset.trim_start_matches("./"));
            let reply = anonymous.get(&path).await;
            assert_eq!(reply.status, 200, "{path}");
            let elsewhere =
                reply.text.contains("@import url(\"http") || reply.text.contains("url(http");
            assert!(!elsewhere, "{path} loads from elsewhere");
            assets += 1;
        }
    }
    assert!(assets >= 3, "{}", page.text);
    let begin = anonymous.get("/docs/swagger-initializer.js").await;
    assert!(begin.text.contains("/openapi.json"), "{}", begin.text);
    assert!(!begin.text.contains("https://"), "{}", begin.text);
    assert!(
        begin.text.contains("\"validatorUrl\": \"none\""),
        "{}",
        begin.text
    );
    assert_eq!(
        anonymous.get("/docs/nothing.js").await.outcome(),
        (404, "NOT_FOUND")
    );
}
