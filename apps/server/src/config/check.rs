//! From the settings as written to the settings as meant; each mistake under its setting's names.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use msgflash_kernel::Secret;
use url::Url;

use super::load::Raw;
use super::{Billing, Config, Evolution, Google, LogFormat, Mail, MediaStore, OpsBind, Roles};

impl Config {
    pub(super) fn check(raw: Raw) -> Result<Self> {
        let allow_private_targets = raw.allow_private_targets.unwrap_or(false);
        let data_dir = raw.data_dir.clone();
        let data_dir = data_dir.unwrap_or_else(|| PathBuf::from(".local/data"));
        let media = MediaStore::read(&raw, &data_dir, allow_private_targets)?;
        let media_space = super::media::space(&raw)?;
        let billing = Billing::read(&raw)?;
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
        let allows_portal = raw.portal_url.is_some();
        let portal_url = match raw.portal_url {
            Some(url) => web_url("portal_url (MSGFLASH_PORTAL_URL)", &url)?,
            None => public_url.clone(),
        };
        let mail = match (raw.smtp_url, raw.mail_from) {
            (Some(url), Some(from)) => {
                msgflash_mail::SmtpMailer::check(&url, &from)
                    .context("smtp_url and mail_from (MSGFLASH_SMTP_URL, MSGFLASH_MAIL_FROM)")?;
                let url = Secret::new(url);
                Some(Mail { url, from })
            }
            (None, None) => None,
            (Some(_), None) => bail!("MSGFLASH_SMTP_URL needs MSGFLASH_MAIL_FROM too"),
            (None, Some(_)) => bail!("MSGFLASH_MAIL_FROM needs MSGFLASH_SMTP_URL too"),
        };
        let google = google(
            raw.google_client_id,
            raw.google_client_secret,
            raw.google_issuer,
        )?;
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
        let dev_mode = raw.dev_mode.unwrap_or(false);
        if dev_mode && !bind.ip().is_loopback() {
            bail!(
                "dev_mode (MSGFLASH_DEV_MODE) shows everybody the mail, whose links open accounts: bind must be a loopback address"
            );
        }
        let console_rate_limit_per_second = raw.console_rate_limit_per_second.unwrap_or(20);
        if console_rate_limit_per_second == 0 {
            bail!(
                "console_rate_limit_per_second (MSGFLASH_CONSOLE_RATE_LIMIT_PER_SECOND) must be at least 1"
            );
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
            data_dir,
            pg_bin: raw.pg_bin,
            bind,
            ops_bind: OpsBind::read(raw.ops_bind.as_deref(), roles)?,
            public_url,
            callback_url,
            portal_url,
            allows_portal,
            behind_proxy: raw.behind_proxy.unwrap_or(false),
            mail,
            google,
            dev_mode,
            media,
            media_space,
            billing,
            roles,
            evolution,
            allow_private_targets,
            rate_limit_per_second,
            console_rate_limit_per_second,
            pace: Duration::from_millis(raw.pace_ms.unwrap_or(1000)),
            enforces_caps: match raw.safety.as_deref() {
                None | Some("advise") => false,
                Some("enforce") => true,
                Some(other) => {
                    bail!("safety (MSGFLASH_SAFETY) is advise or enforce, not {other:?}")
                }
            },
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
            worker_silence: match seconds(raw.worker_silence_seconds, 30) {
                short if short < Duration::from_secs(2) => {
                    bail!("worker_silence_seconds is at least 2: workers beat in between")
                }
                silence => silence,
            },
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
}

impl OpsBind {
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

/// All of it or nothing; who signs is Google unless somebody else is named.
fn google(
    client_id: Option<String>,
    client_secret: Option<String>,
    issuer: Option<String>,
) -> Result<Option<Google>> {
    let (client_id, client_secret) = match (client_id, client_secret, &issuer) {
        (Some(id), Some(secret), _) => (id, Secret::new(secret)),
        (None, None, None) => return Ok(None),
        (Some(_), None, _) => {
            bail!("MSGFLASH_GOOGLE_CLIENT_ID needs MSGFLASH_GOOGLE_CLIENT_SECRET too")
        }
        (None, Some(_), _) => {
            bail!("MSGFLASH_GOOGLE_CLIENT_SECRET needs MSGFLASH_GOOGLE_CLIENT_ID too")
        }
        (None, None, Some(_)) => {
            bail!("MSGFLASH_GOOGLE_ISSUER needs MSGFLASH_GOOGLE_CLIENT_ID too")
        }
    };
    let issuer = issuer.unwrap_or_else(|| Google::ISSUER.to_owned());
    msgflash_oidc::OidcProvider::check(&issuer)
        .context("google_issuer (MSGFLASH_GOOGLE_ISSUER)")?;
    Ok(Some(Google {
        client_id,
        client_secret,
        issuer,
    }))
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
