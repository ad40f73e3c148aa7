//! What quotas need from a store.

use async_trait::async_trait;
use msgflash_kernel::{AccountId, Id, StoreError};
use time::OffsetDateTime;

use crate::drift::{ChargedIn, Recount};
use crate::ledger::{Settlement, Usage, Want};
use crate::period::Period;
use crate::rate::RateDecision;

/// Marker of [`KeyId`].
pub enum KeyMark {}
/// The API key that requests are counted on. Quotas know nothing else of keys.
pub type KeyId = Id<KeyMark>;

/// Writes the ledger. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait LedgerStore: Send {
    /// Reserves as much of each want as its limit leaves and answers how much that was, in order.
    /// Never passes a limit, whatever runs beside it. Several wants of one account and month are
    /// served in order.
    async fn reserve(&mut self, wants: &[Want]) -> Result<Vec<u32>, StoreError>;
    /// Records what became of reservations.
    async fn settle(&mut self, settlements: &[Settlement]) -> Result<(), StoreError>;
}

/// Compares the ledger with what is there.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait LedgerAudit: Send + Sync {
    /// Compares what is reserved with the queue and the open statuses, for all accounts, in slices that each see one
    /// moment. `None` while another process is at it. Changes nothing.
    async fn recount(&self) -> Result<Option<Recount>, StoreError>;
    /// Compares what was accepted with the messages and the statuses charged to these months, likewise:
    /// each kind by itself.
    async fn recount_accepted(&self, months: &[ChargedIn]) -> Result<Option<Recount>, StoreError>;
}

/// Reads use.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait UsageReader: Send + Sync {
    /// What an account used in a month; zeros when it used nothing.
    async fn usage(&self, account: AccountId, period: Period) -> Result<Usage, StoreError>;
    /// Instances not deleted and API keys not revoked (personal and of owned teams).
    async fn capacity(&self, account: AccountId) -> Result<Capacity, StoreError>;
}

/// What an account holds of counted things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capacity {
    /// Instances not deleted.
    pub instances: u64,
    /// Keys not revoked.
    pub api_keys: u64,
}

/// Requests made with one key since the last flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiUse {
    /// The key.
    pub key: KeyId,
    /// Who pays.
    pub account: AccountId,
    /// The month.
    pub period: Period,
    /// How many.
    pub count: u64,
    /// The latest of them.
    pub last_at: OffsetDateTime,
}

/// What an account has come to in a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiTotal {
    /// Who pays.
    pub account: AccountId,
    /// The month.
    pub period: Period,
    /// All its requests.
    pub count: u64,
}

/// Adds up API requests.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait ApiUsageStore: Send + Sync {
    /// Adds counts, one row per key and month, and notes when each key was last used. Answers what
    /// their accounts have come to by then, other processes' requests included.
    async fn add(&self, uses: &[ApiUse]) -> Result<Vec<ApiTotal>, StoreError>;
    /// All requests of an account in a month, revoked keys included.
    async fn total(&self, account: AccountId, period: Period) -> Result<u64, StoreError>;
}

/// Counts requests per key and second.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait RateLimiter: Send + Sync {
    /// Notes a request at `now` if the window has room, and says what is left.
    async fn hit(&self, key: KeyId, limit: u32, now: OffsetDateTime) -> RateDecision;
}

/// What an account may send at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Whether its subscription is usable.
    pub usable: bool,
    /// Messages and statuses per month; `None` is unlimited.
    pub outbound: Option<u32>,
    /// Whether its plan has campaigns.
    pub campaigns: bool,
}

/// Tells what accounts may send.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait AllowanceReader: Send + Sync {
    /// The allowance of each account, in order.
    async fn allowances(
        &self,
        accounts: &[AccountId],
        now: OffsetDateTime,
    ) -> Result<Vec<Allowance>, StoreError>;
}
