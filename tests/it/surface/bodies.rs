//! `POST /api/v1/messages/send`, member by member.

mod buttons;
mod recipients;

use blackbox::Stack;
use serde_json::{Value, json};

use super::{text, with};

const SEND: &str = "/api/v1/messages/send";
const CARD: &str = "0197b3c0-1111-7000-8000-0000000000c1";

fn a(length: usize) -> String {
    "é".repeat(length)
}

/// A URL of exactly this many characters.
fn url(length: usize) -> String {
    let start = "https://files.example.com/";
    format!("{start}{}", "a".repeat(length - start.len()))
}

/// The least body of each type.
fn least(kind: &str) -> Value {
    let media = json!({ "mediaUrl": "https://files.example.com/a" });
    let members = match kind {
        "text" => json!({ "text": "Hi" }),
        "location" => json!({ "latitude": 1, "longitude": 2.5 }),
        "contact" => json!({ "contactId": CARD }),
        "buttons" => json!({
            "title": "A", "description": "B",
            "buttons": [{ "type": "reply", "displayText": "Yes", "id": "yes" }],
        }),
        _ => media,
    };
    with(json!({ "to": "+33612345678", "type": kind }), &members)
}

fn button(members: &Value) -> Value {
    let one = with(
        json!({ "type": "reply", "displayText": "Yes", "id": "yes" }),
        members,
    );
    with(least("buttons"), &json!({ "buttons": [one] }))
}

struct Bench {
    stack: Stack,
    account: blackbox::Account,
    instance: String,
}

impl Bench {
    async fn start() -> Self {
        let stack = Stack::start().await;
        let account = stack.account("max").await;
        let instance = account.instance(&stack).await.id.to_string();
        let card = account.client.contact("Ada", 33_611_111_111).await;
        let id: uuid::Uuid = CARD.parse().expect("an id");
        let old: uuid::Uuid = card.parse().expect("an id");
        stack
            .sql("UPDATE contacts SET id = $1 WHERE id = $2", &[&id, &old])
            .await;
        Self {
            stack,
            account,
            instance,
        }
    }

    async fn send(&self, body: &Value) -> blackbox::Reply {
        let body = with(json!({ "instanceId": self.instance }), body);
        self.account.client.post(SEND, &body).await
    }

    async fn accepts(&self, what: &str, body: &Value) -> Value {
        let reply = self.send(body).await;
        assert_eq!(reply.status, 201, "{what}: {reply:?}");
        reply.json["data"].clone()
    }

    async fn refuses(&self, what: &str, body: &Value, fields: &[&str]) {
        let reply = self.send(body).await;
        assert_eq!(
            reply.outcome(),
            (400, "VALIDATION_ERROR"),
            "{what}: {reply:?}"
        );
        assert_eq!(reply.fields(), fields, "{what}: {reply:?}");
    }

    async fn kept(&self) -> i64 {
        let rows = "SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM queue)";
        self.stack.count(rows, &[]).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_is_accepted_with_the_least_it_needs() {
    let bench = Bench::start().await;
    let kinds = [
        "text",
        "image",
        "video",
        "audio",
        "document",
        "voice_note",
        "location",
        "contact",
        "buttons",
    ];
    for kind in kinds {
        let data = bench.accepts(kind, &least(kind)).await;
        assert_eq!(data["type"], kind);
        assert_eq!(data["status"], "queued");
        assert_eq!(data["direction"], "outbound");
        assert_eq!(data["to"], "+33612345678");
        assert_eq!(data["userId"], bench.account.user.to_string());
        for empty in [
            "from",
            "error",
            "campaignId",
            "teamId",
            "actingUserId",
            "providerMessageId",
        ] {
            assert!(
                data.as_object().expect("members").contains_key(empty),
                "{kind}: no {empty}"
            );
            assert_eq!(data[empty], Value::Null, "{kind}: {empty}");
        }
        assert!(
            data["warnings"].is_array() && data["safety"]["decision"].is_string(),
            "{data}"
        );
        let contact = if kind == "contact" {
            json!(CARD)
        } else {
            Value::Null
        };
        assert_eq!(data["contactId"], contact, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_length_is_accepted_at_its_limit_and_refused_one_above() {
    let bench = Bench::start().await;
    let limits: [(&str, &str, usize); 10] = [
        ("text", "text", 4096),
        ("image", "text", 1024),
        ("video", "text", 1024),
        ("document", "text", 1024),
        ("location", "locationName", 255),
        ("location", "locationAddress", 500),
        ("buttons", "title", 60),
        ("buttons", "description", 1024),
        ("buttons", "footer", 60),
        ("contact", "text", 100_000),
    ];
    for (kind, field, limit) in limits {
        let at = with(least(kind), &json!({ field: a(limit) }));
        let data = bench
            .accepts(&format!("{kind} {field} at {limit}"), &at)
            .await;
        if field == "text" && kind != "contact" {
            assert_eq!(data["body"], a(limit));
        }
        if kind == "contact" {
            continue;
        }
        let above = with(least(kind), &json!({ field: a(limit + 1) }));
        bench
            .refuses(&format!("{kind} {field} above"), &above, &[field])
            .await;
    }
    for kind in ["image", "video", "audio", "document", "voice_note"] {
        bench
            .accepts(kind, &with(least(kind), &json!({ "mediaUrl": url(2048) })))
            .await;
        bench
            .refuses(
                kind,
                &with(least(kind), &json!({ "mediaUrl": url(2049) })),
                &["mediaUrl"],
            )
            .await;
    }
    bench
        .accepts(
            "displayText at 50",
            &button(&json!({ "displayText": a(50) })),
        )
        .await;
    let above = button(&json!({ "displayText": a(51) }));
    bench
        .refuses("displayText above", &above, &["buttons.0.displayText"])
        .await;
    for (field, most) in [("latitude", 90), ("longitude", 180)] {
        for edge in [most, -most] {
            bench
                .accepts("edge", &with(least("location"), &json!({ field: edge })))
                .await;
            let over = f64::from(edge) * 1.000_001;
            bench
                .refuses(
                    "over",
                    &with(least("location"), &json!({ field: over })),
                    &[field],
                )
                .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_type_needs_is_asked_for_by_name() {
    let bench = Bench::start().await;
    let needs: [(&str, &[&str]); 9] = [
        ("text", &["text"]),
        ("image", &["mediaUrl"]),
        ("video", &["mediaUrl"]),
        ("audio", &["mediaUrl"]),
        ("document", &["mediaUrl"]),
        ("voice_note", &["mediaUrl"]),
        ("location", &["latitude", "longitude"]),
        ("contact", &["contactId"]),
        ("buttons", &["title", "description", "buttons"]),
    ];
    for (kind, fields) in needs {
        let bare = json!({ "to": "+33612345678", "type": kind });
        bench.refuses(kind, &bare, fields).await;
        let mut nulls = bare.clone();
        let mut blank = bare.clone();
        for field in fields {
            nulls[field] = Value::Null;
            blank[field] = json!("  ");
        }
        bench
            .refuses(&format!("{kind} with nulls"), &nulls, fields)
            .await;
        bench
            .refuses(&format!("{kind} with blanks"), &blank, fields)
            .await;
    }
    let nobody = json!({ "instanceId": null, "type": "text", "text": "Hi" });
    bench
        .refuses(
            "neither instance nor recipient",
            &nobody,
            &["instanceId", "to"],
        )
        .await;
    assert_eq!(bench.kept().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_types_and_values_are_told_by_path_all_at_once() {
    let bench = Bench::start().await;
    let wrong = json!({
        "instanceId": "ins-1", "to": 33_612_345_678_u64, "type": "buttons", "title": a(61),
        "description": 7, "footer": [], "contactId": "con-1",
        "variables": { "a b": "x", "nested": {}, "list": [], "nothing": null },
        "buttons": [
            { "type": "reply", "displayText": "" },
            { "type": "url", "displayText": a(51), "url": "nowhere" },
        ],
    });
    let reply = bench.send(&wrong).await;
    assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"), "{reply:?}");
    let mut fields = reply.fields();
    fields.sort_unstable();
    let expected = [
        "buttons.0.displayText",
        "buttons.0.id",
        "buttons.1.displayText",
        "buttons.1.url",
        "contactId",
        "description",
        "footer",
        "instanceId",
        "title",
        "to",
        "variables.a b",
        "variables.list",
        "variables.nested",
        "variables.nothing",
    ];
    assert_eq!(fields, expected);
    let of = |field: &str| {
        let details = reply.json["error"]["details"].as_array().expect("details");
        let item = details
            .iter()
            .find(|it| it["field"] == field)
            .expect("the field");
        item["code"].as_str().expect("a code").to_owned()
    };
    assert_eq!(of("instanceId"), "invalid_uuid");
    assert_eq!(of("to"), "invalid_type");
    assert_eq!(of("title"), "too_long");
    for odd in [json!(1), json!(true), json!([]), json!({}), json!(1.5)] {
        let body = with(
            text(&bench.instance, "+33612345678"),
            &json!({ "text": odd }),
        );
        bench
            .refuses("a text of another type", &body, &["text"])
            .await;
    }
    for id in [
        json!("x"),
        json!(5),
        json!([]),
        json!("0197b3c0111170008000000000000001x"),
        json!(""),
    ] {
        let body = with(least("text"), &json!({ "instanceId": id }));
        bench
            .refuses("an odd instanceId", &body, &["instanceId"])
            .await;
    }
    for number in [json!("1"), json!(true), json!([1]), json!({})] {
        let body = with(least("location"), &json!({ "latitude": number }));
        bench.refuses("an odd latitude", &body, &["latitude"]).await;
    }
    let nul = with(least("text"), &json!({ "text": "a\u{0}b" }));
    bench
        .refuses("a character no database keeps", &nul, &["text"])
        .await;
    assert_eq!(bench.kept().await, 0, "nothing half-written");
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_one_of_type_and_template_is_given_and_no_time() {
    let bench = Bench::start().await;
    let template = json!({ "to": "+33612345678", "templateId": CARD });
    bench
        .refuses("neither", &json!({ "to": "+33612345678" }), &["type"])
        .await;
    bench
        .refuses(
            "both",
            &with(template.clone(), &json!({ "type": "text", "text": "a" })),
            &["templateId"],
        )
        .await;
    bench
        .refuses(
            "no UUID",
            &with(template.clone(), &json!({ "templateId": "t-1" })),
            &["templateId"],
        )
        .await;
    assert_eq!(
        bench.send(&template).await.outcome(),
        (404, "NOT_FOUND"),
        "an unknown template"
    );
    for kind in ["TEXT", "sticker", "", "voice-note", "template"] {
        bench
            .refuses(
                kind,
                &with(least("text"), &json!({ "type": kind })),
                &["type"],
            )
            .await;
    }
    let timed = with(
        least("text"),
        &json!({ "scheduledAt": "2099-01-01T00:00:00Z" }),
    );
    bench.refuses("a time", &timed, &["scheduledAt"]).await;
    let reply = bench.send(&timed).await;
    let advice = reply.json["error"]["details"][0]["message"]
        .as_str()
        .expect("a message");
    assert!(advice.contains("/messages/schedule"), "{advice}");
}
