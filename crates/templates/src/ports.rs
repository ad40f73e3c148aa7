//! What templates need from a store.

use async_trait::async_trait;
use msgflash_kernel::{AccountId, Actor, Phone, ReplayStore, StoreError, Unit, WorkspaceId};
use uuid::Uuid;

use crate::context::{ContactFacts, InstanceFacts, UserFacts};
use crate::template::{Template, TemplateId};

/// Which page of a list is wanted, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageNumber {
    /// The page, from 1.
    pub page: u32,
    /// How many items a page has.
    pub limit: u32,
}

impl PageNumber {
    /// How many items stand before the page.
    pub fn before(self) -> u64 {
        u64::from(self.page.saturating_sub(1)) * u64::from(self.limit)
    }
}

/// One page of a workspace's templates.
#[derive(Clone, Debug, PartialEq)]
pub struct TemplatePage {
    /// The templates; none past the end.
    pub templates: Vec<Template>,
    /// How many the workspace has in all.
    pub total: u64,
}

/// Looks templates up. Each call sees its own snapshot.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait TemplateReader: Send + Sync {
    /// `None` when this workspace has no such template.
    async fn find(
        &self,
        workspace: WorkspaceId,
        id: TemplateId,
    ) -> Result<Option<Template>, StoreError>;
    /// A page of a workspace's templates, the newest first: by the time they were made, then by id.
    async fn page(
        &self,
        workspace: WorkspaceId,
        page: PageNumber,
    ) -> Result<TemplatePage, StoreError>;
}

/// Changes templates. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait TemplateStore: Send {
    /// Stores a new one.
    async fn insert(&mut self, template: &Template) -> Result<(), StoreError>;
    /// Reads one and holds it still until the unit ends.
    async fn lock(
        &mut self,
        workspace: WorkspaceId,
        id: TemplateId,
    ) -> Result<Option<Template>, StoreError>;
    /// Stores a changed one.
    async fn update(&mut self, template: &Template) -> Result<(), StoreError>;
    /// Removes one, and what refers to it refers to nothing; `false` when this workspace has no
    /// such template.
    async fn delete(&mut self, workspace: WorkspaceId, id: TemplateId) -> Result<bool, StoreError>;
}

/// Changes templates in one transaction.
pub trait TemplateUnit: Unit {
    /// The stored answers.
    fn replays(&mut self) -> &mut dyn ReplayStore;
    /// The templates.
    fn templates(&mut self) -> &mut dyn TemplateStore;
}

/// Begins such transactions.
#[async_trait]
pub trait TemplateUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn TemplateUnit>, StoreError>;
}

/// Tells what placeholders may name.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait ContextSource: Send + Sync {
    /// `None` when this workspace has no such contact.
    async fn contact(
        &self,
        workspace: WorkspaceId,
        id: Uuid,
    ) -> Result<Option<ContactFacts>, StoreError>;
    /// The contact with this number, if the workspace has one.
    async fn contact_by_phone(
        &self,
        workspace: WorkspaceId,
        phone: Phone,
    ) -> Result<Option<ContactFacts>, StoreError>;
    /// `None` when there is no such instance, or none that `actor` may use in this workspace.
    async fn instance(&self, actor: &Actor, id: Uuid) -> Result<Option<InstanceFacts>, StoreError>;
    /// Who pays; `None` when there is no such account.
    async fn payer(&self, account: AccountId) -> Result<Option<UserFacts>, StoreError>;
}
