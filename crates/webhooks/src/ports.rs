//! What webhooks need from a store and from the network.

use async_trait::async_trait;
use msgflash_kernel::{AccountId, ReplayStore, StoreError, Unit, WorkspaceId};
use time::OffsetDateTime;

use crate::delivery::{
    Attempt, Delivery, DueDelivery, Listener, PostError, RaisedEvent, Response, SignedRequest,
};
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

/// The facts nobody was told of yet. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait RaisedEvents: Send {
    /// Takes up to `limit` of them, the oldest first, and leaves out what another unit holds. They
    /// are taken for good when the unit commits.
    async fn take(&mut self, limit: u32) -> Result<Vec<RaisedEvent>, StoreError>;
}

/// The endpoints that hear something. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait Listeners: Send {
    /// The active endpoints of `workspaces` whose account's plan has webhooks. None of them is
    /// deleted or switched off before the unit ends.
    async fn of(&mut self, workspaces: &[WorkspaceId]) -> Result<Vec<Listener>, StoreError>;
}

/// Keeps deliveries. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait DeliveryStore: Send {
    /// Stores new ones, due at once.
    async fn insert(&mut self, deliveries: &[Delivery]) -> Result<(), StoreError>;
}

/// Turns events into deliveries in one transaction.
pub trait FanOutUnit: Unit {
    /// The facts.
    fn events(&mut self) -> &mut dyn RaisedEvents;
    /// Who hears of them.
    fn listeners(&mut self) -> &mut dyn Listeners;
    /// The deliveries.
    fn deliveries(&mut self) -> &mut dyn DeliveryStore;
}

/// Begins such transactions.
#[async_trait]
pub trait FanOutUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn FanOutUnit>, StoreError>;
}

/// Hands out what is due, and takes back how it went. No transaction is open in between.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait DeliveryQueue: Send + Sync {
    /// Claims due deliveries until `lease`, at most `per_endpoint` of each endpoint, those already
    /// claimed included. One whose claim ran out is claimed again: receivers deduplicate by id.
    ///
    /// Deliveries of an endpoint that is switched off, or whose account's plan lacks webhooks, wait.
    /// Claimers that look at the same moment may each fill an endpoint's places.
    async fn claim(
        &self,
        now: OffsetDateTime,
        lease: OffsetDateTime,
        limit: u32,
        per_endpoint: u32,
    ) -> Result<Vec<DueDelivery>, StoreError>;
    /// Records what became of attempts.
    ///
    /// An attempt whose claim had run out may come after somebody else's: it changes nothing then,
    /// unless it is the one that arrived. [`Next::Gone`](crate::delivery::Next::Gone) switches the
    /// endpoint off and fails whatever else waits for it.
    async fn settle(&self, attempts: &[Attempt], now: OffsetDateTime) -> Result<(), StoreError>;
}

/// Calls receivers.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait WebhookSender: Send + Sync {
    /// Posts once. Follows no redirect, and connects to no address that is not allowed.
    async fn post(&self, request: &SignedRequest) -> Result<Response, PostError>;
}
