//! Messages that come in.

use msgflash_kernel::{AccountId, Id, Phone, StoreError, Workspace};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::apply::ApplyEvents;
use super::opt_out::Said;
use super::ports::{EventUnit, StoredEvent};
use crate::dispatch::trace::KnownAddress;
use crate::events;
use crate::message::content::{ButtonAction, Content};
use crate::message::{Message, MessageKind, MessageStatus};
use crate::provider::{Address, InboundMessage};

impl ApplyEvents {
    /// Stores a message that came in, once per id, in the workspace that last wrote to its sender.
    /// Answers what was said, if it may ask for no more.
    pub(super) async fn inbound(
        &self,
        unit: &mut dyn EventUnit,
        item: &StoredEvent,
        inbound: &InboundMessage,
        now: OffsetDateTime,
    ) -> Result<Option<Said>, StoreError> {
        let Some(instance) = unit.instances().lock(item.instance).await? else {
            return Ok(None);
        };
        let peer = self.sender(unit, item, inbound).await?;
        let workspace = owner(unit, item, instance.account, peer).await?;
        let id = Id::new(self.ports.ids.next());
        let key_id = &inbound.key_id;
        if !unit
            .queue()
            .bind_ref(item.instance, key_id, workspace.id, id, now)
            .await?
        {
            return Ok(None); // The gateway repeats itself.
        }
        let contact = match peer {
            Some(peer) => {
                self.ports
                    .contacts
                    .find_by_phone(workspace.id, peer)
                    .await?
            }
            None => None,
        };
        let mut meta = meta_of(inbound, peer);
        if let Some(button) = self.pressed(unit, item, workspace, peer, inbound).await? {
            meta.insert("buttonId".into(), Value::String(button));
        }
        let message = Message {
            id,
            workspace,
            acting_user: workspace.owner(),
            instance: item.instance,
            contact: contact.map(|contact| contact.id),
            campaign: None,
            inbound: true,
            kind: inbound.kind,
            peer,
            own_number: instance.wa_number,
            body: inbound.body.clone(),
            media_url: None,
            status: MessageStatus::Received,
            error: None,
            meta,
            provider_message_id: Some(key_id.clone()),
            charged_to: None,
            scheduled_at: None,
            request_id: None,
            created_at: now,
            updated_at: now,
        };
        unit.messages()
            .insert(std::slice::from_ref(&message))
            .await?;
        let event = events::message_changed(Id::new(self.ports.ids.next()), &message, now);
        unit.outbox().append(event.as_slice()).await?;
        Ok(Said::of(&message, &instance))
    }

    /// Who wrote, by the number we write to them. An event with both addresses teaches us which
    /// number is behind an opaque one.
    async fn sender(
        &self,
        unit: &mut dyn EventUnit,
        item: &StoredEvent,
        inbound: &InboundMessage,
    ) -> Result<Option<Phone>, StoreError> {
        let lid = inbound.lid.clone().map(Address::Lid);
        let traces = unit.traces();
        let Some(from) = inbound.from else {
            return match lid {
                Some(lid) => traces.phone_behind(item.instance, &lid).await,
                None => Ok(None),
            };
        };
        let address = Address::Phone(from);
        let known = traces.phone_behind(item.instance, &address).await?;
        let phone = known.unwrap_or(from);
        if let Some(address) = lid {
            let instance = item.instance;
            let known = KnownAddress {
                instance,
                address,
                phone,
            };
            traces.learn(&[known]).await?;
        }
        Ok(Some(phone))
    }

    /// The choice that was made: pressed natively, or answered by number or text to the buttons
    /// that went out last.
    async fn pressed(
        &self,
        unit: &mut dyn EventUnit,
        item: &StoredEvent,
        workspace: Workspace,
        peer: Option<Phone>,
        inbound: &InboundMessage,
    ) -> Result<Option<String>, StoreError> {
        if inbound.button_id.is_some() {
            return Ok(inbound.button_id.clone());
        }
        let (Some(peer), Some(text)) = (peer, &inbound.body) else {
            return Ok(None);
        };
        if inbound.kind != MessageKind::Text {
            return Ok(None);
        }
        let last = unit
            .messages()
            .last_outbound(workspace.id, item.instance, peer)
            .await?;
        Ok(last.as_ref().and_then(|asked| chosen(asked, text)))
    }
}

async fn owner(
    unit: &mut dyn EventUnit,
    item: &StoredEvent,
    account: AccountId,
    peer: Option<Phone>,
) -> Result<Workspace, StoreError> {
    if let Some(peer) = peer
        && let Some(writer) = unit
            .messages()
            .last_writer(account, item.instance, peer)
            .await?
    {
        return Ok(writer);
    }
    Ok(Workspace::personal(Id::new(account.uuid())))
}

/// The id of the reply button that `text` chooses, by its number or its words.
fn chosen(asked: &Message, text: &str) -> Option<String> {
    let Some(Content::Buttons(buttons)) = Content::of(asked) else {
        return None;
    };
    let text = text.trim();
    let number: Option<usize> = text.trim_end_matches(['.', ')']).parse().ok();
    let by_number = number.and_then(|number| buttons.buttons.get(number.checked_sub(1)?));
    let by_text = || {
        let wanted = text.to_lowercase();
        buttons
            .buttons
            .iter()
            .find(|button| button.text.trim().to_lowercase() == wanted)
    };
    match &by_number.or_else(by_text)?.action {
        ButtonAction::Reply(id) => Some(id.clone()),
        _ => None,
    }
}

fn meta_of(inbound: &InboundMessage, peer: Option<Phone>) -> Map<String, Value> {
    let mut meta = Map::new();
    let mut note = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            meta.insert(key.to_owned(), value);
        }
    };
    note("pushName", inbound.push_name.clone().map(Value::String));
    note(
        "quotedProviderMessageId",
        inbound.quoted_key_id.clone().map(Value::String),
    );
    note("latitude", inbound.location.map(|at| json!(at.0)));
    note("longitude", inbound.location.map(|at| json!(at.1)));
    if peer.is_none() {
        note("lid", inbound.lid.clone().map(Value::String));
    }
    meta
}
