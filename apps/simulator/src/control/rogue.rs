//! Webhooks a receiver must refuse or ignore.

use actix_web::web::{Bytes, Path};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Outcome, Refused, Shared, done, find, read_body};
use crate::{clock, hook};

const LARGE: usize = 5 * 1024 * 1024;

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    WrongSecret,
    UnknownInstance,
    UnknownEvent,
    NullData,
    LargeBody,
    NotJson,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RogueBody {
    kind: Kind,
}

/// Posts it to the instance's webhook, like a stranger or a faulty gateway.
pub(super) async fn rogue(gateway: Shared, name: Path<String>, body: Bytes) -> Outcome {
    let RogueBody { kind } = read_body(&body)?;
    let instance = find(&gateway, &name)?;
    let event = if kind == Kind::UnknownEvent {
        "moon.phase"
    } else {
        "messages.update"
    };
    let data = match kind {
        Kind::NullData => Value::Null,
        Kind::LargeBody => json!({ "filling": "x".repeat(LARGE) }),
        _ => json!({ "keyId": gateway.chance.message_key(), "status": "READ", "fromMe": true }),
    };
    let shown_name = if kind == Kind::UnknownInstance {
        "nobody"
    } else {
        &instance.name
    };
    let envelope = json!({
        "event": event,
        "instance": shown_name,
        "data": data,
        "date_time": clock::iso(clock::now()),
        "server_url": gateway.url(),
        "apikey": instance.token,
    });
    let body = match kind {
        Kind::NotJson => Bytes::from_static(b"{\"event\":"),
        _ => envelope.to_string().into(),
    };
    let headers = (kind == Kind::WrongSecret).then(|| {
        let configured = instance.with(|state| {
            state
                .webhook
                .as_ref()
                .and_then(|webhook| webhook.headers.clone())
        });
        configured
            .unwrap_or_default()
            .into_iter()
            .map(|(name, _)| (name, json!("Bearer wrong")))
            .collect::<Map<_, _>>()
    });
    if hook::post_rogue(&gateway, &instance, event, body, headers) {
        return Ok(done());
    }
    Err(Refused::conflict("the instance has no webhook"))
}
