//! Making, reading, changing and deleting contacts.

use std::sync::Arc;

use msgflash_kernel::{Actor, Clock, Id, Ids, Once, Outcome, Phone, Problems, WorkspaceId};
use serde_json::Value;

use crate::contact::{Contact, ContactEntry, ContactId};
use crate::error::ContactError;
use crate::ports::ContactUnits;
use crate::{once, rules};

mod change;

pub use change::{ChangeContact, ContactChange};

/// An order to make a contact, as written.
#[derive(Clone, Debug, PartialEq)]
pub struct ContactOrder {
    /// Who makes it, and for which workspace.
    pub actor: Actor,
    /// Full name.
    pub name: String,
    /// Number.
    pub phone: String,
    /// Free labels.
    pub tags: Vec<String>,
    /// Free fields: an object, or nothing.
    pub meta: Option<Value>,
}

/// What an order says when it is checked.
struct Checked {
    name: String,
    phone: Phone,
    tags: Vec<String>,
    meta: Option<Value>,
}

/// Makes contacts.
pub struct CreateContact {
    units: Arc<dyn ContactUnits>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl CreateContact {
    /// Wires the use case.
    pub fn new(units: Arc<dyn ContactUnits>, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self { units, clock, ids }
    }

    /// Makes a contact. One that exists is never changed by this.
    pub async fn create(
        &self,
        order: ContactOrder,
        once: Option<Once<'_, ContactEntry>>,
    ) -> Result<Outcome<ContactEntry>, ContactError> {
        let workspace = order.actor.workspace;
        let checked = check(order)?;
        let now = self.clock.now();
        let contact = Contact {
            id: Id::new(self.ids.next()),
            workspace,
            name: checked.name,
            phone: checked.phone,
            tags: checked.tags,
            meta: checked.meta,
            created_at: now,
            updated_at: now,
        };
        let mut unit = self.units.begin().await?;
        if let Some(answer) = once::claim(unit.replays(), once.as_ref(), now).await? {
            return Ok(Outcome::Replayed(answer));
        }
        unit.books().lock(workspace.id).await?;
        let phones = [contact.phone];
        let taken = unit.contacts().find_by_phone(workspace.id, &phones).await?;
        if !taken.is_empty() {
            return Err(ContactError::PhoneTaken);
        }
        unit.contacts()
            .insert(std::slice::from_ref(&contact))
            .await?;
        let traces = unit.contacts().traces(workspace.id, contact.phone).await?;
        let entry = ContactEntry::of(contact, &traces, now);
        once::keep(unit.replays(), once, &entry, now).await?;
        unit.commit().await?;
        Ok(Outcome::Done(entry))
    }
}

/// Everything wrong with the order at once.
fn check(order: ContactOrder) -> Result<Checked, Problems> {
    let mut problems = Problems::default();
    let name = rules::noted(&mut problems, "name", rules::name(&order.name));
    let phone = rules::noted(&mut problems, "phone", rules::phone(&order.phone));
    let tags = rules::tags(&mut problems, "tags", &order.tags);
    let meta = rules::noted(&mut problems, "meta", rules::meta(order.meta));
    match (name, phone, meta) {
        (Some(name), Some(phone), Some(meta)) if problems.0.is_empty() => Ok(Checked {
            name,
            phone,
            tags,
            meta,
        }),
        _ => Err(problems),
    }
}

/// Deletes contacts.
pub struct DeleteContact {
    units: Arc<dyn ContactUnits>,
}

impl DeleteContact {
    /// Wires the use case.
    pub fn new(units: Arc<dyn ContactUnits>) -> Self {
        Self { units }
    }

    /// Deletes one with its tags and memberships. What was sent to it stays.
    pub async fn delete(&self, workspace: WorkspaceId, id: ContactId) -> Result<(), ContactError> {
        let mut unit = self.units.begin().await?;
        unit.books().lock(workspace).await?;
        if unit.contacts().delete(workspace, &[id]).await?.is_empty() {
            return Err(ContactError::NoContact(id));
        }
        Ok(unit.commit().await?)
    }
}

#[cfg(test)]
mod tests;
