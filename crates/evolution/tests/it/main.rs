//! The adapter against recorded exchanges, stubs that misbehave, and the raw wire.

mod http;
mod lifecycle;
mod lookup;
mod recording;
mod replay;
mod simulated;
mod transport;
mod webhook;

use std::time::Duration;

use msgflash_evolution::{EvolutionClient, EvolutionConfig};
use msgflash_kernel::{Phone, Secret};
use msgflash_messaging::message::content::Content;
use msgflash_messaging::provider::Outbound;

/// A key that would be noticed anywhere it does not belong.
const KEY: &str = "global-key-for-recording-0001";

/// A client with short limits, so that what never answers is given up soon.
fn client(base: &str) -> EvolutionClient {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let base = base.parse().expect("a URL");
    let mut config = EvolutionConfig::new(base, Secret::new(KEY.to_owned()));
    config.retry_pause = Duration::from_millis(1);
    EvolutionClient::new(config).expect("valid")
}

/// The same, with limits that run out while a test watches.
fn impatient(base: &str) -> EvolutionClient {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let base = base.parse().expect("a URL");
    let mut config = EvolutionConfig::new(base, Secret::new(KEY.to_owned()));
    config.send_timeout = Duration::from_millis(150);
    config.call_timeout = Duration::from_millis(150);
    EvolutionClient::new(config).expect("valid")
}

fn phone(digits: &str) -> Phone {
    Phone::from_e164(digits).expect("valid")
}

fn text(to: &str, text: &str) -> Outbound {
    outbound(to, Content::Text(text.to_owned()))
}

fn outbound(to: &str, content: Content) -> Outbound {
    Outbound {
        to: phone(to),
        content,
        native_buttons: true,
        file: None,
    }
}
