//! A message that is valid but not sent yet.

use serde_json::{Value, json};

use crate::acks::Kind;
use crate::instance::Instance;
use crate::{clock, jid};

/// What to send.
pub(crate) struct Draft {
    /// The recipient as the caller wrote it.
    pub(crate) asked: String,
    pub(crate) content: Content,
    pub(crate) kind: Kind,
    /// Spent inside the request.
    pub(crate) delay_ms: u64,
    pub(crate) is_media: bool,
    /// The id the caller chose; only the next version listens to it.
    pub(crate) chosen_key: Option<String>,
}

/// The message as `WhatsApp`'s protocol buffers have it, in JSON.
pub(crate) struct Content {
    pub(crate) message: Value,
    pub(crate) message_type: &'static str,
    pub(crate) context: Option<Value>,
    /// The words in it, for those who look at what was sent.
    pub(crate) text: Option<String>,
    /// The file, when it came as base64.
    pub(crate) base64: Option<String>,
    /// Buttons repeat the recipient in their key.
    pub(crate) has_participant: bool,
}

impl Content {
    pub(crate) fn new(message_type: &'static str, message: Value) -> Self {
        Self {
            message,
            message_type,
            context: None,
            text: None,
            base64: None,
            has_participant: false,
        }
    }

    pub(crate) fn saying(mut self, text: Option<&str>) -> Self {
        self.text = text.map(str::to_owned);
        self
    }

    /// Puts the context where text has it: beside the message.
    pub(crate) fn with_context(mut self, context: Value) -> Self {
        self.context = Some(context);
        self
    }

    /// Puts the context where everything else has it: inside the message and beside it.
    pub(crate) fn with_inner_context(mut self, context: Value) -> Self {
        if let Some(inner) = self.message.get_mut(self.message_type) {
            inner["contextInfo"] = context.clone();
        }
        self.context = Some(context);
        self
    }
}

/// The context every message carries, and the quote if the body names a known message.
pub(crate) fn context(instance: &Instance, body: &Value) -> Value {
    let two_days_ago = clock::now().unix_timestamp() - 172_800;
    let mut context = json!({
        "mentionedJid": body.get("mentioned").cloned().unwrap_or_else(|| json!([])),
        "groupMentions": [],
        "ephemeralSettingTimestamp": { "low": two_days_ago, "high": 0, "unsigned": false },
        "disappearingMode": { "initiator": 0 },
    });
    if let Some(key) = body.pointer("/quoted/key/id").and_then(Value::as_str) {
        quote(instance, key, &mut context);
    }
    context
}

fn quote(instance: &Instance, key: &str, context: &mut Value) {
    let quoted = instance.book(|book| {
        let row = book.by_key(key)?;
        Some((row.from_me, row.jid.clone(), row.data.clone()))
    });
    let Some((from_me, jid, data)) = quoted else {
        return;
    };
    let own = instance.with(|state| state.owner.as_ref().map(|owner| owner.jid.clone()));
    let quoted: Value = serde_json::from_slice(&data).unwrap_or_default();
    context["participant"] = json!(if from_me { own.unwrap_or(jid) } else { jid });
    context["stanzaId"] = json!(key);
    context["quotedMessage"] = quoted["message"].clone();
}

/// The fields every send shares.
pub(crate) fn draft(body: &Value, content: Content) -> Draft {
    Draft {
        asked: text(body, "number").unwrap_or_default().to_owned(),
        content,
        kind: Kind::Plain,
        delay_ms: body.get("delay").and_then(Value::as_u64).unwrap_or(0),
        is_media: false,
        chosen_key: text(body, "messageId").map(str::to_owned),
    }
}

/// A text field of a body.
pub(crate) fn text<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str)
}

/// What the gateway calls the number when it answers about it.
pub(crate) fn address(asked: &str) -> String {
    jid::from_number(asked)
}
