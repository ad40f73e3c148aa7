//! Reading instances: stored, live, and how healthy they are.

use std::sync::Arc;

use msgflash_kernel::{AccountId, Clock};
use time::OffsetDateTime;

use super::connection::{Change, RecordConnection};
use super::ports::InstanceReader;
use super::{Instance, InstanceId, InstanceStatus};
use crate::error::MessagingError;
use crate::provider::{LinkState, ProviderError, SessionInfo, WhatsAppProvider};
use crate::safety::{Safety, Window};

/// How healthy a number is, for the warm-up guidance.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// The instance.
    pub instance_id: InstanceId,
    /// When it was linked for the first time.
    pub first_connected_at: Option<OffsetDateTime>,
    /// Days since then; 0 when it never was.
    pub age_days: f64,
    /// The guidance for one more message.
    pub safety: Safety,
    /// What it did lately.
    pub window: Window,
}

/// Reads instances.
pub struct ReadInstances {
    instances: Arc<dyn InstanceReader>,
    provider: Arc<dyn WhatsAppProvider>,
    record: Arc<RecordConnection>,
    clock: Arc<dyn Clock>,
}

impl ReadInstances {
    /// Wires the use case.
    pub fn new(
        instances: Arc<dyn InstanceReader>,
        provider: Arc<dyn WhatsAppProvider>,
        record: Arc<RecordConnection>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            instances,
            provider,
            record,
            clock,
        }
    }

    /// All of an account, newest first.
    pub async fn list(&self, account: AccountId) -> Result<Vec<Instance>, MessagingError> {
        Ok(self.instances.list(account).await?)
    }

    /// One of an account.
    pub async fn get(
        &self,
        account: AccountId,
        id: InstanceId,
    ) -> Result<Instance, MessagingError> {
        self.instances
            .find(account, id)
            .await?
            .ok_or(MessagingError::NoInstance(id))
    }

    /// One by its id alone, whoever it belongs to: for the operator.
    pub async fn any(&self, id: InstanceId) -> Result<Option<Instance>, MessagingError> {
        Ok(self.instances.get(id).await?)
    }

    /// Asks the provider and brings the stored state up to date. A session the provider does not
    /// know was never linked: `close`.
    pub async fn state(
        &self,
        account: AccountId,
        id: InstanceId,
    ) -> Result<(InstanceStatus, LinkState), MessagingError> {
        let instance = self.get(account, id).await?;
        let live = match self.provider.state(&instance.session).await {
            Ok(live) => live,
            Err(ProviderError::UnknownSession) => LinkState::Close,
            Err(error) => return Err(error.into()),
        };
        let change = match (live, instance.status) {
            (_, InstanceStatus::Suspended)
            | (LinkState::Open, InstanceStatus::Connected)
            | (LinkState::Close, InstanceStatus::Disconnected)
            | (LinkState::Connecting, InstanceStatus::Connecting) => None,
            (LinkState::Open, _) => Some(Change::Opened {
                number: self.stored(&instance).await?.and_then(|it| it.owner),
            }),
            (LinkState::Connecting, _) => Some(Change::Connecting),
            (LinkState::Close, InstanceStatus::Connected) => Some(self.closed(&instance).await?),
            (LinkState::Close, InstanceStatus::Connecting) => {
                Some(Change::FoundClosed { code: None })
            }
        };
        let status = match change {
            Some(change) => self
                .record
                .record_found(&instance, change)
                .await?
                .unwrap_or(instance.status),
            None => instance.status,
        };
        Ok((status, live))
    }

    async fn stored(&self, instance: &Instance) -> Result<Option<SessionInfo>, MessagingError> {
        Ok(self.provider.fetch(&instance.session).await?)
    }

    /// What it means that a link thought to be open is closed: a provider that has just started
    /// says so of each session until it has loaded it, and stores something else.
    async fn closed(&self, instance: &Instance) -> Result<Change, MessagingError> {
        Ok(match self.stored(instance).await? {
            Some(stored) if stored.state != LinkState::Close => Change::Connecting,
            stored => Change::FoundClosed {
                code: stored.and_then(|it| it.disconnection_code),
            },
        })
    }

    /// How healthy a number is.
    pub async fn health(
        &self,
        account: AccountId,
        id: InstanceId,
    ) -> Result<Health, MessagingError> {
        let instance = self.get(account, id).await?;
        let now = self.clock.now();
        let window = self.instances.window(id, now).await?;
        let age = instance
            .first_connected_at
            .map_or(0.0, |at| (now - at).as_seconds_f64() / 86_400.0);
        Ok(Health {
            instance_id: id,
            first_connected_at: instance.first_connected_at,
            age_days: (age.max(0.0) * 10.0).round() / 10.0,
            safety: instance.safety(&window, now),
            window,
        })
    }
}
