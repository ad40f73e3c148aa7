//! Finding out what became of statuses whose call brought no answer. Nothing is published here.

use std::sync::Arc;

use futures_util::future::join_all;
use msgflash_kernel::{Clock, StoreError, Tick};
use time::Duration;
use tracing::{info, warn};

use super::ports::StatusUnits;
use super::settle::{Settled, Verdict};
use super::{Status, StatusState};
use crate::instance::ports::InstanceReader;
use crate::provider::{ProviderError, SentRecord, WhatsAppProvider};

/// How many are looked up side by side.
const BATCH: u32 = 16;
/// The provider's clock may run behind the database's.
const CLOCK_SLACK: Duration = Duration::MINUTE;
/// How long a look may take before somebody else looks.
const TURN: Duration = Duration::MINUTE;

/// The ports of finding out.
pub struct SettlePorts {
    /// Transactions.
    pub units: Arc<dyn StatusUnits>,
    /// Instances.
    pub instances: Arc<dyn InstanceReader>,
    /// The gateway.
    pub provider: Arc<dyn WhatsAppProvider>,
    /// Records what is found.
    pub settled: Settled,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Looks up statuses that are neither published nor failed. It never publishes.
pub struct SettleStatuses {
    ports: SettlePorts,
    patience: Duration,
}

impl SettleStatuses {
    /// Wires it. What cannot be found for `patience` has failed.
    pub fn new(ports: SettlePorts, patience: Duration) -> Self {
        Self { ports, patience }
    }

    /// Looks up what is due: a call that outlived its lease, too.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let now = self.ports.clock.now();
        let mut unit = self.ports.units.begin().await?;
        let due = unit.statuses().claim(now, now + TURN, BATCH).await?;
        unit.commit().await?;
        let count = due.len();
        let looks = due.iter().map(|status| self.look_up(status));
        join_all(looks)
            .await
            .into_iter()
            .collect::<Result<(), _>>()?;
        Ok(Tick::of(count))
    }

    async fn look_up(&self, status: &Status) -> Result<(), StoreError> {
        for record in self.candidates(status).await? {
            if self.adopt(status, record).await? {
                return Ok(());
            }
        }
        let now = self.ports.clock.now();
        if now - status.waited_since >= self.patience {
            let verdict = Verdict::Failed(ProviderError::Timeout);
            let settled = self.ports.settled.record(status, &verdict).await?;
            warn!(status.id = %status.id, state = settled.state.as_str(),
                "nobody could say what became of a status: it is given up");
            return Ok(());
        }
        self.put_off(status).await
    }

    /// What the provider shows that may be it, the earliest first.
    async fn candidates(&self, status: &Status) -> Result<Vec<SentRecord>, StoreError> {
        let provider = &self.ports.provider;
        let Some(instance) = self.ports.instances.get(status.instance).await? else {
            return Ok(Vec::new());
        };
        let (from, until) = (
            status.created_at - CLOCK_SLACK,
            self.ports.clock.now() + CLOCK_SLACK,
        );
        let found = provider.find_statuses(&instance.session, from, until).await;
        let mut found = match found {
            Ok(found) => found.records,
            Err(error) => {
                warn!(status.id = %status.id, %error, "the look-up failed");
                return Ok(Vec::new());
            }
        };
        let expected = provider.status_echo(&status.content);
        found.retain(|record| record.echo == expected);
        Ok(found)
    }

    /// Settles a status as this one of the provider's, unless that is, or may be, another one's: while a
    /// call for the same content is under way, what the provider shows may come from that one. Asked
    /// after the provider was: whoever could have made what it shows is recorded by then.
    async fn adopt(&self, status: &Status, record: SentRecord) -> Result<bool, StoreError> {
        let provider = &self.ports.provider;
        let now = self.ports.clock.now();
        let mut unit = self.ports.units.begin().await?;
        let found = unit.statuses().lock(status.workspace.id, status.id).await?;
        let Some(found) = found.filter(|it| it.state == StatusState::Pending) else {
            return Ok(true);
        };
        let statuses = unit.statuses();
        if statuses.is_taken(found.instance, &record.key_id).await? {
            return Ok(false);
        }
        let others = statuses.under_way(found.instance, now).await?;
        let echo = |it: &Status| provider.status_echo(&it.content);
        let is_rival = |it: &Status| it.id != found.id && echo(it) == record.echo;
        if others.iter().any(is_rival) {
            return Ok(false);
        }
        let verdict = Verdict::Published(Some(record.key_id));
        let settled = self.ports.settled.settle(unit.as_mut(), found, &verdict);
        settled.await?;
        unit.commit().await?;
        info!(status.id = %status.id, "a status was found at the provider");
        Ok(true)
    }

    async fn put_off(&self, status: &Status) -> Result<(), StoreError> {
        let now = self.ports.clock.now();
        let mut unit = self.ports.units.begin().await?;
        let found = unit.statuses().lock(status.workspace.id, status.id).await?;
        let Some(mut found) = found.filter(|it| it.state == StatusState::Pending) else {
            return Ok(());
        };
        found.looks += 1;
        let wait = match found.looks {
            1 => Duration::seconds(25),
            _ => Duration::MINUTE,
        };
        // Whoever waits for its end does not wait for much longer than that.
        let left = (found.waited_since + self.patience - now).max(Duration::SECOND);
        found.look_after(wait.min(left), now);
        unit.statuses().update(&found).await?;
        unit.commit().await
    }
}

#[cfg(test)]
mod tests;
