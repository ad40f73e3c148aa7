//! The database both sides run on: durable, of this process alone, and emptied before each run.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context as _, Result, ensure};
use msgflash_local_postgres::{Cluster, Options, Programs};
use tokio_postgres::config::Host;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls};

use crate::machine::root;
use crate::report::say;

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
    /// Open for as long as we live, on a server that others use too: see [`LEFT`].
    held: Option<Session>,
}

/// Databases of runs that are over, as far as the server knows: a run keeps a session in its own one. A process's
/// number alone would not do, since an address of this machine may lead into another one.
const LEFT: &str = "SELECT d.datname FROM pg_database d \
    WHERE d.datname ~ '^msgflash_bench_[0-9]+(_[a-z0-9_]+)?$' AND NOT EXISTS ( \
      SELECT 1 FROM pg_stat_activity a \
      WHERE substring(a.datname FROM '^msgflash_bench_[0-9]+') \
        = substring(d.datname FROM '^msgflash_bench_[0-9]+'))";
/// What the names of our databases begin with, before the process's number.
const NAMED: &str = "msgflash_bench_";

impl Database {
    /// Takes the server `DATABASE_URL` names, or starts one of our own. Databases that exist there
    /// are not touched.
    pub(crate) async fn start() -> Result<Self> {
        let named = std::env::var_os("DATABASE_URL").filter(|url| !url.is_empty());
        let files = cleared_files()?;
        let (server, programs, cluster) = if let Some(url) = named {
            let url = url.into_string().ok().context("DATABASE_URL is no UTF-8")?;
            if is_of_this_machine(&url) {
                drop_left(&url).await?;
            }
            (url, None, None)
        } else {
            let (cluster, dir, bin) =
                tokio::task::spawn_blocking(move || own_cluster(&files)).await??;
            (cluster.url(), Some(bin), Some((cluster, dir)))
        };
        let name = format!("{NAMED}{}", process::id());
        let mut database = Self {
            url: with_database(&server, &name),
            server,
            name,
            programs,
            cluster,
            held: None,
        };
        database.create(&database.name).await?;
        if database.cluster.is_none() {
            database.held = Some(database.session().await?);
        }
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
            held: None,
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
        drop(self.held.take());
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

/// Whether a server is reached without a network. Others may be shared with machines whose processes we cannot see.
fn is_of_this_machine(server: &str) -> bool {
    let Ok(config) = server.parse::<Config>() else {
        return false;
    };
    let is_near = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
        }
    };
    !config.get_hosts().is_empty()
        && config.get_hosts().iter().all(is_near)
        && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

/// Removes the databases that killed runs left on a server. One that is not ours to drop stays.
async fn drop_left(server: &str) -> Result<()> {
    let session = Session::open(server).await?;
    for row in session.client.query(LEFT, &[]).await? {
        let name: String = row.get(0);
        // A run of this machine may have made it just now, and have no session yet.
        let is_over = number_of(&name).is_some_and(is_gone);
        if !is_over {
            continue;
        }
        // Not by force: where there is a session by now, the server refuses.
        let text = format!("DROP DATABASE IF EXISTS {name}");
        match session.client.batch_execute(&text).await {
            Ok(()) => say(&format!("bench: removed {name}, which a killed run left")),
            Err(error) => say(&format!("bench: {name} stays: {error}")),
        }
    }
    Ok(())
}

/// The number of the process that made a database.
fn number_of(database: &str) -> Option<u32> {
    let rest = database.strip_prefix(NAMED)?;
    rest.split('_').next()?.parse().ok()
}

/// Whether there is no such process on this machine.
fn is_gone(pid: u32) -> bool {
    !Path::new(&format!("/proc/{pid}")).exists()
}

/// Where runs keep their files. What killed ones left there is cleared away.
fn cleared_files() -> Result<PathBuf> {
    let files = root().join(".local/bench");
    fs::create_dir_all(&files)?;
    remove_stale(&files);
    Ok(files)
}

/// A durable cluster among these files.
fn own_cluster(files: &Path) -> Result<(Cluster, PathBuf, PathBuf)> {
    let wish = std::env::var_os("PG_BIN").map(PathBuf::from);
    let programs = Programs::find(wish.as_deref(), &root().join(".local/pg"))?;
    let bin = programs.bin().to_owned();
    let dir = files.join(process::id().to_string());
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

fn remove_stale(files: &Path) {
    for entry in files.read_dir().into_iter().flatten().flatten() {
        let name = entry.file_name();
        // A cluster, or `pgbench-<pid>` and the like.
        let is_left = name
            .to_str()
            .and_then(|name| name.rsplit('-').next()?.parse::<u32>().ok())
            .is_some_and(is_gone);
        if !is_left {
            continue;
        }
        let path = entry.path();
        // A stripped program is a file.
        drop(if path.is_dir() {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        });
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
    fn what_dead_processes_left_is_removed() {
        let files = std::env::temp_dir().join(format!("bench-files-{}", process::id()));
        // No process has so high a number.
        let dead = u32::MAX;
        let (own, cluster) = (process::id().to_string(), dead.to_string());
        let (pgbench, stripped) = (format!("pgbench-{dead}"), format!("stripped-{dead}"));
        for dir in [own.as_str(), "notes", &cluster, &pgbench] {
            fs::create_dir_all(files.join(dir).join("within")).unwrap();
        }
        fs::write(files.join(&stripped), "").unwrap();

        remove_stale(&files);

        let stays = |name: &str| files.join(name).exists();
        assert!(stays(&own) && stays("notes"));
        assert!(!stays(&cluster) && !stays(&pgbench) && !stays(&stripped));
        fs::remove_dir_all(files).unwrap();
    }

    #[test]
    fn only_a_socket_and_the_loopback_lead_to_this_machine() {
        for near in [
            "postgresql://me@%2Frun%2Fpg/one",
            "postgres://localhost:5433/one",
            "postgres://me:secret@127.0.0.1/one",
        ] {
            assert!(is_of_this_machine(near), "{near}");
        }
        for far in [
            "postgres://db.example.test/one",
            "postgres://10.0.0.7/one",
            "postgres://localhost,db.example.test/one",
            "postgres://localhost/one?hostaddr=10.0.0.7",
            "no address",
        ] {
            assert!(!is_of_this_machine(far), "{far}");
        }
    }

    #[test]
    fn a_database_tells_whose_it_is() {
        assert_eq!(number_of("msgflash_bench_12"), Some(12));
        assert_eq!(number_of("msgflash_bench_12_grown_1_10"), Some(12));
        assert_eq!(number_of("msgflash_bench_x"), None);
        assert_eq!(number_of("msgflash"), None);
    }

    #[test]
    fn one_row_too_few_or_too_many_fails_a_line() {
        assert!(agree("rows", 10, 10).is_ok());
        for found in [9, 11, -1] {
            assert!(agree("rows", found, 10).is_err(), "{found}");
        }
    }
}
