//! The database both sides run on: durable, of this process alone, and emptied before each run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context as _, Result, ensure};
use msgflash_local_postgres::{Cluster, Options, Programs};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls};

use crate::machine::root;

/// Tables that hold the scene; everything else is emptied before each run.
const SCENE: [&str; 8] = [
    "__diesel_schema_migrations",
    "users",
    "teams",
    "api_keys",
    "plans",
    "subscriptions",
    "instances",
    "webhook_endpoints",
];

/// A `PostgreSQL` server with a database for this process.
pub(crate) struct Database {
    server: String,
    url: String,
    name: String,
    programs: Option<PathBuf>,
    cluster: Option<(Cluster, PathBuf)>,
}

impl Database {
    /// Takes the server `DATABASE_URL` names, or starts one of our own. Databases that exist there
    /// are not touched.
    pub(crate) async fn start() -> Result<Self> {
        let named = std::env::var_os("DATABASE_URL").filter(|url| !url.is_empty());
        let (server, programs, cluster) = if let Some(url) = named {
            let url = url.into_string().ok().context("DATABASE_URL is no UTF-8")?;
            (url, None, None)
        } else {
            let (cluster, dir, bin) = tokio::task::spawn_blocking(own_cluster).await??;
            (cluster.url(), Some(bin), Some((cluster, dir)))
        };
        let name = format!("msgflash_bench_{}", process::id());
        let database = Self {
            url: with_database(&server, &name),
            server,
            name,
            programs,
            cluster,
        };
        database.create(&database.name).await?;
        msgflash_postgres::migrate(&database.url).await?;
        Ok(database)
    }

    /// Where the product's tables are.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The directory of the server's programs, when we started it.
    pub(crate) fn programs(&self) -> Option<&Path> {
        self.programs.as_deref()
    }

    /// A session on the product's tables.
    pub(crate) async fn session(&self) -> Result<Session> {
        Session::open(&self.url).await
    }

    /// A further, empty database on the same server; answers where it is.
    pub(crate) async fn fresh(&self, suffix: &str) -> Result<(String, String)> {
        let name = format!("{}_{suffix}", self.name);
        self.create(&name).await?;
        Ok((with_database(&self.server, &name), name))
    }

    /// A further database on the same server with the product's tables. Whoever makes it stops it.
    pub(crate) async fn another(&self, suffix: &str) -> Result<Self> {
        let (url, name) = self.fresh(suffix).await?;
        msgflash_postgres::migrate(&url).await?;
        Ok(Self {
            server: self.server.clone(),
            url,
            name,
            programs: self.programs.clone(),
            cluster: None,
        })
    }

    /// Removes a database made by [`Self::fresh`].
    pub(crate) async fn drop_fresh(&self, name: &str) -> Result<()> {
        let session = Session::open(&self.server).await?;
        let text = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        Ok(session.client.batch_execute(&text).await?)
    }

    /// Empties every table but the scene's, and writes out what earlier runs left to be written, so
    /// that no run pays for another one.
    pub(crate) async fn reset(&self) -> Result<()> {
        self.reset_but(&[]).await
    }

    /// The same, with further tables that stay as they are.
    pub(crate) async fn reset_but(&self, others: &[&str]) -> Result<()> {
        let session = self.session().await?;
        let keep: Vec<&str> = SCENE.iter().chain(others).copied().collect();
        let tables: Vec<String> = session
            .client
            .query(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables \
                 WHERE schemaname = 'public' AND tablename <> ALL ($1)",
                &[&keep],
            )
            .await?
            .iter()
            .map(|row| row.get(0))
            .collect();
        let text = format!("TRUNCATE {}", tables.join(", "));
        session.client.batch_execute(&text).await?;
        session.client.batch_execute("CHECKPOINT").await?;
        Ok(())
    }

    /// Removes the database and what was made beside it, and the server when it is ours.
    pub(crate) async fn stop(mut self) -> Result<()> {
        for name in self.beside().await? {
            self.drop_fresh(&name).await?;
        }
        if let Some((cluster, dir)) = self.cluster.take() {
            tokio::task::spawn_blocking(move || cluster.stop()).await?;
            drop(fs::remove_dir_all(dir));
        }
        Ok(())
    }

    /// This database and those whose names begin with its name: a line that was stopped left its own.
    async fn beside(&self) -> Result<Vec<String>> {
        let session = Session::open(&self.server).await?;
        let text =
            "SELECT datname FROM pg_database WHERE datname = $1 OR starts_with(datname, $1 || '_')";
        let rows = session.client.query(text, &[&self.name]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    async fn create(&self, name: &str) -> Result<()> {
        self.drop_fresh(name).await?;
        let session = Session::open(&self.server).await?;
        let text = format!("CREATE DATABASE {name}");
        let made = session.client.batch_execute(&text).await;
        made.with_context(|| format!("cannot make the database {name}"))
    }
}

/// One connection to a database.
pub(crate) struct Session {
    /// The connection.
    pub(crate) client: Client,
}

impl Session {
    /// Connects.
    pub(crate) async fn open(url: &str) -> Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls)
            .await
            .context("cannot connect to PostgreSQL")?;
        // Its errors reach the client as well.
        drop(tokio::spawn(connection));
        Ok(Self { client })
    }

    /// One number.
    pub(crate) async fn count(&self, text: &str) -> Result<i64> {
        let row = self.client.query_one(text, &[]).await;
        let row = row.with_context(|| format!("counting failed: {text}"))?;
        Ok(row.get(0))
    }

    /// Runs one statement; answers the number of rows.
    pub(crate) async fn run(&self, text: &str, values: &[&(dyn ToSql + Sync)]) -> Result<u64> {
        let done = self.client.execute(text, values).await;
        done.with_context(|| format!("a statement failed: {text}"))
    }

    /// Fails unless a count is what it must be.
    pub(crate) async fn agree(&self, what: &str, text: &str, expected: u64) -> Result<()> {
        let found = self.count(text).await?;
        agree(what, found, expected)
    }

    /// Statistics and visibility as a table has them in daily use, not as right after a bulk load.
    pub(crate) async fn settle_down(&self) -> Result<()> {
        self.client.batch_execute("VACUUM ANALYZE").await?;
        self.client.batch_execute("CHECKPOINT").await?;
        Ok(())
    }
}

/// Fails unless a count is what it must be.
pub(crate) fn agree(what: &str, found: i64, expected: u64) -> Result<()> {
    ensure!(
        u64::try_from(found) == Ok(expected),
        "the line does not count: {what} is {found}, not {expected}"
    );
    Ok(())
}

/// A durable cluster in `.local/bench`; what killed processes left there is cleared away first.
fn own_cluster() -> Result<(Cluster, PathBuf, PathBuf)> {
    let local = root().join(".local");
    let clusters = local.join("bench");
    fs::create_dir_all(&clusters)?;
    remove_stale(&clusters);
    let wish = std::env::var_os("PG_BIN").map(PathBuf::from);
    let programs = Programs::find(wish.as_deref(), &local.join("pg"))?;
    let bin = programs.bin().to_owned();
    let dir = clusters.join(process::id().to_string());
    let mut options = Options::new(programs, &dir);
    options.max_connections = 300;
    // Durable as it comes. Checkpoints happen between runs, because one in the middle of a run
    // would be luck; the rest is PostgreSQL's default.
    options.settings = [("max_wal_size", "16GB"), ("checkpoint_timeout", "1h")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    let cluster = Cluster::start(&options).context("cannot start PostgreSQL")?;
    Ok((cluster, dir, bin))
}

fn remove_stale(clusters: &Path) {
    for entry in clusters.read_dir().into_iter().flatten().flatten() {
        let name = entry.file_name();
        // A cluster, or `pgbench-<pid>` and the like.
        let is_gone = name
            .to_str()
            .and_then(|name| name.rsplit('-').next()?.parse::<u32>().ok())
            .is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists());
        if is_gone {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

/// The same server, another database.
fn with_database(url: &str, database: &str) -> String {
    let (url, query) = url
        .split_once('?')
        .map_or((url, None), |(u, q)| (u, Some(q)));
    let authority = url.find("://").map_or(0, |scheme| scheme + "://".len());
    let end = url[authority..]
        .find('/')
        .map_or(url.len(), |slash| authority + slash);
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    format!("{}/{database}{query}", &url[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_of_the_same_server_keeps_everything_else() {
        let cases = [
            (
                "postgresql://me@%2Frun%2Fpg/one",
                "postgresql://me@%2Frun%2Fpg/two",
            ),
            (
                "postgres://h:5433/one?sslmode=disable",
                "postgres://h:5433/two?sslmode=disable",
            ),
            ("postgres://h", "postgres://h/two"),
        ];
        for (before, after) in cases {
            assert_eq!(with_database(before, "two"), after);
        }
    }

    #[test]
    fn one_row_too_few_or_too_many_fails_a_line() {
        assert!(agree("rows", 10, 10).is_ok());
        for found in [9, 11, -1] {
            assert!(agree("rows", found, 10).is_err(), "{found}");
        }
    }
}
