//! A template with everything it needs besides its recipient: looked up once, rendered for many.

use msgflash_kernel::{Problems, Workspace};
use serde_json::{Map, Value};

use super::{RenderTemplate, Rendered};
use crate::context::{ContactFacts, UserFacts};
use crate::engine::{InstanceValues, Namespace, Program, Values};
use crate::error::TemplateError;
use crate::kind::TemplateKind;
use crate::template::{Template, TemplateId};
use crate::variables;

/// A template that is ready to be rendered for many recipients.
#[derive(Clone, Debug)]
pub struct Prepared {
    template: Template,
    payer: Option<UserFacts>,
}

impl RenderTemplate {
    /// Looks up what a template needs besides its recipients. One that is unsound is prepared like any
    /// other: each of its renderings is refused.
    pub async fn prepare(
        &self,
        template: Template,
        workspace: Workspace,
    ) -> Result<Prepared, TemplateError> {
        let program = template.program().ok().flatten();
        let needs_payer = program.is_some_and(|it| it.uses(Namespace::User));
        let payer = self.payer(workspace, needs_payer).await?;
        Ok(Prepared { template, payer })
    }

    /// Refuses values for `custom.*` that are none.
    pub fn check(values: &Map<String, Value>) -> Result<(), TemplateError> {
        let mut problems = Problems::default();
        variables::check(&mut problems, "variables", values);
        Ok(problems.into_result()?)
    }
}

impl Prepared {
    /// The template's id.
    pub fn id(&self) -> TemplateId {
        self.template.id
    }

    /// The type of its messages.
    pub fn kind(&self) -> TemplateKind {
        self.template.kind()
    }

    /// Where its media lies.
    pub fn media_url(&self) -> Option<&str> {
        self.template.media_url()
    }

    /// Whether different recipients may get different texts, or none.
    pub fn depends_on_recipient(&self) -> bool {
        let program = self.template.program();
        let names = |it: &Program| it.uses(Namespace::Contact);
        program.is_ok_and(|it| it.is_some_and(names))
    }

    /// What it becomes for one recipient. The values were checked.
    pub fn render(
        &self,
        contact: &ContactFacts,
        instance: InstanceValues<'_>,
        variables: &Map<String, Value>,
    ) -> Result<Rendered, TemplateError> {
        let values = Values {
            contact: contact.values(),
            user: self
                .payer
                .as_ref()
                .map(UserFacts::values)
                .unwrap_or_default(),
            instance,
            custom: Some(variables),
        };
        render(&self.template, &values, Some(contact))
    }

    /// The placeholders a refusal of [`Self::render`] is about, if it is about such.
    pub fn missing<'a>(&self, cause: &'a TemplateError) -> &'a [String] {
        match cause {
            TemplateError::Missing(missing) => &missing.0,
            _ => &[],
        }
    }
}

/// Renders a template with values that were found.
pub(super) fn render(
    template: &Template,
    values: &Values<'_>,
    contact: Option<&ContactFacts>,
) -> Result<Rendered, TemplateError> {
    let mut text = String::new();
    template.render(values, &mut text)?;
    Ok(Rendered {
        kind: template.kind(),
        body: Some(text).filter(|text| !text.trim().is_empty()),
        media_url: template.media_url().map(str::to_owned),
        used: template.variables(),
        contact: contact.map(|it| it.id),
    })
}
