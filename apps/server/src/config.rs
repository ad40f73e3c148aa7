//! Configuration: `msgflash.toml`, then the environment, then flags; the later wins.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use msgflash_kernel::Secret;
use serde::{Deserialize, Serialize};
use url::Url;

mod setting;

pub use setting::{SETTINGS, Setting};

/// Everything the operator decides, checked.
#[derive(Clone, Debug)]
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
    /// Signs console sessions.
    pub secret_key: Option<Secret<String>>,
    /// What this process does.
    pub roles: Roles,
    /// The gateway.
    pub evolution: Option<Evolution>,
    /// Whether webhooks may go to private addresses and over plain HTTP.
    pub allow_private_targets: bool,
    /// Requests per second and API key.
    pub rate_limit_per_second: u32,
    /// The least time between two messages of one number.
    pub pace: Duration,
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

    fn read(text: Option<&str>, roles: Roles) -> Result<Self> {
        match text {
            None if roles.api => Ok(Self::Off),
            None => Ok(Self::Usual(Self::USUAL)),
            Some("off") => Ok(Self::Off),
            Some(address) => address.parse().map(Self::Chosen).context(
                "ops_bind (MSGFLASH_OPS_BIND) must be an address and a port, such as \
                 127.0.0.1:4081, or off",
            ),
        }
    }
}

impl std::fmt::Display for OpsBind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Off => Ok(()),
            Self::Usual(address) | Self::Chosen(address) => address.fmt(f),
        }
    }
}

/// How to reach the gateway.
#[derive(Clone)]
pub struct Evolution {
    /// Its address.
    pub url: Url,
    /// Its global key.
    pub api_key: Secret<String>,
}

impl std::fmt::Debug for Evolution {
    /// Without the password somebody may have put into the address.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let address = safe(&self.url);
        f.debug_struct("Evolution")
            .field("url", &address)
            .finish_non_exhaustive()
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// The settings as written. Names are those of `msgflash.toml`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    database_url: Option<String>,
    database_pool: Option<usize>,
    statement_timeout_seconds: Option<u64>,
    redis_url: Option<String>,
    data_dir: Option<PathBuf>,
    pg_bin: Option<PathBuf>,
    bind: Option<String>,
    ops_bind: Option<String>,
    public_url: Option<String>,
    callback_url: Option<String>,
    secret_key: Option<String>,
    roles: Option<String>,
    evolution_url: Option<String>,
    evolution_api_key: Option<String>,
    allow_private_targets: Option<bool>,
    rate_limit_per_second: Option<u32>,
    pace_ms: Option<u64>,
    send_timeout_seconds: Option<u64>,
    gateway_patience_seconds: Option<u64>,
    unknown_patience_seconds: Option<u64>,
    unknown: Option<String>,
    unconfirmed_after_seconds: Option<u64>,
    restriction_seconds: Option<u64>,
    worker_silence_seconds: Option<u64>,
    reconnect_patience_seconds: Option<u64>,
    webhook_timeout_seconds: Option<u64>,
    webhook_retry_seconds: Option<String>,
    webhook_disable_after_seconds: Option<u64>,
    webhook_secret_overlap_seconds: Option<u64>,
    drain_seconds: Option<u64>,
    shutdown_seconds: Option<u64>,
    log: Option<String>,
    log_format: Option<String>,
    otlp_endpoint: Option<String>,
}

/// What the command line adds: settings by their name in the file.
pub type Flags = Vec<(String, String)>;

impl Config {
    /// Reads the file (the given one must exist, the default one may be absent), the environment
    /// and the flags.
    pub fn load(file: Option<&Path>, flags: &Flags) -> Result<Self> {
        if let Some(file) = file
            && !file.is_file()
        {
            bail!("the configuration file {} does not exist", file.display());
        }
        refuse_unknown_environment()?;
        let mut figment = Figment::from(Serialized::defaults(Raw::default()))
            .merge(Toml::file(file.unwrap_or(Path::new("msgflash.toml"))));
        for setting in SETTINGS {
            // A value that is set to nothing is not set: compose files do that.
            let env = Env::raw().only(&[setting.env]).map(|_| setting.name.into());
            let empty = std::env::var_os(setting.env).is_some_and(|value| value.is_empty());
            if !empty {
                figment = figment.merge(setting.typed(env));
            }
        }
        for (name, value) in flags {
            let setting = SETTINGS
                .iter()
                .find(|setting| setting.name == name)
                .with_context(|| unknown_setting(name))?;
            figment = figment.merge((setting.name, setting.value(value)));
        }
        let raw: Raw = figment
            .extract()
            .map_err(|error| anyhow::anyhow!(named(error)))?;
        Self::check(raw)
    }

    fn check(raw: Raw) -> Result<Self> {
        let bind: SocketAddr = raw
            .bind
            .as_deref()
            .unwrap_or("127.0.0.1:4080")
            .parse()
            .context(
                "bind (MSGFLASH_BIND) must be an address and a port, such as 127.0.0.1:4080",
            )?;
        let public_url = match raw.public_url {
            Some(url) => web_url("public_url (MSGFLASH_PUBLIC_URL)", &url)?,
            None => Url::parse(&format!("http://{bind}"))?,
        };
        let callback_url = match raw.callback_url {
            Some(url) => web_url("callback_url (MSGFLASH_CALLBACK_URL)", &url)?,
            None => public_url.clone(),
        };
        let secret_key = raw.secret_key.map(Secret::new);
        if secret_key
            .as_ref()
            .is_some_and(|key| key.reveal().len() < 32)
        {
            bail!("secret_key (MSGFLASH_SECRET_KEY) must have at least 32 characters");
        }
        let evolution = match (raw.evolution_url, raw.evolution_api_key) {
            (Some(url), Some(key)) => Some(Evolution {
                url: web_url("evolution_url (MSGFLASH_EVOLUTION_URL)", &url)?,
                api_key: Secret::new(key),
            }),
            (None, None) => None,
            (Some(_), None) => bail!("MSGFLASH_EVOLUTION_URL needs MSGFLASH_EVOLUTION_API_KEY too"),
            (None, Some(_)) => bail!("MSGFLASH_EVOLUTION_API_KEY needs MSGFLASH_EVOLUTION_URL too"),
        };
        let rate_limit_per_second = raw.rate_limit_per_second.unwrap_or(10);
        if rate_limit_per_second == 0 {
            bail!("rate_limit_per_second (MSGFLASH_RATE_LIMIT_PER_SECOND) must be at least 1");
        }
        let send_timeout = Duration::from_secs(raw.send_timeout_seconds.unwrap_or(90));
        if send_timeout.is_zero() {
            bail!("send_timeout_seconds (MSGFLASH_SEND_TIMEOUT_SECONDS) must be at least 1");
        }
        let statement_timeout = Duration::from_secs(raw.statement_timeout_seconds.unwrap_or(30));
        if statement_timeout.is_zero() {
            bail!(
                "statement_timeout_seconds (MSGFLASH_STATEMENT_TIMEOUT_SECONDS) must be at least 1"
            );
        }
        let roles = roles(raw.roles.as_deref().unwrap_or("api,worker"))?;
        let seconds = |value: Option<u64>, default| Duration::from_secs(value.unwrap_or(default));
        Ok(Self {
            database_url: raw.database_url.map(Secret::new),
            database_pool: raw.database_pool.unwrap_or(16).max(2),
            statement_timeout,
            redis_url: raw.redis_url.map(Secret::new),
            data_dir: raw.data_dir.unwrap_or_else(|| PathBuf::from(".local/data")),
            pg_bin: raw.pg_bin,
            bind,
            ops_bind: OpsBind::read(raw.ops_bind.as_deref(), roles)?,
            public_url,
            callback_url,
            secret_key,
            roles,
            evolution,
            allow_private_targets: raw.allow_private_targets.unwrap_or(false),
            rate_limit_per_second,
            pace: Duration::from_millis(raw.pace_ms.unwrap_or(1000)),
            send_timeout,
            gateway_patience: seconds(raw.gateway_patience_seconds, 900),
            unknown_patience: seconds(raw.unknown_patience_seconds, 600),
            resend_unknown: match raw.unknown.as_deref() {
                None | Some("resend") => true,
                Some("fail") => false,
                Some(other) => bail!("unknown (MSGFLASH_UNKNOWN) is resend or fail, not {other:?}"),
            },
            unconfirmed_after: seconds(raw.unconfirmed_after_seconds, 600),
            restriction: seconds(raw.restriction_seconds, 3600),
            worker_silence: seconds(raw.worker_silence_seconds, 30),
            reconnect_patience: seconds(raw.reconnect_patience_seconds, 60),
            webhook_timeout: seconds(raw.webhook_timeout_seconds, 10),
            webhook_retry: retry(
                raw.webhook_retry_seconds
                    .as_deref()
                    .unwrap_or("5,30,120,600"),
            )?,
            webhook_disable_after: seconds(raw.webhook_disable_after_seconds, 432_000),
            webhook_secret_overlap: seconds(raw.webhook_secret_overlap_seconds, 86_400),
            drain: seconds(raw.drain_seconds, 2),
            shutdown: seconds(raw.shutdown_seconds, 25),
            log: raw.log.unwrap_or_else(|| "info".to_owned()),
            log_format: match raw.log_format.as_deref() {
                None | Some("text") => LogFormat::Text,
                Some("json") => LogFormat::Json,
                Some(other) => {
                    bail!("log_format (MSGFLASH_LOG_FORMAT) is text or json, not {other:?}")
                }
            },
            otlp_endpoint: raw.otlp_endpoint.as_deref().map(collector).transpose()?,
        })
    }

    /// Puts the port that was really taken into the addresses made from port 0.
    pub(crate) fn bound_to(&mut self, port: u16) {
        self.bind.set_port(port);
        for url in [&mut self.public_url, &mut self.callback_url] {
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

    /// The public base without a slash at the end.
    pub fn public_base(&self) -> String {
        self.public_url.as_str().trim_end_matches('/').to_owned()
    }

    /// Every setting with its value, secrets hidden.
    pub fn shown(&self) -> Vec<(&'static str, String)> {
        let hidden = |secret: &Option<Secret<String>>| match secret {
            Some(_) => "(set)".to_owned(),
            None => String::new(),
        };
        let seconds = |span: Duration| span.as_secs().to_string();
        let retry: Vec<_> = self
            .webhook_retry
            .iter()
            .map(|span| seconds(*span))
            .collect();
        let value = |name: &str| match name {
            "database_url" => hidden(&self.database_url),
            "database_pool" => self.database_pool.to_string(),
            "statement_timeout_seconds" => seconds(self.statement_timeout),
            "redis_url" => hidden(&self.redis_url),
            "data_dir" => self.data_dir.display().to_string(),
            "pg_bin" => self
                .pg_bin
                .as_ref()
                .map(|it| it.display().to_string())
                .unwrap_or_default(),
            "bind" => self.bind.to_string(),
            "ops_bind" => self.ops_bind.to_string(),
            "public_url" => self.public_base(),
            "callback_url" => self.callback_base(),
            "secret_key" => hidden(&self.secret_key),
            "roles" => self.roles.to_string(),
            "evolution_url" => self
                .evolution
                .as_ref()
                .map(|it| safe(&it.url))
                .unwrap_or_default(),
            "evolution_api_key" => hidden(&self.evolution.as_ref().map(|it| it.api_key.clone())),
            "allow_private_targets" => self.allow_private_targets.to_string(),
            "rate_limit_per_second" => self.rate_limit_per_second.to_string(),
            "pace_ms" => self.pace.as_millis().to_string(),
            "send_timeout_seconds" => seconds(self.send_timeout),
            "gateway_patience_seconds" => seconds(self.gateway_patience),
            "unknown_patience_seconds" => seconds(self.unknown_patience),
            "unknown" => if self.resend_unknown {
                "resend"
            } else {
                "fail"
            }
            .to_owned(),
            "unconfirmed_after_seconds" => seconds(self.unconfirmed_after),
            "restriction_seconds" => seconds(self.restriction),
            "worker_silence_seconds" => seconds(self.worker_silence),
            "reconnect_patience_seconds" => seconds(self.reconnect_patience),
            "webhook_timeout_seconds" => seconds(self.webhook_timeout),
            "webhook_retry_seconds" => retry.join(","),
            "webhook_disable_after_seconds" => seconds(self.webhook_disable_after),
            "webhook_secret_overlap_seconds" => seconds(self.webhook_secret_overlap),
            "drain_seconds" => seconds(self.drain),
            "shutdown_seconds" => seconds(self.shutdown),
            "log" => self.log.clone(),
            "log_format" => match self.log_format {
                LogFormat::Text => "text".to_owned(),
                LogFormat::Json => "json".to_owned(),
            },
            "otlp_endpoint" => self.otlp_endpoint.as_ref().map(safe).unwrap_or_default(),
            _ => String::new(),
        };
        SETTINGS
            .iter()
            .map(|setting| (setting.name, value(setting.name)))
            .collect()
    }
}

/// Reads the collector's address. A build that cannot export says so, rather than nothing.
fn collector(text: &str) -> Result<Url> {
    if !cfg!(feature = "otel") {
        bail!("otlp_endpoint (MSGFLASH_OTLP_ENDPOINT) needs a build with the feature otel");
    }
    let url = Url::parse(text).context("otlp_endpoint (MSGFLASH_OTLP_ENDPOINT)")?;
    if !matches!(url.scheme(), "http" | "https") {
        bail!("otlp_endpoint (MSGFLASH_OTLP_ENDPOINT) is an http or https address");
    }
    Ok(url)
}

impl std::fmt::Display for Roles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match (self.api, self.worker) {
            (true, true) => "api,worker",
            (true, false) => "api",
            _ => "worker",
        })
    }
}

/// What is wrong, under the names by which people set it.
fn named(error: figment::Error) -> String {
    let told = error.into_iter().map(|error| {
        let known = |setting: &&Setting| error.path == [setting.name];
        match SETTINGS.iter().find(known) {
            Some(setting) => format!("{} ({}): {}", setting.name, setting.env, error.kind),
            None => error.to_string(),
        }
    });
    told.collect::<Vec<_>>().join("\n")
}

/// An address without the password somebody may have put into it.
fn safe(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_password(None);
    url.as_str().trim_end_matches('/').to_owned()
}

fn web_url(what: &str, text: &str) -> Result<Url> {
    let url = Url::parse(text).with_context(|| format!("{what} is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        bail!("{what} must begin with http:// or https://");
    }
    Ok(url)
}

fn roles(text: &str) -> Result<Roles> {
    let mut roles = Roles {
        api: false,
        worker: false,
    };
    for word in text.split(',').map(str::trim) {
        match word {
            "api" => roles.api = true,
            "worker" => roles.worker = true,
            other => bail!("roles (MSGFLASH_ROLES) are api and worker, not {other:?}"),
        }
    }
    Ok(roles)
}

fn retry(text: &str) -> Result<Vec<Duration>> {
    let spans: Result<Vec<_>, _> = text
        .split(',')
        .map(|word| word.trim().parse().map(Duration::from_secs))
        .collect();
    spans.context(
        "webhook_retry_seconds (MSGFLASH_WEBHOOK_RETRY_SECONDS) are whole seconds with commas \
         between them, such as 5,30,120,600",
    )
}

/// A misspelt name would otherwise be silently without effect.
fn refuse_unknown_environment() -> Result<()> {
    for (name, _) in std::env::vars_os() {
        let Some(name) = name.to_str() else { continue };
        let ours = name.starts_with("MSGFLASH_");
        let known = setting::FOR_SCRIPTS.contains(&name)
            || SETTINGS.iter().any(|setting| setting.env == name);
        if ours && !known {
            bail!("{}", unknown_setting(name));
        }
    }
    Ok(())
}

fn unknown_setting(name: &str) -> String {
    let wanted = name.to_lowercase();
    let near = SETTINGS.iter().find(|setting| {
        let own = setting.env.to_lowercase();
        own.starts_with(&wanted) || wanted.starts_with(&own) || own.ends_with(&wanted)
    });
    let hint = near
        .map(|setting| format!(" Did you mean {}?", setting.env))
        .unwrap_or_default();
    format!("unknown setting {name}.{hint} `msgflash config print` lists them all")
}

#[cfg(test)]
mod tests;
