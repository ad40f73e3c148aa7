//! Making instances, linking phones to them, and taking both away again.

use std::sync::Arc;

use msgflash_kernel::{AccountId, Actor, Clock, Id, Ids, Problems, Random, Secret};

use super::connection::RecordConnection;
use super::ports::{InstanceReader, InstanceStore, InstanceUnits};
use super::reach::is_in_reach;
use super::{Instance, InstanceId, InstanceStatus};
use crate::error::MessagingError;
use crate::provider::{NewSession, WhatsAppProvider};

mod linking;
mod removal;

pub use removal::RemoveSessions;

/// Longest name of an instance.
const LONGEST_NAME: usize = 100;

/// The ports provisioning needs.
#[derive(Clone)]
pub struct ProvisionPorts {
    /// Transactions.
    pub units: Arc<dyn InstanceUnits>,
    /// Instances.
    pub instances: Arc<dyn InstanceReader>,
    /// The gateway.
    pub provider: Arc<dyn WhatsAppProvider>,
    /// Records what linking changes.
    pub record: Arc<RecordConnection>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn Ids>,
    /// Secrets.
    pub random: Arc<dyn Random>,
    /// Where the gateway reaches us, without a slash at the end.
    pub callback_base: String,
}

/// An order to make an instance.
#[derive(Clone, Debug)]
pub struct NewInstance {
    /// Who makes it.
    pub actor: Actor,
    /// A label for people, 1-100 characters.
    pub name: String,
    /// How many the plan allowed when it was read; `None` is unlimited. A lower plan that holds since counts
    /// all the same.
    pub cap: Option<u32>,
}

/// What to change about how an instance sends.
#[derive(Clone, Copy, Debug, Default)]
pub struct SendingStyle {
    /// Send buttons natively instead of as numbered text.
    pub native_buttons: Option<bool>,
    /// Whether the number is a WhatsApp Business account.
    pub is_business: Option<bool>,
}

/// Makes instances, links phones and removes both.
pub struct ProvisionInstance {
    ports: ProvisionPorts,
}

impl ProvisionInstance {
    /// Wires the use case.
    pub fn new(ports: ProvisionPorts) -> Self {
        Self { ports }
    }

    /// Makes an instance here and at the provider. When the provider refuses, nothing is kept.
    pub async fn create(&self, order: NewInstance) -> Result<Instance, MessagingError> {
        let name = name_of(&order.name)?;
        let now = self.ports.clock.now();
        let id = self.ports.ids.next();
        let mut secret = [0u8; 32];
        self.ports.random.fill(&mut secret);
        let instance = Instance {
            id: Id::new(id),
            account: order.actor.workspace.account,
            name,
            // The gateway puts it into URLs and enforces no pattern: ours has only safe letters.
            session: format!("mf-{}", id.simple()),
            webhook_secret: Secret::new(hex(&secret)),
            wa_number: None,
            status: InstanceStatus::Disconnected,
            native_buttons: false,
            is_business: None,
            meta: None,
            first_connected_at: None,
            connecting_since: None,
            reconnecting_since: None,
            expected_number: None,
            takes_any_number: false,
            suspended_for: None,
            unlink_since: None,
            standing: crate::instance::Standing::default(),
            created_at: now,
            updated_at: now,
        };
        let mut unit = self.ports.units.begin().await?;
        let (account, cap) = (instance.account, order.cap);
        let places = unit.instances().count_locked(account, cap).await?;
        if places.are_taken() {
            return Err(MessagingError::TooManyInstances);
        }
        unit.instances().insert(&instance).await?;
        unit.commit().await?;

        // The row comes first: an event of the new session must find it.
        let made = self
            .ports
            .provider
            .create(&self.session_of(&instance))
            .await;
        let now = self.ports.clock.now();
        let mut unit = self.ports.units.begin().await?;
        if let Err(error) = made {
            // What timed out may have been made all the same: it is removed like any other.
            unit.instances().delete(instance.id, now, now).await?;
            unit.commit().await?;
            return Err(error.into());
        }
        if unit.instances().lock(instance.id).await?.is_none() {
            // Whoever saw it in a list was quicker to delete it than the provider was to make it.
            unit.instances().session_left(instance.id, now).await?;
            unit.commit().await?;
            return Err(MessagingError::NoInstance(instance.id));
        }
        Ok(instance)
    }

    /// Gives an instance another name.
    pub async fn rename(
        &self,
        actor: &Actor,
        id: InstanceId,
        name: &str,
    ) -> Result<Instance, MessagingError> {
        let name = name_of(name)?;
        let mut unit = self.ports.units.begin().await?;
        let account = actor.workspace.account;
        let mut instance = locked(unit.instances(), account, id).await?;
        if instance.name != name {
            instance.name = name;
            instance.updated_at = self.ports.clock.now();
            unit.instances().update(&instance).await?;
            unit.commit().await?;
        }
        Ok(instance)
    }

    /// Changes how an instance sends. What is `None` stays as it is.
    pub async fn configure(
        &self,
        account: AccountId,
        id: InstanceId,
        change: SendingStyle,
    ) -> Result<Instance, MessagingError> {
        let mut unit = self.ports.units.begin().await?;
        let mut instance = locked(unit.instances(), account, id).await?;
        instance.native_buttons = change.native_buttons.unwrap_or(instance.native_buttons);
        instance.is_business = change.is_business.or(instance.is_business);
        instance.updated_at = self.ports.clock.now();
        unit.instances().update(&instance).await?;
        unit.commit().await?;
        Ok(instance)
    }

    /// An instance that somebody may use.
    async fn find(&self, actor: &Actor, id: InstanceId) -> Result<Instance, MessagingError> {
        let instances = &*self.ports.instances;
        let found = instances.find(actor.workspace.account, id).await?;
        let instance = found.ok_or(MessagingError::NoInstance(id))?;
        if !is_in_reach(instances, actor, id).await? {
            return Err(MessagingError::NotAssigned);
        }
        Ok(instance)
    }

    /// The session of an instance, as the provider makes it.
    fn session_of(&self, instance: &Instance) -> NewSession {
        let (base, session) = (&self.ports.callback_base, &instance.session);
        NewSession {
            session: session.clone(),
            webhook_url: format!("{base}/provider/evolution/{session}"),
            webhook_secret: instance.webhook_secret.clone(),
        }
    }
}

async fn locked(
    instances: &mut dyn InstanceStore,
    account: AccountId,
    id: InstanceId,
) -> Result<Instance, MessagingError> {
    let found = instances.lock(id).await?;
    found
        .filter(|it| it.account == account)
        .ok_or(MessagingError::NoInstance(id))
}

fn name_of(told: &str) -> Result<String, MessagingError> {
    let name = told.trim();
    let fits = (1..=LONGEST_NAME).contains(&name.chars().count());
    if !fits || name.chars().any(char::is_control) {
        let message = "The name must have 1 to 100 characters, on one line";
        return Err(Problems::one("name", "length", message).into());
    }
    Ok(name.to_owned())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests;
