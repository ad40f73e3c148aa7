//! Making an instance and linking a phone to it.

use std::sync::Arc;

use msgflash_kernel::{AccountId, Actor, Clock, Id, Ids, Phone, Problems, Random, Secret};
use tracing::warn;

use super::connection::{Change, RecordConnection};
use super::ports::{InstanceReader, InstanceUnits};
use super::{Instance, InstanceId, InstanceStatus};
use crate::error::MessagingError;
use crate::provider::{NewSession, Pairing, ProviderError, WhatsAppProvider};

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
    /// How many the plan allows; `None` is unlimited.
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

/// Makes instances and links phones.
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
        let name = order.name.trim().to_owned();
        if !(1..=100).contains(&name.chars().count()) {
            let message = "The name must have 1 to 100 characters";
            return Err(Problems::one("name", "length", message).into());
        }
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
            unlink_since: None,
            standing: crate::instance::Standing::default(),
            created_at: now,
            updated_at: now,
        };
        let mut unit = self.ports.units.begin().await?;
        let held = unit.instances().count_locked(instance.account).await?;
        if order.cap.is_some_and(|cap| held >= cap) {
            return Err(MessagingError::TooManyInstances);
        }
        unit.instances().insert(&instance).await?;
        unit.commit().await?;

        // The row comes first: an event of the new session must find it.
        let session = NewSession {
            session: instance.session.clone(),
            webhook_url: self.callback_url(&instance),
            webhook_secret: instance.webhook_secret.clone(),
        };
        if let Err(error) = self.ports.provider.create(&session).await {
            let mut unit = self.ports.units.begin().await?;
            unit.instances()
                .delete(instance.id, self.ports.clock.now())
                .await?;
            unit.commit().await?;
            return Err(error.into());
        }
        Ok(instance)
    }

    /// Starts linking a phone, or answers the code of a linking under way.
    pub async fn connect(
        &self,
        account: AccountId,
        id: InstanceId,
        phone: Option<Phone>,
    ) -> Result<Pairing, MessagingError> {
        let found = self.ports.instances.find(account, id).await?;
        let instance = found.ok_or(MessagingError::NoInstance(id))?;
        if instance.status == InstanceStatus::Suspended {
            return Err(MessagingError::Suspended);
        }
        if instance.unlink_since.is_some() {
            // The phone that was refused goes first; its code would never come otherwise.
            self.ports.provider.logout(&instance.session).await?;
            let change = Change::Closed { code: None };
            self.ports.record.record(id, change).await?;
        }
        let pairing = match self.ports.provider.connect(&instance.session, phone).await {
            Ok(pairing) => pairing,
            // The gateway lost the session, or was replaced by an empty one: make it again.
            Err(ProviderError::UnknownSession) => {
                warn!(instance.id = %id, "the gateway does not know the session; making it again");
                let session = NewSession {
                    session: instance.session.clone(),
                    webhook_url: self.callback_url(&instance),
                    webhook_secret: instance.webhook_secret.clone(),
                };
                match self.ports.provider.create(&session).await {
                    // Somebody else is making it again too: theirs is as good.
                    Ok(()) | Err(ProviderError::NameTaken) => {}
                    Err(error) => return Err(error.into()),
                }
                self.ports
                    .provider
                    .connect(&instance.session, phone)
                    .await?
            }
            Err(error) => return Err(error.into()),
        };
        if pairing == Pairing::AlreadyOpen {
            let known = self.ports.provider.fetch(&instance.session).await?;
            let number = known.and_then(|info| info.owner);
            self.ports
                .record
                .record(id, Change::Opened { number })
                .await?;
        } else if instance.status != InstanceStatus::Connecting || phone.is_some() {
            let change = Change::PairingStarted { number: phone };
            self.ports.record.record(id, change).await?;
        }
        Ok(pairing)
    }

    /// Changes how an instance sends. What is `None` stays as it is.
    pub async fn configure(
        &self,
        account: AccountId,
        id: InstanceId,
        change: SendingStyle,
    ) -> Result<Instance, MessagingError> {
        let mut unit = self.ports.units.begin().await?;
        let found = unit
            .instances()
            .lock(id)
            .await?
            .filter(|it| it.account == account);
        let mut instance = found.ok_or(MessagingError::NoInstance(id))?;
        instance.native_buttons = change.native_buttons.unwrap_or(instance.native_buttons);
        instance.is_business = change.is_business.or(instance.is_business);
        instance.updated_at = self.ports.clock.now();
        unit.instances().update(&instance).await?;
        unit.commit().await?;
        Ok(instance)
    }

    fn callback_url(&self, instance: &Instance) -> String {
        format!(
            "{}/provider/evolution/{}",
            self.ports.callback_base, instance.session
        )
    }
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
