//! Other job queues, each in a process of its own on a database of its own.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use msgflash_local_postgres::end_with_us;
use serde::Deserialize;
use tokio::process::Command;

use crate::machine::root;
use crate::pg::{Database, Session};
use crate::report::Sides;
use crate::stats::median;

/// A rival that takes longer than this has stopped moving.
const PATIENCE: Duration = Duration::from_mins(30);

/// The queues, and how the end of their work shows.
const RIVALS: [(Kind, &str, &str); 3] = [
    (
        Kind::River,
        "riverqueue 0.5 (Rust)",
        "SELECT count(*) FROM river_job WHERE state = 'completed'",
    ),
    (
        Kind::Graphile,
        "graphile_worker 0.14 (Rust)",
        "SELECT $ - count(*) FROM graphile_worker._private_jobs",
    ),
    (
        Kind::Node,
        "graphile-worker 0.17 (npm), batched",
        "SELECT $ - count(*) FROM graphile_worker._private_jobs",
    ),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    River,
    Graphile,
    Node,
}

/// One of them.
pub(super) struct Rival {
    kind: Kind,
    name: &'static str,
    done: &'static str,
    sides: Sides,
}

/// What its process prints at the end.
#[derive(Deserialize)]
struct Drained {
    seconds: f64,
}

/// Those that can run here; the others are noted with the reason.
pub(super) async fn prepare(notes: &mut Vec<String>) -> Vec<Rival> {
    let mut able = Vec::new();
    for (kind, name, done) in RIVALS {
        match is_able(kind).await {
            Ok(()) => able.push(Rival {
                kind,
                name,
                done,
                sides: Sides::default(),
            }),
            Err(reason) => notes.push(format!("not measured here: {name}: {reason:#}")),
        }
    }
    able
}

impl Rival {
    /// Its name and version.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// Messages of ours and jobs of its own, per second.
    pub(super) fn sides(&self) -> &Sides {
        &self.sides
    }

    /// Jobs per second.
    pub(super) fn speed(&self) -> f64 {
        median(&self.sides.theirs)
    }

    /// Drains as many jobs as we had messages, which took us `ours` seconds.
    pub(super) async fn round(&mut self, database: &Database, jobs: u32, ours: f64) -> Result<()> {
        let (url, name) = database.fresh("rival").await?;
        let drained = self.drain(&url, jobs).await;
        let counted = self.check(&url, jobs).await;
        database.drop_fresh(&name).await?;
        let seconds = drained?;
        counted?;
        let jobs = f64::from(jobs);
        self.sides.push(jobs / ours, jobs / seconds);
        Ok(())
    }

    async fn drain(&self, url: &str, jobs: u32) -> Result<f64> {
        let mut command = match self.kind {
            Kind::River => rust("river")?,
            Kind::Graphile => rust("graphile")?,
            Kind::Node => {
                let mut command = Command::new("node");
                command.arg(node_dir().join("drain.mjs"));
                command
            }
        };
        command.arg(url).arg(jobs.to_string());
        command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        end_with_us(command.as_std_mut());
        let output = tokio::time::timeout(PATIENCE, command.output());
        let output = output.await.context("it took too long")??;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            bail!("{} failed: {}", self.name, told.trim());
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let last = text.lines().last().unwrap_or_default();
        let drained: Drained =
            serde_json::from_str(last).with_context(|| format!("{} said {last:?}", self.name))?;
        Ok(drained.seconds)
    }

    async fn check(&self, url: &str, jobs: u32) -> Result<()> {
        let session = Session::open(url).await?;
        let text = self.done.replace('$', &jobs.to_string());
        session.agree(self.name, &text, u64::from(jobs)).await
    }
}

async fn is_able(kind: Kind) -> Result<()> {
    if kind != Kind::Node {
        return rust("river").map(drop);
    }
    let node = Command::new("node").arg("--version").output().await;
    node.context("node is not installed")?;
    // npm writes it last: an installation that was cut short is made anew.
    if node_dir().join("node_modules/.package-lock.json").is_file() {
        return Ok(());
    }
    let mut install = Command::new("npm");
    install
        .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
        .current_dir(node_dir())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    end_with_us(install.as_std_mut());
    let install = install.output().await.context("npm is not installed")?;
    ensure!(
        install.status.success(),
        "npm could not install it: {}",
        String::from_utf8_lossy(&install.stderr)
            .lines()
            .last()
            .unwrap_or_default()
    );
    Ok(())
}

/// The program beside this one.
fn rust(queue: &str) -> Result<Command> {
    let own = std::env::current_exe()?;
    let program = own.with_file_name("rivals");
    ensure!(
        program.is_file(),
        "{} is not built: cargo build --release -p rivals",
        program.display()
    );
    let mut command = Command::new(program);
    command.arg(queue);
    Ok(command)
}

fn node_dir() -> PathBuf {
    root().join("bench/rivals/node")
}
