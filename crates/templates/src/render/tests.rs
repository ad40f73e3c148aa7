use msgflash_kernel::{Fault as _, Kind};
use serde_json::json;

use super::*;
use crate::ports::MockContextSource;
use crate::template::StoredTemplate;
use crate::testing::{actor, awa, id, owner, phone, picture, reader, shop, stored, variables};

/// Renders for a recipient, with the contact that is named.
async fn render(
    row: StoredTemplate,
    contact: Option<Uuid>,
    values: &Value,
    context: MockContextSource,
) -> Result<Rendered, TemplateError> {
    let render = RenderTemplate::new(Arc::new(reader(row)), Arc::new(context));
    let template = render.find(actor().workspace.id, id()).await?;
    let (variables, shop) = (variables(values), shop());
    let order = RenderOrder {
        workspace: actor().workspace,
        to: phone(),
        contact,
        instance: shop.values(),
        variables: &variables,
    };
    render.render(&template, order).await
}

/// Knows one contact, by id and by number.
fn address_book(known: bool) -> MockContextSource {
    let mut context = MockContextSource::new();
    context
        .expect_contact()
        .withf(|workspace, _| *workspace == actor().workspace.id)
        .returning(move |_, id| Ok((known && id == awa().id).then(awa)));
    context
        .expect_contact_by_phone()
        .withf(|workspace, number| *workspace == actor().workspace.id && *number == phone())
        .returning(move |_, _| Ok(known.then(awa)));
    context
}

#[tokio::test]
async fn the_text_and_the_used_variables_are_answered() {
    let body = "{{contact.firstName}}: {{custom.code}}, {{custom.amount}}, {{instance.name}}";
    let values = json!({ "code": "SPRING", "amount": 1500, "unused": true });
    let made = render(stored(body), Some(awa().id), &values, address_book(true))
        .await
        .unwrap();
    assert_eq!(made.kind, TemplateKind::Text);
    assert_eq!(made.body.as_deref(), Some("Awa: SPRING, 1500, Main shop"));
    assert_eq!(made.media_url, None);
    assert_eq!(
        made.used,
        [
            "contact.firstName",
            "custom.code",
            "custom.amount",
            "instance.name"
        ]
    );
    assert_eq!(made.contact, Some(awa().id));
}

#[tokio::test]
async fn without_a_contact_the_one_with_the_number_is_addressed() {
    let made = render(
        stored("{{contact.name}}"),
        None,
        &json!({}),
        address_book(true),
    )
    .await
    .unwrap();
    assert_eq!(made.body.as_deref(), Some("Awa Diop"));
    assert_eq!(made.contact, Some(awa().id));
}

#[tokio::test]
async fn without_any_contact_only_the_number_is_known() {
    let body = "{{contact.phone}} {{contact.name}} {{contact.tags}} {{contact.meta.city}}";
    let refused = render(stored(body), None, &json!({}), address_book(false)).await;
    let Err(TemplateError::Missing(missing)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(
        missing.0,
        ["contact.name", "contact.tags", "contact.meta.city"]
    );
    // For the number alone nobody is looked up.
    let made = render(
        stored("{{contact.phone}}"),
        None,
        &json!({}),
        MockContextSource::new(),
    )
    .await
    .unwrap();
    assert_eq!(made.body.as_deref(), Some("+33612345678"));
    assert_eq!(made.contact, None);
}

#[tokio::test]
async fn a_contact_that_is_named_is_the_one_and_must_be_there() {
    let made = render(
        stored("{{contact.phone}}"),
        Some(awa().id),
        &json!({}),
        address_book(true),
    )
    .await
    .unwrap();
    assert_eq!(made.body.as_deref(), Some("+221770000000"));
    // Even if the text says nothing of it.
    let refused = render(
        stored("Hello"),
        Some(Uuid::nil()),
        &json!({}),
        address_book(true),
    )
    .await;
    let error = refused.expect_err("a refusal");
    assert_eq!(
        (error.kind(), error.code()),
        (Kind::Invalid, "TEMPLATE_CONTEXT_UNAVAILABLE")
    );
    assert_eq!(
        error.to_string(),
        "This contact does not exist here or cannot be used"
    );
}

#[tokio::test]
async fn the_account_that_pays_is_looked_up_when_it_is_named() {
    let mut context = MockContextSource::new();
    context
        .expect_payer()
        .withf(|account| *account == actor().workspace.account)
        .times(1)
        .returning(|_| Ok(Some(owner())));
    let made = render(stored("{{user.email}}"), None, &json!({}), context)
        .await
        .unwrap();
    assert_eq!(made.body.as_deref(), Some("ines@example.com"));
    // A number they never gave is missing.
    let mut context = MockContextSource::new();
    context.expect_payer().returning(|_| Ok(Some(owner())));
    let refused = render(stored("{{user.phone}}"), None, &json!({}), context).await;
    assert_eq!(
        refused.expect_err("a refusal").code(),
        "TEMPLATE_VARIABLES_MISSING"
    );
}

#[tokio::test]
async fn media_keep_their_address_and_an_empty_caption_is_none() {
    for (body, caption) in [
        (None, None),
        (Some("{{custom.a}}"), None),
        (Some("{{custom.b}}"), Some("Hello")),
    ] {
        let values = json!({ "a": "", "b": "Hello" });
        let made = render(picture(body), None, &values, MockContextSource::new())
            .await
            .unwrap();
        assert_eq!(made.body.as_deref(), caption);
        assert_eq!(
            made.media_url.as_deref(),
            Some("https://files.example.com/a.jpg")
        );
    }
}

#[tokio::test]
async fn each_refusal_has_its_code() {
    let mut no_media = picture(None);
    no_media.media_url = None;
    for (row, values, code) in [
        (
            stored("{{custom.a}}"),
            json!({}),
            "TEMPLATE_VARIABLES_MISSING",
        ),
        (stored("{{a}}"), json!({}), "TEMPLATE_INVALID"),
        (no_media, json!({}), "TEMPLATE_INVALID"),
        (
            stored("{{custom.a}}"),
            json!({ "a": "x".repeat(4097) }),
            "TEMPLATE_INVALID",
        ),
        (
            stored("{{custom.a}}"),
            json!({ "a": "" }),
            "TEMPLATE_INVALID",
        ),
        (
            stored("{{custom.a}}"),
            json!({ "a": "\0" }),
            "VALIDATION_ERROR",
        ),
    ] {
        let refused = render(row, None, &values, MockContextSource::new()).await;
        let error = refused.expect_err(code);
        assert_eq!((error.kind(), error.code()), (Kind::Invalid, code));
    }
}

#[tokio::test]
async fn an_unknown_template_is_not_found() {
    let render = RenderTemplate::new(
        Arc::new(reader(stored("Hello"))),
        Arc::new(MockContextSource::new()),
    );
    let refused = render
        .find(actor().workspace.id, msgflash_kernel::Id::new(Uuid::nil()))
        .await;
    let error = refused.expect_err("not here");
    assert_eq!((error.kind(), error.code()), (Kind::Missing, "NOT_FOUND"));
}
