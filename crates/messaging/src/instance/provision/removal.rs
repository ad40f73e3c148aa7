//! Removing instances here, and their sessions at the provider.

use std::sync::Arc;

use msgflash_kernel::{AccountId, Clock, StoreError, Tick};
use time::Duration;
use tracing::{info, warn};

use super::ProvisionInstance;
use crate::error::MessagingError;
use crate::instance::InstanceId;
use crate::instance::ports::{InstanceReader, InstanceUnits};
use crate::provider::{ProviderError, WhatsAppProvider};

/// Whoever deletes an instance tries to remove its session first; after this long others do.
const OWN_TRY: Duration = Duration::MINUTE;
/// The waits between further tries grow up to this.
const LONGEST_WAIT: Duration = Duration::HOUR;
/// How many sessions are removed in one go.
const AT_ONCE: u32 = 50;

impl ProvisionInstance {
    /// Takes an instance away: out of sight at once, and its session from the provider, now or when
    /// the provider can be reached. Its messages stay; what still waits to be sent fails when due.
    pub async fn delete(&self, account: AccountId, id: InstanceId) -> Result<(), MessagingError> {
        let deleted = self.ports.record.delete(account, id, OWN_TRY).await?;
        let instance = deleted.ok_or(MessagingError::NoInstance(id))?;
        match self.ports.provider.delete(&instance.session).await {
            Ok(()) => {
                let mut unit = self.ports.units.begin().await?;
                unit.instances().session_removed(id).await?;
                unit.commit().await?;
            }
            // It is gone for its owner all the same.
            Err(error) => {
                warn!(instance.id = %id, %error, "a session could not be removed yet");
            }
        }
        Ok(())
    }
}

/// Removes the sessions of deleted instances that are still at the provider.
pub struct RemoveSessions {
    units: Arc<dyn InstanceUnits>,
    instances: Arc<dyn InstanceReader>,
    provider: Arc<dyn WhatsAppProvider>,
    clock: Arc<dyn Clock>,
}

impl RemoveSessions {
    /// Wires it.
    pub fn new(
        units: Arc<dyn InstanceUnits>,
        instances: Arc<dyn InstanceReader>,
        provider: Arc<dyn WhatsAppProvider>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            units,
            instances,
            provider,
            clock,
        }
    }

    /// Tries those whose time has come. A provider that does not answer is asked once.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let now = self.clock.now();
        let mut removed = 0;
        for left in self.instances.sessions_left(now, AT_ONCE).await? {
            let outcome = self.provider.delete(&left.session).await;
            let mut unit = self.units.begin().await?;
            match &outcome {
                Ok(()) => {
                    info!(instance.id = %left.instance, "the session of a deleted instance is gone");
                    unit.instances().session_removed(left.instance).await?;
                    removed += 1;
                }
                Err(error) => {
                    warn!(instance.id = %left.instance, %error, "a session could not be removed yet");
                    // Also when the provider is away: it may be this session that keeps it.
                    let age = now - left.deleted_at;
                    let wait: Duration = (age / 2i32).clamp(OWN_TRY, LONGEST_WAIT);
                    unit.instances()
                        .session_left(left.instance, now + wait)
                        .await?;
                }
            }
            unit.commit().await?;
            if matches!(
                outcome,
                Err(ProviderError::Timeout | ProviderError::Unavailable)
            ) {
                break;
            }
        }
        Ok(Tick::of(removed))
    }
}
