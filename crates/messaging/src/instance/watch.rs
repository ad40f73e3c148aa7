//! Looking after links that are being opened: events may be lost, late or out of order.

use std::sync::Arc;

use msgflash_kernel::{Clock, StoreError, Tick};
use time::{Duration, OffsetDateTime};
use tracing::{info, warn};

use super::connection::{Change, PAIRING_PATIENCE, RecordConnection};
use super::ports::InstanceReader;
use super::{Instance, InstanceStatus};
use crate::alarm::{Alarm, Alarms};
use crate::provider::{LinkState, ProviderError, WhatsAppProvider};

/// A re-connection that takes longer than this is looked at: the event of its end may have come
/// before that of its beginning, or not at all.
const LOOK_AFTER: Duration = Duration::seconds(5);

/// Gives up on codes nobody scanned and on links that do not come back.
pub struct WatchConnections {
    instances: Arc<dyn InstanceReader>,
    provider: Arc<dyn WhatsAppProvider>,
    record: Arc<RecordConnection>,
    alarms: Arc<dyn Alarms>,
    clock: Arc<dyn Clock>,
    /// A re-connection that takes longer than this counts as lost.
    patience: Duration,
}

impl WatchConnections {
    /// Wires the watch.
    pub fn new(
        instances: Arc<dyn InstanceReader>,
        provider: Arc<dyn WhatsAppProvider>,
        record: Arc<RecordConnection>,
        alarms: Arc<dyn Alarms>,
        clock: Arc<dyn Clock>,
        patience: Duration,
    ) -> Self {
        Self {
            instances,
            provider,
            record,
            alarms,
            clock,
            patience,
        }
    }

    /// Looks once. What is merely waited for is no work done.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let now = self.clock.now();
        let stuck = self
            .instances
            .stuck(now - PAIRING_PATIENCE, now - LOOK_AFTER.min(self.patience))
            .await?;
        let mut changed = 0;
        let mut is_reachable = true;
        for id in stuck {
            let Some(instance) = self.instances.get(id).await? else {
                continue;
            };
            if let Some(change) = self.look(&instance, now, &mut is_reachable).await {
                self.record.record_found(&instance, change).await?;
                let alarm = match change {
                    Change::Lost => Some(Alarm::ConnectionLost),
                    // One that is still connected was logged out by its owner, one that is suspended
                    // by whoever suspended it.
                    Change::FoundClosed { .. }
                        if !matches!(
                            instance.status,
                            InstanceStatus::Connected | InstanceStatus::Suspended
                        ) =>
                    {
                        Some(Alarm::WrongNumber)
                    }
                    _ => None,
                };
                if let Some(alarm) = alarm {
                    self.alarms.raise(alarm, Some(id));
                }
                changed += 1;
            }
        }
        Ok(Tick::of(changed))
    }

    /// What became of one link, if anything.
    async fn look(
        &self,
        instance: &Instance,
        now: OffsetDateTime,
        is_reachable: &mut bool,
    ) -> Option<Change> {
        let is_past = |since: Option<OffsetDateTime>, patience| {
            since.is_some_and(|since| since <= now - patience)
        };
        if instance.unlink_since.is_some() {
            // Repeated with every look until it worked.
            return match self.provider.logout(&instance.session).await {
                Ok(()) | Err(ProviderError::UnknownSession) => {
                    Some(Change::FoundClosed { code: None })
                }
                Err(error) => {
                    warn!(instance.id = %instance.id, %error, "a phone could not be unlinked");
                    None
                }
            };
        }
        if is_past(instance.connecting_since, PAIRING_PATIENCE) {
            return Some(Change::PairingExpired);
        }
        let lost =
            instance.status == InstanceStatus::Connecting && instance.connecting_since.is_none();
        if instance.reconnecting_since.is_none() && !lost {
            return None;
        }
        // A gateway that is away is asked once, not once for every instance.
        if *is_reachable {
            match self.provider.state(&instance.session).await {
                Ok(LinkState::Open) => {
                    info!(instance.id = %instance.id, "the link is open again, as we found out");
                    return Some(Change::FoundOpen);
                }
                Ok(LinkState::Connecting | LinkState::Close) => {}
                Err(ProviderError::UnknownSession) => return Some(Change::Gone),
                Err(error) => {
                    warn!(instance.id = %instance.id, %error, "the link could not be looked at");
                    *is_reachable =
                        !matches!(error, ProviderError::Timeout | ProviderError::Unavailable);
                }
            }
        }
        is_past(instance.reconnecting_since, self.patience).then_some(Change::Lost)
    }
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::{FixedClock, SequentialIds};

    use super::*;
    use crate::alarm::MockAlarms;
    use crate::instance::connection::RECONNECT_PATIENCE;
    use crate::instance::ports::{InstanceUnit, InstanceUnits, MockInstanceReader};
    use crate::provider::MockWhatsAppProvider;
    use crate::testing::{NOW, instance};

    struct NoUnits;

    #[async_trait::async_trait]
    impl InstanceUnits for NoUnits {
        async fn begin(&self) -> Result<Box<dyn InstanceUnit>, StoreError> {
            unreachable!("looking writes nothing")
        }
    }

    async fn found(
        seconds: i64,
        state: Result<LinkState, ProviderError>,
        is_reachable: &mut bool,
    ) -> Option<Change> {
        let mut provider = MockWhatsAppProvider::new();
        provider
            .expect_state()
            .times(usize::from(*is_reachable))
            .return_once(|_| state);
        let clock = Arc::new(FixedClock::at(NOW));
        let ids = Arc::new(SequentialIds::default());
        let watch = WatchConnections::new(
            Arc::new(MockInstanceReader::new()),
            Arc::new(provider),
            Arc::new(RecordConnection::new(Arc::new(NoUnits), clock.clone(), ids)),
            Arc::new(MockAlarms::new()),
            clock,
            RECONNECT_PATIENCE,
        );
        let since = NOW - Duration::seconds(seconds);
        let instance = Instance {
            reconnecting_since: Some(since),
            ..instance()
        };
        watch.look(&instance, NOW, is_reachable).await
    }

    #[tokio::test]
    async fn a_link_that_is_open_after_all_is_not_lost() {
        for seconds in [6, 61] {
            let change = found(seconds, Ok(LinkState::Open), &mut true).await;
            assert_eq!(change, Some(Change::FoundOpen));
        }
    }

    #[tokio::test]
    async fn one_that_is_not_open_is_waited_for_a_minute() {
        for state in [LinkState::Connecting, LinkState::Close] {
            assert_eq!(found(59, Ok(state), &mut true).await, None);
            assert_eq!(found(60, Ok(state), &mut true).await, Some(Change::Lost));
        }
    }

    #[tokio::test]
    async fn a_gateway_that_is_away_is_not_asked_again() {
        let mut is_reachable = true;
        let away = Err(ProviderError::Unavailable);
        assert_eq!(found(59, away.clone(), &mut is_reachable).await, None);
        assert!(!is_reachable);
        assert_eq!(found(60, away, &mut is_reachable).await, Some(Change::Lost));
    }
}
