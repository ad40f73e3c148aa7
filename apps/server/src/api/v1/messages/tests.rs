use msgflash_kernel::{Cursor, Page};
use msgflash_messaging::MessageStatus;
use serde_json::{Value, json};

use crate::testing::samples::{INSTANCE, MESSAGE, message};
use crate::testing::{Fake, Running};

mod templated;

const SEND: &str = "/api/v1/messages/send";
const SCHEDULE: &str = "/api/v1/messages/schedule";

fn problems(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter()
        .map(|(field, code)| ((*field).to_owned(), (*code).to_owned()))
        .collect()
}

fn with(more: &Value) -> Value {
    let mut body = json!({ "instanceId": INSTANCE, "to": "+33612345678" });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

async fn refused(body: &Value) -> Vec<(String, String)> {
    let answer = Running::over(Fake::new()).post(SEND, body).await;
    assert_eq!(
        answer.refusal(),
        (400, "VALIDATION_ERROR".to_owned()),
        "{body}"
    );
    answer.problems()
}

#[actix_web::test]
async fn an_accepted_message_is_shown_to_the_field() {
    let text = with(&json!({ "type": "text", "text": "Hello", "unknown": [1] }));
    let answer = Running::over(Fake::new()).post(SEND, &text).await;
    assert_eq!(answer.status, 201);
    assert_eq!(
        answer.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    let mut data = answer.json()["data"].clone();
    assert!(data["id"].is_string());
    data["id"] = json!("id");
    let safety = json!({
        "decision": "allow", "riskLevel": "low", "state": "stable", "score": 85,
        "reasons": [], "recommendations": [],
    });
    assert_eq!(
        data,
        json!({
            "id": "id", "userId": "00000000-0000-0000-0000-000000000002", "instanceId": INSTANCE,
            "contactId": null, "campaignId": null, "teamId": null, "actingUserId": null,
            "direction": "outbound", "type": "text", "from": null, "to": "+33612345678",
            "body": "Hello", "mediaUrl": null, "status": "queued", "error": null, "meta": {},
            "providerMessageId": null, "scheduledAt": null,
            "createdAt": "2026-05-20T12:00:00.000Z", "updatedAt": "2026-05-20T12:00:00.000Z",
            "warnings": [], "safety": safety,
        })
    );
}

#[actix_web::test]
async fn all_problems_of_a_body_are_told_at_once() {
    let body = json!({
        "instanceId": "ins-1", "to": 33, "type": "buttons", "title": "a".repeat(61),
        "footer": [], "scheduledAt": "2026-06-01T00:00:00Z",
        "variables": { "a-b": "x", "ok": null },
        "buttons": [{ "type": "reply", "displayText": "" }, { "type": "url", "displayText": "Go", "url": "/x" }],
    });
    assert_eq!(
        refused(&body).await,
        problems(&[
            ("instanceId", "invalid_uuid"),
            ("to", "invalid_type"),
            ("variables.a-b", "invalid_name"),
            ("variables.ok", "invalid_type"),
            ("scheduledAt", "not_allowed"),
            ("title", "too_long"),
            ("description", "required"),
            ("footer", "invalid_type"),
            ("buttons.0.displayText", "too_short"),
            ("buttons.0.id", "required"),
            ("buttons.1.url", "invalid_url"),
        ])
    );
}

#[actix_web::test]
async fn each_type_needs_its_own_members() {
    let table: [(Value, &[(&str, &str)]); 17] = [
        (json!({}), &[("type", "required")]),
        (
            json!({ "type": "text", "templateId": MESSAGE }),
            &[("templateId", "not_allowed")],
        ),
        (
            json!({ "templateId": "tpl-1" }),
            &[("templateId", "invalid_uuid")],
        ),
        (json!({ "type": "poem" }), &[("type", "invalid_enum")]),
        (json!({ "type": "text" }), &[("text", "required")]),
        (
            json!({ "type": "text", "text": "é".repeat(4097) }),
            &[("text", "too_long")],
        ),
        (
            json!({ "type": "text", "text": "a\u{0}" }),
            &[("text", "invalid_characters")],
        ),
        (json!({ "type": "image" }), &[("mediaUrl", "required")]),
        (
            json!({ "type": "image", "mediaUrl": "https://a.example/x", "text": "a".repeat(1025) }),
            &[("text", "too_long")],
        ),
        (
            json!({ "type": "audio", "mediaUrl": "http://169.254.169.254/x" }),
            &[("mediaUrl", "private_address")],
        ),
        (
            json!({ "type": "location", "latitude": 91, "longitude": "2" }),
            &[("latitude", "out_of_range"), ("longitude", "invalid_type")],
        ),
        (json!({ "type": "contact" }), &[("contactId", "required")]),
        (
            json!({ "type": "text", "text": "a", "contactId": "c" }),
            &[("contactId", "invalid_uuid")],
        ),
        (
            json!({ "type": "buttons", "title": "a", "description": "b", "buttons": [] }),
            &[("buttons", "out_of_range")],
        ),
        (
            json!({ "type": "buttons", "title": "a", "description": "b", "buttons": [["reply"]] }),
            &[("buttons.0", "invalid_type")],
        ),
        (
            json!({ "type": "buttons", "title": "a", "description": "b",
                "buttons": [{ "type": "reply", "title": "url", "displayText": "c", "id": "d" }] }),
            &[("buttons.0.title", "not_allowed")],
        ),
        (
            json!({ "type": "buttons", "title": "a", "description": "b", "buttons": [
                { "type": "pix", "displayText": "c", "currency": "brl", "name": "d", "keyType": "iban", "key": "e" }] }),
            &[
                ("buttons.0.currency", "invalid_enum"),
                ("buttons.0.keyType", "invalid_enum"),
            ],
        ),
    ];
    for (more, expected) in table {
        assert_eq!(refused(&with(&more)).await, problems(expected), "{more}");
    }
}

#[actix_web::test]
async fn every_type_is_accepted() {
    let running = |mut fake: Fake| {
        fake.rate_per_second = 100;
        Running::over(fake)
    };
    let running = running(Fake::new());
    let media = "https://files.example.com/a.bin";
    for more in [
        json!({ "type": "text", "text": "é".repeat(4096) }),
        json!({ "type": "image", "mediaUrl": media, "text": "caption" }),
        json!({ "type": "video", "mediaUrl": media, "text": null }),
        json!({ "type": "document", "mediaUrl": media }),
        json!({ "type": "audio", "mediaUrl": media, "text": 7 }),
        json!({ "type": "voice_note", "mediaUrl": media }),
        json!({ "type": "location", "latitude": 48, "longitude": 2.35, "locationName": "Paris" }),
        json!({ "type": "buttons", "title": "a", "description": "b", "buttons": [
            { "title": "reply", "displayText": "Yes", "id": "y" },
            { "type": "call", "displayText": "Call", "phoneNumber": "0033 612345678" },
        ] }),
    ] {
        let answer = running.post(SEND, &with(&more)).await;
        assert_eq!(answer.status, 201, "{more} {}", answer.text);
    }
}

#[actix_web::test]
async fn buttons_are_kept_under_their_canonical_names() {
    let body = with(
        &json!({ "type": "buttons", "title": "a", "description": "b", "buttons": [
        { "title": "call", "displayText": "Call", "phoneNumber": "0033 612345678" },
    ] }),
    );
    let answer = Running::over(Fake::new()).post(SEND, &body).await;
    assert_eq!(
        answer.json()["data"]["meta"]["buttons"],
        json!([{ "type": "call", "displayText": "Call", "phoneNumber": "+33612345678" }])
    );
}

#[actix_web::test]
async fn bodies_that_are_no_objects_are_refused_as_a_whole() {
    for body in [json!([INSTANCE]), json!("text"), json!(null)] {
        assert_eq!(refused(&body).await, problems(&[("", "invalid_type")]));
    }
}

#[actix_web::test]
async fn a_schedule_has_a_time_within_a_year() {
    let mut fake = Fake::new();
    fake.rate_per_second = 100;
    let running = Running::over(fake);
    let at = |time: Value| with(&json!({ "type": "text", "text": "a", "scheduledAt": time }));
    for (time, code) in [
        (Value::Null, "required"),
        (json!(1_775_124_000), "invalid_type"),
        (json!("tomorrow"), "invalid_date"),
        (json!("2027-05-20T12:00:01Z"), "out_of_range"),
    ] {
        let answer = running.post(SCHEDULE, &at(time)).await;
        assert_eq!(answer.problems(), problems(&[("scheduledAt", code)]));
    }
    for (time, kept) in [
        ("2027-05-20T12:00:00Z", "2027-05-20T12:00:00.000Z"),
        ("2026-06-01T10:00:00+02:00", "2026-06-01T08:00:00.000Z"),
        ("2026-06-01T10:00:00", "2026-06-01T10:00:00.000Z"),
        ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00.000Z"),
    ] {
        let answer = running.post(SCHEDULE, &at(json!(time))).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        assert_eq!(answer.json()["data"]["scheduledAt"], kept);
    }
}

#[actix_web::test]
async fn a_list_is_paged_and_filtered() {
    let mut fake = Fake::new();
    fake.messages.expect_page().returning(|_, filter, page| {
        assert_eq!(
            (page.limit, filter.status),
            (2, Some(MessageStatus::Delivered))
        );
        assert_eq!((filter.inbound, filter.to.is_some()), (Some(false), true));
        let next = Some(Cursor::new(filter.scope(), MESSAGE));
        Ok(Page {
            items: vec![message()],
            next,
        })
    });
    let running = Running::over(fake);
    let path = "/api/v1/messages?limit=2&status=delivered&direction=outbound&to=+33612345678&x=y";
    let data = running.get(path).await.json()["data"].clone();
    assert_eq!(data["messages"][0]["updatedAt"], "2026-05-20T10:01:10.500Z");
    assert_eq!(data["hasMore"], true);
    let cursor = data["nextCursor"].as_str().unwrap();
    assert_eq!(
        running.get(&format!("{path}&cursor={cursor}")).await.status,
        200
    );
    let other = format!("/api/v1/messages?limit=2&cursor={cursor}");
    assert_eq!(
        running.get(&other).await.problems(),
        problems(&[("cursor", "invalid_cursor")])
    );
}

#[actix_web::test]
async fn all_problems_of_a_query_are_told_at_once() {
    let path = "/api/v1/messages?limit=101&status=gone&instanceId=1&campaignId=2&to=a&direction=up&from=x&until=y";
    let answer = Running::over(Fake::new()).get(path).await;
    let fields: Vec<_> = answer
        .problems()
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    assert_eq!(answer.refusal(), (400, "VALIDATION_ERROR".to_owned()));
    assert_eq!(
        fields,
        [
            "limit",
            "instanceId",
            "status",
            "campaignId",
            "to",
            "direction",
            "from",
            "until"
        ]
    );
}

#[actix_web::test]
async fn only_a_waiting_message_can_be_cancelled() {
    let mut fake = Fake::new();
    fake.messages
        .expect_find()
        .returning(|_, _| Ok(Some(message())));
    let request = crate::testing::keyed(
        actix_web::http::Method::POST,
        &format!("/api/v1/messages/{MESSAGE}/cancel"),
    );
    let answer = Running::over(fake).call(request).await;
    assert_eq!(answer.refusal(), (400, "BAD_REQUEST".to_owned()));
}
