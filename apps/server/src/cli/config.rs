//! Commands about the configuration.

use serde_json::{Map, Value, json};

use super::exit;
use super::output::{Failure, Output};
use crate::config::{Config, SETTINGS};
use crate::database::Database;
use crate::wire;

/// `config print`.
pub(super) fn print(config: &Config, out: Output) -> Result<(), Failure> {
    let shown = config.shown();
    let values: Map<String, Value> = shown
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    if out.is_json() {
        return out.document(&values);
    }
    let rows: Vec<_> = shown
        .iter()
        .zip(SETTINGS)
        .map(|((name, value), setting)| {
            vec![
                (*name).to_owned(),
                value.clone(),
                setting.env.to_owned(),
                setting.help.to_owned(),
            ]
        })
        .collect();
    out.table(&["SETTING", "VALUE", "ENVIRONMENT", "MEANING"], &rows, &[])
}

/// `config check`: every setting was read by now; what they point to must answer.
pub(super) async fn check(config: &Config, out: Output) -> Result<(), Failure> {
    let database = Database::open(config).await?;
    let postgres = database.connect(config)?;
    postgres.ping().await.map_err(Failure::from)?;
    let pending = msgflash_postgres::pending_migrations(database.url())
        .await
        .map_err(Failure::from_error)?;
    let gateway = if config.evolution.is_some() {
        let provider = wire::provider(config, None)?;
        let version = provider.version().await.map_err(|error| {
            Failure::new(
                exit::UNAVAILABLE,
                "PROVIDER_UNAVAILABLE",
                format!("the gateway: {error}"),
            )
        })?;
        // The version is public; only a call that needs the key proves the key.
        provider.fetch_all().await.map_err(|error| {
            Failure::new(
                exit::CONFIG,
                "PROVIDER_ERROR",
                format!("the gateway: {error}"),
            )
        })?;
        Some(version)
    } else {
        None
    };
    let value = json!({ "database": "ok", "pendingMigrations": pending, "gateway": gateway });
    let gateway = gateway.map_or("not configured".to_owned(), |version| {
        format!("Evolution {version}")
    });
    let text = format!(
        "The settings are valid.\nDatabase: answers, {} migrations to apply.\nGateway: {gateway}.",
        pending.len()
    );
    out.result(&value, text)
}
