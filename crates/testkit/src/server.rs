//! The server that the test databases live on.

use std::{
    env, fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process,
    sync::OnceLock,
};

use anyhow::{Context as _, Result};
use msgflash_local_postgres::{Cluster, Options, Programs};

/// Names the server to use; the role must be allowed to create databases.
pub const SERVER_VARIABLE: &str = "MSGFLASH_TEST_DATABASE_URL";

/// A cluster for tests: fast, forgetful, and gone with this process, its files included.
#[derive(Debug)]
pub struct ThrowawayCluster {
    cluster: Option<Cluster>,
    url: String,
    dir: PathBuf,
}

impl ThrowawayCluster {
    /// Starts one. Its files are in memory where there is room for them, else below the target directory;
    /// what killed processes left there is cleared away first.
    pub fn start() -> Result<Self> {
        let (dir, cluster) = start()?;
        Ok(Self {
            url: cluster.url(),
            cluster: Some(cluster),
            dir,
        })
    }

    /// Where to connect, as a superuser.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for ThrowawayCluster {
    fn drop(&mut self) {
        drop(self.cluster.take());
        // What cannot be removed now is removed by the next start.
        drop(fs::remove_dir_all(&self.dir));
    }
}

/// Where Linux keeps files in memory.
const MEMORY: &str = "/dev/shm";
/// Room for the databases of some tests at once and the log of their changes, several times over.
const ROOM: u64 = 4 << 30;

/// The programs, and where clusters for tests are kept on disk; what killed processes left there is
/// cleared away.
pub(crate) fn programs() -> Result<(Programs, PathBuf)> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let pg_bin = env::var_os("PG_BIN").map(PathBuf::from);
    let programs = Programs::find(pg_bin.as_deref(), &workspace.join(".local/pg"))?;
    let clusters = option_env!("CARGO_TARGET_DIR")
        .map_or_else(|| workspace.join("target"), |target| workspace.join(target))
        .join("test-pg");
    remove_stale(&clusters);
    Ok((programs, clusters))
}

/// Clusters in memory, if there is room. Each test makes and removes a thousand files, and some file systems,
/// ext4 among them, look at every file removed within the last minute before they make the next one: with
/// thousands of tests that was nine tenths of all work.
fn in_memory() -> Option<PathBuf> {
    let free = rustix::fs::statvfs(MEMORY).ok()?;
    if free.f_bavail * free.f_frsize < ROOM || available_memory()? < 2 * ROOM {
        return None;
    }
    let user = rustix::process::geteuid().as_raw();
    let clusters = Path::new(MEMORY).join(format!("msgflash-test-pg-{user}"));
    fs::create_dir_all(&clusters).ok()?;
    // Anybody may make one of that name.
    let is_ours = fs::metadata(&clusters).ok()?.uid() == user;
    is_ours.then_some(clusters)
}

fn available_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes << 10)
}

fn start() -> Result<(PathBuf, Cluster)> {
    let (programs, on_disk) = programs()?;
    let in_memory = in_memory();
    if let Some(clusters) = &in_memory {
        remove_stale(clusters);
    }
    let clusters = in_memory.unwrap_or(on_disk);
    let dir = clusters.join(process::id().to_string());
    let mut options = Options::new(programs, &dir);
    options.durable = false;
    options.max_connections = 300;
    options.settings = [
        // Cloning a template waits for everybody in it, and autovacuum is somebody.
        ("autovacuum", "off"),
        ("jit", "off"),
        ("wal_level", "minimal"),
        ("max_wal_senders", "0"),
        ("max_wal_size", "1GB"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    let cluster = Cluster::start(&options).context("cannot start a PostgreSQL for the tests")?;
    Ok((dir, cluster))
}

/// The URL of the server's maintenance database. The first call may start the server.
pub(crate) fn url() -> Result<&'static str> {
    /// Never dropped: the kernel stops the server when this process ends.
    static CLUSTER: OnceLock<Result<(String, Option<ThrowawayCluster>), String>> = OnceLock::new();
    let server = CLUSTER.get_or_init(|| match env::var_os(SERVER_VARIABLE) {
        Some(url) => url
            .into_string()
            .map(|url| (url, None))
            .map_err(|_| format!("{SERVER_VARIABLE} is no UTF-8")),
        None => ThrowawayCluster::start()
            .map(|cluster| (cluster.url().to_owned(), Some(cluster)))
            .map_err(|failure| format!("{failure:#}")),
    });
    match server {
        Ok((url, _)) => Ok(url),
        Err(failure) => Err(anyhow::anyhow!("{failure}")),
    }
}

/// Removes the directories of test processes that are gone, unless their server is still ending.
fn remove_stale(clusters: &Path) {
    for entry in clusters.read_dir().into_iter().flatten().flatten() {
        let is_stale = entry.file_name().to_str().is_some_and(|name| {
            let server = fs::read_to_string(entry.path().join("data/postmaster.pid"));
            let owner = name.split('-').next().unwrap_or(name);
            !is_alive(owner) && !server.is_ok_and(|text| text.lines().next().is_some_and(is_alive))
        });
        if is_stale {
            // Another process may be removing it too; what is left goes next time.
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

fn is_alive(pid: &str) -> bool {
    pid.trim()
        .parse::<u32>()
        .is_ok_and(|pid| Path::new(&format!("/proc/{pid}")).exists())
}

/// The same server, another database.
pub(crate) fn with_database(url: &str, database: &str) -> String {
    let (url, query) = url
        .split_once('?')
        .map_or((url, None), |(url, query)| (url, Some(query)));
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
    fn changes_the_database_and_nothing_else_of_a_url() {
        let cases = [
            (
                "postgresql://me@%2Frun%2Fpg/one",
                "postgresql://me@%2Frun%2Fpg/two",
            ),
            (
                "postgres://me:pw@host:5433/one?sslmode=disable",
                "postgres://me:pw@host:5433/two?sslmode=disable",
            ),
            ("postgres://host", "postgres://host/two"),
        ];
        for (before, after) in cases {
            assert_eq!(with_database(before, "two"), after);
        }
    }
}
