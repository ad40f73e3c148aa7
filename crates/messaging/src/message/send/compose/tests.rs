use std::sync::Arc;

use msgflash_kernel::{Fault as _, Outcome};
use msgflash_templates::{
    ContactFacts, MockContextSource, MockTemplateReader, RenderTemplate, StoredTemplate,
};
use uuid::Uuid;

use super::super::SentMessage;
use super::super::tests::{UNWILLING, order, use_case_over};
use super::*;
use crate::instance::InstanceStatus;
use crate::message::ports::FakeAcceptance;
use crate::testing::{NOW, actor, instance, phone, workspace};

const AWA: Uuid = Uuid::from_u128(0xAA);

fn template(kind: TemplateKind, body: Option<&str>) -> Template {
    Template::restore(StoredTemplate {
        id: Id::new(Uuid::from_u128(7)),
        workspace: workspace(),
        created_by: actor().user,
        name: "Reminder".into(),
        kind,
        body: body.map(str::to_owned),
        media_url: (kind != TemplateKind::Text).then(|| "https://files.test/a.bin".into()),
        created_at: NOW,
        updated_at: NOW,
    })
}

/// Knows one contact, and refuses to be asked for anything else.
fn address_book() -> MockContextSource {
    let mut context = MockContextSource::new();
    context.expect_contact().returning(|workspace, id| {
        assert_eq!(workspace, actor().workspace.id);
        let awa = ContactFacts {
            id: AWA,
            name: "Awa Diop".into(),
            phone: phone(),
            tags: Vec::new(),
            meta: None,
        };
        Ok((id == AWA).then_some(awa))
    });
    context
}

fn templated(contact: Option<Uuid>, variables: &Value) -> SendOrder {
    let Value::Object(variables) = variables.clone() else {
        panic!("{variables}")
    };
    SendOrder {
        content: Wanted::Template {
            template: Id::new(Uuid::from_u128(7)),
            variables,
        },
        contact: contact.map(Id::new),
        ..order(Content::Text(String::new()))
    }
}

struct Bench {
    desk: FakeAcceptance,
    instance: Instance,
    context: MockContextSource,
}

impl Bench {
    fn new() -> Self {
        Self {
            desk: FakeAcceptance::default(),
            instance: instance(),
            context: address_book(),
        }
    }

    async fn send(
        self,
        template: Template,
        order: SendOrder,
    ) -> Result<SentMessage, MessagingError> {
        let mut templates = MockTemplateReader::new();
        templates
            .expect_find()
            .times(1)
            .returning(move |_, _| Ok(Some(template.clone())));
        let render = RenderTemplate::new(Arc::new(templates), Arc::new(self.context));
        let sender = use_case_over(Some(self.instance), &self.desk, render);
        let outcome = sender.accept(order, None).await?;
        let Outcome::Done(sent) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(self.desk.accepted()[0].message, sent.message);
        Ok(sent)
    }

    /// The code of a refusal that left nothing behind.
    async fn refusal(self, template: Template, order: SendOrder) -> &'static str {
        let desk = self.desk.clone();
        let refused = self.send(template, order).await.expect_err("a refusal");
        assert!(desk.accepted().is_empty(), "nothing is recorded");
        refused.code()
    }
}

#[tokio::test]
async fn a_rendered_text_is_the_message_and_its_meta_tells_where_it_came_from() {
    let body = "{{contact.firstName}}, {{custom.code}} from {{instance.name}}";
    let order = templated(Some(AWA), &json!({ "code": "SPRING" }));
    let sent = Bench::new()
        .send(template(TemplateKind::Text, Some(body)), order)
        .await;
    let message = sent.expect("accepted").message;
    assert_eq!(message.kind, MessageKind::Text);
    assert_eq!(message.body.as_deref(), Some("Awa, SPRING from Shop"));
    assert_eq!(message.contact, Some(Id::new(AWA)));
    assert_eq!(
        Value::Object(message.meta),
        json!({
            "templateId": "00000000-0000-0000-0000-000000000007",
            "usedVariables": ["contact.firstName", "custom.code", "instance.name"],
        })
    );
}

#[tokio::test]
async fn type_and_media_come_from_the_template() {
    for (kind, made) in [
        (TemplateKind::Image, MessageKind::Image),
        (TemplateKind::Video, MessageKind::Video),
        (TemplateKind::Audio, MessageKind::Audio),
        (TemplateKind::Document, MessageKind::Document),
    ] {
        for body in [Some("To {{contact.phone}}"), None] {
            let order = templated(None, &json!({}));
            let sent = Bench::new().send(template(kind, body), order).await;
            let message = sent.expect("accepted").message;
            assert_eq!(message.kind, made);
            assert_eq!(
                message.media_url.as_deref(),
                Some("https://files.test/a.bin")
            );
            let text = body.map(|_| "To +33612345678".to_owned());
            assert_eq!(message.body, text);
            assert!(Content::of(&message).is_some(), "it can be sent later");
        }
    }
}

#[tokio::test]
async fn a_contact_that_cannot_be_used_is_a_matter_of_the_rendering() {
    let order = templated(Some(Uuid::from_u128(0xBAD)), &json!({}));
    let code = Bench::new()
        .refusal(template(TemplateKind::Text, Some("Hi")), order)
        .await;
    assert_eq!(code, "TEMPLATE_CONTEXT_UNAVAILABLE");
}

#[tokio::test]
async fn a_recipient_that_cannot_be_is_told_before_what_is_wrong_with_the_template() {
    for (body, code) in [
        ("{{contact.name", "TEMPLATE_INVALID"),
        ("{{custom.gone}}", "TEMPLATE_VARIABLES_MISSING"),
    ] {
        let broken = template(TemplateKind::Text, Some(body));
        let order = templated(None, &json!({}));
        let impossible = SendOrder {
            to: "0612".into(),
            ..order.clone()
        };
        let refused = Bench::new().refusal(broken.clone(), impossible).await;
        assert_eq!(refused, "INVALID_DESTINATION");
        let unwilling = SendOrder {
            to: UNWILLING.into(),
            ..order.clone()
        };
        let refused = Bench::new().refusal(broken.clone(), unwilling).await;
        assert_eq!(refused, "RECIPIENT_OPTED_OUT");
        let mut suspended = Bench::new();
        suspended.instance.status = InstanceStatus::Suspended;
        let refused = suspended.refusal(broken.clone(), order.clone()).await;
        assert_eq!(refused, "FORBIDDEN");
        assert_eq!(Bench::new().refusal(broken, order).await, code);
    }
}

#[tokio::test]
async fn the_guidance_is_that_of_any_message() {
    let young = Bench {
        instance: Instance {
            first_connected_at: Some(NOW),
            ..instance()
        },
        ..Bench::new()
    };
    let plain = template(TemplateKind::Text, Some("Hi"));
    let sent = young.send(plain, templated(None, &json!({}))).await;
    let sent = sent.expect("accepted");
    assert_eq!(sent.safety.decision(), "warn");
    assert_eq!(sent.warnings, sent.safety.reasons);
}
