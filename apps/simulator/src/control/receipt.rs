//! Acks by hand.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Path};
use serde::Deserialize;
use serde_json::json;

use super::{Outcome, Refused, Shared, find, read_body};
use crate::acks::{self, Subject};
use crate::hook::{self, Event, ORDER_PATIENCE};

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Status {
    ServerAck,
    DeliveryAck,
    Read,
    Played,
    Error,
}

impl Status {
    const fn word(self) -> &'static str {
        match self {
            Self::ServerAck => "SERVER_ACK",
            Self::DeliveryAck => "DELIVERY_ACK",
            Self::Read => "READ",
            Self::Played => "PLAYED",
            Self::Error => "ERROR",
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AckBody {
    key_id: String,
    /// Without one the update is an edit, which the gateway labels `SERVER_ACK`.
    status: Option<Status>,
    /// The words of the edit.
    edited: Option<String>,
    /// The update carries an opaque address.
    #[serde(default)]
    lid: bool,
}

/// One ack, posted at once; answers when the receiver has.
pub(super) async fn ack(gateway: Shared, name: Path<String>, body: Bytes) -> Outcome {
    let ack: AckBody = read_body(&body)?;
    let instance = find(&gateway, &name)?;
    let row = instance.book(|book| {
        book.by_key(&ack.key_id)
            .map(|row| (row.db_id.clone(), row.jid.clone()))
    });
    let Some((row_id, jid)) = row else {
        return Err(Refused::missing(
            "the gateway drops acks of messages it does not know",
        ));
    };
    let gateway = Arc::clone(&gateway);
    match (ack.status, ack.edited) {
        (Some(status), _) => {
            let about = Subject {
                key: ack.key_id,
                row_id,
                jid,
            };
            acks::acknowledge(&gateway, &instance, &about, status.word(), ack.lid).await;
        }
        (None, edited) => {
            let data = json!({
                "keyId": ack.key_id,
                "remoteJid": jid,
                "fromMe": true,
                "status": "SERVER_ACK",
                "instanceId": instance.id,
                "message": { "conversation": edited.unwrap_or_default() },
                "messageId": row_id,
            });
            let data = data.to_string();
            hook::emit(&gateway, &instance, Event::MessagesUpdate, data.as_bytes())
                .within(ORDER_PATIENCE)
                .await;
        }
    }
    Ok(HttpResponse::Ok().json(json!({ "done": true })))
}
