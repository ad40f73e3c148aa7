//! How to reach the gateway.

use std::time::Duration;

use msgflash_kernel::Secret;
use url::Url;

/// Where the gateway is and how long to wait for it.
#[derive(Clone, Debug)]
pub struct EvolutionConfig {
    /// Its address; a path in it is kept, for gateways behind a proxy.
    pub base_url: Url,
    /// The global key.
    pub api_key: Secret<String>,
    /// How long a send may take. The gateway's own time-outs are 60 s each, and one send may need
    /// several, so a shorter limit turns slow sends into unknown ones.
    pub send_timeout: Duration,
    /// How long any other call may take.
    pub call_timeout: Duration,
    /// The first pause where the gateway must be given time (a name still being removed, a socket
    /// being reopened); it doubles five times.
    pub retry_pause: Duration,
}

impl EvolutionConfig {
    /// The usual limits: 90 s for sends, 15 s for the rest.
    pub fn new(base_url: Url, api_key: Secret<String>) -> Self {
        Self {
            base_url,
            api_key,
            send_timeout: Duration::from_secs(90),
            call_timeout: Duration::from_secs(15),
            retry_pause: Duration::from_millis(250),
        }
    }
}

/// The gateway cannot be called with this configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConfig {
    /// The address is not an HTTP one.
    #[error("the provider's address must begin with http:// or https://")]
    Address,
    /// The key is empty or has characters that no header may carry.
    #[error("the provider's key is empty or not printable")]
    Key,
    /// The TLS machinery is not usable; the client wants certificates even for plain addresses.
    #[error("the HTTP client could not be built (are CA certificates installed?)")]
    Client,
}
