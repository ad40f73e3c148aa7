//! What receivers hear, and how often; one module per question.

mod again;
mod attempts;
mod events;
mod manage;
mod reach;

use blackbox::Delivery;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::header::{HeaderMap, HeaderName};
use sha2::Sha256;
use standardwebhooks::Webhook;

/// The documented signature, recomputed from the secret as text and the raw body.
fn documented(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length will do");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// Whether a Standard Webhooks library accepts a delivery.
fn verifies(secret: &str, delivery: &Delivery) -> bool {
    let headers: HeaderMap = delivery
        .headers
        .iter()
        .map(|(name, value)| {
            let name: HeaderName = name.parse().expect("a name");
            (name, value.parse().expect("a value"))
        })
        .collect();
    let verifier = Webhook::new(secret).expect("a secret of the standard's form");
    verifier.verify(&delivery.raw, &headers).is_ok()
}
