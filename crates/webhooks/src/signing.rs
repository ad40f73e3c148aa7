//! How deliveries are signed: the documented header, and the Standard Webhooks headers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use msgflash_kernel::{EventId, Random, Secret};
use sha2::Sha256;
use time::OffsetDateTime;

const PREFIX: &str = "whsec_";
const SECRET_BYTES: usize = 24;

/// A fresh secret: `whsec_` and the base64 of 24 random bytes.
pub fn new_secret(random: &dyn Random) -> Secret<String> {
    let mut bytes = [0u8; SECRET_BYTES];
    random.fill(&mut bytes);
    Secret::new(format!("{PREFIX}{}", STANDARD.encode(bytes)))
}

/// The documented header's value: the key is the whole secret as text, the message the raw body.
pub fn documented_signature(secret: &str, body: &[u8]) -> String {
    format!("sha256={}", hex::encode(mac(secret.as_bytes(), &[body])))
}

/// The Standard Webhooks header's value: the key is what the secret's base64 encodes. `None` for a
/// secret of another form.
pub fn standard_signature(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?;
    let stamp = timestamp.to_string();
    let parts: [&[u8]; 5] = [id.as_bytes(), b".", stamp.as_bytes(), b".", body];
    Some(format!("v1,{}", STANDARD.encode(mac(&key, &parts))))
}

/// Every header that proves a delivery. While `previous` overlaps, the standard's header carries
/// both signatures, which its libraries expect; the documented header has room for the new one only.
pub fn headers(
    secret: &Secret<String>,
    previous: Option<&Secret<String>>,
    event: EventId,
    now: OffsetDateTime,
    body: &[u8],
) -> Vec<(&'static str, String)> {
    let timestamp = now.unix_timestamp();
    let id = event.to_string();
    let mut headers = vec![
        (
            "X-MsgFlash-Signature",
            documented_signature(secret.reveal(), body),
        ),
        ("webhook-id", id.clone()),
        ("webhook-timestamp", timestamp.to_string()),
    ];
    let signatures: Vec<_> = [Some(secret), previous]
        .into_iter()
        .flatten()
        .filter_map(|it| standard_signature(it.reveal(), &id, timestamp, body))
        .collect();
    if !signatures.is_empty() {
        headers.push(("webhook-signature", signatures.join(" ")));
    }
    headers
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::{CountingRandom, Id};
    use standardwebhooks::Webhook;
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    const BODY: &[u8] = br#"{"event":"message.sent"}"#;

    #[test]
    fn the_documented_signature_is_hmac_sha256_of_the_raw_body() {
        // Computed with: printf '%s' '{"event":"message.sent"}' | openssl dgst -sha256 -hmac key
        let expected = "sha256=842269d2112471402412a44774571ee0b62354621e1ae38123378244f411e859";
        assert_eq!(documented_signature("key", BODY), expected);
    }

    #[test]
    fn an_independent_verifier_accepts_our_deliveries_and_no_forgery() {
        let secret = new_secret(&CountingRandom::default());
        let verifier = Webhook::new(secret.reveal()).expect("a secret of the standard's form");
        let event = Id::new(Uuid::from_u128(7));
        #[expect(
            clippy::disallowed_methods,
            reason = "the verifier compares with the real time"
        )]
        let now = OffsetDateTime::now_utc();
        let mut map = http::HeaderMap::new();
        for (name, value) in headers(&secret, None, event, now, BODY) {
            map.insert(
                http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                value.parse().unwrap(),
            );
        }
        assert!(verifier.verify(BODY, &map).is_ok());
        assert!(verifier.verify(b"{}", &map).is_err());
    }

    #[test]
    fn secrets_have_the_published_form() {
        let secret = new_secret(&CountingRandom::default());
        let bytes = STANDARD
            .decode(secret.reveal().strip_prefix("whsec_").unwrap())
            .unwrap();
        assert_eq!(bytes.len(), 24);
        let signed = headers(
            &secret,
            None,
            Id::new(Uuid::nil()),
            datetime!(2026-05-01 0:00 UTC),
            BODY,
        );
        assert_eq!(signed.len(), 4);
    }
}
