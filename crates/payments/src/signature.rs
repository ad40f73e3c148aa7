//! What proves that a call comes from a provider: a keyed hash of its time and its body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use msgflash_billing::{WebhookCall, WebhookError};
use msgflash_kernel::Secret;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use time::{Duration, OffsetDateTime};

/// How far the time of a signature may be from ours, either way. Whoever overhears a call cannot
/// repeat it for longer than that, and then the event's id is known.
pub const TOLERANCE: Duration = Duration::minutes(5);

/// The longest header of signatures that is looked at, in bytes.
const LONGEST_HEADER: usize = 4096;

/// A secret of the Standard Webhooks form: `whsec_` and base64.
#[derive(Clone)]
pub struct StandardSecret(Secret<Vec<u8>>);

/// The secret has another form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook secret is whsec_ and base64")]
pub struct InvalidSecret;

impl StandardSecret {
    /// Reads a secret, with its prefix or without.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        let encoded = text.strip_prefix("whsec_").unwrap_or(text);
        let key = STANDARD.decode(encoded).map_err(|_| InvalidSecret)?;
        if key.is_empty() {
            return Err(InvalidSecret);
        }
        Ok(Self(Secret::new(key)))
    }

    /// Proves a call of the Standard Webhooks kind; answers its id, which is the same for all
    /// deliveries of an event.
    pub fn verify<'a>(&self, call: &'a WebhookCall) -> Result<&'a str, WebhookError> {
        let header = |name| call.header(name).ok_or(WebhookError::Forged);
        let (id, stamp) = (header("webhook-id")?, header("webhook-timestamp")?);
        let signatures = header("webhook-signature")?;
        let parts: [&[u8]; 5] = [id.as_bytes(), b".", stamp.as_bytes(), b".", &call.body];
        let expected = mac(self.0.reveal(), &parts);
        let given = signatures
            .split_ascii_whitespace()
            .filter_map(|it| STANDARD.decode(it.strip_prefix("v1,")?).ok());
        let is_known = !id.is_empty() && signatures.len() <= LONGEST_HEADER;
        if !(is_known && any_equals(given, &expected)) {
            return Err(WebhookError::Forged);
        }
        is_fresh(stamp, call.at)?;
        Ok(id)
    }
}

/// Proves a call of Stripe, whose key is the whole secret as text.
pub fn verify_stripe(secret: &Secret<String>, call: &WebhookCall) -> Result<(), WebhookError> {
    let header = call
        .header("stripe-signature")
        .filter(|it| it.len() <= LONGEST_HEADER)
        .ok_or(WebhookError::Forged)?;
    let fields = || header.split(',').filter_map(|it| it.trim().split_once('='));
    let stamp = fields().find(|(name, _)| *name == "t");
    let (_, stamp) = stamp.ok_or(WebhookError::Forged)?;
    let key = secret.reveal().as_bytes();
    let expected = mac(key, &[stamp.as_bytes(), b".", &call.body]);
    let given = fields()
        .filter(|(name, _)| *name == "v1")
        .filter_map(|(_, value)| hex::decode(value).ok());
    if key.is_empty() || !any_equals(given, &expected) {
        return Err(WebhookError::Forged);
    }
    is_fresh(stamp, call.at)
}

/// While a secret is replaced, providers sign with the old one and with the new one.
fn any_equals(given: impl Iterator<Item = Vec<u8>>, expected: &[u8]) -> bool {
    given.fold(false, |found, it| found | bool::from(it.ct_eq(expected)))
}

/// Looked at after the signature: only who knows the secret learns that a call is stale.
fn is_fresh(stamp: &str, now: OffsetDateTime) -> Result<(), WebhookError> {
    let seconds = stamp.parse::<i64>().map_err(|_| WebhookError::Forged)?;
    let signed = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| WebhookError::Stale)?;
    if (now - signed).abs() > TOLERANCE {
        return Err(WebhookError::Stale);
    }
    Ok(())
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests;
