use actix_web::http::Method;
use msgflash_billing::SubscriptionStatus;
use msgflash_kernel::Id;
use msgflash_templates::{TemplateKind, TemplatePage};
use serde_json::{Value, json};

use crate::testing::samples::{MESSAGE, TEMPLATE, entitlement, template, uuid};
use crate::testing::{Answer, Fake, Running, keyed};

mod previews;

const TEMPLATES: &str = "/api/v1/templates";
const HELLO: &str = "Hello {{contact.firstName}}, use {{custom.code}} today.";
const MEDIA: &str = "https://files.example.com/a.jpg";

fn one() -> String {
    format!("{TEMPLATES}/{TEMPLATE}")
}

fn problems(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter()
        .map(|(field, code)| ((*field).to_owned(), (*code).to_owned()))
        .collect()
}

/// What is told: fields and codes.
type Told = &'static [(&'static str, &'static str)];

/// Holds one template and knows it.
fn fake(kind: TemplateKind, body: Option<&'static str>) -> Fake {
    let mut fake = Fake::new();
    fake.rate_per_second = 100;
    fake.held_template = Some(template(kind, body));
    fake.templates.expect_find().returning(move |_, id| {
        let template = template(kind, body);
        Ok((id == template.id).then_some(template))
    });
    fake
}

async fn put(running: &Running, body: &Value) -> Answer {
    running
        .call(keyed(Method::PUT, &one()).set_json(body))
        .await
}

#[actix_web::test]
async fn a_new_template_is_shown_to_the_field() {
    let running = Running::over(Fake::new());
    let body = json!({
        "name": "Cart reminder", "type": "text", "body": HELLO, "mediaUrl": "not looked at",
        "variables": ["nonsense"],
    });
    let answer = running.post(TEMPLATES, &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let mut data = answer.json()["data"].clone();
    assert!(data["id"].is_string());
    data["id"] = json!("id");
    assert_eq!(
        data,
        json!({
            "id": "id", "userId": uuid(2), "name": "Cart reminder", "type": "text", "body": HELLO,
            "mediaUrl": null, "variables": ["contact.firstName", "custom.code"],
            "createdAt": "2026-05-20T12:00:00.000Z", "updatedAt": "2026-05-20T12:00:00.000Z",
        })
    );
}

#[actix_web::test]
async fn every_type_is_made_up_to_its_limits() {
    let mut fake = Fake::new();
    fake.rate_per_second = 100;
    let running = Running::over(fake);
    let text = json!({ "name": "é".repeat(100), "type": "text", "body": "é".repeat(4096) });
    assert_eq!(running.post(TEMPLATES, &text).await.status, 201);
    for kind in ["image", "video", "audio", "document"] {
        let caption = "é".repeat(1024);
        let full = json!({ "name": "a", "type": kind, "mediaUrl": MEDIA, "body": caption });
        assert_eq!(running.post(TEMPLATES, &full).await.status, 201, "{kind}");
        let bare = json!({ "name": "a", "type": kind, "mediaUrl": MEDIA, "body": null });
        let bare = running.post(TEMPLATES, &bare).await;
        let data = &bare.json()["data"];
        assert_eq!(
            (&data["body"], &data["variables"]),
            (&json!(null), &json!([]))
        );
    }
}

#[actix_web::test]
async fn all_problems_of_a_template_are_told_at_once() {
    let mut fake = Fake::new();
    fake.rate_per_second = 100;
    let running = Running::over(fake);
    let long = "a".repeat(1025);
    let table: [(Value, &[(&str, &str)]); 8] = [
        (json!({}), &[("name", "required"), ("type", "required")]),
        (
            json!({ "name": " ", "type": "text" }),
            &[("name", "too_short"), ("body", "required")],
        ),
        (
            json!({ "name": "a".repeat(101), "type": "text", "body": "  " }),
            &[("name", "too_long"), ("body", "too_short")],
        ),
        (
            json!({ "name": 7, "type": "voice_note", "body": [], "mediaUrl": "/a" }),
            &[
                ("name", "invalid_type"),
                ("type", "invalid_enum"),
                ("body", "invalid_type"),
                ("mediaUrl", "invalid_url"),
            ],
        ),
        (
            json!({ "name": "a\u{0}", "type": "text", "body": "a".repeat(4097) }),
            &[("name", "invalid_characters"), ("body", "too_long")],
        ),
        (
            json!({ "name": "a", "type": "image", "body": long, "mediaUrl": "http://10.0.0.1/a" }),
            &[("body", "too_long"), ("mediaUrl", "private_address")],
        ),
        (
            json!({ "name": "a", "type": "text", "body": "a\u{0}{{" }),
            &[("body", "invalid_characters")],
        ),
        (
            json!({ "name": "a", "type": "audio", "mediaUrl": format!("{MEDIA}{}", "a".repeat(2048)) }),
            &[("mediaUrl", "too_long")],
        ),
    ];
    for (body, expected) in table {
        let answer = running.post(TEMPLATES, &body).await;
        assert_eq!(answer.refusal(), (400, "VALIDATION_ERROR".to_owned()));
        assert_eq!(answer.problems(), problems(expected), "{body}");
    }
}

#[actix_web::test]
async fn what_is_no_template_is_told_with_its_places() {
    let mut fake = Fake::new();
    fake.rate_per_second = 100;
    let running = Running::over(fake);
    let body = json!({ "name": "a", "type": "image", "body": "{{firstname}}\n{{ }} {{x.y}}" });
    let answer = running.post(TEMPLATES, &body).await;
    assert_eq!(answer.refusal(), (400, "TEMPLATE_INVALID".to_owned()));
    assert_eq!(
        answer.problems(),
        problems(&[
            ("body", "missing_namespace"),
            ("body", "empty_placeholder"),
            ("body", "unknown_namespace"),
            ("mediaUrl", "required"),
        ])
    );
    let second = &answer.json()["error"]["details"][1]["message"];
    let told = second.as_str().unwrap();
    assert!(told.starts_with("Line 2, character 1:"), "{told}");
}

#[actix_web::test]
async fn a_list_counts_pages() {
    let mut fake = Fake::new();
    fake.rate_per_second = 100;
    fake.templates.expect_page().returning(|workspace, page| {
        assert_eq!(workspace, Id::new(uuid(2)));
        let templates = match (page.page, page.limit) {
            (1, 20) | (3, 100) => vec![template(TemplateKind::Text, Some(HELLO))],
            _ => Vec::new(),
        };
        Ok(TemplatePage {
            templates,
            total: 45,
        })
    });
    let running = Running::over(fake);
    for (query, items) in [
        ("", 1),
        ("?page=3&limit=100", 1),
        ("?page=4294967295&limit=1", 0),
    ] {
        let data = running.get(&format!("{TEMPLATES}{query}")).await.json()["data"].clone();
        assert_eq!(data["total"], 45);
        assert_eq!(
            data["templates"].as_array().unwrap().len(),
            items,
            "{query}"
        );
    }
    let answer = running.get(&format!("{TEMPLATES}?page=0&limit=101")).await;
    assert_eq!(
        answer.problems(),
        problems(&[("page", "out_of_range"), ("limit", "out_of_range")])
    );
    let answer = running.get(&format!("{TEMPLATES}?page=x&limit=1.5")).await;
    assert_eq!(
        answer.problems(),
        problems(&[("page", "invalid_type"), ("limit", "invalid_type")])
    );
}

#[actix_web::test]
async fn an_unknown_template_and_a_malformed_id_are_the_same() {
    let running = Running::over(fake(TemplateKind::Text, Some(HELLO)));
    let mut told = Vec::new();
    for id in [MESSAGE, "tpl-1", "%20"] {
        let path = format!("{TEMPLATES}/{id}");
        for (method, path) in [
            (Method::GET, path.clone()),
            (Method::PUT, path.clone()),
            (Method::DELETE, path.clone()),
            (Method::POST, format!("{path}/preview")),
        ] {
            let answer = running.call(keyed(method, &path)).await;
            assert_eq!(answer.refusal(), (404, "NOT_FOUND".to_owned()), "{path}");
            told.push(answer.text);
        }
    }
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
    // What is wrong with a body comes first.
    let wrong = keyed(Method::PUT, &format!("{TEMPLATES}/tpl-1")).set_json(json!({ "name": 1 }));
    let answer = running.call(wrong).await;
    assert_eq!(answer.refusal(), (400, "VALIDATION_ERROR".to_owned()));
}

#[actix_web::test]
async fn a_revision_changes_what_it_gives() {
    let running = Running::over(fake(TemplateKind::Text, Some(HELLO)));
    let before = running.get(&one()).await.json()["data"].clone();
    for nothing in [
        json!({}),
        json!({ "name": null, "body": null, "mediaUrl": null, "type": null }),
        json!({ "type": "text" }),
        json!({ "variables": ["a"] }),
        json!({ "mediaUrl": MEDIA }),
    ] {
        let answer = put(&running, &nothing).await;
        assert_eq!(
            (answer.status, &answer.json()["data"]),
            (200, &before),
            "{nothing}"
        );
    }
    let empty = running.call(keyed(Method::PUT, &one())).await;
    assert_eq!((empty.status, &empty.json()["data"]), (200, &before));
    let answer = put(&running, &json!({ "body": "{{custom.sum}}" })).await;
    let after = answer.json()["data"].clone();
    assert_eq!(
        (&after["name"], &after["body"], &after["variables"]),
        (
            &before["name"],
            &json!("{{custom.sum}}"),
            &json!(["custom.sum"])
        )
    );
    assert_eq!(
        (&after["createdAt"], &after["updatedAt"]),
        (&before["createdAt"], &json!("2026-05-20T12:00:00.000Z"))
    );
}

#[actix_web::test]
async fn a_revised_template_is_one_still() {
    let running = Running::over(fake(TemplateKind::Text, Some(HELLO)));
    let table: [(Value, &str, Told); 6] = [
        (
            json!({ "type": "image" }),
            "VALIDATION_ERROR",
            &[("type", "not_allowed")],
        ),
        (
            json!({ "type": "poem", "name": "", "body": 1, "mediaUrl": "x" }),
            "VALIDATION_ERROR",
            &[
                ("name", "too_short"),
                ("type", "invalid_enum"),
                ("body", "invalid_type"),
                ("mediaUrl", "invalid_url"),
            ],
        ),
        (
            json!({ "body": "" }),
            "VALIDATION_ERROR",
            &[("body", "too_short")],
        ),
        (
            json!({ "name": "a".repeat(101), "body": "a".repeat(4097) }),
            "VALIDATION_ERROR",
            &[("name", "too_long"), ("body", "too_long")],
        ),
        (
            json!({ "mediaUrl": "http://127.0.0.1/a" }),
            "VALIDATION_ERROR",
            &[("mediaUrl", "private_address")],
        ),
        (
            json!({ "name": "b", "body": "{{nope" }),
            "TEMPLATE_INVALID",
            &[("body", "unclosed_placeholder")],
        ),
    ];
    for (body, code, expected) in table {
        let answer = put(&running, &body).await;
        assert_eq!(answer.refusal(), (400, code.to_owned()), "{body}");
        assert_eq!(answer.problems(), problems(expected), "{body}");
    }
    let image = Running::over(fake(TemplateKind::Image, Some("{{contact.name}}")));
    let long = put(&image, &json!({ "body": "a".repeat(1025) })).await;
    assert_eq!(long.problems(), problems(&[("body", "too_long")]));
    let bare = put(&image, &json!({ "body": "" })).await;
    let data = &bare.json()["data"];
    assert_eq!(
        (&data["body"], &data["variables"]),
        (&json!(null), &json!([]))
    );
}

#[actix_web::test]
async fn deleting_says_so() {
    let running = Running::over(fake(TemplateKind::Text, Some(HELLO)));
    let gone = running.call(keyed(Method::DELETE, &one())).await;
    assert_eq!(
        (gone.status, &gone.json()["data"]),
        (200, &json!({ "deleted": true }))
    );
}

#[actix_web::test]
async fn a_subscription_that_is_over_stops_making_and_changing_alone() {
    let mut fake = fake(TemplateKind::Image, None);
    let mut held = entitlement();
    held.subscription.status = SubscriptionStatus::Expired;
    fake.holds(held);
    fake.templates.expect_page().returning(|_, _| {
        let templates = Vec::new();
        Ok(TemplatePage {
            templates,
            total: 0,
        })
    });
    let running = Running::over(fake);
    let inactive = (403, "SUBSCRIPTION_INACTIVE".to_owned());
    assert_eq!(
        running.post(TEMPLATES, &json!({})).await.refusal(),
        inactive
    );
    assert_eq!(put(&running, &json!({})).await.refusal(), inactive);
    for (method, path) in [
        (Method::GET, TEMPLATES.to_owned()),
        (Method::GET, one()),
        (Method::POST, format!("{}/preview", one())),
        (Method::DELETE, one()),
    ] {
        assert_eq!(
            running.call(keyed(method, &path)).await.status,
            200,
            "{path}"
        );
    }
}

#[actix_web::test]
async fn one_key_makes_one_template_and_previews_know_no_keys() {
    let running = Running::over(fake(TemplateKind::Image, None));
    let once = |body: &Value| {
        let request = keyed(Method::POST, TEMPLATES).insert_header(("Idempotency-Key", "k"));
        running.call(request.set_json(body))
    };
    let body = json!({ "name": "a", "type": "text", "body": "A" });
    let (first, again) = (once(&body).await, once(&body).await);
    assert_eq!((first.status, &first.text), (201, &again.text));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let other = json!({ "name": "b", "type": "text", "body": "{{" });
    assert_eq!(once(&other).await.refusal(), (409, "CONFLICT".to_owned()));
    let path = format!("{}/preview", one());
    for key in ["k".to_owned(), String::new(), "k".repeat(300)] {
        let preview = keyed(Method::POST, &path).insert_header(("Idempotency-Key", key));
        let answer = running.call(preview).await;
        assert_eq!(
            (answer.status, answer.header("idempotent-replayed")),
            (200, None)
        );
    }
}
