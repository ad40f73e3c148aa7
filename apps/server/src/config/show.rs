//! The settings as they are shown: secrets hidden.

use std::time::Duration;

use msgflash_kernel::Secret;
use url::Url;

use super::{Config, Evolution, Google, LogFormat, Mail, OpsBind, Roles, SETTINGS};

impl Config {
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
            "callback_url" => safe(&self.callback_url),
            "portal_url" => self.portal_base(),
            "behind_proxy" => self.behind_proxy.to_string(),
            "smtp_url" => hidden(&self.mail.as_ref().map(|it| it.url.clone())),
            "mail_from" => self
                .mail
                .as_ref()
                .map(|it| it.from.clone())
                .unwrap_or_default(),
            "google_client_id" => self
                .google
                .as_ref()
                .map(|it| it.client_id.clone())
                .unwrap_or_default(),
            "google_client_secret" => {
                hidden(&self.google.as_ref().map(|it| it.client_secret.clone()))
            }
            "google_issuer" => match &self.google {
                Some(google) => google.issuer.clone(),
                None => Google::ISSUER.to_owned(),
            },
            "dev_mode" => self.dev_mode.to_string(),
            "roles" => self.roles.to_string(),
            "evolution_url" => self
                .evolution
                .as_ref()
                .map(|it| safe(&it.url))
                .unwrap_or_default(),
            "evolution_api_key" => hidden(&self.evolution.as_ref().map(|it| it.api_key.clone())),
            "allow_private_targets" => self.allow_private_targets.to_string(),
            "rate_limit_per_second" => self.rate_limit_per_second.to_string(),
            "console_rate_limit_per_second" => self.console_rate_limit_per_second.to_string(),
            "pace_ms" => self.pace.as_millis().to_string(),
            "safety" => if self.enforces_caps {
                "enforce"
            } else {
                "advise"
            }
            .to_owned(),
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
            other => {
                let shown = self.shown_media(other);
                let shown = shown.or_else(|| self.shown_billing(other));
                shown.unwrap_or_default()
            }
        };
        SETTINGS
            .iter()
            .map(|setting| (setting.name, value(setting.name)))
            .collect()
    }
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

impl std::fmt::Display for OpsBind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Off => Ok(()),
            Self::Usual(address) | Self::Chosen(address) => address.fmt(f),
        }
    }
}

impl std::fmt::Debug for Config {
    /// As operators are shown it: addresses of the values below hold passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.shown()).finish()
    }
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

impl std::fmt::Debug for Mail {
    /// Without the address of the server, which has a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail")
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

/// An address without what somebody may have put into it to be let in: a password, or a key behind the
/// question mark.
pub(super) fn safe(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_password(None);
    url.set_query(None);
    url.as_str().trim_end_matches('/').to_owned()
}
