//! From what an order asks for to what its message says: what it names is looked up, and a template
//! is rendered.
//!
//! In two steps, because what does not exist is told before a recipient that cannot be, and what is
//! wrong with a template after. Nothing of a template is remembered: a change counts at once.

use msgflash_contacts::{Contact, ContactId};
use msgflash_kernel::{Id, Phone};
use msgflash_templates::engine::InstanceValues;
use msgflash_templates::{RenderOrder, Rendered, Template, TemplateId, TemplateKind};
use serde_json::{Map, Value, json};

use super::{SendMessage, SendOrder, Wanted};
use crate::error::MessagingError;
use crate::instance::Instance;
use crate::message::MessageKind;
use crate::message::content::{Card, Content};

/// What an order asks for, as far as it exists.
pub(super) enum Found<'a> {
    /// Content, with what it refers to.
    Content(Content),
    /// A template that is still to be rendered, and the values that came along.
    Template(Template, &'a Map<String, Value>),
}

/// What a message says.
pub(super) struct Composed {
    pub(super) content: Content,
    /// The contact it is linked to.
    pub(super) contact: Option<ContactId>,
    /// What is published besides the content.
    pub(super) meta: Map<String, Value>,
}

impl SendMessage {
    /// Finds what the order names. A template's contact belongs to its rendering.
    pub(super) async fn look_up<'a>(
        &self,
        order: &'a SendOrder,
    ) -> Result<Found<'a>, MessagingError> {
        let content = match &order.content {
            Wanted::Direct(content) => content.clone(),
            Wanted::Template {
                template,
                variables,
            } => {
                let workspace = order.actor.workspace.id;
                let found = self.ports.templates.find(workspace, *template).await?;
                return Ok(Found::Template(found, variables));
            }
        };
        if let Content::Card { contact, .. } = content {
            let found = self.contact(order, contact).await?;
            let card = Card {
                name: found.name,
                phone: found.phone,
            };
            return Ok(Found::Content(Content::Card {
                contact,
                card: Some(card),
            }));
        }
        if let Some(contact) = order.contact {
            self.contact(order, contact).await?;
        }
        Ok(Found::Content(content))
    }

    async fn contact(&self, order: &SendOrder, id: ContactId) -> Result<Contact, MessagingError> {
        let workspace = order.actor.workspace.id;
        let found = self.ports.contacts.find(workspace, id).await?;
        found.ok_or(MessagingError::NoContact(id))
    }

    /// Makes of it what the message to `to` says.
    pub(super) async fn compose(
        &self,
        order: &SendOrder,
        found: Found<'_>,
        instance: &Instance,
        to: Phone,
    ) -> Result<Composed, MessagingError> {
        let (template, variables) = match found {
            Found::Content(content) => return Ok(direct(order, content)),
            Found::Template(template, variables) => (template, variables),
        };
        let rendering = RenderOrder {
            workspace: order.actor.workspace,
            to,
            contact: order.contact.map(Id::uuid),
            instance: InstanceValues {
                name: Some(&instance.name),
                wa_number: instance.wa_number,
            },
            variables,
        };
        let rendered = self.ports.templates.render(&template, rendering).await?;
        Ok(of_template(template.id, rendered))
    }
}

fn direct(order: &SendOrder, content: Content) -> Composed {
    Composed {
        contact: match &content {
            Content::Card { contact, .. } => Some(*contact),
            _ => order.contact,
        },
        meta: if matches!(content, Content::Text(_)) {
            Map::new()
        } else {
            content.meta()
        },
        content,
    }
}

fn of_template(id: TemplateId, rendered: Rendered) -> Composed {
    let contact = rendered.contact.map(Id::new);
    let (content, meta) = of_rendered(id, rendered);
    Composed {
        content,
        contact,
        meta,
    }
}

/// What a rendered template sends, and what is published about that.
pub(crate) fn of_rendered(id: TemplateId, rendered: Rendered) -> (Content, Map<String, Value>) {
    let meta = [
        ("templateId".to_owned(), json!(id.to_string())),
        ("usedVariables".to_owned(), json!(rendered.used)),
    ];
    (content_of(rendered), meta.into_iter().collect())
}

fn content_of(rendered: Rendered) -> Content {
    if rendered.kind == TemplateKind::Text {
        return Content::Text(rendered.body.unwrap_or_default());
    }
    Content::Media {
        kind: kind_of(rendered.kind),
        // A template without its media does not get rendered.
        url: rendered.media_url.unwrap_or_default(),
        caption: rendered.body,
    }
}

/// The type of a template's messages.
pub(crate) const fn kind_of(kind: TemplateKind) -> MessageKind {
    match kind {
        TemplateKind::Text => MessageKind::Text,
        TemplateKind::Image => MessageKind::Image,
        TemplateKind::Video => MessageKind::Video,
        TemplateKind::Audio => MessageKind::Audio,
        TemplateKind::Document => MessageKind::Document,
    }
}

#[cfg(test)]
mod tests;
