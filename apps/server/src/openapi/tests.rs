use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

fn json() -> Value {
    serde_json::to_value(document()).unwrap()
}

fn documented(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| -> Vec<String> {
        let methods = item.as_object().unwrap().keys();
        methods
            .map(|method| format!("{} {path}", method.to_uppercase()))
            .collect()
    };
    paths.iter().flat_map(of_path).collect()
}

#[test]
fn documents_what_is_routed_and_nothing_else() {
    let routed: BTreeSet<_> = routes::table()
        .iter()
        .map(|route| route.policy.route.to_owned())
        .collect();
    assert_eq!(documented(&json()), routed);
}

#[test]
fn every_code_of_a_route_has_an_example_under_its_status() {
    let document = json();
    for route in routes::table() {
        let method = route.method.as_str().to_lowercase();
        let operation = &document["paths"][route.path][method];
        assert!(
            operation["operationId"].is_string(),
            "{}",
            route.policy.route
        );
        assert!(operation["summary"].is_string(), "{}", route.policy.route);
        for it in route.codes() {
            let response = &operation["responses"][it.status.to_string()];
            let examples = &response["content"]["application/json"]["examples"];
            assert_eq!(
                examples[it.code]["value"]["error"]["code"], it.code,
                "{}",
                route.policy.route
            );
            assert!(response["headers"]["X-Request-Id"].is_object());
        }
    }
}

#[test]
fn a_body_is_documented_exactly_where_one_is_read() {
    let document = json();
    for route in routes::table() {
        let method = route.method.as_str().to_lowercase();
        let body = &document["paths"][route.path][method]["requestBody"];
        assert_eq!(
            body.is_object(),
            route.policy.body || route.policy.form || route.policy.raw,
            "{}",
            route.policy.route
        );
        let may_be_left_out = body["required"] == false;
        assert_eq!(
            may_be_left_out, route.policy.spare_body,
            "{}",
            route.policy.route
        );
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value, root: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(to)) = members.get("$ref") {
                    let found = root.pointer(to.trim_start_matches('#'));
                    assert!(found.is_some(), "{to} leads nowhere");
                }
                members.values().for_each(|it| walk(it, root));
            }
            Value::Array(items) => items.iter().for_each(|it| walk(it, root)),
            _ => {}
        }
    }
    let document = json();
    walk(&document, &document);
}

#[test]
fn is_openapi_3_1_with_the_eight_events() {
    let document = json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["webhooks"].as_object().unwrap().len(), 8);
    assert!(document["components"]["securitySchemes"]["apiKey"].is_object());
}
