//! Events into deliveries.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use msgflash_kernel::{Clock, Id, Ids, RandomIds, StoreError, Tick, WorkspaceId};
use time::OffsetDateTime;

use crate::delivery::{Delivery, Listener, RaisedEvent};
use crate::ports::FanOutUnits;

/// Events of one tick.
const BATCH: u32 = 500;

/// Writes one delivery per event and interested endpoint.
pub struct FanOut {
    units: Arc<dyn FanOutUnits>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl FanOut {
    /// Wires it, with ids from the operating system's randomness.
    pub fn new(units: Arc<dyn FanOutUnits>, clock: Arc<dyn Clock>) -> Self {
        Self {
            units,
            clock,
            ids: Arc::new(RandomIds),
        }
    }

    /// The same with another source of ids.
    #[must_use]
    pub fn with_ids(self, ids: Arc<dyn Ids>) -> Self {
        Self { ids, ..self }
    }

    /// Handles one batch of events: they leave the outbox exactly when their deliveries are there.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let mut unit = self.units.begin().await?;
        let events = unit.events().take(BATCH).await?;
        if !events.is_empty() {
            let workspaces: BTreeSet<_> = events.iter().map(|event| event.workspace).collect();
            let workspaces: Vec<_> = workspaces.into_iter().collect();
            let listeners = unit.listeners().of(&workspaces).await?;
            let deliveries = self.pair(&events, &listeners, self.clock.now());
            if !deliveries.is_empty() {
                unit.deliveries().insert(&deliveries).await?;
            }
        }
        unit.commit().await?;
        Ok(Tick::of(events.len()))
    }

    /// The decision: who hears of what.
    fn pair(
        &self,
        events: &[RaisedEvent],
        listeners: &[Listener],
        now: OffsetDateTime,
    ) -> Vec<Delivery> {
        let mut by_workspace: HashMap<WorkspaceId, Vec<&Listener>> = HashMap::new();
        for listener in listeners {
            by_workspace
                .entry(listener.workspace)
                .or_default()
                .push(listener);
        }
        let mut deliveries = Vec::new();
        for event in events {
            let candidates = by_workspace.get(&event.workspace).into_iter().flatten();
            for listener in candidates.filter(|it| it.events.contains(&event.name)) {
                deliveries.push(Delivery {
                    id: Id::new(self.ids.next()),
                    endpoint: listener.endpoint,
                    workspace: event.workspace,
                    event: event.id,
                    name: event.name.clone(),
                    created_at: now,
                });
            }
        }
        deliveries
    }
}

#[cfg(test)]
mod tests;
