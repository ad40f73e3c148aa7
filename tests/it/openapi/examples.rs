//! What the document shows as a request is one.

use blackbox::{Account, Client, Stack};
use reqwest::Method;
use serde_json::{Value, json};

use super::{JSON, NOBODY, document, operations};

/// A client that both surfaces know.
pub(super) async fn both(stack: &Stack, account: &Account) -> Client {
    let client = account.signed_in(stack).await;
    client.header("x-api-key", &account.key)
}

/// The path of a request that finds the team and nothing else.
pub(super) fn filled(path: &str, team: &str) -> String {
    let parts = path.split('/').map(|part| match part {
        "{teamId}" => team,
        part if part.starts_with('{') => NOBODY,
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// The examples of a request body.
pub(super) fn examples(operation: &Value) -> Vec<Value> {
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
    let stack = Stack::with(&[
        ("allow_private_targets", "false"),
        ("console_rate_limit_per_second", "10000"),
    ])
    .await;
    let account = stack.account("pro").await;
    let client = both(&stack, &account).await;
    let instance = account.connected(&stack).await.id.to_string();
    let template = json!({ "name": "A", "type": "text", "body": "{{custom.code}}" });
    let template = account.client.post("/api/v1/templates", &template).await;
    let template = template.data()["id"].clone();
    let team = account.team(&stack).await.team.to_string();
    let document = document(&stack).await;
    let mut tried = 0;
    for (method, path, operation) in operations(&document) {
        if operation["requestBody"]["content"][JSON].is_null() {
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
            let target = filled(&path, &team);
            let send = async |body: &Value| {
                client
                    .call(verb.clone(), &target, Some(body.to_string().into()), JSON)
                    .await
            };
            let reply = send(&body).await;
            // Nobody has the passwords and links that are shown.
            let strange = ["/api/auth/", "/api/teams/invitations/"];
            let strange =
                strange.iter().any(|it| path.starts_with(it)) && reply.code() != "VALIDATION_ERROR";
            // The same example on the other surface may have been first.
            let again = reply.outcome() == (409, "CONFLICT");
            // No plan that is shown lies both above and below the one that is held.
            let elsewhere = reply.outcome() == (400, "INVALID_PLAN_CHANGE");
            let fine = reply.status < 300 || reply.status == 404 || strange || again || elsewhere;
            assert!(fine, "{method} {path} {body}: {reply:?}");
            // To whom an instance is given is nobody here.
            if body.get("instanceId").is_some() && body.get("memberUserId").is_none() {
                let mut own = body.clone();
                own["instanceId"] = json!(instance);
                if own.get("templateId").is_some() {
                    own["templateId"] = template.clone();
                }
                let reply = send(&own).await;
                assert_eq!(reply.status, 201, "{method} {path} {own}: {reply:?}");
            }
            tried += 1;
        }
    }
    assert!(tried >= 5, "only {tried} examples");
}

/// The body that a schema's example is, or that those of its required members add up to.
pub(super) fn from_schema(document: &Value, schema: &Value) -> Value {
    let pointer = schema["$ref"].as_str().map(|it| it.trim_start_matches('#'));
    let schema = pointer
        .and_then(|it| document.pointer(it))
        .unwrap_or(schema);
    let shown = |schema: &Value| {
        let example = schema.get("example").or_else(|| schema["examples"].get(0));
        example.cloned()
    };
    if let Some(example) = shown(schema) {
        return example;
    }
    let mut body = json!({});
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().expect("a name");
        let member = &schema["properties"][name];
        let items = || {
            member
                .get("items")
                .map(|it| json!([from_schema(document, it)]))
        };
        let id = || (member["format"] == "uuid").then(|| json!(NOBODY));
        let example = shown(member).or_else(items).or_else(id);
        body[name] = example.unwrap_or_else(|| panic!("{name} has no example"));
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_may_be_left_out_where_the_document_says_so() {
    let stack = Stack::with(&[("console_rate_limit_per_second", "10000")]).await;
    let account = stack.account("pro").await;
    let client = both(&stack, &account).await;
    let team = account.team(&stack).await.team.to_string();
    let document = document(&stack).await;
    let mut spare = 0;
    for (method, path, operation) in operations(&document) {
        let body = &operation["requestBody"];
        if body["content"][JSON].is_null() {
            continue;
        }
        let verb: Method = method.parse().expect("a method");
        let target = filled(&path, &team);
        let reply = client.call(verb, &target, None, "").await;
        if body["required"] == true {
            let told = (reply.outcome(), reply.fields());
            assert_eq!(
                told,
                ((400, "VALIDATION_ERROR"), vec![""]),
                "{method} {path}"
            );
        } else {
            assert_eq!(reply.status, 404, "{method} {path}: {reply:?}");
            spare += 1;
        }
    }
    assert_eq!(
        spare, 6,
        "a template's change and its preview, twice, linking a phone, and importing what was found"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn null_is_no_body_and_the_document_does_not_offer_it() {
    let stack = Stack::with(&[("console_rate_limit_per_second", "10000")]).await;
    let account = stack.account("pro").await;
    let client = both(&stack, &account).await;
    let team = account.team(&stack).await.team.to_string();
    let document = document(&stack).await;
    for (method, path, operation) in operations(&document) {
        let schema = &operation["requestBody"]["content"][JSON]["schema"];
        if schema.is_null() {
            continue;
        }
        assert!(
            schema["$ref"].is_string(),
            "{method} {path} takes {schema}, which may be more than an object"
        );
        let verb: Method = method.parse().expect("a method");
        let target = filled(&path, &team);
        let reply = client
            .call(verb, &target, Some(b"null".to_vec()), JSON)
            .await;
        let told = (reply.outcome(), reply.fields());
        let expected = ((400, "VALIDATION_ERROR"), vec![""]);
        assert_eq!(told, expected, "{method} {path}");
    }
}
