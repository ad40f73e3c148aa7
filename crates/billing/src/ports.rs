//! What billing needs from a store.

use async_trait::async_trait;
use msgflash_kernel::{AccountId, StoreError, Unit};

use crate::payment::PaymentPage;
use crate::plan::Plan;
use crate::subscription::{Entitlement, Subscription};

/// Reads plans, subscriptions and payments.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait BillingReader: Send + Sync {
    /// The plans on offer, by rank.
    async fn active_plans(&self) -> Result<Vec<Plan>, StoreError>;
    /// What an account holds; `None` only for unknown accounts.
    async fn entitlement(&self, account: AccountId) -> Result<Option<Entitlement>, StoreError>;
    /// Page `page` (from 1) of an account's payments, newest first.
    async fn payments(
        &self,
        account: AccountId,
        page: u32,
        limit: u32,
    ) -> Result<PaymentPage, StoreError>;
}

/// Changes subscriptions.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait SubscriptionStore: Send {
    /// The newest active version of a plan.
    async fn plan_by_code(&mut self, code: &str) -> Result<Option<Plan>, StoreError>;
    /// Reads an account's subscription for change.
    async fn lock(&mut self, account: AccountId) -> Result<Option<Subscription>, StoreError>;
    /// Writes it back.
    async fn save(&mut self, subscription: &Subscription) -> Result<(), StoreError>;
}

/// Changes a subscription in one transaction.
pub trait SubscriptionUnit: Unit {
    /// The subscriptions.
    fn subscriptions(&mut self) -> &mut dyn SubscriptionStore;
}

/// Begins such transactions.
#[async_trait]
pub trait SubscriptionUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn SubscriptionUnit>, StoreError>;
}
