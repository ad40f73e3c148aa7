//! Headers a request may bring, as documented and as looked at.

use blackbox::Stack;
use serde_json::{Value, json};

use super::{document, operations};

fn schema<'a>(operation: &'a Value, name: &str) -> Option<&'a Value> {
    let parameters = operation["parameters"].as_array()?;
    let found = parameters
        .iter()
        .find(|it| it["in"] == "header" && it["name"] == name)?;
    Some(&found["schema"])
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_have_the_limits_they_are_refused_by() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let long = account.client.header("X-Request-Id", &"x".repeat(129));
    assert_eq!(long.get("/api/v1/me").await.status, 200);
    let empty = account.client.header("Idempotency-Key", "");
    let refused = empty.post("/api/v1/templates", &json!({})).await;
    assert_eq!(refused.outcome(), (400, "VALIDATION_ERROR"));
    assert!(refused.fields().contains(&"Idempotency-Key"), "{refused:?}");

    let document = document(&stack).await;
    let printable = json!({
        "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$",
    });
    for (method, path, operation) in operations(&document) {
        let id = schema(operation, "X-Request-Id").expect("on every operation");
        assert_eq!(*id, json!({ "type": "string" }), "{method} {path}");
        if let Some(key) = schema(operation, "Idempotency-Key") {
            assert_eq!(*key, printable, "{method} {path}");
        }
    }
}
