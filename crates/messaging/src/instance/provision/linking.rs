//! Linking a phone, mending its link, and unlinking it.

use msgflash_kernel::{Actor, Phone};
use tracing::warn;

use super::ProvisionInstance;
use crate::error::MessagingError;
use crate::instance::connection::Change;
use crate::instance::read::opened;
use crate::instance::{Instance, InstanceId, InstanceStatus, Suspension};
use crate::provider::{LinkState, Pairing, ProviderError};

impl ProvisionInstance {
    /// Starts linking a phone, or answers the code of a linking under way.
    pub async fn connect(
        &self,
        actor: &Actor,
        id: InstanceId,
        phone: Option<Phone>,
    ) -> Result<Pairing, MessagingError> {
        let instance = self.find(actor, id).await?;
        require_unsuspended(&instance)?;
        if instance.unlink_since.is_some() {
            // The phone that was refused goes first; its code would never come otherwise.
            self.ports.provider.logout(&instance.session).await?;
            let change = Change::FoundClosed { code: None };
            self.ports.record.record(id, change).await?;
        }
        let is_linked = self.is_linked(&instance).await?;
        if let Some(phone) = phone
            && !is_linked
            && instance.expected_number != Some(phone)
            && self.ports.provider.state(&instance.session).await == Ok(LinkState::Connecting)
        {
            // A socket that was started for something else ignores the number. Nobody is logged in
            // there: nothing is lost with it.
            self.ports.provider.delete(&instance.session).await?;
            // At once: the provider is still clearing up, and a link begun meanwhile would be cleared
            // away too. Making it waits for that.
            let session = self.session_of(&instance);
            self.ports.provider.create(&session).await?;
        }
        let mut pairing = self.ask(&instance, phone).await?;
        if is_linked && matches!(pairing, Pairing::Code { .. }) {
            // What it shows is left from the linking that was.
            pairing = Pairing::NotYet;
        }
        self.note(&instance, phone, &pairing).await?;
        Ok(pairing)
    }

    /// Whether somebody is logged in there, as far as anybody knows: also while the link breaks and
    /// comes back.
    async fn is_linked(&self, instance: &Instance) -> Result<bool, MessagingError> {
        let stored = self.ports.provider.fetch(&instance.session).await?;
        Ok(stored.is_some_and(|it| match it.state {
            LinkState::Open => true,
            LinkState::Connecting => instance.status == InstanceStatus::Connected,
            LinkState::Close => false,
        }))
    }

    /// Asks for a code.
    async fn ask(
        &self,
        instance: &Instance,
        phone: Option<Phone>,
    ) -> Result<Pairing, MessagingError> {
        let provider = &self.ports.provider;
        match provider.connect(&instance.session, phone).await {
            // The gateway lost the session, or was replaced by an empty one: make it again.
            Err(ProviderError::UnknownSession) => {
                warn!(instance.id = %instance.id, "the gateway does not know the session; making it again");
                match provider.create(&self.session_of(instance)).await {
                    // Somebody else is making it again too: theirs is as good.
                    Ok(()) | Err(ProviderError::NameTaken) => {}
                    Err(error) => return Err(error.into()),
                }
                Ok(provider.connect(&instance.session, phone).await?)
            }
            answered => Ok(answered?),
        }
    }

    /// Records what asking for a code told.
    async fn note(
        &self,
        instance: &Instance,
        phone: Option<Phone>,
        pairing: &Pairing,
    ) -> Result<(), MessagingError> {
        let was_linked = instance.status == InstanceStatus::Connected;
        let started = Change::PairingStarted { number: phone };
        let changes = match pairing {
            Pairing::AlreadyOpen => {
                let opened = opened(&*self.ports.provider, instance).await?;
                opened.into_iter().collect()
            }
            // It comes back by itself.
            Pairing::NotYet if was_linked => vec![Change::Connecting],
            // A code is for those who are not linked any more.
            Pairing::Code { .. } if was_linked => {
                vec![Change::FoundClosed { code: None }, started]
            }
            Pairing::Code { .. } | Pairing::NotYet => vec![started],
        };
        for change in changes {
            if self
                .ports
                .record
                .record(instance.id, change)
                .await?
                .is_none()
            {
                return self.undo(instance).await;
            }
        }
        Ok(())
    }

    /// The instance was deleted meanwhile: the session that was made again goes too.
    async fn undo(&self, instance: &Instance) -> Result<(), MessagingError> {
        let mut unit = self.ports.units.begin().await?;
        let now = self.ports.clock.now();
        unit.instances().session_left(instance.id, now).await?;
        unit.commit().await?;
        Err(MessagingError::NoInstance(instance.id))
    }

    /// Unlinks the phone. The instance and the number it had stay.
    pub async fn log_out(&self, actor: &Actor, id: InstanceId) -> Result<(), MessagingError> {
        let instance = self.find(actor, id).await?;
        // From here on the provider's events know why, and a crash does not forget the wish.
        self.ports.record.record(id, Change::LogoutAsked).await?;
        match self.ports.provider.logout(&instance.session).await {
            Ok(()) | Err(ProviderError::UnknownSession) => {
                let change = Change::FoundClosed { code: None };
                self.ports.record.record(id, change).await?;
                Ok(())
            }
            Err(error) => {
                self.ports.record.record(id, Change::LogoutFailed).await?;
                Err(error.into())
            }
        }
    }

    /// Closes and reopens the link: the cure for one that says open and does not send.
    pub async fn restart(
        &self,
        actor: &Actor,
        id: InstanceId,
    ) -> Result<LinkState, MessagingError> {
        const NOT_LINKED: &str = "The instance is not connected: there is no link to restart";
        let instance = self.find(actor, id).await?;
        require_unsuspended(&instance)?;
        match self.ports.provider.state(&instance.session).await {
            Ok(LinkState::Open | LinkState::Connecting) => {}
            Ok(LinkState::Close) | Err(ProviderError::UnknownSession) => {
                return Err(MessagingError::WrongState(NOT_LINKED));
            }
            Err(error) => return Err(error.into()),
        }
        self.ports.provider.restart(&instance.session).await?;
        self.ports.record.record(id, Change::Connecting).await?;
        Ok(LinkState::Connecting)
    }
}

/// Refuses to link one that is suspended: who did it decides what helps.
fn require_unsuspended(instance: &Instance) -> Result<(), MessagingError> {
    if instance.status != InstanceStatus::Suspended {
        return Ok(());
    }
    Err(match instance.suspended_for {
        Some(Suspension::Plan) => MessagingError::TooManyInstances,
        Some(Suspension::Operator) | None => MessagingError::Suspended,
    })
}
