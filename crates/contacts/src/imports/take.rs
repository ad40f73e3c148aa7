//! Making contacts of some rows, in a unit that holds the book.

use std::collections::HashMap;

use msgflash_kernel::{Id, Ids, Phone, StoreError};
use time::OffsetDateTime;

use crate::contact::Contact;
use crate::file::{ImportRow, ReportEntry};
use crate::import::{Import, ImportCounters};
use crate::ports::ImportUnit;
use crate::rules::MAX_TAGS;

/// What became of some rows.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) counters: ImportCounters,
    pub(super) refused: Vec<ReportEntry>,
}

/// Takes rows whose numbers all differ: a number that is known is updated, another becomes a
/// contact, and all of them join the import's group.
pub(super) async fn take(
    unit: &mut dyn ImportUnit,
    ids: &dyn Ids,
    import: &Import,
    rows: &[ImportRow],
    now: OffsetDateTime,
) -> Result<Taken, StoreError> {
    let workspace = import.workspace.id;
    let phones: Vec<_> = rows.iter().map(|row| row.phone).collect();
    let known = unit.contacts().find_by_phone(workspace, &phones).await?;
    let mut known: HashMap<Phone, Contact> = known.into_iter().map(|it| (it.phone, it)).collect();
    let mut taken = Taken::default();
    let (mut new, mut changed, mut members) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let Some(before) = known.remove(&row.phone) else {
            let contact = contact_of(row, Id::new(ids.next()), import, now);
            members.push(contact.id);
            new.push(contact);
            continue;
        };
        match merged(&before, row, now) {
            Ok(after) => {
                members.push(before.id);
                taken.counters.updated += 1;
                if after != before {
                    changed.push((before, after));
                }
            }
            Err(reason) => {
                taken.counters.invalid += 1;
                taken.refused.push(ReportEntry {
                    line: row.line,
                    phone: row.phone.to_string(),
                    reason,
                });
            }
        }
    }
    taken.counters.imported = u32::try_from(new.len()).unwrap_or(u32::MAX);
    if !new.is_empty() {
        unit.contacts().insert(&new).await?;
    }
    if !changed.is_empty() {
        unit.contacts().update(&changed).await?;
    }
    if let Some(group) = import.group
        && !members.is_empty()
    {
        unit.groups().add(workspace, group, &members, now).await?;
    }
    Ok(taken)
}

/// A new contact; one without a name goes by its number.
fn contact_of(
    row: &ImportRow,
    id: crate::contact::ContactId,
    import: &Import,
    now: OffsetDateTime,
) -> Contact {
    Contact {
        id,
        workspace: import.workspace,
        name: row.name.clone().unwrap_or_else(|| row.phone.to_string()),
        phone: row.phone,
        tags: row.tags.clone(),
        meta: None,
        created_at: now,
        updated_at: now,
    }
}

/// A known contact with what the row adds: its name when it has one, and its tags.
fn merged(before: &Contact, row: &ImportRow, now: OffsetDateTime) -> Result<Contact, String> {
    let mut after = before.clone();
    if let Some(name) = &row.name {
        after.name.clone_from(name);
    }
    for tag in &row.tags {
        if !after.tags.contains(tag) {
            after.tags.push(tag.clone());
        }
    }
    if after.tags.len() > MAX_TAGS {
        return Err(format!(
            "tags: The contact would have more than {MAX_TAGS} tags"
        ));
    }
    if after != *before {
        after.updated_at = now;
    }
    Ok(after)
}
