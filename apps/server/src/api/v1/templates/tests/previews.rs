//! What a template would become.

use msgflash_kernel::Phone;
use msgflash_templates::{ContactFacts, InstanceFacts};

use super::*;
use crate::testing::samples::{CONTACT, INSTANCE};

/// Knows one contact and one instance.
fn with_context(mut fake: Fake) -> Fake {
    fake.context.expect_contact().returning(|_, id| {
        let awa = ContactFacts {
            id,
            name: "Awa Diop".into(),
            phone: Phone::parse("+33612345678").unwrap(),
            tags: vec!["vip".into(), "shop".into()],
            meta: Some(json!({ "city": "Lyon" })),
        };
        Ok((id.to_string() == CONTACT).then_some(awa))
    });
    fake.context.expect_instance().returning(|_, id| {
        let shop = InstanceFacts {
            name: "Main shop".into(),
            wa_number: None,
        };
        Ok((id.to_string() == INSTANCE).then_some(shop))
    });
    fake
}

#[actix_web::test]
async fn a_preview_shows_what_is_there_and_what_is_missing() {
    let body = "{{contact.name}} ({{contact.meta.city}}, {{contact.tags}}) {{instance.name}} {{ custom.code }}";
    let running = Running::over(with_context(fake(TemplateKind::Text, Some(body))));
    let path = format!("{}/preview", one());
    let variables = json!([
        "contact.name",
        "contact.meta.city",
        "contact.tags",
        "instance.name",
        "custom.code"
    ]);
    for nothing in [
        running.call(keyed(Method::POST, &path)).await,
        running.post(&path, &json!({})).await,
        running
            .post(&path, &json!({ "variables": null, "contactId": null }))
            .await,
    ] {
        assert_eq!(nothing.status, 200, "{}", nothing.text);
        assert_eq!(
            nothing.json()["data"],
            json!({
                "rendered": body, "variables": variables, "missingVariables": variables,
                "valid": false,
            })
        );
    }
    let full = json!({
        "contactId": CONTACT, "instanceId": INSTANCE, "variables": { "code": "SPRING" },
    });
    assert_eq!(
        running.post(&path, &full).await.json()["data"],
        json!({
            "rendered": "Awa Diop (Lyon, vip, shop) Main shop SPRING", "variables": variables,
            "missingVariables": [], "valid": true,
        })
    );
    let nobody = json!({ "contactId": MESSAGE, "instanceId": MESSAGE });
    let refused = running.post(&path, &nobody).await;
    assert_eq!(
        refused.refusal(),
        (400, "TEMPLATE_CONTEXT_UNAVAILABLE".to_owned())
    );
    assert_eq!(
        refused.problems(),
        problems(&[("contactId", "unavailable"), ("instanceId", "unavailable")])
    );
    let wrong = json!({ "contactId": "c", "instanceId": 1, "variables": { "a.b": [] } });
    let refused = running.post(&path, &wrong).await;
    assert_eq!(refused.refusal(), (400, "VALIDATION_ERROR".to_owned()));
    assert_eq!(
        refused.problems(),
        problems(&[
            ("instanceId", "invalid_type"),
            ("contactId", "invalid_uuid"),
            ("variables.a.b", "invalid_name"),
            ("variables.a.b", "invalid_type"),
        ])
    );
}
