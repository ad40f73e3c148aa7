//! A message arrives, or is typed on the instance's own phone.

use std::sync::Arc;

use actix_web::web::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::book::Row;
use crate::clock;
use crate::gateway::Gateway;
use crate::hook::{self, Event, ORDER_PATIENCE};
use crate::instance::Instance;
use crate::jid;

const PICTURE: &str = "https://pps.whatsapp.net/v/t61.24694-24/example.jpg";

#[derive(Clone, Copy, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    #[default]
    Text,
    /// A tap on a button.
    Button,
    Audio,
    Image,
    /// An earlier message now says something else.
    Edit,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Inbound {
    /// The number or address of the other side.
    pub(crate) from: String,
    /// The name the other side shows.
    pub(crate) push_name: Option<String>,
    #[serde(default, rename = "type")]
    pub(crate) kind: Kind,
    pub(crate) text: Option<String>,
    /// The id of the message this one answers to, and what it said.
    pub(crate) quoted_id: Option<String>,
    pub(crate) quoted_text: Option<String>,
    pub(crate) button_id: Option<String>,
    /// The message's own id.
    pub(crate) id: Option<String>,
    /// The opaque address the message came with.
    pub(crate) lid: Option<String>,
    /// Whether the phone address came beside the opaque one.
    #[serde(default = "yes")]
    pub(crate) with_alt: bool,
    /// Typed on the instance's own phone.
    #[serde(default)]
    pub(crate) from_me: bool,
    /// How often the event is posted.
    #[serde(default = "once")]
    pub(crate) copies: u32,
    /// A file for audio and image.
    pub(crate) base64: Option<String>,
    /// The whole `WhatsApp` message, for anything else.
    pub(crate) message: Option<Value>,
}

fn yes() -> bool {
    true
}

fn once() -> u32 {
    1
}

impl Inbound {
    /// A text from somebody, to be varied.
    pub(crate) fn text(from: &str, text: &str) -> Self {
        Self {
            from: from.to_owned(),
            push_name: None,
            kind: Kind::Text,
            text: Some(text.to_owned()),
            quoted_id: None,
            quoted_text: None,
            button_id: None,
            id: None,
            lid: None,
            with_alt: true,
            from_me: false,
            copies: 1,
            base64: None,
            message: None,
        }
    }
}

/// Posts `MESSAGES_UPSERT` and the contact event beside it; answers the message's id and address
/// when they are received.
pub(crate) async fn arrive(
    gateway: &Arc<Gateway>,
    instance: &Instance,
    inbound: &Inbound,
) -> (String, String) {
    let phone = jid::as_registered(&jid::from_number(&inbound.from));
    let address = match &inbound.lid {
        Some(lid) if !inbound.with_alt => lid.clone(),
        _ => phone,
    };
    let id = inbound
        .id
        .clone()
        .unwrap_or_else(|| gateway.chance.phone_key());
    if inbound.kind == Kind::Edit {
        let data = edit(inbound, &address, &id).to_string();
        hook::emit(gateway, instance, Event::MessagesEdited, data.as_bytes())
            .within(ORDER_PATIENCE)
            .await;
        return (id, address);
    }

    let (data, kind) = data(instance, inbound, &address, &id);
    let stored = data.to_string();
    let shown = with_file(instance, data, inbound.base64.as_deref()).to_string();
    store(
        gateway,
        instance,
        inbound,
        (&address, &id, kind),
        stored.into(),
    );
    let is_new = instance.with(|state| {
        let is_new = state.contacts.insert(address.clone());
        state.known.insert(address.clone());
        is_new && !inbound.from_me
    });
    for _ in 0..inbound.copies.max(1) {
        hook::emit(gateway, instance, Event::MessagesUpsert, shown.as_bytes())
            .within(ORDER_PATIENCE)
            .await;
    }
    let contact = json!({
        "remoteJid": address,
        "pushName": if inbound.from_me { "" } else { inbound.push_name() },
        "profilePicUrl": PICTURE,
        "instanceId": instance.id,
    });
    let event = if is_new {
        Event::ContactsUpsert
    } else {
        Event::ContactsUpdate
    };
    hook::emit(gateway, instance, event, contact.to_string().as_bytes());
    (id, address)
}

impl Inbound {
    fn push_name(&self) -> &str {
        self.push_name.as_deref().unwrap_or("Maria")
    }
}

fn data(instance: &Instance, inbound: &Inbound, address: &str, id: &str) -> (Value, &'static str) {
    let owner = instance.with(|state| state.owner.clone());
    let (kind, message) = message(inbound);
    let mut key = json!({ "remoteJid": address, "fromMe": inbound.from_me, "id": id });
    if inbound.lid.is_some() {
        key["addressingMode"] = json!("lid");
        if inbound.with_alt {
            key["remoteJidAlt"] = json!(address);
        }
    }
    let own_name = owner.as_ref().map_or("", |owner| owner.name.as_str());
    let mut data = json!({
        "key": key,
        "pushName": if inbound.from_me { own_name } else { inbound.push_name() },
        "status": if inbound.from_me { "SERVER_ACK" } else { "DELIVERY_ACK" },
        "message": message,
        "messageType": kind,
        "messageTimestamp": clock::now().unix_timestamp(),
        "instanceId": instance.id,
        "source": "ios",
    });
    if let Some(quoted) = &inbound.quoted_id {
        data["contextInfo"] = json!({
            "stanzaId": quoted,
            "participant": owner.map(|owner| owner.jid),
            "quotedMessage": { "conversation": quoted_text(instance, inbound, quoted) },
        });
    }
    (data, kind)
}

fn quoted_text(instance: &Instance, inbound: &Inbound, quoted: &str) -> String {
    let known = || instance.book(|book| book.by_key(quoted).and_then(|row| row.text.clone()));
    inbound
        .quoted_text
        .clone()
        .or_else(known)
        .unwrap_or_default()
}

fn message(inbound: &Inbound) -> (&'static str, Value) {
    let text = inbound.text.as_deref().unwrap_or_default();
    let file = |mimetype| {
        json!({
            "url": "https://mmg.whatsapp.net/v/t62.7118-24/example.enc",
            "mimetype": mimetype,
            "fileLength": { "low": 2048, "high": 0, "unsigned": true },
        })
    };
    if let Some(message) = &inbound.message {
        return (known_kind(message), message.clone());
    }
    match inbound.kind {
        Kind::Text | Kind::Edit => ("conversation", json!({ "conversation": text })),
        Kind::Button => {
            let id = json!({ "id": inbound.button_id }).to_string();
            let reply = json!({ "name": "quick_reply", "paramsJson": id, "version": 3 });
            let message = json!({ "body": { "text": text }, "nativeFlowResponseMessage": reply });
            (
                "interactiveResponseMessage",
                json!({ "interactiveResponseMessage": message }),
            )
        }
        Kind::Audio => {
            let mut audio = file("audio/ogg; codecs=opus");
            audio["seconds"] = json!(3);
            audio["ptt"] = json!(true);
            ("audioMessage", json!({ "audioMessage": audio }))
        }
        Kind::Image => {
            let mut image = file("image/jpeg");
            image["caption"] = json!(inbound.text);
            image["height"] = json!(480);
            image["width"] = json!(640);
            ("imageMessage", json!({ "imageMessage": image }))
        }
    }
}

/// The type is the name of the first member that is one.
fn known_kind(message: &Value) -> &'static str {
    const KINDS: [&str; 10] = [
        "conversation",
        "imageMessage",
        "videoMessage",
        "audioMessage",
        "documentMessage",
        "locationMessage",
        "contactMessage",
        "stickerMessage",
        "reactionMessage",
        "interactiveResponseMessage",
    ];
    KINDS
        .into_iter()
        .find(|kind| message.get(kind).is_some())
        .unwrap_or("unknown")
}

fn edit(inbound: &Inbound, address: &str, id: &str) -> Value {
    let now = clock::now();
    let millis = now.unix_timestamp() * 1000 + i64::from(now.millisecond());
    json!({
        "key": { "remoteJid": address, "fromMe": inbound.from_me, "id": id },
        "type": 14,
        "editedMessage": { "conversation": inbound.text },
        "timestampMs": millis.to_string(),
    })
}

/// Files travel in the event only when the webhook asks for them.
fn with_file(instance: &Instance, mut data: Value, base64: Option<&str>) -> Value {
    let wanted = instance.with(|state| state.webhook.as_ref().is_some_and(|hook| hook.base64));
    if let Some(base64) = base64.filter(|_| wanted) {
        data["message"]["base64"] = json!(base64);
    }
    data
}

fn store(
    gateway: &Gateway,
    instance: &Instance,
    inbound: &Inbound,
    (address, id, kind): (&str, &str, &'static str),
    data: Bytes,
) {
    let row = Row {
        db_id: gateway.chance.row_id(),
        key: id.to_owned(),
        jid: address.to_owned(),
        from_me: inbound.from_me,
        kind,
        text: inbound.text.clone(),
        at: clock::now(),
        data,
        acks: Vec::new(),
        left: false,
        asked: inbound.from.clone(),
    };
    instance.book(|book| book.add(row));
}
