//! A server of one test's own, which it may stop, pause and start again.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context as _, Result, ensure};
use msgflash_local_postgres::{Cluster, Options};

use crate::server;

/// A durable `PostgreSQL` that nobody else uses; its files go with this value.
#[derive(Debug)]
#[must_use = "dropping it ends the server"]
pub struct OwnServer {
    options: Options,
    cluster: Option<Cluster>,
    url: String,
}

impl OwnServer {
    /// Starts one, with every migration applied.
    pub async fn start() -> Self {
        let (options, cluster) = start().expect("a PostgreSQL of the test's own");
        let own = Self {
            url: cluster.url(),
            cluster: Some(cluster),
            options,
        };
        msgflash_postgres::migrate(&own.url)
            .await
            .expect("the migrations");
        own
    }

    /// Where to connect, also after a restart.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends every process of it at once, as `pg_ctl stop -m immediate` does; what was committed
    /// stays.
    pub fn crash(&mut self) {
        signal("-QUIT", &[self.postmaster()]).expect("the server is told");
        // Waits until it is gone.
        drop(self.cluster.take());
    }

    /// Starts it again on the same files and address.
    pub fn start_again(&mut self) {
        let cluster = Cluster::start(&self.options).expect("the server starts again");
        assert_eq!(cluster.url(), self.url, "clients must find it");
        self.cluster = Some(cluster);
    }

    /// Stops its clocks: it keeps its connections and answers nothing.
    pub fn pause(&self) {
        let postmaster = self.postmaster();
        // The parent first, so that no new child escapes.
        signal("-STOP", &[postmaster]).expect("the server is paused");
        signal("-STOP", &children(postmaster)).expect("its sessions are paused");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        let postmaster = self.postmaster();
        signal("-CONT", &children(postmaster)).expect("its sessions go on");
        signal("-CONT", &[postmaster]).expect("the server goes on");
    }

    fn postmaster(&self) -> u32 {
        let file = self.options.data_dir.join("data/postmaster.pid");
        let text = fs::read_to_string(file).expect("a running server");
        let pid = text
            .lines()
            .next()
            .and_then(|line| line.trim().parse().ok());
        pid.expect("a process id")
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        if self.cluster.is_some() {
            // One that is paused hears nobody.
            self.resume();
        }
        drop(self.cluster.take());
        drop(fs::remove_dir_all(&self.options.data_dir));
    }
}

fn start() -> Result<(Options, Cluster)> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let (programs, clusters) = server::programs()?;
    // The name begins with the process, so that what is left behind is cleared away later.
    let dir: PathBuf = clusters.join(format!("{}-own-{number}", process::id()));
    let mut options = Options::new(programs, dir);
    options.max_connections = 60;
    let cluster = Cluster::start(&options).context("cannot start a PostgreSQL for this test")?;
    Ok((options, cluster))
}

/// The processes whose parent is `parent`.
fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| parent_of(*pid) == Some(parent))
        .collect()
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    // The name, in brackets, may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

fn signal(name: &str, processes: &[u32]) -> Result<()> {
    for pid in processes {
        let told = Command::new("kill").arg(name).arg(pid.to_string()).output();
        // A session may have ended meanwhile.
        let told = told.context("kill")?;
        ensure!(
            told.status.success() || !Path::new(&format!("/proc/{pid}")).exists(),
            "{name} {pid}: {}",
            String::from_utf8_lossy(&told.stderr)
        );
    }
    Ok(())
}
