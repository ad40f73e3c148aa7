use std::collections::BTreeSet;

use msgflash_accounts::{MAX_EMAIL, one_time, password};
use msgflash_contacts::suppression::{MAX_REASON, MOST_NUMBERS, settings};
use msgflash_contacts::{bulk as many_contacts, group, rules};
use msgflash_messaging::campaign::audience;
use msgflash_messaging::lookup;
use msgflash_teams::team;
use msgflash_templates::{MAX_NAME, MAX_TEXT};
use msgflash_webhooks::manage::MAX_EVENTS;
use msgflash_webhooks::target::MAX_URL;
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

#[test]
fn every_bound_is_put_where_it_belongs() {
    let words = ["enum", "pattern", "maxLength", "propertyNames", "minimum"];
    let is_held = |schema: &Value| words.iter().any(|word| !schema[*word].is_null());
    let document = json();
    for (schema, member, bound) in bounds::bodies() {
        let it = &document["components"]["schemas"][schema]["properties"][member];
        assert!(
            is_held(it) || is_held(&it["items"]),
            "{schema}.{member}: {bound:?}"
        );
    }
    for (path, name, bound) in bounds::queries() {
        let parameters = document["paths"][path]["get"]["parameters"].as_array();
        let mut parameters = parameters.into_iter().flatten();
        let found = parameters.find(|it| it["in"] == "query" && it["name"] == name);
        let it = &found.unwrap_or_else(|| panic!("{path} has no {name}"))["schema"];
        assert!(
            is_held(it) || is_held(&it["items"]),
            "{path}?{name}: {bound:?}"
        );
        assert!(name != "page" || it["format"].is_null(), "{path}?{name}");
    }
}

#[test]
fn a_member_that_may_be_null_has_null_among_its_words() {
    let document = json();
    let schemas = &document["components"]["schemas"];
    let words = &schemas["RevisionBody"]["properties"]["type"]["enum"];
    let words = words.as_array().unwrap();
    assert!(words.contains(&Value::Null) && words.contains(&"image".into()));
    let words = &schemas["TemplateBody"]["properties"]["type"]["enum"];
    assert!(!words.as_array().unwrap().contains(&Value::Null));
}

#[test]
fn lengths_are_those_that_are_looked_at() {
    let document = json();
    for (schema, member, keyword, length) in [
        ("SignUp", "email", "maxLength", MAX_EMAIL),
        ("LogIn", "email", "maxLength", MAX_EMAIL),
        ("EmailAddress", "email", "maxLength", MAX_EMAIL),
        ("SignUp", "password", "minLength", password::MIN_LENGTH),
        ("SignUp", "password", "maxLength", password::MAX_LENGTH),
        ("LogIn", "password", "maxLength", password::MAX_LENGTH),
        (
            "ChangePassword",
            "currentPassword",
            "maxLength",
            password::MAX_LENGTH,
        ),
        ("NewContact", "name", "maxLength", rules::MAX_NAME),
        ("NewContactGroup", "name", "maxLength", group::MAX_NAME),
        (
            "NewContactGroup",
            "description",
            "maxLength",
            group::MAX_DESCRIPTION,
        ),
        (
            "ContactIds",
            "contactIds",
            "maxItems",
            many_contacts::MOST_IDS,
        ),
        ("NewSuppressions", "reason", "maxLength", MAX_REASON),
        ("NewSuppressions", "phones", "maxItems", MOST_NUMBERS),
        (
            "OptOutSettingsChange",
            "stopWords",
            "maxItems",
            settings::MAX_WORDS,
        ),
        (
            "OptOutSettingsChange",
            "confirmation",
            "maxLength",
            settings::MAX_CONFIRMATION,
        ),
        (
            "NewNumberLookup",
            "numbers",
            "maxItems",
            lookup::MOST_NUMBERS,
        ),
        (
            "CampaignRecipients",
            "value",
            "maxItems",
            audience::MOST_EXPLICIT,
        ),
        ("TeamName", "name", "maxLength", team::MAX_NAME),
        ("TemplateBody", "name", "maxLength", MAX_NAME),
        ("TemplateBody", "body", "maxLength", MAX_TEXT),
        ("TemplateBody", "mediaUrl", "maxLength", MAX_URL),
        ("EndpointBody", "url", "maxLength", MAX_URL),
        ("EndpointBody", "events", "maxItems", MAX_EVENTS),
    ] {
        let it = &document["components"]["schemas"][schema]["properties"][member];
        assert_eq!(it[keyword], length, "{schema}.{member}");
    }
    let token = &document["components"]["schemas"]["LinkToken"]["properties"]["token"];
    let pattern = format!("^[A-Za-z0-9_-]{{{}}}$", one_time::LENGTH);
    assert_eq!(token["pattern"], pattern.as_str());
}
