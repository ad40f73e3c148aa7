//! Reading the settings from the file, the environment and the flags.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use serde::{Deserialize, Serialize};

use super::setting::{FOR_SCRIPTS, Kind};
use super::{Config, Flags, SETTINGS, Setting};

/// The settings as written. Names are those of `msgflash.toml`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    pub(super) database_url: Option<String>,
    pub(super) database_pool: Option<usize>,
    pub(super) statement_timeout_seconds: Option<u64>,
    pub(super) redis_url: Option<String>,
    pub(super) data_dir: Option<PathBuf>,
    pub(super) pg_bin: Option<PathBuf>,
    pub(super) bind: Option<String>,
    pub(super) ops_bind: Option<String>,
    pub(super) public_url: Option<String>,
    pub(super) callback_url: Option<String>,
    pub(super) portal_url: Option<String>,
    pub(super) behind_proxy: Option<bool>,
    pub(super) smtp_url: Option<String>,
    pub(super) mail_from: Option<String>,
    pub(super) google_client_id: Option<String>,
    pub(super) google_client_secret: Option<String>,
    pub(super) google_issuer: Option<String>,
    pub(super) dev_mode: Option<bool>,
    pub(super) media: Option<String>,
    pub(super) media_dir: Option<PathBuf>,
    pub(super) media_space_mb: Option<u64>,
    pub(super) media_s3_endpoint: Option<String>,
    pub(super) media_s3_bucket: Option<String>,
    pub(super) media_s3_region: Option<String>,
    pub(super) media_s3_access_key_id: Option<String>,
    pub(super) media_s3_secret_key: Option<String>,
    pub(super) media_s3_path_style: Option<bool>,
    pub(super) billing_provider: Option<String>,
    pub(super) billing_catalogue: Option<PathBuf>,
    pub(super) dodo_api_key: Option<String>,
    pub(super) dodo_webhook_secret: Option<String>,
    pub(super) dodo_url: Option<String>,
    pub(super) stripe_api_key: Option<String>,
    pub(super) stripe_webhook_secret: Option<String>,
    pub(super) stripe_url: Option<String>,
    pub(super) roles: Option<String>,
    pub(super) evolution_url: Option<String>,
    pub(super) evolution_api_key: Option<String>,
    pub(super) allow_private_targets: Option<bool>,
    pub(super) rate_limit_per_second: Option<u32>,
    pub(super) console_rate_limit_per_second: Option<u32>,
    pub(super) pace_ms: Option<u64>,
    pub(super) safety: Option<String>,
    pub(super) send_timeout_seconds: Option<u64>,
    pub(super) gateway_patience_seconds: Option<u64>,
    pub(super) unknown_patience_seconds: Option<u64>,
    pub(super) unknown: Option<String>,
    pub(super) unconfirmed_after_seconds: Option<u64>,
    pub(super) restriction_seconds: Option<u64>,
    pub(super) worker_silence_seconds: Option<u64>,
    pub(super) reconnect_patience_seconds: Option<u64>,
    pub(super) webhook_timeout_seconds: Option<u64>,
    pub(super) webhook_retry_seconds: Option<String>,
    pub(super) webhook_disable_after_seconds: Option<u64>,
    pub(super) webhook_secret_overlap_seconds: Option<u64>,
    pub(super) drain_seconds: Option<u64>,
    pub(super) shutdown_seconds: Option<u64>,
    pub(super) log: Option<String>,
    pub(super) log_format: Option<String>,
    pub(super) otlp_endpoint: Option<String>,
}

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
}

/// What is wrong, under the names by which people set it. Values are left out: they may be secrets.
fn named(error: figment::Error) -> String {
    let told = error.into_iter().map(|error| {
        let known = |setting: &&Setting| error.path == [setting.name];
        let Some(setting) = SETTINGS.iter().find(known) else {
            return without_the_line(&error.to_string());
        };
        let (name, env) = (setting.name, setting.env);
        if setting.kind == Kind::Text {
            format!("{name} ({env}): must be text, in quotation marks")
        } else {
            format!("{name} ({env}): {}", error.kind)
        }
    });
    told.collect::<Vec<_>>().join("\n")
}

/// What a parser says of a file, without the line of it that it shows, which begins with its number
/// and a bar.
fn without_the_line(told: &str) -> String {
    let is_told = |line: &&str| {
        let line = line.trim_start();
        let bar = line.trim_start_matches(|it: char| it.is_ascii_digit());
        !bar.trim_start().starts_with('|')
    };
    told.lines().filter(is_told).collect::<Vec<_>>().join("\n")
}

/// A misspelt name would otherwise be silently without effect.
fn refuse_unknown_environment() -> Result<()> {
    for (name, _) in std::env::vars_os() {
        let Some(name) = name.to_str() else { continue };
        let ours = name.starts_with("MSGFLASH_");
        let known =
            FOR_SCRIPTS.contains(&name) || SETTINGS.iter().any(|setting| setting.env == name);
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
