//! People who write that they want no more messages.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use metrics::counter;
use msgflash_contacts::OptOutSettings;
use msgflash_contacts::suppression::words::{may_say_stop, says_stop};
use msgflash_contacts::suppression::{Source, Suppression};
use msgflash_kernel::{Id, Phone, StoreError, Workspace, WorkspaceId};
use msgflash_quotas::{Period, Want};
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};
use tracing::warn;

use super::apply::ApplyEvents;
use super::ports::EventUnit;
use crate::instance::{Instance, InstanceId, InstanceStatus};
use crate::message::send::entry_of;
use crate::message::{Message, MessageId, MessageKind, MessageStatus, OPT_OUT_CONFIRMATION};

/// Nobody is told more often than once in so long that they will not be written to.
const CONFIRMED_FOR: Duration = Duration::DAY;

/// A text that came in and may be a stop word.
pub(super) struct Said {
    workspace: Workspace,
    instance: InstanceId,
    message: MessageId,
    /// Unknown when WhatsApp told an opaque address alone, and nobody knows whose it is.
    by: Option<Phone>,
    text: String,
    /// Whether the instance may send.
    may_answer: bool,
}

impl Said {
    /// What a message that came in says, if that may be a stop word.
    pub(super) fn of(message: &Message, instance: &Instance) -> Option<Self> {
        let text = message.body.as_deref()?;
        if message.kind != MessageKind::Text || !may_say_stop(text) {
            return None;
        }
        Some(Self {
            workspace: message.workspace,
            instance: message.instance,
            message: message.id,
            by: message.peer,
            text: text.to_owned(),
            may_answer: instance.status != InstanceStatus::Suspended,
        })
    }

    /// Somebody opted out and cannot be put on a list of numbers: people have to look.
    fn tell_unknown(&self) {
        counter!("msgflash_opt_out_unknown_sender_total").increment(1);
        warn!(message.id = %self.message, instance.id = %self.instance,
            workspace.id = %self.workspace.id,
            "a stop word came from an address whose number is not known: nobody was put on the list");
    }

    /// What the list says about why: the words of the message, in one line.
    fn reason(&self) -> String {
        let plain = |it: char| if it.is_control() { ' ' } else { it };
        self.text.trim().chars().map(plain).collect()
    }
}

impl ApplyEvents {
    /// Puts those on the lists who said a stop word, and confirms it to them where that is wanted.
    /// Answers the lanes of the confirmations.
    pub(super) async fn opt_out(
        &self,
        unit: &mut dyn EventUnit,
        mut said: Vec<Said>,
        now: OffsetDateTime,
    ) -> Result<Vec<InstanceId>, StoreError> {
        // Everybody who holds several numbers of a list holds them in this order.
        said.sort_by_key(|it| (it.workspace.id.uuid(), it.by.map(Phone::to_i64)));
        let mut known: HashMap<WorkspaceId, OptOutSettings> = HashMap::new();
        let mut lanes = Vec::new();
        for it in &said {
            let workspace = it.workspace.id;
            let settings = match known.entry(workspace) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => {
                    let set = unit.suppressions().settings(workspace).await?;
                    unknown.insert(set.unwrap_or_default())
                }
            };
            if !says_stop(&it.text, &settings.stop_words) {
                continue;
            }
            let Some(by) = it.by else {
                it.tell_unknown();
                continue;
            };
            let new = Suppression {
                phone: by,
                source: Source::StopWord,
                reason: Some(it.reason()),
                instance: Some(it.instance.uuid()),
                created_at: now,
            };
            // Held: whoever hears the same person elsewhere confirms after this, or not at all.
            unit.suppressions().hold(workspace, &new).await?;
            if let Some(text) = &settings.confirmation
                && it.may_answer
                && self.confirm(unit, it, by, text, now).await?
            {
                lanes.push(it.instance);
            }
        }
        Ok(lanes)
    }

    /// Accepts a confirmation, which goes to somebody on the list; `false` when there was one lately, or
    /// nothing may be sent any more.
    async fn confirm(
        &self,
        unit: &mut dyn EventUnit,
        said: &Said,
        to: Phone,
        text: &str,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let workspace = said.workspace;
        let since = now - CONFIRMED_FOR;
        let messages = unit.messages();
        if messages.confirmed_since(workspace.id, to, since).await? {
            return Ok(false);
        }
        let accounts = [workspace.account];
        let allowances = self.ports.allowances.allowances(&accounts, now).await?;
        let Some(allowance) = allowances.first().filter(|it| it.usable) else {
            return Ok(false);
        };
        let want = Want {
            account: workspace.account,
            period: Period::of(now),
            limit: allowance.outbound,
            count: 1,
        };
        if unit.ledger().reserve(&[want]).await? != [1] {
            return Ok(false);
        }
        let message = self.confirmation(said, text, now);
        let entry = entry_of(&message, to, false, true, now);
        unit.messages()
            .insert(std::slice::from_ref(&message))
            .await?;
        unit.queue().push(&[entry]).await?;
        Ok(true)
    }

    fn confirmation(&self, said: &Said, text: &str, now: OffsetDateTime) -> Message {
        Message {
            id: Id::new(self.ports.ids.next()),
            workspace: said.workspace,
            acting_user: said.workspace.owner(),
            instance: said.instance,
            contact: None,
            campaign: None,
            inbound: false,
            kind: MessageKind::Text,
            peer: said.by,
            own_number: None,
            body: Some(text.to_owned()),
            media_url: None,
            status: MessageStatus::Queued,
            error: None,
            meta: Map::from_iter([(OPT_OUT_CONFIRMATION.to_owned(), Value::Bool(true))]),
            provider_message_id: None,
            charged_to: None,
            scheduled_at: None,
            request_id: None,
            created_at: now,
            updated_at: now,
        }
    }
}
