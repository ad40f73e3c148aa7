//! The adapters against stand-ins that answer and sign as the providers do.

mod dodo;
mod dodo_events;
mod stripe;
mod stripe_events;

use msgflash_billing::{CheckoutOrder, WebhookCall};
use msgflash_kernel::{Id, Secret};
use serde_json::Value;
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

/// When calls come in.
const NOW: OffsetDateTime = datetime!(2026-05-03 9:00 UTC);
/// A key that would be noticed anywhere it does not belong.
const KEY: &str = "sk_test_of_the_operator";

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn order() -> CheckoutOrder {
    CheckoutOrder {
        checkout: Id::new(Uuid::from_u128(0xc)),
        account: Id::new(Uuid::from_u128(0xa)),
        plan: "pro".to_owned(),
        product: "product_pro".to_owned(),
        email: "ana@example.com".to_owned(),
        name: "Ana".to_owned(),
        success_url: "https://portal.example/billing?success=true".to_owned(),
        cancel_url: "https://portal.example/billing?cancelled=true".to_owned(),
    }
}

/// What we gave at checkout, as it comes back.
fn metadata() -> Value {
    serde_json::json!({
        "msgflash_account": Uuid::from_u128(0xa).to_string(),
        "msgflash_plan": "pro",
        "msgflash_checkout": Uuid::from_u128(0xc).to_string(),
    })
}

fn call(headers: &[(&str, String)], body: &str) -> WebhookCall {
    let headers = headers.iter();
    WebhookCall {
        headers: headers
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
        body: body.as_bytes().to_vec(),
        at: NOW,
    }
}
