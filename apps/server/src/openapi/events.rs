//! The events that webhook endpoints receive, as OpenAPI 3.1 describes them.

use serde_json::{Value, json};
use utoipa::openapi::path::{HttpMethod, OperationBuilder, PathItem, Paths, PathsBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, Required, ResponseBuilder};

const AT: &str = "2026-04-01T10:00:05.000Z";
const INSTANCE: &str = "0197b3c0-1111-7000-8000-000000000001";
const MESSAGE: &str = "0197b3c0-2222-7000-8000-000000000002";

const SIGNED: &str = "Signed with the endpoint's secret: `X-MsgFlash-Signature: sha256=<hex>` over \
    the raw body, and the Standard Webhooks headers `webhook-id`, `webhook-timestamp` and \
    `webhook-signature`. `webhook-id` stays the same when a delivery is tried again: deduplicate \
    by it. Any 2xx is a success; the order is not guaranteed.";

/// The eight events.
pub(super) fn webhooks() -> Paths {
    let events = [
        (
            "message.sent",
            "A message was handed to WhatsApp",
            outbound("message.sent", "sent"),
        ),
        (
            "message.delivered",
            "It reached the device",
            outbound("message.delivered", "delivered"),
        ),
        (
            "message.read",
            "It was opened",
            outbound("message.read", "read"),
        ),
        ("message.failed", "It failed", failed()),
        ("message.received", "A message came in", received()),
        (
            "instance.connected",
            "An instance became connected",
            instance("connected"),
        ),
        (
            "instance.disconnected",
            "It stopped being connected",
            instance("disconnected"),
        ),
        (
            "instance.restricted",
            "WhatsApp refuses its messages to new contacts: they wait",
            restricted(),
        ),
    ];
    events
        .into_iter()
        .fold(PathsBuilder::new(), |paths, (name, about, example)| {
            paths.path(name, item(name, about, example))
        })
        .build()
}

fn item(name: &str, about: &str, example: Value) -> PathItem {
    let members = example.as_object().into_iter().flatten();
    let schema = members.fold(ObjectBuilder::new(), |schema, (member, _)| {
        let property = ObjectBuilder::new().schema_type(match member.as_str() {
            "event" | "instanceId" | "messageId" | "status" | "timestamp" => Type::String.into(),
            _ => utoipa::openapi::schema::SchemaType::from_iter([Type::String, Type::Null]),
        });
        schema.property(member, property).required(member)
    });
    let content = ContentBuilder::new()
        .schema(Some(schema))
        .example(Some(example))
        .build();
    let body = RequestBodyBuilder::new()
        .required(Some(Required::True))
        .content("application/json", content)
        .build();
    let operation = OperationBuilder::new()
        .tag("Webhooks")
        .summary(Some(about))
        .description(Some(SIGNED))
        .operation_id(Some(operation_id(name)))
        .request_body(Some(body))
        .response("2XX", ResponseBuilder::new().description("Taken").build())
        .build();
    PathItem::new(HttpMethod::Post, operation)
}

/// `message.sent` becomes `onMessageSent`.
fn operation_id(name: &str) -> String {
    let capital = |word: &str| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    };
    format!("on{}", name.split('.').map(capital).collect::<String>())
}

fn outbound(event: &str, status: &str) -> Value {
    json!({
        "event": event, "instanceId": INSTANCE, "messageId": MESSAGE,
        "providerMessageId": "3EB0A1B2C3", "to": "+33612345678", "status": status,
        "campaignId": null, "timestamp": AT,
    })
}

fn failed() -> Value {
    let mut event = outbound("message.failed", "failed");
    event["providerMessageId"] = Value::Null;
    event["error"] = json!("Provider timeout");
    event["code"] = json!("PROVIDER_TIMEOUT");
    event
}

fn received() -> Value {
    json!({
        "event": "message.received", "instanceId": INSTANCE, "messageId": MESSAGE,
        "providerMessageId": "3EB0FFEE01", "from": "+33699887766", "to": "+33611112222",
        "contactId": null, "type": "text", "body": "Yes please", "mediaUrl": null,
        "status": "received", "timestamp": AT,
    })
}

fn restricted() -> Value {
    let mut event = instance("connected");
    event["event"] = json!("instance.restricted");
    event["reason"] = json!("WhatsApp refused messages to new contacts");
    event["restrictedUntil"] = json!("2026-04-01T11:00:05.000Z");
    event
}

fn instance(status: &str) -> Value {
    let mut event = json!({
        "event": format!("instance.{status}"), "instanceId": INSTANCE, "name": "Main shop",
        "waNumber": "+33611112222", "status": status, "timestamp": AT,
    });
    if status == "disconnected" {
        event["reason"] = Value::Null;
    }
    event
}
