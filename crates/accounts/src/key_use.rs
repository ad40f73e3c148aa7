//! How much keys were used.

use std::sync::Arc;

use async_trait::async_trait;
use msgflash_kernel::{AccountId, StoreError, TeamId, Workspace};
use time::OffsetDateTime;

use crate::key::ApiKey;

/// What one key was used for in a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// The key, revoked or not.
    pub key: ApiKey,
    /// How many requests were made with it.
    pub requests: u64,
    /// The latest of them.
    pub last_request_at: Option<OffsetDateTime>,
}

/// Reads the use of keys.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait KeyUseReader: Send + Sync {
    /// The keys of one workspace that are active or were used in a month (202605 is May 2026), the
    /// newest first. Requests are counted within seconds.
    async fn of_month(
        &self,
        account: AccountId,
        team: Option<TeamId>,
        month: i32,
    ) -> Result<Vec<KeyUse>, StoreError>;
}

/// Tells how much keys were used.
pub struct ReadKeyUse {
    keys: Arc<dyn KeyUseReader>,
}

impl ReadKeyUse {
    /// Wires the use case.
    pub fn new(keys: Arc<dyn KeyUseReader>) -> Self {
        Self { keys }
    }

    /// The use of a workspace's keys in a month (202605 is May 2026).
    pub async fn of_month(
        &self,
        workspace: &Workspace,
        month: i32,
    ) -> Result<Vec<KeyUse>, StoreError> {
        let (account, team) = (workspace.account, workspace.team);
        self.keys.of_month(account, team, month).await
    }
}
