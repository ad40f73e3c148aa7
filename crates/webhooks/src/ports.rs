//! What webhooks need from a store and from the network.

use async_trait::async_trait;
use msgflash_kernel::{
    AccountId, Event, Page, PageRequest, Places, ReplayStore, StoreError, Unit, WorkspaceId,
};
use time::OffsetDateTime;

use crate::delivery::{
    Attempt, Backlog, Delivery, DeliveryEntry, DeliveryFilter, DeliveryId, DueDelivery, Listener,
    PostError, RaisedEvent, Response, Room, SignedRequest, SwitchedOff,
};
use crate::endpoint::{Endpoint, EndpointId};
use crate::health::{Health, Notice, OffReason};

/// Looks endpoints up.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait EndpointReader: Send + Sync {
    /// All of a workspace, newest first.
    async fn list(&self, workspace: WorkspaceId) -> Result<Vec<Endpoint>, StoreError>;
    /// `None` when this workspace has no such endpoint.
    async fn find(
        &self,
        workspace: WorkspaceId,
        id: EndpointId,
    ) -> Result<Option<Endpoint>, StoreError>;
}

/// Looks deliveries up. Callers make sure that the endpoint is of their workspace.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait DeliveryReader: Send + Sync {
    /// `None` when this endpoint of this workspace has no such delivery.
    async fn find(
        &self,
        workspace: WorkspaceId,
        endpoint: EndpointId,
        id: DeliveryId,
    ) -> Result<Option<DeliveryEntry>, StoreError>;
    /// A page of an endpoint's deliveries, newest first.
    async fn page(
        &self,
        workspace: WorkspaceId,
        endpoint: EndpointId,
        filter: &DeliveryFilter,
        page: &PageRequest,
    ) -> Result<Page<DeliveryEntry>, StoreError>;
    /// How full the queue is, of all workspaces.
    async fn backlog(&self, now: OffsetDateTime) -> Result<Backlog, StoreError>;
}

/// Changes endpoints. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait EndpointStore: Send {
    /// Counts an account's endpoints. It may have as many as the plan allows that it holds by now, or `cap`,
    /// whichever is less. Holds the count and the plan still until the unit ends.
    async fn count_locked(
        &mut self,
        account: AccountId,
        cap: Option<u32>,
    ) -> Result<Places, StoreError>;
    /// The same for those of an account that are on, but this one. Comes before
    /// [`Self::forget_trouble`]: whoever changes what a plan allows locks in this order.
    async fn count_active_locked(
        &mut self,
        account: AccountId,
        but: EndpointId,
        cap: Option<u32>,
    ) -> Result<Places, StoreError>;
    /// Stores a new one.
    async fn insert(&mut self, endpoint: &Endpoint) -> Result<(), StoreError>;
    /// Reads one and holds it still until the unit ends.
    async fn lock(
        &mut self,
        workspace: WorkspaceId,
        id: EndpointId,
    ) -> Result<Option<Endpoint>, StoreError>;
    /// Stores a changed one.
    async fn update(&mut self, endpoint: &Endpoint) -> Result<(), StoreError>;
    /// Forgets all trouble of one. Comes before [`Self::lock`]: whoever records trouble locks in
    /// this order.
    async fn forget_trouble(
        &mut self,
        workspace: WorkspaceId,
        id: EndpointId,
    ) -> Result<(), StoreError>;
    /// Removes one with its pending deliveries; `false` when this workspace has no such endpoint.
    async fn delete(&mut self, workspace: WorkspaceId, id: EndpointId) -> Result<bool, StoreError>;
}

/// Changes endpoints in one transaction.
pub trait EndpointUnit: Unit {
    /// The stored answers.
    fn replays(&mut self) -> &mut dyn ReplayStore;
    /// The endpoints.
    fn endpoints(&mut self) -> &mut dyn EndpointStore;
    /// Their deliveries.
    fn deliveries(&mut self) -> &mut dyn DeliveryStore;
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
    /// Keeps a fact that is told to nobody by itself.
    async fn keep_event(&mut self, event: &Event) -> Result<(), StoreError>;
    /// Takes up again, at most `limit`, what of an endpoint failed at or after `since`, the oldest
    /// first; answers how many that were.
    async fn retry_failed(
        &mut self,
        endpoint: EndpointId,
        since: OffsetDateTime,
        limit: u32,
        now: OffsetDateTime,
    ) -> Result<u32, StoreError>;
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

/// Hands out what is due. What became of it is recorded in a [`RecordUnit`], later.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait DeliveryQueue: Send + Sync {
    /// Claims up to `limit` due deliveries until `lease`, of each endpoint at most what its room
    /// allows, `most` where there is none, those already claimed included. One whose claim ran out
    /// is claimed again: receivers deduplicate by id.
    ///
    /// Deliveries of an endpoint that is paused or switched off, or whose account's plan lacks
    /// webhooks, wait; of an endpoint in trouble one is claimed at a time. Claimers that look at the
    /// same moment may each fill an endpoint's places.
    async fn claim(
        &self,
        now: OffsetDateTime,
        lease: OffsetDateTime,
        limit: u32,
        rooms: &[Room],
        most: u32,
    ) -> Result<Vec<DueDelivery>, StoreError>;
    /// Gives back what was claimed and never posted.
    async fn release(&self, due: &[DueDelivery], now: OffsetDateTime) -> Result<(), StoreError>;
    /// Fails up to `limit` deliveries that wait for endpoints which are switched off; answers how
    /// many.
    async fn give_up(&self, limit: u32, now: OffsetDateTime) -> Result<usize, StoreError>;
}

/// How endpoints fare. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait HealthStore: Send {
    /// Reads and locks what is known; nothing is known of endpoints that are well.
    async fn lock(
        &mut self,
        endpoints: &[EndpointId],
    ) -> Result<Vec<(EndpointId, Health)>, StoreError>;
    /// Stores how they fare now.
    async fn save(&mut self, changed: &[(EndpointId, Health)]) -> Result<(), StoreError>;
    /// Switches endpoints off; answers those that were on.
    async fn switch_off(
        &mut self,
        endpoints: &[(EndpointId, OffReason)],
        now: OffsetDateTime,
    ) -> Result<Vec<SwitchedOff>, StoreError>;
    /// Tells owners.
    async fn tell(&mut self, notices: &[Notice]) -> Result<(), StoreError>;
}

/// What became of deliveries. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait AttemptStore: Send {
    /// Records what became of attempts.
    ///
    /// An attempt whose claim had run out may come after somebody else's: it changes nothing then,
    /// unless it is the one that arrived.
    async fn record(&mut self, attempts: &[Attempt], now: OffsetDateTime)
    -> Result<(), StoreError>;
}

/// Records attempts and what they say about endpoints in one transaction. Whoever needs both locks
/// health before endpoints, endpoints before deliveries, and those before their queue.
pub trait RecordUnit: Unit {
    /// How endpoints fare.
    fn health(&mut self) -> &mut dyn HealthStore;
    /// The attempts.
    fn attempts(&mut self) -> &mut dyn AttemptStore;
}

/// Begins such transactions.
#[async_trait]
pub trait RecordUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn RecordUnit>, StoreError>;
}

/// Calls receivers.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait WebhookSender: Send + Sync {
    /// Posts once. Follows no redirect, and connects to no address that is not allowed.
    async fn post(&self, request: &SignedRequest) -> Result<Response, PostError>;
}
