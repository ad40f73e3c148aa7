//! What groups need from a store.

use async_trait::async_trait;
use msgflash_kernel::{AccountId, Places, ReplayStore, StoreError, Unit, WorkspaceId};
use time::OffsetDateTime;

use super::BookStore;
use crate::contact::ContactId;
use crate::group::{Group, GroupId, Member, MemberPlace};
use crate::list::{Part, PartRequest};
use crate::search::Search;

/// Looks groups and their members up. Each call sees its own snapshot.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait GroupReader: Send + Sync {
    /// `None` when this workspace has no such group.
    async fn find(&self, workspace: WorkspaceId, id: GroupId) -> Result<Option<Group>, StoreError>;
    /// Groups whose name or description is searched for, the newest first.
    async fn page(
        &self,
        workspace: WorkspaceId,
        search: Option<Search>,
        part: &PartRequest<GroupId>,
    ) -> Result<Part<Group, GroupId>, StoreError>;
    /// The groups of a contact, by name; `None` when this workspace has no such contact.
    async fn of_contact(
        &self,
        workspace: WorkspaceId,
        contact: ContactId,
    ) -> Result<Option<Vec<Group>>, StoreError>;
    /// Members whose name or number is searched for, those added last first. Empty when this
    /// workspace has no such group.
    async fn members(
        &self,
        workspace: WorkspaceId,
        group: GroupId,
        search: Option<Search>,
        part: &PartRequest<MemberPlace>,
    ) -> Result<Part<Member, MemberPlace>, StoreError>;
}

/// Which contacts became members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Joined {
    /// Those the workspace has, whether they were members before or not.
    pub known: Vec<ContactId>,
    /// Those who were not members before.
    pub added: Vec<ContactId>,
}

/// Changes groups and memberships, while the book is held.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait GroupStore: Send {
    /// Counts an account's groups, of all its workspaces. It may have as many as the plan allows that it
    /// holds by now, or `cap`, whichever is less. Holds the count and the plan still until the unit ends.
    async fn count_locked(
        &mut self,
        account: AccountId,
        cap: Option<u32>,
    ) -> Result<Places, StoreError>;
    /// `None` when this workspace has no such group.
    async fn find(
        &mut self,
        workspace: WorkspaceId,
        id: GroupId,
    ) -> Result<Option<Group>, StoreError>;
    /// The group that has this name, as [`Group::name_key`] tells names apart.
    async fn named(
        &mut self,
        workspace: WorkspaceId,
        name_key: &str,
    ) -> Result<Option<GroupId>, StoreError>;
    /// Stores a new one without members. Its name must be free.
    async fn insert(&mut self, group: &Group) -> Result<(), StoreError>;
    /// Stores a changed one; the number of its members stays. Its name must be free.
    async fn update(&mut self, group: &Group) -> Result<(), StoreError>;
    /// Removes one; `false` when this workspace has no such group. Its contacts stay.
    async fn delete(&mut self, workspace: WorkspaceId, id: GroupId) -> Result<bool, StoreError>;
    /// Makes contacts members of one; `ids` has no repetitions. Those who are stay as they are.
    async fn add(
        &mut self,
        workspace: WorkspaceId,
        group: GroupId,
        ids: &[ContactId],
        now: OffsetDateTime,
    ) -> Result<Joined, StoreError>;
    /// Ends memberships; `ids` has no repetitions. Answers who was a member.
    async fn remove(
        &mut self,
        workspace: WorkspaceId,
        group: GroupId,
        ids: &[ContactId],
    ) -> Result<Vec<ContactId>, StoreError>;
}

/// Changes groups in one transaction.
pub trait GroupUnit: Unit {
    /// The stored answers.
    fn replays(&mut self) -> &mut dyn ReplayStore;
    /// The book.
    fn books(&mut self) -> &mut dyn BookStore;
    /// Its groups.
    fn groups(&mut self) -> &mut dyn GroupStore;
}

/// Begins such transactions.
#[async_trait]
pub trait GroupUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn GroupUnit>, StoreError>;
}
