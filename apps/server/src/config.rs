//! Configuration: `msgflash.toml`, then the environment, then flags; the later wins.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use msgflash_billing::{BillingProvider, Catalogue};
use msgflash_kernel::Secret;
use msgflash_media::S3Settings;
use msgflash_payments::{DodoConfig, StripeConfig};
use url::Url;

mod billing;
mod check;
mod load;
mod media;
mod setting;
mod show;

pub use setting::{SETTINGS, Setting};

/// Everything the operator decides, checked.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Config {
    /// `DATABASE_URL`; `None` starts a private `PostgreSQL`.
    pub database_url: Option<Secret<String>>,
    /// Connections this process opens at most.
    pub database_pool: usize,
    /// How long the database may take for one statement.
    pub statement_timeout: Duration,
    /// `REDIS_URL`.
    pub redis_url: Option<Secret<String>>,
    /// Where the private database and generated secrets live.
    pub data_dir: PathBuf,
    /// Where `PostgreSQL`'s programs are, when not found by themselves.
    pub pg_bin: Option<PathBuf>,
    /// Where the API listens.
    pub bind: SocketAddr,
    /// Where operators ask.
    pub ops_bind: OpsBind,
    /// Where clients reach the API.
    pub public_url: Url,
    /// Where the gateway reaches us.
    pub callback_url: Url,
    /// Where people reach the console.
    pub portal_url: Url,
    /// Whether the console's pages may call the API from there; not when nobody said where it is.
    pub allows_portal: bool,
    /// Whether every request comes through a proxy, which says where from.
    pub behind_proxy: bool,
    /// How mail leaves.
    pub mail: Option<Mail>,
    /// How people sign in with Google.
    pub google: Option<Google>,
    /// Whether mail is kept to be read here.
    pub dev_mode: bool,
    /// Where uploaded files lie.
    pub media: MediaStore,
    /// The most bytes of uploads of one workspace.
    pub media_space: u64,
    /// How plans are offered, and who takes the money.
    pub billing: Billing,
    /// What this process does.
    pub roles: Roles,
    /// The gateway.
    pub evolution: Option<Evolution>,
    /// Whether webhooks may go to private addresses and over plain HTTP.
    pub allow_private_targets: bool,
    /// Requests per second and API key.
    pub rate_limit_per_second: u32,
    /// Requests per second and person.
    pub console_rate_limit_per_second: u32,
    /// The least time between two messages of one number.
    pub pace: Duration,
    /// Whether sending keeps to the caps of the safety guidance.
    pub enforces_caps: bool,
    /// How long a send may take at the gateway.
    pub send_timeout: Duration,
    /// How long a single message waits for a gateway that is away.
    pub gateway_patience: Duration,
    /// How long an unknown outcome is looked up.
    pub unknown_patience: Duration,
    /// Whether a message that provably did not leave is sent once more.
    pub resend_unknown: bool,
    /// How long a sent message may be without any receipt before the gateway is asked.
    pub unconfirmed_after: Duration,
    /// How long the first restriction of a number lasts.
    pub restriction: Duration,
    /// A worker that was silent for so long has lost its lanes.
    pub worker_silence: Duration,
    /// How long a link that broke may take to come back.
    pub reconnect_patience: Duration,
    /// How long a webhook receiver may take.
    pub webhook_timeout: Duration,
    /// The waits between the attempts of a webhook delivery.
    pub webhook_retry: Vec<Duration>,
    /// How long everything may fail at an endpoint.
    pub webhook_disable_after: Duration,
    /// How long a rotated secret still signs.
    pub webhook_secret_overlap: Duration,
    /// How long the API still answers once a shutdown has begun.
    pub drain: Duration,
    /// How long calls in hand may take at shutdown.
    pub shutdown: Duration,
    /// Which log lines are written.
    pub log: String,
    /// How they look.
    pub log_format: LogFormat,
    /// The collector that spans are sent to.
    pub otlp_endpoint: Option<Url>,
}

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    /// It serves the API.
    pub api: bool,
    /// It sends, receives and delivers.
    pub worker: bool,
}

/// Where a process answers its operators, beside the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpsBind {
    /// Nowhere.
    Off,
    /// Here, unless somebody else does: nobody chose the address.
    Usual(SocketAddr),
    /// Here and nowhere else.
    Chosen(SocketAddr),
}

impl OpsBind {
    /// Two processes without the API on one machine would both want it.
    const USUAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4081);
}

/// How to reach the gateway.
#[derive(Clone)]
pub struct Evolution {
    /// Its address.
    pub url: Url,
    /// Its global key.
    pub api_key: Secret<String>,
}

/// How mail leaves.
#[derive(Clone)]
pub struct Mail {
    /// The SMTP server, with the password.
    pub url: Secret<String>,
    /// Who it comes from.
    pub from: String,
}

/// How people sign in with Google, or with another `OpenID` provider in its place.
#[derive(Clone, Debug)]
pub struct Google {
    /// Our id there.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: Secret<String>,
    /// Who signs, exactly as they write themselves.
    pub issuer: String,
}

impl Google {
    /// Google itself.
    const ISSUER: &str = "https://accounts.google.com";
}

/// How plans are offered, and who takes the money.
#[derive(Clone, Debug)]
pub struct Billing {
    /// Where new purchases are paid.
    pub provider: BillingProvider,
    /// The file of plans; `None` offers those that are compiled in.
    pub catalogue_file: Option<PathBuf>,
    /// The plans.
    pub catalogue: Arc<Catalogue>,
    /// Dodo Payments, when it is set up.
    pub dodo: Option<DodoConfig>,
    /// Stripe, when it is set up.
    pub stripe: Option<StripeConfig>,
}

/// Where uploaded files lie.
#[derive(Clone, Debug)]
pub enum MediaStore {
    /// None are taken.
    Off,
    /// In a folder.
    Folder(PathBuf),
    /// In a bucket.
    S3(S3Settings),
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// What the command line adds: settings by their name in the file.
pub type Flags = Vec<(String, String)>;

impl Config {
    /// Puts the port that was really taken into the addresses made from port 0.
    pub(crate) fn bound_to(&mut self, port: u16) {
        self.bind.set_port(port);
        for url in [
            &mut self.public_url,
            &mut self.callback_url,
            &mut self.portal_url,
        ] {
            if url.port() == Some(0) {
                // Both are http URLs with a host, which is all this asks for.
                let _ = url.set_port(Some(port));
            }
        }
    }

    /// The callback base without a slash at the end.
    pub fn callback_base(&self) -> String {
        self.callback_url.as_str().trim_end_matches('/').to_owned()
    }

    /// The portal's base without a slash at the end.
    pub fn portal_base(&self) -> String {
        self.portal_url.as_str().trim_end_matches('/').to_owned()
    }

    /// The public base without a slash at the end.
    pub fn public_base(&self) -> String {
        self.public_url.as_str().trim_end_matches('/').to_owned()
    }
}

#[cfg(test)]
mod tests;
