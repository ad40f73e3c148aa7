//! What the document says of a value is what it is refused by: what lies outside is, and what lies at
//! the edge is not.

use std::collections::BTreeMap;

use blackbox::{Account, Client, Reply, Stack};
use reqwest::Method;
use serde_json::{Value, json};

use super::examples::{both, examples, filled, from_schema};
use super::{JSON, document, operations};

/// It is no word, no number, no id, no moment, no colour and no address.
const ODD: &str = "~";

/// Members whose length is not all there is to them, by paths. How long the text of a message, a
/// template or a campaign may be depends on whether it stands alone or under a picture.
const MEANT: [(&str, &str); 5] = [
    ("", "content"),
    ("", "timezone"),
    ("/messages/", "text"),
    ("/campaigns", "body"),
    ("/templates", "body"),
];

async fn start() -> (Stack, Account, Client, String) {
    let stack = Stack::with(&[("console_rate_limit_per_second", "10000")]).await;
    let account = stack.account("pro").await;
    let client = both(&stack, &account).await;
    let team = account.team(&stack).await.team.to_string();
    (stack, account, client, team)
}

/// Whether a field, or something in it, was refused.
fn is_refused(reply: &Reply, field: &str) -> bool {
    let inside = format!("{field}.");
    let mut fields = reply.fields().into_iter();
    reply.status == 400 && fields.any(|it| it == field || it.starts_with(&inside))
}

fn size(schema: &Value, keyword: &str) -> Option<usize> {
    schema[keyword].as_u64()?.try_into().ok()
}

/// Texts that the schema of a text does not allow.
fn texts_outside(schema: &Value) -> Vec<String> {
    let mut texts = Vec::new();
    let is_looked_at = ["uuid", "date", "date-time", "email", "uri"];
    let format = schema["format"].as_str().unwrap_or_default();
    let has = |keyword: &str| !schema[keyword].is_null();
    if has("enum") || has("pattern") || is_looked_at.contains(&format) {
        texts.push(ODD.to_owned());
    }
    texts.extend(size(schema, "maxLength").map(|most| "a".repeat(most + 1)));
    let least = size(schema, "minLength").filter(|least| *least > 0);
    texts.extend(least.map(|least| "a".repeat(least - 1)));
    texts
}

/// Texts that it just allows.
fn texts_within(schema: &Value) -> Vec<String> {
    let words = schema["enum"].as_array().into_iter().flatten();
    let mut texts: Vec<_> = words
        .filter_map(|it| it.as_str().map(str::to_owned))
        .collect();
    let format = schema["format"].as_str().unwrap_or_default();
    if schema["pattern"].is_null() && matches!(format, "" | "password") {
        let edges = ["minLength", "maxLength"].map(|keyword| size(schema, keyword));
        texts.extend(edges.into_iter().flatten().map(|count| "a".repeat(count)));
    }
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_are_refused_by_what_is_documented_and_by_nothing_less() {
    let (stack, _account, client, team) = start().await;
    let document = document(&stack).await;
    let mut refused = 0;
    for (method, path, operation) in operations(&document) {
        let parameters = operation["parameters"].as_array();
        let parameters = parameters.into_iter().flatten();
        for parameter in parameters.filter(|it| method == "GET" && it["in"] == "query") {
            let name = parameter["name"].as_str().expect("a name");
            let schema = &parameter["schema"];
            let schema = schema.get("items").unwrap_or(schema);
            let target = filled(&path, &team);
            let ask = async |value: &str| client.get(&format!("{target}?{name}={value}")).await;
            let mut outside = texts_outside(schema);
            outside.extend(schema["minimum"].as_u64().map(|it| (it - 1).to_string()));
            outside.extend(schema["maximum"].as_u64().map(|it| (it + 1).to_string()));
            for value in outside {
                let reply = ask(&value).await;
                assert!(is_refused(&reply, name), "{path}?{name}={value}: {reply:?}");
                refused += 1;
            }
            let mut within = texts_within(schema);
            let edges = ["minimum", "maximum"].map(|keyword| schema[keyword].as_u64());
            within.extend(edges.into_iter().flatten().map(|it| it.to_string()));
            if schema["type"] == "integer" && schema["maximum"].is_null() {
                within.push("9".repeat(30));
            }
            if parameter["allowEmptyValue"] == true {
                within.push(String::new());
            } else {
                assert_eq!(parameter["required"], true, "{path}: {name}");
            }
            for value in within {
                let reply = ask(&value).await;
                assert!(
                    !is_refused(&reply, name) && reply.status < 500,
                    "{path}?{name}={value}: {reply:?}"
                );
            }
        }
    }
    assert!(refused >= 80, "only {refused} refusals");
}

/// A member of a body: what is said of it, and a body it is looked at in.
#[derive(Clone, Copy)]
struct Member<'a> {
    schema: &'a Value,
    body: usize,
    given: bool,
}

/// The schema behind a reference or beside `null`.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(to) = schema["$ref"].as_str() {
        let target = document.pointer(to.trim_start_matches('#'));
        return target.expect("a schema");
    }
    let mut choices = schema["oneOf"].as_array().into_iter().flatten();
    let other = choices.find(|it| it["type"] != "null");
    other.map_or(schema, |it| resolved(document, it))
}

/// Finds the members of a body by their pointers, and those inside of what the body gives.
fn collect<'a>(
    document: &'a Value,
    schema: &'a Value,
    (number, body): (usize, &Value),
    at: &str,
    found: &mut BTreeMap<String, Member<'a>>,
) {
    let schema = resolved(document, schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        collect(document, part, (number, body), at, found);
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        let at = format!("{at}/{name}");
        let inner = body.get(name);
        let member = Member {
            schema: resolved(document, schema),
            body: number,
            given: inner.is_some(),
        };
        let known = found.entry(at.clone()).or_insert(member);
        if member.given && !known.given {
            *known = member;
        }
        let Some(inner) = inner else { continue };
        collect(document, schema, (number, inner), &at, found);
        for (index, item) in inner.as_array().into_iter().flatten().enumerate() {
            let at = format!("{at}/{index}");
            collect(document, &schema["items"], (number, item), &at, found);
        }
    }
}

/// Bodies with members that no example has.
fn more(path: &str) -> Vec<Value> {
    let to = "+33612345678";
    let buttons = [
        json!([
            { "type": "url", "displayText": "Open", "url": "https://shop.example.com/" },
            { "type": "copy", "displayText": "Copy", "copyCode": "SPRING" },
        ]),
        json!([
            { "type": "call", "displayText": "Call", "phoneNumber": to },
            {
                "type": "pix", "displayText": "Pay", "currency": "BRL", "name": "Shop",
                "keyType": "email", "key": "lea@shop.test",
            },
        ]),
    ];
    if path.contains("/messages/") {
        let place = json!({
            "instanceId": "", "to": to, "type": "location", "latitude": 45.7, "longitude": 4.8,
            "locationName": "Shop", "locationAddress": "Lyon",
        });
        let picture = json!({
            "instanceId": "", "to": to, "type": "document", "text": "A",
            "mediaUrl": "https://shop.example.com/a.pdf",
        });
        let choices = buttons.map(|buttons| {
            json!({
                "instanceId": "", "to": to, "type": "buttons", "title": "A", "description": "B",
                "footer": "C", "buttons": buttons,
            })
        });
        return [place, picture].into_iter().chain(choices).collect();
    }
    Vec::new()
}

/// Values that a schema does not allow.
fn outside(schema: &Value, given: Option<&Value>) -> Vec<Value> {
    let mut values: Vec<_> = texts_outside(schema).into_iter().map(Value::from).collect();
    let items = texts_outside(&schema["items"]).into_iter();
    values.extend(items.map(|text| json!([text])));
    values.extend(schema["minimum"].as_f64().map(|least| json!(least - 1.0)));
    values.extend(schema["maximum"].as_f64().map(|most| json!(most + 1.0)));
    if schema["minItems"].as_u64().is_some_and(|least| least > 0) {
        values.push(json!([]));
    }
    if let Some(most) = size(schema, "maxItems") {
        let item = given.and_then(|it| it.get(0)).cloned();
        values.push(Value::from(vec![item.unwrap_or(json!(ODD)); most + 1]));
    }
    if schema["propertyNames"].is_object() {
        values.extend([json!({ ODD: "a" }), json!({ "a": [] })]);
    }
    values
}

/// Values that it just allows.
fn within(schema: &Value) -> Vec<Value> {
    let items = texts_within(&schema["items"]).into_iter();
    let texts = texts_within(schema).into_iter().map(Value::from);
    texts.chain(items.map(|text| json!([text]))).collect()
}

/// The body with another value at a place.
fn with(body: &Value, at: &str, value: Value) -> Value {
    let (parent, name) = at.rsplit_once('/').expect("a pointer");
    let mut body = body.clone();
    body.pointer_mut(parent).expect("an object")[name] = value;
    body
}

/// What is refused later than the rest, and for no field.
fn is_refused_otherwise(reply: &Reply, field: &str) -> bool {
    match field {
        "to" => reply.outcome() == (422, "INVALID_DESTINATION"),
        "token" | "invites" => reply.outcome() == (400, "BAD_REQUEST"),
        _ => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_refused_by_what_is_documented_and_by_nothing_less() {
    let (stack, account, client, team) = start().await;
    let instance = account.connected(&stack).await.id.to_string();
    let document = document(&stack).await;
    let mut refused = 0;
    for (method, path, operation) in operations(&document) {
        let schema = &operation["requestBody"]["content"][JSON]["schema"];
        if schema.is_null() {
            continue;
        }
        let mut bodies = examples(operation);
        if bodies.is_empty() {
            bodies.push(from_schema(&document, schema));
        }
        bodies.extend(more(&path));
        for body in &mut bodies {
            // To whom an instance is given is nobody here.
            if body.get("instanceId").is_some() && body.get("memberUserId").is_none() {
                body["instanceId"] = json!(instance);
            }
        }
        let mut members = BTreeMap::new();
        for (number, body) in bodies.iter().enumerate() {
            collect(&document, schema, (number, body), "", &mut members);
        }
        let verb: Method = method.parse().expect("a method");
        let target = filled(&path, &team);
        let send = async |body: Value| {
            let bytes = Some(body.to_string().into());
            client.call(verb.clone(), &target, bytes, JSON).await
        };
        for (at, member) in &members {
            let field = at.trim_start_matches('/').replace('/', ".");
            // What is not given depends on what is: deeper down, and by the type of a message.
            if !member.given && (field.contains('.') || path.contains("/messages/")) {
                continue;
            }
            let body = &bodies[member.body];
            for value in outside(member.schema, body.pointer(at)) {
                let reply = send(with(body, at, value.clone())).await;
                assert!(
                    is_refused(&reply, &field) || is_refused_otherwise(&reply, &field),
                    "{method} {path} {field} = {value}: {reply:?}"
                );
                refused += 1;
            }
            let is_meant = |&(part, name)| path.contains(part) && field.ends_with(name);
            if MEANT.iter().any(is_meant) {
                continue;
            }
            for value in within(member.schema) {
                let reply = send(with(body, at, value.clone())).await;
                assert!(
                    !is_refused(&reply, &field) && reply.status < 500,
                    "{method} {path} {field} = {value}: {reply:?}"
                );
            }
        }
    }
    assert!(refused >= 200, "only {refused} refusals");
}
