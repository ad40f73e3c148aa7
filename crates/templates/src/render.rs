//! Rendering a template for one message.

use std::sync::Arc;

use futures_util::future::try_join;
use msgflash_kernel::{Phone, Problems, Workspace, WorkspaceId};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::context::{ContactFacts, UserFacts};
use crate::engine::{ContactValues, InstanceValues, Namespace, Program, Values};
use crate::error::TemplateError;
use crate::kind::TemplateKind;
use crate::ports::{ContextSource, TemplateReader};
use crate::preview::note_unusable;
use crate::template::{Template, TemplateId};

mod prepared;

pub use prepared::Prepared;

/// An order to render a template for one recipient.
#[derive(Clone, Debug)]
pub struct RenderOrder<'a> {
    /// The workspace that sends.
    pub workspace: Workspace,
    /// The recipient.
    pub to: Phone,
    /// The contact that is addressed. Without one it is the workspace's contact with the
    /// recipient's number, if there is one.
    pub contact: Option<Uuid>,
    /// The number it goes out from. The caller has found that it may be used.
    pub instance: InstanceValues<'a>,
    /// Values for `custom.*`.
    pub variables: &'a Map<String, Value>,
}

/// What a template became for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The type of the message.
    pub kind: TemplateKind,
    /// The text, or the caption; none when there is none.
    pub body: Option<String>,
    /// Where the media lies.
    pub media_url: Option<String>,
    /// The published `meta.usedVariables`: every placeholder of the template, in order.
    pub used: Vec<String>,
    /// The contact that was addressed, as far as it was looked up.
    pub contact: Option<Uuid>,
}

/// Renders templates for sending.
pub struct RenderTemplate {
    templates: Arc<dyn TemplateReader>,
    context: Arc<dyn ContextSource>,
}

impl RenderTemplate {
    /// Wires the use case.
    pub fn new(templates: Arc<dyn TemplateReader>, context: Arc<dyn ContextSource>) -> Self {
        Self { templates, context }
    }

    /// The template a message asks for. Apart from [`Self::render`], because a template that does
    /// not exist is told before a recipient that cannot be, and everything else about it after.
    pub async fn find(
        &self,
        workspace: WorkspaceId,
        id: TemplateId,
    ) -> Result<Template, TemplateError> {
        let found = self.templates.find(workspace, id).await?;
        found.ok_or(TemplateError::NoTemplate(id))
    }

    /// Renders it for one recipient. Only what its placeholders name is looked up, side by side:
    /// a message waits for it.
    pub async fn render(
        &self,
        template: &Template,
        order: RenderOrder<'_>,
    ) -> Result<Rendered, TemplateError> {
        Self::check(order.variables)?;

        let program = template.program()?;
        let needs_contact = program.is_some_and(Program::needs_contact);
        let needs_payer = program.is_some_and(|it| it.uses(Namespace::User));
        let (contact, payer) = try_join(
            self.contact(&order, needs_contact),
            self.payer(order.workspace, needs_payer),
        )
        .await?;
        let only_number = ContactValues {
            phone: Some(order.to),
            ..ContactValues::default()
        };
        let values = Values {
            contact: contact.as_ref().map_or(only_number, ContactFacts::values),
            user: payer.as_ref().map(UserFacts::values).unwrap_or_default(),
            instance: order.instance,
            custom: Some(order.variables),
        };
        prepared::render(template, &values, contact.as_ref())
    }

    async fn payer(
        &self,
        workspace: Workspace,
        needed: bool,
    ) -> Result<Option<UserFacts>, TemplateError> {
        if !needed {
            return Ok(None);
        }
        Ok(self.context.payer(workspace.account).await?)
    }

    /// The contact that is named, or the one with the recipient's number.
    async fn contact(
        &self,
        order: &RenderOrder<'_>,
        needed: bool,
    ) -> Result<Option<ContactFacts>, TemplateError> {
        let workspace = order.workspace.id;
        let Some(id) = order.contact else {
            if !needed {
                return Ok(None);
            }
            return Ok(self.context.contact_by_phone(workspace, order.to).await?);
        };
        let found = self.context.contact(workspace, id).await?;
        if found.is_none() {
            let mut problems = Problems::default();
            note_unusable(&mut problems, "contactId", "contact");
            return Err(TemplateError::NoContext(problems));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
