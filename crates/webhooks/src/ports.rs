//! What webhooks need from a store and from the network.

use async_trait::async_trait;
use msgflash_kernel::{AccountId, ReplayStore, StoreError, Unit, WorkspaceId};
use time::OffsetDateTime;

use crate::delivery::{Attempt, DueDelivery, PostError, Response, SignedRequest};
use crate::endpoint::{Endpoint, EndpointId};

/// Looks endpoints up.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait EndpointReader: Send + Sync {
    /// All of a workspace, newest first.
    async fn list(&self, workspace: WorkspaceId) -> Result<Vec<Endpoint>, StoreError>;
}

/// Changes endpoints. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait EndpointStore: Send {
    /// Counts an account's endpoints and holds the count still until the unit ends.
    async fn count_locked(&mut self, account: AccountId) -> Result<u32, StoreError>;
    /// Stores a new one.
    async fn insert(&mut self, endpoint: &Endpoint) -> Result<(), StoreError>;
    /// Removes one with its pending deliveries; `false` when this workspace has no such endpoint.
    async fn delete(&mut self, workspace: WorkspaceId, id: EndpointId) -> Result<bool, StoreError>;
}

/// Changes endpoints in one transaction.
pub trait EndpointUnit: Unit {
    /// The stored answers.
    fn replays(&mut self) -> &mut dyn ReplayStore;
    /// The endpoints.
    fn endpoints(&mut self) -> &mut dyn EndpointStore;
}

/// Begins such transactions.
#[async_trait]
pub trait EndpointUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn EndpointUnit>, StoreError>;
}

/// Turns events into deliveries.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait FanOutStore: Send + Sync {
    /// Takes up to `limit` events nobody was told of yet and writes one delivery for each
    /// interested, active endpoint of their workspaces whose account's plan has webhooks, all in
    /// one transaction; events another process holds are skipped. Answers how many it took.
    async fn fan_out(&self, now: OffsetDateTime, limit: u32) -> Result<usize, StoreError>;
}

/// Keeps deliveries.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait DeliveryStore: Send + Sync {
    /// Claims due deliveries until `lease`, at most `per_endpoint` of each endpoint, claimed ones
    /// counted. One whose claim ran out is claimed again: receivers deduplicate by id.
    async fn claim(
        &self,
        now: OffsetDateTime,
        lease: OffsetDateTime,
        limit: u32,
        per_endpoint: u32,
    ) -> Result<Vec<DueDelivery>, StoreError>;
    /// Records what became of attempts.
    async fn settle(&self, attempts: &[Attempt], now: OffsetDateTime) -> Result<(), StoreError>;
}

/// Calls receivers.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait WebhookSender: Send + Sync {
    /// Posts once. Follows no redirect, and connects to no address that is not allowed.
    async fn post(&self, request: &SignedRequest) -> Result<Response, PostError>;
}
