//! Accepting a message for sending, now or at a time: everything that can be said about it alone.
//! What depends on others is decided in groups, in [`super::accept`].

use std::sync::Arc;

use msgflash_contacts::suppression::ports::SuppressionReader;
use msgflash_contacts::{ContactId, ContactReader};
use msgflash_kernel::{Actor, Clock, Id, Ids, Once, Outcome, Phone};
use msgflash_quotas::{KeyId, Period};
use msgflash_templates::{RenderTemplate, TemplateId};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use self::compose::{Composed, Found};
use super::accept::{Accepted, Acceptor, Application};
use super::content::Content;
use super::{Message, MessageStatus};
use crate::dispatch::{Class, QueueEntry, QueueState};
use crate::error::MessagingError;
use crate::instance::recent::RecentInstances;
use crate::instance::{Instance, InstanceId, InstanceStatus};
use crate::safety::Safety;

mod compose;

pub(crate) use compose::{kind_of, of_rendered};

/// What to send.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// This content.
    Direct(Content),
    /// What a template becomes for the recipient.
    Template {
        /// The template.
        template: TemplateId,
        /// Values for its `custom.*` placeholders.
        variables: Map<String, Value>,
    },
}

/// An order to send one message.
#[derive(Clone, Debug, PartialEq)]
pub struct SendOrder {
    /// Who sends, and for which workspace.
    pub actor: Actor,
    /// The API key that asks; none for the console.
    pub key: Option<KeyId>,
    /// The number it goes out from.
    pub instance: InstanceId,
    /// The recipient, as written.
    pub to: String,
    /// What to send.
    pub content: Wanted,
    /// The contact it is linked to, and whom a template addresses.
    pub contact: Option<ContactId>,
    /// When to send it; now when absent or past.
    pub scheduled_at: Option<OffsetDateTime>,
    /// Whether it goes out although the recipient asked not to be written to.
    pub ignore_suppression: bool,
    /// The request that asks for it.
    pub request_id: Option<String>,
}

/// An accepted message with the guidance given on acceptance.
#[derive(Clone, Debug, PartialEq)]
pub struct SentMessage {
    /// The message, queued.
    pub message: Message,
    /// How risky it is to send it.
    pub safety: Safety,
    /// The reasons of the guidance, and what else its sender should know.
    pub warnings: Vec<String>,
}

/// The ports acceptance needs.
#[derive(Clone)]
pub struct SendPorts {
    /// Decides and records, in groups.
    pub acceptor: Acceptor,
    /// Instances and what they did lately.
    pub instances: Arc<RecentInstances>,
    /// Contacts.
    pub contacts: Arc<dyn ContactReader>,
    /// Who must not be written to.
    pub suppressions: Arc<dyn SuppressionReader>,
    /// Templates.
    pub templates: Arc<RenderTemplate>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn Ids>,
}

/// Accepts messages.
pub struct SendMessage {
    ports: SendPorts,
}

impl SendMessage {
    /// Wires the use case.
    pub fn new(ports: SendPorts) -> Self {
        Self { ports }
    }

    /// Accepts one message. Nothing is kept when it is refused.
    pub async fn accept(
        &self,
        order: SendOrder,
        once: Option<Once<'_, SentMessage>>,
    ) -> Result<Outcome<SentMessage>, MessagingError> {
        let now = self.ports.clock.now();
        let account = order.actor.workspace.account;
        let instance = self
            .ports
            .instances
            .find(account, order.instance)
            .await?
            .ok_or(MessagingError::NoInstance(order.instance))?;
        let found = self.look_up(&order).await?;
        let instances = &self.ports.instances;
        if !instances.is_in_reach(&order.actor, instance.id).await? {
            return Err(MessagingError::NotAssigned);
        }
        require_able(&instance, &found)?;
        let to = Phone::parse(&order.to)
            .map_err(|why| MessagingError::InvalidDestination(order.to.clone(), why))?;
        if matches!(found, Found::Template(..)) {
            // What is sent as it is can be refused by the group alone from here on, which looks at the
            // list again. A template may be, before that.
            self.require_willing(&order, to).await?;
        }
        let composed = self.compose(&order, found, &instance, to).await?;

        let window = self.ports.instances.window(instance.id).await?;
        let safety = instance.safety(&window, now);
        let mut warnings = safety.reasons.clone();
        if let Content::Buttons(buttons) = &composed.content
            && instance.native_buttons
            && buttons.is_mixed()
        {
            warnings.push(
                "WhatsApp refuses reply and Pix buttons mixed with others; this message will fail."
                    .to_owned(),
            );
        }

        let later = order.scheduled_at.is_some_and(|at| at > now);
        let message = self.message(&order, to, composed, now);
        let entry = entry_of(&message, to, later, order.ignore_suppression, now);
        let sent = SentMessage {
            message,
            safety,
            warnings,
        };
        let application = Application {
            key: order.key,
            message: sent.message.clone(),
            entry,
            once: once.map(|once| (once.key.clone(), (once.render)(&sent))),
        };
        let accepted = self.ports.acceptor.join(application).await?;
        if accepted == Accepted::Now {
            self.ports.instances.count(sent.message.instance);
        }
        Ok(match accepted {
            Accepted::Now => Outcome::Done(sent),
            Accepted::Before(answer) => Outcome::Replayed(answer),
        })
    }

    /// Refuses a recipient who asked not to be written to.
    async fn require_willing(&self, order: &SendOrder, to: Phone) -> Result<(), MessagingError> {
        let workspace = order.actor.workspace.id;
        if order.ignore_suppression {
            return Ok(());
        }
        let found = self.ports.suppressions.find(workspace, to).await?;
        found.map_or(Ok(()), |_| Err(MessagingError::OptedOut))
    }

    fn message(
        &self,
        order: &SendOrder,
        to: Phone,
        composed: Composed,
        now: OffsetDateTime,
    ) -> Message {
        let Composed {
            content,
            contact,
            meta,
        } = composed;
        Message {
            id: Id::new(self.ports.ids.next()),
            workspace: order.actor.workspace,
            acting_user: order.actor.user,
            instance: order.instance,
            contact,
            campaign: None,
            inbound: false,
            kind: content.kind(),
            peer: Some(to),
            own_number: None,
            body: content.body(),
            media_url: content.media_url(),
            status: MessageStatus::Queued,
            error: None,
            meta,
            provider_message_id: None,
            charged_to: None,
            scheduled_at: order.scheduled_at,
            request_id: order.request_id.clone(),
            created_at: now,
            updated_at: now,
        }
    }
}

/// Refuses what this instance can never send.
fn require_able(instance: &Instance, found: &Found<'_>) -> Result<(), MessagingError> {
    if instance.status == InstanceStatus::Suspended {
        return Err(MessagingError::Suspended);
    }
    if matches!(found, Found::Content(Content::Buttons(_))) && instance.is_business == Some(false) {
        return Err(MessagingError::ButtonsNeedBusiness);
    }
    Ok(())
}

/// The place of a message to `to` in the queue; one for later reserves nothing yet.
pub(crate) fn entry_of(
    message: &Message,
    to: Phone,
    later: bool,
    ignores_suppression: bool,
    now: OffsetDateTime,
) -> QueueEntry {
    let due_at = message.scheduled_at.map_or(now, |at| at.max(now));
    QueueEntry {
        instance: message.instance,
        message: message.id,
        workspace: message.workspace.id,
        account: message.workspace.account,
        phone: to,
        class: if message.scheduled_at.is_some() {
            Class::Scheduled
        } else {
            Class::Single
        },
        state: if later {
            QueueState::Waiting
        } else {
            QueueState::Ready
        },
        due_at,
        not_before: due_at,
        ready_since: (!later).then_some(now),
        period: (!later).then(|| Period::of(now)),
        attempt: 0,
        misses: 0,
        started_at: None,
        looks: 0,
        has_left: false,
        resent: false,
        campaign: None,
        until: None,
        ignores_suppression,
    }
}

#[cfg(test)]
mod tests;
