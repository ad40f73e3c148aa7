//! Changing a contact.

use std::sync::Arc;

use msgflash_kernel::{Clock, Problems, WorkspaceId};
use serde_json::Value;

use crate::contact::{Contact, ContactEntry, ContactId};
use crate::error::ContactError;
use crate::ports::{ContactUnit, ContactUnits};
use crate::rules;

/// What changes about a contact, as written; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContactChange {
    /// Full name.
    pub name: Option<String>,
    /// Number.
    pub phone: Option<String>,
    /// Free labels, in place of those it has.
    pub tags: Option<Vec<String>>,
    /// Free fields in place of those it has; the inner `None` clears them.
    pub meta: Option<Option<Value>>,
}

/// Changes contacts.
pub struct ChangeContact {
    units: Arc<dyn ContactUnits>,
    clock: Arc<dyn Clock>,
}

impl ChangeContact {
    /// Wires the use case.
    pub fn new(units: Arc<dyn ContactUnits>, clock: Arc<dyn Clock>) -> Self {
        Self { units, clock }
    }

    /// Changes what is given, which must be something.
    pub async fn change(
        &self,
        workspace: WorkspaceId,
        id: ContactId,
        change: ContactChange,
    ) -> Result<ContactEntry, ContactError> {
        let apply = check(change)?;
        let now = self.clock.now();
        let mut unit = self.units.begin().await?;
        unit.books().lock(workspace).await?;
        let found = unit.contacts().find(workspace, &[id]).await?.pop();
        let before = found.ok_or(ContactError::NoContact(id))?;
        let mut after = before.clone();
        apply(&mut after);
        if after != before {
            require_free(&mut *unit, &before, &after).await?;
            after.updated_at = now;
            let changed = [(before, after.clone())];
            unit.contacts().update(&changed).await?;
        }
        let traces = unit.contacts().traces(workspace, after.phone).await?;
        unit.commit().await?;
        Ok(ContactEntry::of(after, &traces, now))
    }
}

/// Refuses a number that another contact has.
async fn require_free(
    unit: &mut dyn ContactUnit,
    before: &Contact,
    after: &Contact,
) -> Result<(), ContactError> {
    if after.phone == before.phone {
        return Ok(());
    }
    let (workspace, phones) = (after.workspace.id, [after.phone]);
    let taken = unit.contacts().find_by_phone(workspace, &phones).await?;
    if taken.is_empty() {
        Ok(())
    } else {
        Err(ContactError::PhoneTaken)
    }
}

/// Everything wrong with the change at once; what it does to a contact when nothing is.
fn check(change: ContactChange) -> Result<impl FnOnce(&mut Contact), Problems> {
    let mut problems = Problems::default();
    if change == ContactChange::default() {
        problems.add("", "empty", "Give at least one member to change");
    }
    let name = change.name.as_deref().map(rules::name);
    let name = name.and_then(|it| rules::noted(&mut problems, "name", it));
    let phone = change.phone.as_deref().map(rules::phone);
    let phone = phone.and_then(|it| rules::noted(&mut problems, "phone", it));
    let tags = change
        .tags
        .map(|raw| rules::tags(&mut problems, "tags", &raw));
    let meta = change.meta.map(rules::meta);
    let meta = meta.and_then(|it| rules::noted(&mut problems, "meta", it));
    problems.into_result()?;
    Ok(move |contact: &mut Contact| {
        contact.name = name.unwrap_or(std::mem::take(&mut contact.name));
        contact.phone = phone.unwrap_or(contact.phone);
        contact.tags = tags.unwrap_or(std::mem::take(&mut contact.tags));
        contact.meta = meta.unwrap_or(contact.meta.take());
    })
}
