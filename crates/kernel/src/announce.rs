//! Telling others that what they remember may be outdated.

use async_trait::async_trait;

use crate::tenant::AccountId;

/// Tells every process that what decides about an account has changed: a key, a plan, whether it
/// is suspended, a team.
///
/// Called after the change is committed. It may get lost, so whoever remembers forgets by itself
/// too; it cannot fail, because the change is made.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait Announce: Send + Sync {
    /// Something about this account is different now.
    async fn changed(&self, account: AccountId);
}

/// Tells nobody: for processes of which there is only one, and for tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAnnouncement;

#[async_trait]
impl Announce for NoAnnouncement {
    async fn changed(&self, _: AccountId) {}
}
