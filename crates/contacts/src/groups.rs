//! Making, changing and deleting groups.

use std::sync::Arc;

use msgflash_kernel::{Actor, Clock, Id, Ids, Once, Outcome, Problems, WorkspaceId};

use crate::error::ContactError;
use crate::group::{self, Group, GroupId};
use crate::ports::{GroupUnit, GroupUnits};
use crate::{once, rules};

mod read;

pub use read::ReadGroups;

/// An order to make a group, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupOrder {
    /// Who makes it, and for which workspace.
    pub actor: Actor,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// How screens show it.
    pub color: Option<String>,
    /// How many groups the account's plan allowed when it was read, over all workspaces; `None` is
    /// unlimited. A lower plan that holds since counts all the same.
    pub cap: Option<u32>,
}

/// What changes about a group, as written; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupChange {
    /// Its name.
    pub name: Option<String>,
    /// What it is for; the inner `None` clears it.
    pub description: Option<Option<String>>,
    /// How screens show it; the inner `None` clears it.
    pub color: Option<Option<String>>,
}

/// Makes groups.
pub struct CreateGroup {
    units: Arc<dyn GroupUnits>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl CreateGroup {
    /// Wires the use case.
    pub fn new(units: Arc<dyn GroupUnits>, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self { units, clock, ids }
    }

    /// Makes a group without members.
    pub async fn create(
        &self,
        order: GroupOrder,
        once: Option<Once<'_, Group>>,
    ) -> Result<Outcome<Group>, ContactError> {
        let workspace = order.actor.workspace;
        let mut problems = Problems::default();
        let name = rules::noted(&mut problems, "name", group::name(&order.name));
        let description = group::noted_description(&mut problems, order.description.as_deref());
        let color = noted_color(&mut problems, order.color.as_deref());
        problems.into_result()?;
        let now = self.clock.now();
        let group = Group {
            id: Id::new(self.ids.next()),
            workspace,
            name: name.unwrap_or_default(),
            description,
            color,
            contact_count: 0,
            created_at: now,
            updated_at: now,
        };
        let mut unit = self.units.begin().await?;
        if let Some(answer) = once::claim(unit.replays(), once.as_ref(), now).await? {
            return Ok(Outcome::Replayed(answer));
        }
        unit.books().lock(workspace.id).await?;
        // Also without a cap: the plan may be a lower one by now.
        let (account, cap) = (workspace.account, order.cap);
        if unit.groups().count_locked(account, cap).await?.are_taken() {
            return Err(ContactError::TooManyGroups);
        }
        require_free(&mut *unit, &group).await?;
        unit.groups().insert(&group).await?;
        once::keep(unit.replays(), once, &group, now).await?;
        unit.commit().await?;
        Ok(Outcome::Done(group))
    }
}

/// Changes groups.
pub struct ChangeGroup {
    units: Arc<dyn GroupUnits>,
    clock: Arc<dyn Clock>,
}

impl ChangeGroup {
    /// Wires the use case.
    pub fn new(units: Arc<dyn GroupUnits>, clock: Arc<dyn Clock>) -> Self {
        Self { units, clock }
    }

    /// Changes what is given, which must be something.
    pub async fn change(
        &self,
        workspace: WorkspaceId,
        id: GroupId,
        change: GroupChange,
    ) -> Result<Group, ContactError> {
        let mut problems = Problems::default();
        if change == GroupChange::default() {
            problems.add("", "empty", "Give at least one member to change");
        }
        let name = change.name.as_deref().map(group::name);
        let name = name.and_then(|it| rules::noted(&mut problems, "name", it));
        let description = change
            .description
            .map(|raw| group::noted_description(&mut problems, raw.as_deref()));
        let color = change
            .color
            .map(|raw| noted_color(&mut problems, raw.as_deref()));
        problems.into_result()?;

        let mut unit = self.units.begin().await?;
        unit.books().lock(workspace).await?;
        let found = unit.groups().find(workspace, id).await?;
        let before = found.ok_or(ContactError::NoGroup(id))?;
        let mut after = before.clone();
        after.name = name.unwrap_or(after.name);
        after.description = description.unwrap_or(after.description);
        after.color = color.unwrap_or(after.color);
        if after != before {
            require_free(&mut *unit, &after).await?;
            after.updated_at = self.clock.now();
            unit.groups().update(&after).await?;
        }
        unit.commit().await?;
        Ok(after)
    }
}

/// Refuses a name that another group has.
async fn require_free(unit: &mut dyn GroupUnit, group: &Group) -> Result<(), ContactError> {
    let (workspace, key) = (group.workspace.id, group.name_key());
    match unit.groups().named(workspace, &key).await? {
        Some(other) if other != group.id => Err(ContactError::NameTaken),
        _ => Ok(()),
    }
}

fn noted_color(problems: &mut Problems, raw: Option<&str>) -> Option<String> {
    raw.and_then(|raw| rules::noted(problems, "color", group::color(raw)))
}

/// Deletes groups.
pub struct DeleteGroup {
    units: Arc<dyn GroupUnits>,
}

impl DeleteGroup {
    /// Wires the use case.
    pub fn new(units: Arc<dyn GroupUnits>) -> Self {
        Self { units }
    }

    /// Deletes one. Its contacts stay.
    pub async fn delete(&self, workspace: WorkspaceId, id: GroupId) -> Result<(), ContactError> {
        let mut unit = self.units.begin().await?;
        unit.books().lock(workspace).await?;
        if !unit.groups().delete(workspace, id).await? {
            return Err(ContactError::NoGroup(id));
        }
        Ok(unit.commit().await?)
    }
}

#[cfg(test)]
mod tests;
