//! Showing what a template becomes, without sending anything.

use std::sync::Arc;

use msgflash_kernel::{Actor, Problems};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::context::{ContactFacts, InstanceFacts};
use crate::engine::{Namespace, Values};
use crate::error::TemplateError;
use crate::ports::{ContextSource, TemplateReader};
use crate::template::TemplateId;
use crate::variables;

/// An order to show one template.
#[derive(Clone, Debug, PartialEq)]
pub struct PreviewOrder {
    /// Who looks, and in which workspace.
    pub actor: Actor,
    /// The template.
    pub template: TemplateId,
    /// Who is to be addressed.
    pub contact: Option<Uuid>,
    /// The number it is to go out from.
    pub instance: Option<Uuid>,
    /// Values for `custom.*`.
    pub variables: Map<String, Value>,
}

/// What a template becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The text, with placeholders as written where values are missing; empty for media without a
    /// caption.
    pub rendered: String,
    /// Every placeholder.
    pub variables: Vec<String>,
    /// Those without a value.
    pub missing: Vec<String>,
}

impl Preview {
    /// Whether it could be sent like this.
    pub fn is_valid(&self) -> bool {
        self.missing.is_empty()
    }
}

/// Shows templates.
pub struct PreviewTemplate {
    templates: Arc<dyn TemplateReader>,
    context: Arc<dyn ContextSource>,
}

impl PreviewTemplate {
    /// Wires the use case.
    pub fn new(templates: Arc<dyn TemplateReader>, context: Arc<dyn ContextSource>) -> Self {
        Self { templates, context }
    }

    /// Shows one. A contact or an instance that is named must be usable, even if the template
    /// names nothing of it: sending would be refused, too.
    pub async fn preview(&self, order: PreviewOrder) -> Result<Preview, TemplateError> {
        let mut problems = Problems::default();
        variables::check(&mut problems, "variables", &order.variables);
        problems.into_result()?;

        let workspace = order.actor.workspace;
        let found = self.templates.find(workspace.id, order.template).await?;
        let template = found.ok_or(TemplateError::NoTemplate(order.template))?;
        let program = template.program()?;
        let (contact, instance) = self.context(&order).await?;
        let payer = match program {
            Some(program) if program.uses(Namespace::User) => {
                self.context.payer(workspace.account).await?
            }
            _ => None,
        };
        let values = Values {
            contact: contact
                .as_ref()
                .map(ContactFacts::values)
                .unwrap_or_default(),
            user: payer.as_ref().map(|it| it.values()).unwrap_or_default(),
            instance: instance
                .as_ref()
                .map(InstanceFacts::values)
                .unwrap_or_default(),
            custom: Some(&order.variables),
        };
        let mut rendered = String::new();
        let missing = template.preview(&values, &mut rendered)?;
        Ok(Preview {
            rendered,
            variables: template.variables(),
            missing: missing.0,
        })
    }

    /// The contact and the instance that are named; a refusal that tells every one that cannot be
    /// used.
    async fn context(
        &self,
        order: &PreviewOrder,
    ) -> Result<(Option<ContactFacts>, Option<InstanceFacts>), TemplateError> {
        let mut problems = Problems::default();
        let contact = match order.contact {
            Some(id) => {
                let found = self.context.contact(order.actor.workspace.id, id).await?;
                if found.is_none() {
                    note_unusable(&mut problems, "contactId", "contact");
                }
                found
            }
            None => None,
        };
        let instance = match order.instance {
            Some(id) => {
                let found = self.context.instance(&order.actor, id).await?;
                if found.is_none() {
                    note_unusable(&mut problems, "instanceId", "instance");
                }
                found
            }
            None => None,
        };
        let usable = problems.into_result();
        usable.map_err(TemplateError::NoContext)?;
        Ok((contact, instance))
    }
}

/// Notes a contact or an instance that cannot be used.
pub(crate) fn note_unusable(problems: &mut Problems, field: &str, what: &str) {
    let message = format!("This {what} does not exist here or cannot be used");
    problems.add(field, "unavailable", message);
}

#[cfg(test)]
mod tests;
