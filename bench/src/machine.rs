//! What was measured where: a figure without its machine says nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

/// The machine, the programs and the settings of a run.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct Machine {
    /// The processor's own name.
    pub(crate) processor: String,
    /// Logical processors.
    pub(crate) cores: usize,
    /// Memory in whole gigabytes.
    pub(crate) memory_gb: u64,
    /// Kernel release.
    pub(crate) kernel: String,
    /// The compiler that built all of it.
    pub(crate) rustc: String,
    /// The commit that was measured; `+` when files differ from it.
    pub(crate) commit: String,
    /// The server's version.
    pub(crate) postgres: String,
    /// Its settings that decide about speed.
    pub(crate) settings: String,
}

impl Machine {
    /// Whether figures of both may stand under one heading: the commit is each run's own.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let here = Self {
            commit: other.commit.clone(),
            ..self.clone()
        };
        here == *other
    }
}

/// Settings that decide about speed and about what a commit is worth.
const SETTINGS: [&str; 9] = [
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_sync_method",
    "data_checksums",
    "shared_buffers",
    "max_wal_size",
    "checkpoint_timeout",
    "max_connections",
];

impl Machine {
    /// Looks around. Refuses a server whose commits are not durable: its figures mean nothing.
    pub(crate) async fn look(client: &Client) -> Result<Self> {
        let mut settings = Vec::new();
        for name in SETTINGS {
            let row = client.query_one(&format!("SHOW {name}"), &[]).await?;
            let value: String = row.get(0);
            let must = matches!(name, "fsync" | "synchronous_commit" | "full_page_writes");
            ensure!(
                !must || value == "on",
                "{name} is {value} on this server: commits must be durable"
            );
            settings.push(format!("{name}={value}"));
        }
        let version: String = client.query_one("SHOW server_version", &[]).await?.get(0);
        Ok(Self {
            processor: after_colon("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gb: memory_gb(),
            kernel: first_line("/proc/sys/kernel/osrelease"),
            rustc: said("rustc", &["--version"]),
            commit: commit(),
            postgres: version,
            settings: settings.join(", "),
        })
    }
}

/// The directory of the product's workspace.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}

/// Resident memory of a process in kilobytes.
pub(crate) fn resident_kb(pid: u32) -> Option<u64> {
    status_kb(pid, "VmRSS:")
}

/// The most resident memory a process ever had, in kilobytes.
pub(crate) fn peak_kb(pid: u32) -> Option<u64> {
    status_kb(pid, "VmHWM:")
}

fn status_kb(pid: u32, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn memory_gb() -> u64 {
    let text = after_colon("/proc/meminfo", "MemTotal");
    let kb: Option<u64> = text.split(' ').next().and_then(|word| word.parse().ok());
    kb.unwrap_or(0).div_ceil(1 << 20)
}

fn commit() -> String {
    let hash = said("git", &["rev-parse", "--short", "HEAD"]);
    // The figures of the lines before are no change of what is measured.
    let others = [
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
        ":(top,exclude)docs",
        ":(top,exclude)bench/results.json",
    ];
    let changed = said("git", &others);
    let mark = if changed.is_empty() { "" } else { "+" };
    format!("{hash}{mark}")
}

fn after_colon(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_once(':'));
    value.map_or_else(|| "unknown".to_owned(), |(_, it)| it.trim().to_owned())
}

fn first_line(file: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}

/// What a program prints; nothing when it is not there.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output();
    let text = output.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned());
    text.unwrap_or_default()
}
