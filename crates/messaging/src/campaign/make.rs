//! Making the messages of a slice of recipients, purely: what each becomes, or why none.

use msgflash_contacts::Contact;
use msgflash_kernel::Phone;
use msgflash_templates::engine::InstanceValues;
use msgflash_templates::{ContactFacts, Prepared, TemplateError};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::Campaign;
use super::recipient::{Pending, Skip};
use crate::dispatch::entry::{Class, QueueEntry};
use crate::instance::Instance;
use crate::message::content::Content;
use crate::message::send::{entry_of, of_rendered};
use crate::message::{Message, MessageKind, MessageStatus};

/// What the messages of a campaign are made of.
pub enum Material {
    /// The same for everybody.
    Direct(Content),
    /// A template with what it needs besides the recipient.
    Template(Box<Prepared>, Map<String, Value>),
}

/// What becomes of a recipient.
#[derive(Debug, PartialEq)]
pub enum Made {
    /// A message to send.
    Ready(Message),
    /// One that cannot be sent, with its reason.
    Failed(Message),
    /// None.
    Skipped(Skip),
}

/// What was made of a recipient, and which number it has now.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    /// The number that was written down.
    pub was: Phone,
    /// The number the contact has.
    pub phone: Phone,
    /// What became of it.
    pub made: Made,
}

/// Makes the message of one recipient.
pub fn make(
    campaign: &Campaign,
    material: &Material,
    instance: &Instance,
    recipient: Pending,
    now: OffsetDateTime,
) -> Outcome {
    let was = recipient.phone;
    let Some(contact) = recipient.contact else {
        let made = Made::Skipped(Skip::ContactGone);
        return Outcome {
            was,
            phone: was,
            made,
        };
    };
    let phone = contact.phone;
    if recipient.is_suppressed {
        let made = Made::Skipped(Skip::OptedOut);
        return Outcome { was, phone, made };
    }
    let mut message = empty(campaign, phone, now);
    message.id = recipient.message;
    message.contact = Some(contact.id);
    let made = match material {
        Material::Direct(content) => {
            fill(&mut message, content);
            message.meta = match content {
                Content::Text(_) => Map::new(),
                other => other.meta(),
            };
            Made::Ready(message)
        }
        Material::Template(template, variables) => {
            render(message, template, variables, instance, contact)
        }
    };
    Outcome { was, phone, made }
}

fn render(
    mut message: Message,
    template: &Prepared,
    variables: &Map<String, Value>,
    instance: &Instance,
    contact: Contact,
) -> Made {
    let values = InstanceValues {
        name: Some(&instance.name),
        wa_number: instance.wa_number,
    };
    match template.render(&facts(contact), values, variables) {
        Ok(rendered) => {
            let (content, meta) = of_rendered(template.id(), rendered);
            fill(&mut message, &content);
            message.meta = meta;
            Made::Ready(message)
        }
        Err(cause) => {
            fail(&mut message, template, &cause);
            Made::Failed(message)
        }
    }
}

/// What a placeholder sees of a contact.
pub(super) fn facts(contact: Contact) -> ContactFacts {
    ContactFacts {
        id: contact.id.uuid(),
        name: contact.name,
        phone: contact.phone,
        tags: contact.tags,
        meta: contact.meta,
    }
}

fn fill(message: &mut Message, content: &Content) {
    message.kind = content.kind();
    message.body = content.body();
    message.media_url = content.media_url();
}

/// Ends a message that the template did not become: it is kept, so that its recipient is accounted for.
fn fail(message: &mut Message, template: &Prepared, cause: &TemplateError) {
    use msgflash_kernel::Fault as _;
    message.kind = crate::message::send::kind_of(template.kind());
    message.status = MessageStatus::Failed;
    message.error = Some(cause.to_string());
    message
        .meta
        .insert("templateId".into(), json!(template.id().to_string()));
    let missing = template.missing(cause);
    if !missing.is_empty() {
        message
            .meta
            .insert("missingVariables".into(), json!(missing));
    }
    message.meta.insert("code".into(), cause.code().into());
}

/// A message of a campaign with nothing in it yet.
pub(super) fn empty(campaign: &Campaign, phone: Phone, now: OffsetDateTime) -> Message {
    Message {
        id: msgflash_kernel::Id::new(uuid::Uuid::nil()),
        workspace: campaign.workspace,
        acting_user: campaign.acting_user,
        instance: campaign.instance,
        contact: None,
        campaign: Some(campaign.id),
        inbound: false,
        kind: MessageKind::Text,
        peer: Some(phone),
        own_number: None,
        body: None,
        media_url: None,
        status: MessageStatus::Queued,
        error: None,
        meta: Map::new(),
        provider_message_id: None,
        charged_to: None,
        scheduled_at: None,
        request_id: None,
        created_at: now,
        updated_at: now,
    }
}

/// The place of a made message in its lane, reserved for in the month of `now`.
pub(super) fn entry(
    message: &Message,
    phone: Phone,
    until: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> QueueEntry {
    QueueEntry {
        class: Class::Campaign,
        campaign: message.campaign,
        until,
        ..entry_of(message, phone, false, false, now)
    }
}
