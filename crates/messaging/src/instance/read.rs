//! Reading instances: stored, live, and how healthy they are.

use std::sync::Arc;

use msgflash_kernel::{Actor, Clock};
use time::OffsetDateTime;

use super::connection::{Change, RecordConnection};
use super::ports::InstanceReader;
use super::reach::is_in_reach;
use super::{Instance, InstanceId, InstanceStatus};
use crate::error::MessagingError;
use crate::provider::{LinkState, ProviderError, WhatsAppProvider};
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

    /// Those that somebody may use, newest first.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<Instance>, MessagingError> {
        Ok(self.instances.list(actor).await?)
    }

    /// One of those.
    pub async fn get(&self, actor: &Actor, id: InstanceId) -> Result<Instance, MessagingError> {
        let found = self.instances.find(actor.workspace.account, id).await?;
        let instance = found.ok_or(MessagingError::NoInstance(id))?;
        if !is_in_reach(&*self.instances, actor, id).await? {
            return Err(MessagingError::NotAssigned);
        }
        Ok(instance)
    }

    /// One by its id alone, whoever it belongs to: for the operator.
    pub async fn any(&self, id: InstanceId) -> Result<Option<Instance>, MessagingError> {
        Ok(self.instances.get(id).await?)
    }

    /// Asks the provider and brings the stored state up to date. A session the provider does not
    /// know was never linked: `close`.
    pub async fn state(
        &self,
        actor: &Actor,
        id: InstanceId,
    ) -> Result<(InstanceStatus, LinkState), MessagingError> {
        let instance = self.get(actor, id).await?;
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
            (LinkState::Open, _) => opened(&*self.provider, &instance).await?,
            (LinkState::Connecting, _) => Some(Change::Connecting),
            (LinkState::Close, _) => self.closed(&instance).await?,
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

    /// What it means that a link that was thought to be there is closed. A provider that has just
    /// started says so of each session until it has loaded it, and a socket that starts anew says so
    /// for a moment: what is stored tells.
    async fn closed(&self, instance: &Instance) -> Result<Option<Change>, MessagingError> {
        let stored = self.provider.fetch(&instance.session).await?;
        let is_over = stored
            .as_ref()
            .is_none_or(|it| it.state == LinkState::Close);
        Ok(match instance.status {
            _ if is_over => Some(Change::FoundClosed {
                code: stored.and_then(|it| it.disconnection_code),
            }),
            InstanceStatus::Connected => Some(Change::Connecting),
            _ => None,
        })
    }

    /// How healthy a number is.
    pub async fn health(&self, actor: &Actor, id: InstanceId) -> Result<Health, MessagingError> {
        let instance = self.get(actor, id).await?;
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

/// What it means that a link is open: who is linked must be known. The provider writes that down a
/// moment after the link opened, and what it stored before is of an earlier link.
pub(super) async fn opened(
    provider: &dyn WhatsAppProvider,
    instance: &Instance,
) -> Result<Option<Change>, ProviderError> {
    let stored = provider.fetch(&instance.session).await?;
    let stored = stored.filter(|it| it.state == LinkState::Open);
    let number = stored.and_then(|it| it.owner);
    Ok(number.map(|number| Change::Opened {
        number: Some(number),
    }))
}
