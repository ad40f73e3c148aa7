//! Listing statuses.

use std::sync::Arc;

use msgflash_kernel::{StoreError, WorkspaceId};

use super::Status;
use super::ports::StatusReader;

/// A status in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedStatus {
    /// The status.
    pub status: Status,
    /// What its instance is called, or was when it was deleted.
    pub instance_name: Option<String>,
}

/// A page of statuses, and how many there are in all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusPage {
    /// Newest first.
    pub statuses: Vec<ListedStatus>,
    /// In the workspace.
    pub total: u64,
}

/// Lists statuses.
pub struct ReadStatuses {
    reader: Arc<dyn StatusReader>,
}

impl ReadStatuses {
    /// Wires the use case.
    pub fn new(reader: Arc<dyn StatusReader>) -> Self {
        Self { reader }
    }

    /// A page, from 1; empty past the end.
    pub async fn page(
        &self,
        workspace: WorkspaceId,
        page: u32,
        limit: u32,
    ) -> Result<StatusPage, StoreError> {
        self.reader.page(workspace, page, limit).await
    }
}
