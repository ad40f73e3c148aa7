//! What every answer of the public API promises, checked on every call any test makes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{Operation, PathItem};

use crate::client::Reply;

/// What a route may answer: codes of problems by status.
type Answers = BTreeMap<String, BTreeSet<String>>;
/// The answers of a path by method.
type Methods = BTreeMap<&'static str, Answers>;

/// What the document of the code under test says, by path. As text it has megabytes, which every test would
/// write and read.
static DOCUMENT: LazyLock<BTreeMap<String, Methods>> = LazyLock::new(|| {
    let paths = msgflash_server::openapi::document().paths.paths;
    paths
        .into_iter()
        .map(|(path, item)| (path, methods(&item)))
        .collect()
});

fn methods(item: &PathItem) -> Methods {
    let operations = [
        ("GET", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ];
    operations
        .into_iter()
        .filter_map(|(name, operation)| Some((name, answers(operation.as_ref()?))))
        .collect()
}

fn answers(operation: &Operation) -> Answers {
    let codes = |response: &RefOr<_>| {
        let RefOr::T(response) = response else {
            return BTreeSet::new();
        };
        let response: &utoipa::openapi::Response = response;
        match response.content.get("application/json") {
            Some(RefOr::T(content)) => content.examples.keys().cloned().collect(),
            _ => BTreeSet::new(),
        }
    };
    let responses = operation.responses.responses.iter();
    responses
        .map(|(status, response)| (status.clone(), codes(response)))
        .collect()
}

/// Words that would tell what the server is made of.
const LEAKS: [&str; 12] = [
    "actix",
    "serde",
    "diesel",
    "reqwest",
    "utoipa",
    "tokio",
    "hyper",
    "panicked",
    "::",
    " at line ",
    "column ",
    "postgres",
];

/// Codes that tell every problem they stand for, or all that stands in the way.
const DETAILED: [&str; 5] = [
    "PLAN_CHANGE_BLOCKED_ACTIVE_TEAMS",
    "VALIDATION_ERROR",
    "TEMPLATE_INVALID",
    "TEMPLATE_VARIABLES_MISSING",
    "TEMPLATE_CONTEXT_UNAVAILABLE",
];

/// What answers with a file.
const FILES: [&str; 2] = ["/api/contacts/export", "/api/suppressions/export"];

/// Fails when an answer breaks a promise that every answer makes.
pub fn check(method: &str, target: &str, reply: &Reply) {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let at = format!("{method} {target}: {reply:?}");
    if method == "HEAD" || !path.starts_with("/api/") {
        return;
    }
    assert!(
        !reply.header("x-request-id").is_empty(),
        "no X-Request-Id: {at}"
    );
    if reply.status == 302 {
        redirect(reply, &at);
        return documented(method, path, reply, &at);
    }
    if reply.status == 204 {
        nothing(path, reply, &at);
        return documented(method, path, reply, &at);
    }
    let is_file = FILES.contains(&path) && reply.status == 200;
    let written = if is_file {
        "text/csv; charset=utf-8"
    } else {
        "application/json; charset=utf-8"
    };
    assert_eq!(reply.header("content-type"), written, "{at}");
    if is_file {
        assert!(!reply.text.is_empty(), "{at}");
    } else if reply.status < 400 {
        let members = reply
            .json
            .as_object()
            .unwrap_or_else(|| panic!("not an object: {at}"));
        assert!(
            members.len() == 1 && members.contains_key("data"),
            "not wrapped in data: {at}"
        );
    } else {
        refusal(&at, reply);
    }
    if matches!(reply.status, 429 | 503) {
        let wait = reply.header("retry-after").parse::<u64>();
        assert!(wait.is_ok_and(|wait| wait > 0), "no Retry-After: {at}");
    }
    documented(method, path, reply, &at);
}

/// A browser goes on, and tells nobody where it was.
fn redirect(reply: &Reply, at: &str) {
    assert!(!reply.header("location").is_empty(), "{at}");
    assert!(reply.text.is_empty(), "{at}");
    assert_eq!(reply.header("cache-control"), "no-store", "{at}");
    assert_eq!(reply.header("referrer-policy"), "no-referrer", "{at}");
}

/// Success without a word is for teams alone.
fn nothing(path: &str, reply: &Reply, at: &str) {
    assert!(path.starts_with("/api/teams/"), "{at}");
    assert!(reply.text.is_empty(), "{at}");
    for told in ["content-type", "content-length"] {
        assert_eq!(reply.header(told), "", "{at}");
    }
}

fn refusal(at: &str, reply: &Reply) {
    let members = reply
        .json
        .as_object()
        .unwrap_or_else(|| panic!("not an object: {at}"));
    assert_eq!(members.keys().collect::<Vec<_>>(), ["error"], "{at}");
    let error = reply.json["error"]
        .as_object()
        .unwrap_or_else(|| panic!("no error: {at}"));
    let known = ["code", "message", "details"];
    assert!(
        error.keys().all(|key| known.contains(&key.as_str())),
        "{at}"
    );
    let code = error["code"].as_str().unwrap_or_default();
    let shaped = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
    assert!(!code.is_empty() && code.bytes().all(shaped), "{at}");
    let message = error["message"].as_str().unwrap_or_default();
    assert!(!message.is_empty(), "{at}");
    assert_eq!(
        DETAILED.contains(&code),
        error.contains_key("details"),
        "{at}"
    );
    for word in LEAKS {
        assert!(
            !reply.text.to_lowercase().contains(word),
            "says {word:?}: {at}"
        );
    }
    for item in error
        .get("details")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let item = item.as_object().unwrap_or_else(|| panic!("{at}"));
        assert_eq!(
            item.keys().collect::<Vec<_>>(),
            ["code", "field", "message"],
            "{at}"
        );
    }
}

/// Every status, and every code under it, is in the document of its route.
fn documented(method: &str, path: &str, reply: &Reply, at: &str) {
    let Some(methods) = methods_of(path) else {
        return;
    };
    let Some(answers) = methods.get(method) else {
        assert_eq!(
            reply.outcome(),
            (405, "METHOD_NOT_ALLOWED"),
            "undocumented method: {at}"
        );
        return;
    };
    let codes = answers
        .get(&reply.status.to_string())
        .unwrap_or_else(|| panic!("status without documentation: {at}"));
    assert!(
        reply.status < 400 || codes.contains(reply.code()),
        "code without documentation: {at}"
    );
}

/// What the document says about the path of a request; fixed segments win over parameters.
fn methods_of(path: &str) -> Option<&'static Methods> {
    let matching = DOCUMENT
        .iter()
        .filter(|(pattern, _)| matches(pattern, path));
    matching
        .min_by_key(|(pattern, _)| pattern.matches('{').count())
        .map(|(_, methods)| methods)
}

fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<_>, Vec<_>) =
        (pattern.split('/').collect(), path.split('/').collect());
    pattern.len() == path.len()
        && pattern
            .iter()
            .zip(&path)
            .all(|(one, other)| one == other || (one.starts_with('{') && !other.is_empty()))
}
