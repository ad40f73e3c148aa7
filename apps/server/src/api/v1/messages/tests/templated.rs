//! Messages made of templates.

use msgflash_kernel::{Id, Phone};
use msgflash_templates::{ContactFacts, TemplateKind, UserFacts};

use super::*;
use crate::testing::samples::{CONTACT, TEMPLATE, template, uuid};

const HELLO: &str = "Hello {{contact.firstName}}, use {{custom.code}}. {{user.email}}";

fn awa() -> ContactFacts {
    ContactFacts {
        id: Id::<()>::parse(CONTACT).unwrap().uuid(),
        name: "Awa Diop".into(),
        phone: Phone::parse("+33612345678").unwrap(),
        tags: Vec::new(),
        meta: None,
    }
}

/// Knows one template, one contact by its number, and who pays.
fn fake(kind: TemplateKind, body: Option<&'static str>) -> Fake {
    let mut fake = Fake::new();
    fake.templates.expect_find().returning(move |_, id| {
        let template = template(kind, body);
        Ok((id == template.id).then_some(template))
    });
    fake.context
        .expect_contact_by_phone()
        .returning(|_, phone| Ok((phone == awa().phone).then(awa)));
    fake.context.expect_contact().returning(|_, _| Ok(None));
    fake.context.expect_payer().returning(|_| {
        Ok(Some(UserFacts {
            full_name: "Lea Roy".into(),
            email: "lea@example.com".into(),
            phone: None,
        }))
    });
    fake.rate_per_second = 100;
    fake
}

fn templated(more: &Value) -> Value {
    let mut body = with(more);
    body["templateId"] = json!(TEMPLATE);
    body
}

#[actix_web::test]
async fn the_rendered_text_is_the_body_and_meta_says_where_it_came_from() {
    let running = Running::over(fake(TemplateKind::Text, Some(HELLO)));
    // What belongs to direct messages is not looked at.
    let body = templated(&json!({
        "variables": { "code": "SPRING", "unused": 1.5 }, "text": 7, "mediaUrl": "/x", "buttons": {},
    }));
    let answer = running.post(SEND, &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let data = &answer.json()["data"];
    assert_eq!(data["body"], "Hello Awa, use SPRING. lea@example.com");
    assert_eq!(
        (&data["type"], &data["mediaUrl"], &data["contactId"]),
        (&json!("text"), &json!(null), &json!(CONTACT))
    );
    assert_eq!(
        data["meta"],
        json!({
            "templateId": TEMPLATE,
            "usedVariables": ["contact.firstName", "custom.code", "user.email"],
        })
    );
    assert_eq!(data["safety"]["decision"], "allow");
    assert_eq!(data["warnings"], json!([]));
    let mut later = body;
    later["scheduledAt"] = json!("2026-06-01T10:00:00Z");
    let later = running.post(SCHEDULE, &later).await;
    assert_eq!(
        (later.status, &later.json()["data"]["body"]),
        (201, &data["body"])
    );
}

#[actix_web::test]
async fn a_template_brings_its_media() {
    let running = Running::over(fake(TemplateKind::Document, None));
    let answer = running.post(SEND, &templated(&json!({}))).await;
    let data = &answer.json()["data"];
    assert_eq!(
        (&data["type"], &data["mediaUrl"], &data["body"]),
        (
            &json!("document"),
            &json!("https://files.example.com/a.bin"),
            &json!(null)
        )
    );
}

#[actix_web::test]
async fn variables_without_values_are_told_by_path() {
    let running = Running::over(fake(
        TemplateKind::Text,
        Some("{{custom.b}} {{custom.a}} {{custom.b}} {{contact.meta.city}}"),
    ));
    let answer = running.post(SEND, &templated(&json!({}))).await;
    assert_eq!(
        answer.refusal(),
        (400, "TEMPLATE_VARIABLES_MISSING".to_owned())
    );
    let missing = "missing_variable";
    assert_eq!(
        answer.problems(),
        problems(&[
            ("custom.b", missing),
            ("custom.a", missing),
            ("contact.meta.city", missing)
        ])
    );
    let message = &answer.json()["error"]["message"];
    assert_eq!(
        message,
        "Missing template variables: custom.b, custom.a, contact.meta.city"
    );
}

#[actix_web::test]
async fn refusals_come_in_the_published_order() {
    let running = Running::over(fake(TemplateKind::Text, Some("{{custom.gone}}")));
    let nobody = uuid(99).to_string();
    let mut wrong = json!({
        "instanceId": INSTANCE, "to": "0612", "templateId": nobody, "contactId": nobody,
        "variables": { "nested": {} },
    });
    let mut next = async |change: &str, value: Value, status: u16, code: &str| {
        wrong[change] = value;
        let answer = running.post(SEND, &wrong).await;
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{wrong}");
    };
    next("x", json!(1), 400, "VALIDATION_ERROR").await;
    next("variables", json!({}), 404, "NOT_FOUND").await;
    next("templateId", json!(TEMPLATE), 422, "INVALID_DESTINATION").await;
    let to = json!("+33612345678");
    next("to", to, 400, "TEMPLATE_CONTEXT_UNAVAILABLE").await;
    next("contactId", json!(null), 400, "TEMPLATE_VARIABLES_MISSING").await;
}

#[actix_web::test]
async fn a_stored_template_that_is_none_is_refused() {
    for (kind, body) in [
        (TemplateKind::Text, Some("{{firstname}}")),
        (TemplateKind::Text, None),
    ] {
        let running = Running::over(fake(kind, body));
        let answer = running.post(SEND, &templated(&json!({}))).await;
        assert_eq!(answer.refusal(), (400, "TEMPLATE_INVALID".to_owned()));
    }
}

#[actix_web::test]
async fn variables_are_flat_and_well_named() {
    let body = templated(&json!({ "variables": {
        "custom": { "code": 1 }, "a.b": 1, "": 1, "list": [], "none": null, "nul": "a\u{0}",
    } }));
    let mut found = refused(&body).await;
    found.sort();
    assert_eq!(
        found,
        problems(&[
            ("variables.", "invalid_name"),
            ("variables.a.b", "invalid_name"),
            ("variables.custom", "invalid_type"),
            ("variables.list", "invalid_type"),
            ("variables.none", "invalid_type"),
            ("variables.nul", "invalid_characters"),
        ])
    );
    for odd in [json!([]), json!("code"), json!(1)] {
        let body = templated(&json!({ "variables": odd }));
        assert_eq!(
            refused(&body).await,
            problems(&[("variables", "invalid_type")])
        );
    }
}
