//! Taking contacts away as CSV, a part at a time.

use std::sync::Arc;

use msgflash_kernel::{Clock, StoreError, WorkspaceId};
use time::Date;

use crate::contact::ContactId;
use crate::error::ContactError;
use crate::file::{ExportRow, Writer};
use crate::group::GroupId;
use crate::ports::ExportReader;

/// Contacts of one part. Each may be in hundreds of groups, whose names all lie in memory.
const PART: u32 = 200;

/// Writes the contacts of a workspace.
pub struct ExportContacts {
    contacts: Arc<dyn ExportReader>,
    clock: Arc<dyn Clock>,
}

impl ExportContacts {
    /// Wires the use case.
    pub fn new(contacts: Arc<dyn ExportReader>, clock: Arc<dyn Clock>) -> Self {
        Self { contacts, clock }
    }

    /// Begins a file of all contacts, or of one group's.
    pub async fn begin(
        &self,
        workspace: WorkspaceId,
        group: Option<GroupId>,
    ) -> Result<Export, ContactError> {
        if let Some(id) = group
            && !self.contacts.has_group(workspace, id).await?
        {
            return Err(ContactError::NoGroup(id));
        }
        Ok(Export {
            contacts: Arc::clone(&self.contacts),
            workspace,
            group,
            day: self.clock.now().date(),
            writer: Writer::default(),
            after: None,
            has_ended: false,
        })
    }
}

/// A file that is being written. Contacts that come and go meanwhile may be in it or not; all
/// others are in it once.
pub struct Export {
    contacts: Arc<dyn ExportReader>,
    workspace: WorkspaceId,
    group: Option<GroupId>,
    day: Date,
    writer: Writer,
    after: Option<ContactId>,
    has_ended: bool,
}

impl Export {
    /// What the file is called, such as `contacts-2026-05-20.csv`.
    pub fn file_name(&self) -> String {
        format!("contacts-{}.csv", self.day)
    }

    /// The next part of the file, which is never empty; `None` behind the last one.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        if self.has_ended {
            return Ok(None);
        }
        let reading = self
            .contacts
            .rows(self.workspace, self.group, self.after, PART);
        let found = reading.await?;
        self.has_ended = found.len() < PART as usize;
        if found.is_empty() && self.after.is_some() {
            return Ok(None);
        }
        let (ids, rows): (Vec<ContactId>, Vec<ExportRow>) = found.into_iter().unzip();
        self.after = ids.last().copied().or(self.after);
        Ok(Some(self.writer.part(&rows)))
    }
}

#[cfg(test)]
mod tests;
