//! Reading contacts.

use std::sync::Arc;

use msgflash_kernel::{Clock, WorkspaceId};

use crate::contact::{ContactEntry, ContactId};
use crate::error::ContactError;
use crate::list::{Listing, Walk};
use crate::ports::{BookReader, GroupReader};
use crate::query::{ContactPlace, ContactQuery};

/// Reads the contacts of a workspace.
pub struct ReadContacts {
    book: Arc<dyn BookReader>,
    groups: Arc<dyn GroupReader>,
    clock: Arc<dyn Clock>,
}

impl ReadContacts {
    /// Wires the use case.
    pub fn new(
        book: Arc<dyn BookReader>,
        groups: Arc<dyn GroupReader>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            book,
            groups,
            clock,
        }
    }

    /// One contact.
    pub async fn find(
        &self,
        workspace: WorkspaceId,
        id: ContactId,
    ) -> Result<ContactEntry, ContactError> {
        let found = self.book.find_traced(workspace, id).await?;
        let (contact, traces) = found.ok_or(ContactError::NoContact(id))?;
        Ok(ContactEntry::of(contact, &traces, self.clock.now()))
    }

    /// A page. A cursor belongs to the sort and the filters it was made with.
    pub async fn page(
        &self,
        workspace: WorkspaceId,
        query: &ContactQuery,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Listing<ContactEntry>, ContactError> {
        let (walk, part) = Walk::begin::<ContactPlace>(query.scope(), limit, cursor)?;
        if part
            .after
            .as_ref()
            .is_some_and(|it| it.sort() != query.sort)
        {
            return Err(crate::list::foreign_cursor().into());
        }
        if let Some(group) = query.group
            && self.groups.find(workspace, group).await?.is_none()
        {
            return Err(ContactError::NoGroup(group));
        }
        let found = self.book.page(workspace, query, &part).await?;
        let now = self.clock.now();
        Ok(walk.page(found.map(|(contact, traces)| ContactEntry::of(contact, &traces, now))))
    }
}
