//! Comparing what is stored here with what the provider stores: its events are lost while nobody
//! hears them, and it repeats them for twenty minutes at most.

use std::collections::HashMap;
use std::sync::Arc;

use msgflash_kernel::{StoreError, Tick};
use tracing::{info, warn};

use super::connection::{Change, RecordConnection};
use super::ports::InstanceReader;
use super::{Instance, InstanceStatus, Session};
use crate::alarm::{Alarm, Alarms};
use crate::provider::{LinkState, ProviderError, SessionInfo, WhatsAppProvider};

/// How many instances are compared at once.
const PAGE: u32 = 500;

/// Compares all instances with the provider's sessions.
pub struct CompareSessions {
    instances: Arc<dyn InstanceReader>,
    provider: Arc<dyn WhatsAppProvider>,
    record: Arc<RecordConnection>,
    alarms: Arc<dyn Alarms>,
}

impl CompareSessions {
    /// Wires it.
    pub fn new(
        instances: Arc<dyn InstanceReader>,
        provider: Arc<dyn WhatsAppProvider>,
        record: Arc<RecordConnection>,
        alarms: Arc<dyn Alarms>,
    ) -> Self {
        Self {
            instances,
            provider,
            record,
            alarms,
        }
    }

    /// Compares once. What the provider stores may lag behind, so a difference is looked at live
    /// before anything is recorded. A provider that cannot be asked is asked the next time.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let stored = match self.provider.fetch_all().await {
            Ok(rows) => rows,
            Err(error) => {
                warn!(%error, "the gateway's sessions could not be compared with ours");
                return Ok(Tick::Idle);
            }
        };
        let stored: HashMap<Session, SessionInfo> = stored
            .into_iter()
            .map(|row| (row.session.clone(), row))
            .collect();
        let mut last = None;
        loop {
            let page = self.instances.after(last, PAGE).await?;
            for instance in &page {
                if !self.follow(instance, stored.get(&instance.session)).await? {
                    return Ok(Tick::Idle);
                }
            }
            match page.last() {
                Some(it) if page.len() == PAGE as usize => last = Some(it.id),
                _ => return Ok(Tick::Idle),
            }
        }
    }

    /// Asks again, about one: the list is older than the instance that was read after it.
    async fn look(&self, instance: &Instance) -> Result<Option<Change>, ProviderError> {
        let stored = self.provider.fetch(&instance.session).await?;
        if !differs(instance, stored.as_ref()) {
            return Ok(None);
        }
        let live = match self.provider.state(&instance.session).await {
            Ok(live) => Some(live),
            Err(ProviderError::UnknownSession) => None,
            Err(error) => return Err(error),
        };
        Ok(meaning(instance, stored.as_ref(), live))
    }

    /// Records what became of one instance; `false` when the provider cannot be asked any more.
    async fn follow(
        &self,
        instance: &Instance,
        stored: Option<&SessionInfo>,
    ) -> Result<bool, StoreError> {
        if !differs(instance, stored) {
            return Ok(true);
        }
        let change = match self.look(instance).await {
            Ok(change) => change,
            Err(ProviderError::Timeout | ProviderError::Unavailable) => return Ok(false),
            Err(error) => {
                warn!(instance.id = %instance.id, %error, "the link could not be looked at");
                None
            }
        };
        if let Some(change) = change {
            info!(instance.id = %instance.id, ?change, "the gateway knew what we had not heard");
            self.record.record_found(instance, change).await?;
            if change == Change::Gone {
                self.alarms.raise(Alarm::SessionLost, Some(instance.id));
            }
        }
        Ok(true)
    }
}

/// Whether a link is worth a look. Those that are being opened have somebody who looks after them.
fn differs(instance: &Instance, stored: Option<&SessionInfo>) -> bool {
    if instance.unlink_since.is_some() || instance.reconnecting_since.is_some() {
        return false;
    }
    let state = stored.map(|it| it.state);
    match instance.status {
        InstanceStatus::Suspended => false,
        InstanceStatus::Connected => state != Some(LinkState::Open) || is_another(instance, stored),
        // One that was lost comes back or not.
        InstanceStatus::Connecting if !instance.is_pairing() => {
            state != Some(LinkState::Connecting)
        }
        InstanceStatus::Disconnected | InstanceStatus::Connecting => state == Some(LinkState::Open),
    }
}

fn is_another(instance: &Instance, stored: Option<&SessionInfo>) -> bool {
    let owner = stored.and_then(|it| it.owner);
    owner.is_some_and(|owner| instance.is_of_another_line(owner))
}

/// What a difference means, now that the live state is known; `None` is no session at all.
fn meaning(
    instance: &Instance,
    stored: Option<&SessionInfo>,
    live: Option<LinkState>,
) -> Option<Change> {
    let was_connected = instance.status == InstanceStatus::Connected;
    let stored_state = stored.map(|it| it.state);
    match (live, stored_state) {
        (Some(LinkState::Open), Some(LinkState::Open)) => {
            let is_news = !was_connected || is_another(instance, stored);
            // Whose link it is must be known.
            let number = stored.and_then(|it| it.owner).filter(|_| is_news)?;
            Some(Change::Opened {
                number: Some(number),
            })
        }
        (None, None) if !instance.is_pairing() => Some(Change::Gone),
        (Some(LinkState::Close), Some(LinkState::Close)) if !instance.is_pairing() => {
            Some(Change::FoundClosed {
                code: stored.and_then(|it| it.disconnection_code),
            })
        }
        // It comes back or not; whoever looks after links that break decides.
        (Some(LinkState::Close | LinkState::Connecting), _) if was_connected => {
            Some(Change::Connecting)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
