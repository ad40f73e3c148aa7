//! The wrapper of every event, field by field in the gateway's order.

use actix_web::web::Bytes;
use serde::Serialize;

#[derive(Serialize)]
struct Before<'a> {
    event: &'a str,
    instance: &'a str,
}

#[derive(Serialize)]
struct After<'a> {
    destination: &'a str,
    date_time: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<&'a str>,
    server_url: &'a str,
    apikey: &'a str,
}

/// What surrounds the data.
pub(crate) struct Envelope<'a> {
    pub(crate) event: &'a str,
    pub(crate) instance: &'a str,
    pub(crate) destination: &'a str,
    pub(crate) date_time: &'a str,
    /// The instance's own address; absent before its first login.
    pub(crate) sender: Option<&'a str>,
    pub(crate) server_url: &'a str,
    pub(crate) apikey: &'a str,
}

impl Envelope<'_> {
    /// Wraps data that is JSON already. A message is written once and copied here: under load
    /// the same bytes are the HTTP answer, the event and the stored record.
    pub(crate) fn around(&self, data: &[u8]) -> Bytes {
        let before = serde_json::to_vec(&Before {
            event: self.event,
            instance: self.instance,
        });
        let after = serde_json::to_vec(&After {
            destination: self.destination,
            date_time: self.date_time,
            sender: self.sender,
            server_url: self.server_url,
            apikey: self.apikey,
        });
        let (mut body, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        body.pop(); // The closing brace: more fields follow.
        body.extend_from_slice(b",\"data\":");
        body.extend_from_slice(data);
        body.push(b',');
        body.extend_from_slice(after.get(1..).unwrap_or_default());
        body.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_the_sender_out_before_the_first_login() {
        let envelope = Envelope {
            event: "logout.instance",
            instance: "one",
            destination: "http://hooks.example.test/one",
            date_time: "2026-11-21T10:11:33.817Z",
            sender: None,
            server_url: "http://gateway.example.test",
            apikey: "token",
        };
        assert_eq!(
            envelope.around(b"null"),
            r#"{"event":"logout.instance","instance":"one","data":null,"destination":"http://hooks.example.test/one","date_time":"2026-11-21T10:11:33.817Z","server_url":"http://gateway.example.test","apikey":"token"}"#
        );
    }
}
