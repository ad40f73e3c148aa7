//! Sessions: what is asked for, and the rows and codes that come back.

use msgflash_kernel::Phone;
use msgflash_messaging::provider::{LinkState, NewSession, Pairing, SessionInfo};
use serde_json::{Value, json};

use crate::number::phone_in;

/// What the decoder acts on, and nothing else: each further event costs a request per message.
const EVENTS: [&str; 7] = [
    "CONNECTION_UPDATE",
    "MESSAGES_UPSERT",
    "MESSAGES_UPDATE",
    "SEND_MESSAGE",
    "STATUS_INSTANCE",
    "LOGOUT_INSTANCE",
    "REMOVE_INSTANCE",
];

/// The body that makes a session. It starts no socket: linking is a call of its own.
pub(crate) fn create(session: &NewSession) -> Value {
    json!({
        "instanceName": session.session,
        "integration": "WHATSAPP-BAILEYS",
        "qrcode": false,
        "groupsIgnore": true,
        "webhook": {
            "url": session.webhook_url,
            "byEvents": false,
            "base64": false,
            "headers": { "authorization": format!("Bearer {}", session.webhook_secret.reveal()) },
            "events": EVENTS,
        },
    })
}

/// Reads a state word. The QR limit's `refused` and anything newer mean "not linked" to us.
fn state_of(word: &str) -> LinkState {
    match word {
        "open" => LinkState::Open,
        "connecting" => LinkState::Connecting,
        _ => LinkState::Close,
    }
}

/// Reads the live state. A session that is not loaded has no word for it; `None` when the answer
/// is about no session at all.
pub(crate) fn live_state(body: &Value) -> Option<LinkState> {
    let instance = body.get("instance")?.as_object()?;
    Some(
        instance
            .get("state")
            .and_then(Value::as_str)
            .map_or(LinkState::Close, state_of),
    )
}

/// Reads what `connect` answers; `None` when that makes no sense.
pub(crate) fn pairing(body: &Value) -> Option<Pairing> {
    if live_state(body) == Some(LinkState::Open) {
        return Some(Pairing::AlreadyOpen);
    }
    let text = |key: &str| {
        body.get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    if let Some(qr) = text("code") {
        let pairing = text("pairingCode").map(|code| code.replace('-', ""));
        return Some(Pairing::Code {
            qr: qr.to_owned(),
            pairing,
        });
    }
    let under_way = body.get("count").is_some() || live_state(body).is_some();
    under_way.then_some(Pairing::NotYet)
}

/// Reads one stored row; `None` when it has no name.
pub(crate) fn row(row: &Value) -> Option<SessionInfo> {
    let text = |key: &str| row.get(key).and_then(Value::as_str);
    let code = row.get("disconnectionReasonCode").and_then(Value::as_u64);
    Some(SessionInfo {
        session: text("name")?.to_owned(),
        state: text("connectionStatus").map_or(LinkState::Close, state_of),
        owner: text("ownerJid").and_then(phone_in),
        disconnection_code: code.and_then(|code| u16::try_from(code).ok()),
    })
}

/// Whether a 200 is a failure all the same.
pub(crate) fn is_failure(body: &Value) -> bool {
    body.get("error") == Some(&Value::Bool(true))
}

/// The number given to `connect`, as its query takes it.
pub(crate) fn number(phone: Option<Phone>) -> Option<String> {
    phone.map(Phone::digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pairing_code_loses_its_hyphen() {
        let body = json!({ "code": "2@x", "pairingCode": "ABCD-1234" });
        let code = Pairing::Code {
            qr: "2@x".into(),
            pairing: Some("ABCD1234".into()),
        };
        assert_eq!(pairing(&body), Some(code));
    }

    #[test]
    fn a_session_being_relinked_has_no_code_yet() {
        assert_eq!(
            pairing(&json!({ "instance": { "state": "connecting" } })),
            Some(Pairing::NotYet)
        );
        assert_eq!(
            pairing(&json!({ "pairingCode": null, "code": null, "count": 0 })),
            Some(Pairing::NotYet)
        );
        assert_eq!(pairing(&json!({ "error": true })), None);
        assert_eq!(pairing(&json!("<html>")), None);
    }

    #[test]
    fn a_row_of_nonsense_is_no_session() {
        assert_eq!(row(&json!({ "id": 1 })), None);
        let odd =
            row(&json!({ "name": "a", "connectionStatus": 7, "disconnectionReasonCode": -1 }));
        let odd = odd.expect("named");
        assert_eq!(
            (odd.state, odd.disconnection_code),
            (LinkState::Close, None)
        );
    }
}
