//! What accounts need from a store.

use async_trait::async_trait;
use msgflash_kernel::{AccountId, Places, StoreError, TeamId, Unit, UserId};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::audit::AuditStore;
use crate::elsewhere::IdentityStore;
use crate::key::{ApiKey, ApiKeyId};
use crate::mail::MailStore;
use crate::mail_request::MailRequestStore;
use crate::one_time::TokenStore;
use crate::session::SessionStore;
use crate::user::User;

/// Looks people up.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait AccountReader: Send + Sync {
    /// `None` when there is no such user.
    async fn find(&self, id: UserId) -> Result<Option<User>, StoreError>;
    /// Whoever has this address, whatever its capitals.
    async fn find_by_email(&self, email: &str) -> Result<Option<User>, StoreError>;
}

/// A key with everything that decides whether it opens anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The key, revoked or not.
    pub key: ApiKey,
    /// Whether the account behind it is suspended.
    pub suspended: bool,
    /// Whether its team was deleted; `false` for personal keys.
    pub team_deleted: bool,
    /// The hash it is stored under.
    pub stored_hash: [u8; 32],
}

impl Credential {
    /// Whether whoever holds the secret is let in.
    pub fn is_open(&self) -> bool {
        self.key.is_active() && !self.suspended && !self.team_deleted
    }
}

/// Looks presented keys up.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait CredentialReader: Send + Sync {
    /// The key with this hash, in one round trip: this is paid by every request.
    async fn find(&self, hash: &[u8; 32]) -> Result<Option<Credential>, StoreError>;
}

/// Lists keys.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait KeyReader: Send + Sync {
    /// The active keys of one workspace, newest first: the team's, or the personal ones.
    async fn list(
        &self,
        account: AccountId,
        team: Option<TeamId>,
    ) -> Result<Vec<ApiKey>, StoreError>;
}

/// What became of a new user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// The user is recorded.
    Done,
    /// Somebody has this address; the unit is of no further use.
    EmailTaken,
}

/// Records people. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait UserStore: Send {
    /// Records a user together with the free subscription that every account begins with.
    async fn insert(&mut self, user: &User, subscription: Uuid)
    -> Result<Registration, StoreError>;
    /// A person, whom nobody else can change until the unit ends. Whoever changes sessions, tokens or
    /// passwords locks their user first.
    async fn lock(&mut self, id: UserId) -> Result<Option<User>, StoreError>;
    /// The same by address, whatever its capitals.
    async fn lock_by_email(&mut self, email: &str) -> Result<Option<User>, StoreError>;
    /// Records what is different about a locked user; the address never is.
    async fn update(&mut self, user: &User) -> Result<(), StoreError>;
}

/// Records keys. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait KeyStore: Send {
    /// Counts the active keys of an account, personal and of all its teams. It may have as many as the plan
    /// allows that it holds by now, or `cap`, whichever is less. Until the unit ends others do not count, and
    /// the plan does not change: two requests must not both take the last place.
    async fn count_locked(
        &mut self,
        account: AccountId,
        cap: Option<u32>,
    ) -> Result<Places, StoreError>;
    /// Records a key under the hash of its secret.
    async fn insert(&mut self, key: &ApiKey, hash: &[u8; 32]) -> Result<(), StoreError>;
    /// `None` when this account has no such key.
    async fn find(
        &mut self,
        account: AccountId,
        id: ApiKeyId,
    ) -> Result<Option<ApiKey>, StoreError>;
    /// Revokes an active key; `false` when this account has no such key.
    async fn revoke(
        &mut self,
        account: AccountId,
        id: ApiKeyId,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError>;
}

/// Changes people and keys in one transaction.
pub trait AccountUnit: Unit {
    /// The people.
    fn users(&mut self) -> &mut dyn UserStore;
    /// The keys.
    fn keys(&mut self) -> &mut dyn KeyStore;
    /// What was done.
    fn audit(&mut self) -> &mut dyn AuditStore;
}

/// Begins such transactions.
#[async_trait]
pub trait AccountUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn AccountUnit>, StoreError>;
}

/// Changes how people sign in, in one transaction.
pub trait SignInUnit: Unit {
    /// The people.
    fn users(&mut self) -> &mut dyn UserStore;
    /// Their sessions.
    fn sessions(&mut self) -> &mut dyn SessionStore;
    /// What their mails carry.
    fn tokens(&mut self) -> &mut dyn TokenStore;
    /// Their accounts elsewhere.
    fn identities(&mut self) -> &mut dyn IdentityStore;
    /// Who asked for mail.
    fn requests(&mut self) -> &mut dyn MailRequestStore;
    /// Their mail.
    fn mails(&mut self) -> &mut dyn MailStore;
}

/// Begins such transactions.
#[async_trait]
pub trait SignInUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn SignInUnit>, StoreError>;
}
