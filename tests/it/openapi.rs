//! The document clients are generated from, held against OpenAPI's rules and the running server.
//!
//! That every status and code any test meets is documented for its route is checked by the kit's
//! client on every call.

mod bounds;
mod examples;
mod headers;
mod page;
mod plans;
mod schemas;
mod teams;

use std::collections::{BTreeMap, BTreeSet};

use blackbox::Stack;
use reqwest::Method;
use serde_json::Value;

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
                || at == "DELETE /api/contacts/bulk"
                || at.ends_with("/contacts/groups/{groupId}/members")
                || operation["requestBody"].is_null(),
            "{at}"
        );
        let responses = operation["responses"].as_object().expect("responses");
        assert!(
            responses
                .keys()
                .any(|status| status.starts_with('2') || status == "302"),
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
            if status == "204" {
                assert!(response["content"].is_null(), "{at}");
                continue;
            }
            if status == "302" {
                assert!(response["headers"]["Location"].is_object(), "{at}");
                assert!(response["content"].is_null(), "{at}");
                continue;
            }
            let is_file = at.ends_with("/export") && at.starts_with("GET ") && status == "200";
            let kind = if is_file { "text/csv" } else { JSON };
            assert!(
                response["content"][kind]["schema"].is_object(),
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
            // A conflict passes by itself only where an equal request may be at work.
            assert_eq!(
                response["headers"]["Retry-After"].is_object(),
                matches!(number, 429 | 503) || (number == 409 && is_once(operation)),
                "{at} {status}"
            );
        }
        for (code, status) in always(&path, operation) {
            assert_eq!(codes.get(code), Some(&status), "{at}: {code}");
        }
        if path.contains('{') {
            let missing = codes
                .iter()
                .any(|it| it.0.ends_with("NOT_FOUND") && *it.1 == 404);
            assert!(missing, "{at}");
        }
        if operation["requestBody"]["content"][JSON].is_object() {
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

/// What every call of an operation's surface may meet.
fn always(path: &str, operation: &Value) -> Vec<(&'static str, u16)> {
    let mut codes = vec![("INTERNAL_ERROR", 500), ("SERVICE_UNAVAILABLE", 503)];
    let security = operation["security"].to_string();
    if path.starts_with("/api/v1/") {
        codes.extend([
            ("UNAUTHORIZED", 401),
            ("TEAM_KEY_REQUIRED", 403),
            ("API_RATE_LIMIT_EXCEEDED", 429),
            ("MONTHLY_API_REQUEST_QUOTA_EXCEEDED", 429),
        ]);
    } else if security.contains("session") {
        codes.extend([("UNAUTHORIZED", 401), ("RATE_LIMIT_EXCEEDED", 429)]);
        if security.contains("teamId") {
            codes.push(("TEAM_NOT_FOUND", 404));
        }
    } else {
        assert_eq!(security, "[{}]", "{path} is open, and says so");
    }
    codes
}

/// Whether an operation takes an `Idempotency-Key`.
fn is_once(operation: &Value) -> bool {
    let parameters = operation["parameters"].as_array();
    parameters
        .into_iter()
        .flatten()
        .any(|it| it["name"] == "Idempotency-Key")
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
        "GET /templates",
        "POST /templates",
        "GET /templates/{id}",
        "PUT /templates/{id}",
        "DELETE /templates/{id}",
        "POST /templates/{id}/preview",
        "GET /contacts",
        "POST /contacts",
        "GET /contacts/{id}",
        "PUT /contacts/{id}",
        "DELETE /contacts/{id}",
        "GET /contacts/{id}/groups",
        "POST /contacts/bulk-delete",
        "GET /contacts/bulk-jobs",
        "GET /contacts/bulk-jobs/{jobId}",
        "GET /contacts/bulk-jobs/{jobId}/progress",
        "POST /contacts/bulk-jobs/{jobId}/cancel",
        "GET /contacts/groups",
        "POST /contacts/groups",
        "GET /contacts/groups/{groupId}",
        "PUT /contacts/groups/{groupId}",
        "DELETE /contacts/groups/{groupId}",
        "GET /contacts/groups/{groupId}/members",
        "POST /contacts/groups/{groupId}/members",
        "DELETE /contacts/groups/{groupId}/members",
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
