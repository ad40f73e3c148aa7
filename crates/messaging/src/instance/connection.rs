//! How the link of an instance changes, and who hears of it.

use std::sync::Arc;

use msgflash_kernel::{AccountId, Clock, Event, Id, Ids, Outbox, StoreError};
use time::{Duration, OffsetDateTime};

use super::ports::{InstanceStore, InstanceUnits};
use super::{Instance, InstanceId, InstanceStatus};
use crate::events;

mod change;

pub use change::Change;
use change::News;

/// A re-connection that takes longer than this counts as lost.
pub const RECONNECT_PATIENCE: Duration = Duration::seconds(60);
/// A code that nobody scanned for this long is given up.
pub const PAIRING_PATIENCE: Duration = Duration::minutes(2);

/// Applies a change to a stored instance within the caller's transaction and answers what to tell
/// every workspace it serves; `None` when the instance is gone. Exactly one event per change: the
/// row is locked, and a change that changes nothing tells nothing.
pub async fn apply(
    instances: &mut dyn InstanceStore,
    id: InstanceId,
    change: Change,
    now: OffsetDateTime,
    ids: &dyn Ids,
) -> Result<Option<(InstanceStatus, Vec<Event>)>, StoreError> {
    match instances.lock(id).await? {
        Some(instance) => apply_to(instances, instance, change, now, ids)
            .await
            .map(Some),
        None => Ok(None),
    }
}

async fn apply_to(
    instances: &mut dyn InstanceStore,
    mut instance: Instance,
    change: Change,
    now: OffsetDateTime,
    ids: &dyn Ids,
) -> Result<(InstanceStatus, Vec<Event>), StoreError> {
    let (changed, news) = instance.apply(change, now);
    if changed {
        instances.update(&instance).await?;
    }
    let (name, reason) = match news {
        None => return Ok((instance.status, Vec::new())),
        Some(News::Connected) => (events::INSTANCE_CONNECTED, None),
        Some(News::Disconnected(reason)) => (events::INSTANCE_DISCONNECTED, reason),
    };
    let told = events_of(instances, &instance, name, reason, now, ids).await?;
    Ok((instance.status, told))
}

/// One event for every workspace the instance serves.
async fn events_of(
    instances: &mut dyn InstanceStore,
    instance: &Instance,
    name: &'static str,
    reason: Option<&str>,
    now: OffsetDateTime,
    ids: &dyn Ids,
) -> Result<Vec<Event>, StoreError> {
    let workspaces = instances.workspaces(instance.account).await?;
    let told = workspaces.into_iter().map(|workspace| {
        let id = Id::new(ids.next());
        events::instance_changed(id, workspace, instance, name, reason, now)
    });
    Ok(told.collect())
}

/// Records changes of links.
pub struct RecordConnection {
    units: Arc<dyn InstanceUnits>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl RecordConnection {
    /// Wires the use case.
    pub fn new(units: Arc<dyn InstanceUnits>, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self { units, clock, ids }
    }

    /// Records one change and answers the state after it; `None` when the instance is gone.
    pub async fn record(
        &self,
        id: InstanceId,
        change: Change,
    ) -> Result<Option<InstanceStatus>, StoreError> {
        let now = self.clock.now();
        let mut unit = self.units.begin().await?;
        let applied = apply(unit.instances(), id, change, now, &*self.ids).await?;
        let Some((status, told)) = applied else {
            return Ok(None);
        };
        tell(unit.outbox(), &told).await?;
        unit.commit().await?;
        Ok(Some(status))
    }

    /// Records what a look found that was made of `seen`. Looking takes time, and an event that
    /// came meanwhile knows better: then nothing is recorded.
    pub async fn record_found(
        &self,
        seen: &Instance,
        change: Change,
    ) -> Result<Option<InstanceStatus>, StoreError> {
        let now = self.clock.now();
        let mut unit = self.units.begin().await?;
        let Some(instance) = unit.instances().lock(seen.id).await? else {
            return Ok(None);
        };
        if instance.updated_at != seen.updated_at {
            return Ok(Some(instance.status));
        }
        let (status, told) = apply_to(unit.instances(), instance, change, now, &*self.ids).await?;
        tell(unit.outbox(), &told).await?;
        unit.commit().await?;
        Ok(Some(status))
    }

    /// Takes an instance out of sight, with its link; somebody else removes its session
    /// at the provider once `patience` has passed and it is still there.
    /// `None` when there is no such instance in this account.
    pub async fn delete(
        &self,
        account: AccountId,
        id: InstanceId,
        patience: Duration,
    ) -> Result<Option<Instance>, StoreError> {
        let now = self.clock.now();
        let mut unit = self.units.begin().await?;
        let found = unit.instances().lock(id).await?;
        let Some(mut instance) = found.filter(|it| it.account == account) else {
            return Ok(None);
        };
        if instance.status == InstanceStatus::Connected {
            instance.status = InstanceStatus::Disconnected;
            let (name, reason) = (
                events::INSTANCE_DISCONNECTED,
                Some("The instance was deleted"),
            );
            let told =
                events_of(unit.instances(), &instance, name, reason, now, &*self.ids).await?;
            tell(unit.outbox(), &told).await?;
        }
        unit.instances().delete(id, now, now + patience).await?;
        unit.commit().await?;
        Ok(Some(instance))
    }
}

/// Appends events if there are any.
pub(crate) async fn tell(outbox: &mut dyn Outbox, events: &[Event]) -> Result<(), StoreError> {
    if events.is_empty() {
        Ok(())
    } else {
        outbox.append(events).await
    }
}
