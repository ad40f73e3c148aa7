use msgflash_kernel::{Fault as _, Kind};
use serde_json::json;

use super::*;
use crate::ports::MockContextSource;
use crate::template::StoredTemplate;
use crate::testing::{actor, awa, id, owner, picture, reader, shop, stored, variables};

const AWA: Uuid = Uuid::from_u128(30);
const SHOP: Uuid = Uuid::from_u128(40);

/// Knows one contact and one instance, and answers for nobody else.
fn context() -> MockContextSource {
    let mut context = MockContextSource::new();
    context.expect_contact().returning(|workspace, id| {
        let is_ours = workspace == actor().workspace.id && id == AWA;
        Ok(is_ours.then(awa))
    });
    context
        .expect_instance()
        .returning(|who, id| Ok((*who == actor() && id == SHOP).then(shop)));
    context
        .expect_payer()
        .withf(|account| *account == actor().workspace.account)
        .returning(|_| Ok(Some(owner())));
    context
}

fn order(contact: Option<Uuid>, instance: Option<Uuid>, values: &Value) -> PreviewOrder {
    PreviewOrder {
        actor: actor(),
        template: id(),
        contact,
        instance,
        variables: variables(values),
    }
}

async fn preview(row: StoredTemplate, order: PreviewOrder) -> Result<Preview, TemplateError> {
    let preview = PreviewTemplate::new(Arc::new(reader(row)), Arc::new(context()));
    preview.preview(order).await
}

/// Code and details of a refusal.
async fn refused(row: StoredTemplate, order: PreviewOrder) -> (&'static str, Value) {
    let error = preview(row, order).await.expect_err("a refusal");
    assert_eq!(error.kind(), Kind::Invalid);
    (error.code(), error.details().expect("details"))
}

#[tokio::test]
async fn everything_resolved_is_valid() {
    let body = "{{contact.firstName}} {{instance.name}} {{user.fullName}} {{custom.code}}";
    let order = order(Some(AWA), Some(SHOP), &json!({ "code": "SPRING" }));
    let shown = preview(stored(body), order).await.unwrap();
    assert_eq!(shown.rendered, "Awa Main shop Ines Roy SPRING");
    assert_eq!(
        shown.variables,
        [
            "contact.firstName",
            "instance.name",
            "user.fullName",
            "custom.code"
        ]
    );
    assert!(shown.is_valid());
}

#[tokio::test]
async fn gaps_stay_as_written_and_are_listed() {
    let body = "Hello {{ contact.firstName }}, {{custom.code}} {{instance.waNumber}}";
    let shown = preview(stored(body), order(None, Some(SHOP), &json!({})))
        .await
        .unwrap();
    assert_eq!(shown.rendered, body);
    assert_eq!(shown.missing, shown.variables);
    assert!(!shown.is_valid());
}

#[tokio::test]
async fn media_without_a_caption_show_nothing() {
    let shown = preview(picture(None), order(None, None, &json!({})))
        .await
        .unwrap();
    assert_eq!((shown.rendered.as_str(), shown.is_valid()), ("", true));
    assert!(shown.variables.is_empty());
}

#[tokio::test]
async fn whoever_is_named_must_be_usable_whatever_the_body_says() {
    let stranger = Uuid::from_u128(99);
    let (code, details) = refused(
        stored("Hello"),
        order(Some(stranger), Some(stranger), &json!({})),
    )
    .await;
    assert_eq!(code, "TEMPLATE_CONTEXT_UNAVAILABLE");
    assert_eq!(
        details,
        json!([
            {
                "field": "contactId", "code": "unavailable",
                "message": "This contact does not exist here or cannot be used",
            },
            {
                "field": "instanceId", "code": "unavailable",
                "message": "This instance does not exist here or cannot be used",
            },
        ])
    );
    let (code, _) = refused(stored("Hello"), order(None, Some(stranger), &json!({}))).await;
    assert_eq!(code, "TEMPLATE_CONTEXT_UNAVAILABLE");
}

#[tokio::test]
async fn variables_are_flat_and_can_be_stored() {
    let wrong = json!({ "a-b": "x", "list": [1], "none": null, "nul": "a\0", "deep": { "a": 1 } });
    let (code, details) = refused(stored("Hello"), order(None, None, &wrong)).await;
    assert_eq!(code, "VALIDATION_ERROR");
    let told: Vec<_> = details.as_array().unwrap().iter().collect();
    let told: Vec<_> = told
        .iter()
        .map(|it| (it["field"].as_str().unwrap(), it["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("variables.a-b", "invalid_name"),
            ("variables.deep", "invalid_type"),
            ("variables.list", "invalid_type"),
            ("variables.none", "invalid_type"),
            ("variables.nul", "invalid_characters"),
        ]
    );
}

#[tokio::test]
async fn a_template_that_is_none_is_told_before_anybody_is_looked_up() {
    let templates = reader(stored("{{name}}"));
    let preview = PreviewTemplate::new(Arc::new(templates), Arc::new(MockContextSource::new()));
    let refused = preview.preview(order(Some(AWA), None, &json!({}))).await;
    assert_eq!(refused.expect_err("a refusal").code(), "TEMPLATE_INVALID");
}

#[tokio::test]
async fn a_template_of_another_workspace_is_not_found() {
    let mut order = order(None, None, &json!({}));
    order.actor.workspace.id = msgflash_kernel::Id::new(Uuid::nil());
    let refused = preview(stored("Hello"), order).await;
    assert!(matches!(refused, Err(TemplateError::NoTemplate(_))));
}

#[tokio::test]
async fn a_text_that_would_be_too_long_is_refused() {
    let long = json!({ "a": "x".repeat(4000) });
    let (code, _) = refused(
        stored(&format!("{{{{custom.a}}}}{}", "y".repeat(97))),
        order(None, None, &long),
    )
    .await;
    assert_eq!(code, "TEMPLATE_INVALID");
}
