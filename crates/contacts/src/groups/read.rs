//! Reading groups and their members.

use std::sync::Arc;

use msgflash_kernel::WorkspaceId;

use crate::contact::ContactId;
use crate::error::ContactError;
use crate::group::{Group, GroupId, Member};
use crate::list::{Listing, Walk};
use crate::ports::GroupReader;
use crate::search::Search;

/// Reads the groups of a workspace.
pub struct ReadGroups {
    groups: Arc<dyn GroupReader>,
}

impl ReadGroups {
    /// Wires the use case.
    pub fn new(groups: Arc<dyn GroupReader>) -> Self {
        Self { groups }
    }

    /// One group.
    pub async fn find(&self, workspace: WorkspaceId, id: GroupId) -> Result<Group, ContactError> {
        let found = self.groups.find(workspace, id).await?;
        found.ok_or(ContactError::NoGroup(id))
    }

    /// A page of groups whose name or description is searched for, the newest first.
    pub async fn page(
        &self,
        workspace: WorkspaceId,
        search: Option<Search>,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Listing<Group>, ContactError> {
        let scope = scope("groups", search.as_ref());
        let (walk, part) = Walk::begin(scope, limit, cursor)?;
        Ok(walk.page(self.groups.page(workspace, search, &part).await?))
    }

    /// The groups of a contact, by name.
    pub async fn of_contact(
        &self,
        workspace: WorkspaceId,
        contact: ContactId,
    ) -> Result<Vec<Group>, ContactError> {
        let found = self.groups.of_contact(workspace, contact).await?;
        found.ok_or(ContactError::NoContact(contact))
    }

    /// A page of members whose name or number is searched for, those added last first.
    pub async fn members(
        &self,
        workspace: WorkspaceId,
        group: GroupId,
        search: Option<Search>,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Listing<Member>, ContactError> {
        let scope = scope(&format!("members|group={group}"), search.as_ref());
        let (walk, part) = Walk::begin(scope, limit, cursor)?;
        self.find(workspace, group).await?;
        let found = self.groups.members(workspace, group, search, &part).await?;
        Ok(walk.page(found))
    }
}

/// Names a list for its cursors.
fn scope(list: &str, search: Option<&Search>) -> String {
    match search {
        None => list.to_owned(),
        Some(search) => format!("{list}|search={:?}", search.terms()),
    }
}
