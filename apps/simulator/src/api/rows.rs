//! `GET /instance/fetchInstances`: the database rows.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Call;
use crate::answer::{self, Answer, Reply};
use crate::instance::Instance;

pub(super) fn fetch(call: &Call<'_>) -> Reply {
    let mut instances = call.gateway.instances();
    if !call.has_global_key() {
        instances.retain(|instance| call.key == Some(instance.token.as_str()));
        if instances.is_empty() {
            return Err(answer::unauthorized());
        }
    }
    let asked = call
        .query("instanceName")
        .or_else(|| call.query("instanceId"));
    if let Some(asked) = asked {
        instances.retain(|instance| instance.name == asked || instance.id == asked);
        if instances.is_empty() {
            return Err(answer::not_found(&format!(
                "Instance \"{asked}\" not found"
            )));
        }
    }
    if let Some(number) = call.query("number") {
        instances.retain(|instance| instance.number.as_deref() == Some(number));
    }
    Ok(Answer::ok(&instances.iter().map(row).collect::<Vec<_>>()))
}

fn row(instance: &Arc<Instance>) -> Value {
    let (messages, chats) = instance.book(|book| (book.len(), book.addresses()));
    let mut setting = instance.settings.0.clone();
    setting.insert("id".into(), instance.setting_id.clone().into());
    setting.insert("createdAt".into(), instance.created_at.clone().into());
    setting.insert("updatedAt".into(), instance.created_at.clone().into());
    setting.insert("instanceId".into(), instance.id.clone().into());
    instance.with(|state| {
        let owner = state.owner.as_ref();
        let disconnection = state.disconnection.as_ref();
        json!({
            "id": instance.id,
            "name": instance.name,
            "connectionStatus": state.stored.word(),
            "ownerJid": owner.map(|owner| &owner.jid),
            "profileName": owner.map(|owner| &owner.name),
            "profilePicUrl": owner.map(|owner| &owner.picture),
            "integration": "WHATSAPP-BAILEYS",
            "number": instance.number,
            "businessId": null,
            "token": instance.token,
            "clientName": "evolution_exchange",
            "disconnectionReasonCode": disconnection.map(|last| last.code),
            "disconnectionObject": disconnection.map(|last| &last.object),
            "disconnectionAt": disconnection.map(|last| &last.at),
            "createdAt": instance.created_at,
            "updatedAt": state.updated_at,
            "Chatwoot": null,
            "Proxy": null,
            "Rabbitmq": null,
            "Nats": null,
            "Sqs": null,
            "Websocket": null,
            "Setting": setting,
            "_count": { "Message": messages, "Contact": state.contacts.len(), "Chat": chats },
        })
    })
}
