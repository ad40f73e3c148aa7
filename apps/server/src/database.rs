//! The database: the one `DATABASE_URL` names, or a private one in the data directory.

use anyhow::{Context as _, Result};
use msgflash_local_postgres::{Cluster, Options, Programs};
use msgflash_postgres::{Limits, Postgres};
use tracing::info;

use crate::config::Config;

/// A database that can be connected to. A private one stops when this is dropped.
pub(crate) struct Database {
    url: String,
    /// Kept for its end: dropping it stops the server it owns.
    _cluster: Option<Cluster>,
}

impl Database {
    /// Finds or starts the database.
    pub(crate) async fn open(config: &Config) -> Result<Self> {
        if let Some(url) = &config.database_url {
            return Ok(Self {
                url: url.reveal().clone(),
                _cluster: None,
            });
        }
        let programs = Programs::find(config.pg_bin.as_deref(), std::path::Path::new(".local/pg"))?;
        std::fs::create_dir_all(&config.data_dir)
            .with_context(|| format!("cannot make {}", config.data_dir.display()))?;
        let mut options = Options::new(programs, config.data_dir.join("postgres"));
        options
            .settings
            .push(("log_min_messages".into(), "warning".into()));
        let cluster = tokio::task::spawn_blocking(move || Cluster::start(&options)).await??;
        if cluster.is_owner() {
            info!(data_dir = %config.data_dir.display(), "private PostgreSQL is ready");
        } else {
            info!("using the private PostgreSQL another process started; it ends with that one");
        }
        Ok(Self {
            url: cluster.url(),
            _cluster: Some(cluster),
        })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Fails as a store that is away when nobody answers, which a migration's failure does not say.
    pub(crate) async fn reach(&self, config: &Config) -> Result<()> {
        Ok(self.connect(config)?.ping().await?)
    }

    /// A pool of connections to it.
    pub(crate) fn connect(&self, config: &Config) -> Result<Postgres> {
        let limits = Limits::of_statement(config.statement_timeout);
        Ok(Postgres::limited(&self.url, config.database_pool, limits)?)
    }
}
