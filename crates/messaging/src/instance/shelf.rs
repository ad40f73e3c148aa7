//! A store of one instance, for tests of what happens to it.

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use msgflash_kernel::{
    AccountId, Actor, Event, Outbox, Places, StoreError, TeamId, Unit, UserId, WorkspaceId,
};
use time::OffsetDateTime;

use super::ports::{InstanceReader, InstanceStore, InstanceUnit, InstanceUnits, SessionLeft};
use super::{Instance, InstanceId};
use crate::safety::Window;

/// What is on it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held {
    pub(crate) instance: Option<Instance>,
    pub(crate) is_deleted: bool,
    pub(crate) session_due: Option<OffsetDateTime>,
    pub(crate) events: Vec<Event>,
}

/// Holds it, and what is committed.
#[derive(Clone, Default)]
pub(crate) struct Shelf(Arc<Mutex<Held>>);

impl Shelf {
    pub(crate) fn with(instance: Instance) -> Self {
        let shelf = Self::default();
        shelf.held().instance = Some(instance);
        shelf
    }

    pub(crate) fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().expect("no test panics under it")
    }

    pub(crate) fn instance(&self) -> Instance {
        self.held().instance.clone().expect("an instance")
    }

    /// The names and reasons of what was told.
    pub(crate) fn told(&self) -> Vec<(&'static str, Option<String>)> {
        let held = self.held();
        let told = held.events.iter().map(|it| {
            let reason = it.payload["reason"].as_str().map(str::to_owned);
            (it.name, reason)
        });
        told.collect()
    }

    fn seen(&self) -> Option<Instance> {
        let held = self.held();
        held.instance.clone().filter(|_| !held.is_deleted)
    }
}

#[async_trait]
impl InstanceReader for Shelf {
    async fn find(
        &self,
        account: AccountId,
        id: InstanceId,
    ) -> Result<Option<Instance>, StoreError> {
        let found = self.seen();
        Ok(found.filter(|it| it.id == id && it.account == account))
    }
    async fn is_assigned(&self, _: TeamId, _: UserId, _: InstanceId) -> Result<bool, StoreError> {
        Ok(false)
    }
    async fn list(&self, _: &Actor) -> Result<Vec<Instance>, StoreError> {
        Ok(self.seen().into_iter().collect())
    }
    async fn find_by_session(&self, session: &str) -> Result<Option<Instance>, StoreError> {
        Ok(self.seen().filter(|it| it.session == session))
    }
    async fn get(&self, id: InstanceId) -> Result<Option<Instance>, StoreError> {
        Ok(self.seen().filter(|it| it.id == id))
    }
    async fn stuck(
        &self,
        _: OffsetDateTime,
        _: OffsetDateTime,
    ) -> Result<Vec<InstanceId>, StoreError> {
        Ok(Vec::new())
    }
    async fn after(&self, last: Option<InstanceId>, _: u32) -> Result<Vec<Instance>, StoreError> {
        let seen = self
            .seen()
            .filter(|it| last.is_none_or(|last| it.id > last));
        Ok(seen.into_iter().collect())
    }
    async fn sessions_left(
        &self,
        now: OffsetDateTime,
        _: u32,
    ) -> Result<Vec<SessionLeft>, StoreError> {
        let held = self.held();
        let left = held.instance.iter().filter(|_| held.is_deleted);
        let due = left.filter(|_| held.session_due.is_some_and(|due| due <= now));
        let due = due.map(|it| SessionLeft {
            instance: it.id,
            session: it.session.clone(),
            deleted_at: it.updated_at,
        });
        Ok(due.collect())
    }
    async fn window(&self, _: InstanceId, _: OffsetDateTime) -> Result<Window, StoreError> {
        Ok(Window::default())
    }
}

/// A transaction: what was on the shelf when it began, and what becomes of it.
struct ShelfUnit {
    of: Shelf,
    held: Held,
}

#[async_trait]
impl InstanceUnits for Shelf {
    async fn begin(&self) -> Result<Box<dyn InstanceUnit>, StoreError> {
        let held = self.held().clone();
        let of = self.clone();
        Ok(Box::new(ShelfUnit { of, held }))
    }
}

#[async_trait]
impl Unit for ShelfUnit {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        *self.of.held() = self.held;
        Ok(())
    }
}

impl InstanceUnit for ShelfUnit {
    fn instances(&mut self) -> &mut dyn InstanceStore {
        self
    }
    fn outbox(&mut self) -> &mut dyn Outbox {
        self
    }
}

#[async_trait]
impl Outbox for ShelfUnit {
    async fn append(&mut self, events: &[Event]) -> Result<(), StoreError> {
        self.held.events.extend_from_slice(events);
        Ok(())
    }
}

#[async_trait]
impl InstanceStore for ShelfUnit {
    async fn count_locked(&mut self, _: AccountId, cap: Option<u32>) -> Result<Places, StoreError> {
        let counts = self.held.instance.is_some() && !self.held.is_deleted;
        let taken = u32::from(counts);
        Ok(Places { taken, cap })
    }
    async fn insert(&mut self, instance: &Instance) -> Result<(), StoreError> {
        self.held.instance = Some(instance.clone());
        Ok(())
    }
    async fn lock(&mut self, id: InstanceId) -> Result<Option<Instance>, StoreError> {
        let held = self.held.instance.clone().filter(|it| it.id == id);
        Ok(held.filter(|_| !self.held.is_deleted))
    }
    async fn update(&mut self, instance: &Instance) -> Result<(), StoreError> {
        self.held.instance = Some(instance.clone());
        Ok(())
    }
    async fn workspaces(&mut self, account: AccountId) -> Result<Vec<WorkspaceId>, StoreError> {
        Ok(vec![WorkspaceId::new(account.uuid())])
    }
    async fn delete(
        &mut self,
        _: InstanceId,
        _: OffsetDateTime,
        session_due: OffsetDateTime,
    ) -> Result<(), StoreError> {
        self.held.is_deleted = true;
        self.held.session_due = Some(session_due);
        Ok(())
    }
    async fn session_left(&mut self, _: InstanceId, due: OffsetDateTime) -> Result<(), StoreError> {
        assert!(self.held.is_deleted, "what lives keeps its session");
        self.held.session_due = Some(due);
        Ok(())
    }
    async fn session_removed(&mut self, _: InstanceId) -> Result<(), StoreError> {
        self.held.session_due = None;
        Ok(())
    }
}
