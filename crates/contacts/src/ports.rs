//! What contacts need from a store.

use async_trait::async_trait;
use msgflash_kernel::{Phone, StoreError, WorkspaceId};

use crate::contact::{Contact, ContactId};

/// Looks contacts up. Each call sees its own snapshot.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait ContactReader: Send + Sync {
    /// `None` when this workspace has no such contact.
    async fn find(
        &self,
        workspace: WorkspaceId,
        id: ContactId,
    ) -> Result<Option<Contact>, StoreError>;
    /// The contact with this number, if the workspace has one.
    async fn find_by_phone(
        &self,
        workspace: WorkspaceId,
        phone: Phone,
    ) -> Result<Option<Contact>, StoreError>;
}
