//! Making, reading, revising and deleting templates.

use std::sync::Arc;

use msgflash_kernel::{Actor, Claim, Clock, Id, Ids, Once, Outcome, StoredAnswer, WorkspaceId};
use time::OffsetDateTime;

use crate::error::TemplateError;
use crate::ports::{PageNumber, TemplatePage, TemplateReader, TemplateUnit, TemplateUnits};
use crate::template::{Draft, Revision, Template, TemplateId};

/// An order to make a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateOrder {
    /// Who makes it, and for which workspace.
    pub actor: Actor,
    /// What it is made of.
    pub draft: Draft,
}

/// Makes templates.
pub struct CreateTemplate {
    units: Arc<dyn TemplateUnits>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl CreateTemplate {
    /// Wires the use case.
    pub fn new(units: Arc<dyn TemplateUnits>, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self { units, clock, ids }
    }

    /// Makes a template.
    pub async fn create(
        &self,
        order: TemplateOrder,
        once: Option<Once<'_, Template>>,
    ) -> Result<Outcome<Template>, TemplateError> {
        let now = self.clock.now();
        let id = Id::new(self.ids.next());
        let template = Template::new(id, order.actor, order.draft, now)?;
        let mut unit = self.units.begin().await?;
        if let Some(answer) = claim_once(&mut *unit, once.as_ref(), now).await? {
            return Ok(Outcome::Replayed(answer));
        }
        unit.templates().insert(&template).await?;
        if let Some(once) = once {
            let answer = (once.render)(&template);
            unit.replays().keep(once.key, &answer, now).await?;
        }
        unit.commit().await?;
        Ok(Outcome::Done(template))
    }
}

/// Claims the key of a request that is to be done once; answers what was answered before.
async fn claim_once<T>(
    unit: &mut dyn TemplateUnit,
    once: Option<&Once<'_, T>>,
    now: OffsetDateTime,
) -> Result<Option<StoredAnswer>, TemplateError> {
    let Some(once) = once else {
        return Ok(None);
    };
    match unit.replays().claim(once.key, now).await? {
        Claim::Fresh => Ok(None),
        Claim::Replay(answer) => Ok(Some(answer)),
        Claim::Mismatch => Err(TemplateError::ReplayMismatch),
        Claim::Busy => Err(TemplateError::ReplayBusy),
    }
}

/// Reads templates.
pub struct ReadTemplates {
    templates: Arc<dyn TemplateReader>,
}

impl ReadTemplates {
    /// Wires the use case.
    pub fn new(templates: Arc<dyn TemplateReader>) -> Self {
        Self { templates }
    }

    /// A page of a workspace's templates, the newest first.
    pub async fn page(
        &self,
        workspace: WorkspaceId,
        page: PageNumber,
    ) -> Result<TemplatePage, TemplateError> {
        Ok(self.templates.page(workspace, page).await?)
    }

    /// One of them.
    pub async fn find(
        &self,
        workspace: WorkspaceId,
        id: TemplateId,
    ) -> Result<Template, TemplateError> {
        let found = self.templates.find(workspace, id).await?;
        found.ok_or(TemplateError::NoTemplate(id))
    }
}

/// Revises templates.
pub struct ReviseTemplate {
    units: Arc<dyn TemplateUnits>,
    clock: Arc<dyn Clock>,
}

impl ReviseTemplate {
    /// Wires the use case.
    pub fn new(units: Arc<dyn TemplateUnits>, clock: Arc<dyn Clock>) -> Self {
        Self { units, clock }
    }

    /// Changes what is given. Messages that were rendered before keep their text.
    pub async fn revise(
        &self,
        workspace: WorkspaceId,
        id: TemplateId,
        revision: Revision,
    ) -> Result<Template, TemplateError> {
        let mut unit = self.units.begin().await?;
        let found = unit.templates().lock(workspace, id).await?;
        let before = found.ok_or(TemplateError::NoTemplate(id))?;
        let after = before.revise(revision, self.clock.now())?;
        if after != before {
            unit.templates().update(&after).await?;
        }
        unit.commit().await?;
        Ok(after)
    }
}

/// Deletes templates.
pub struct DeleteTemplate {
    units: Arc<dyn TemplateUnits>,
}

impl DeleteTemplate {
    /// Wires the use case.
    pub fn new(units: Arc<dyn TemplateUnits>) -> Self {
        Self { units }
    }

    /// Deletes one. Messages that were rendered before keep their text.
    pub async fn delete(
        &self,
        workspace: WorkspaceId,
        id: TemplateId,
    ) -> Result<(), TemplateError> {
        let mut unit = self.units.begin().await?;
        if !unit.templates().delete(workspace, id).await? {
            return Err(TemplateError::NoTemplate(id));
        }
        Ok(unit.commit().await?)
    }
}

#[cfg(test)]
mod tests;
