//! PostgreSQL's own load generator, which nobody suspects of favouring us.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail, ensure};

use crate::machine::root;
use crate::pg::Database;

/// Where Debian and Ubuntu keep each major version's programs.
const DEBIAN: &str = "/usr/lib/postgresql";

/// pgbench, found.
pub(crate) struct Pgbench {
    program: PathBuf,
    /// Where the libraries of a fetched one are.
    libraries: Option<PathBuf>,
    url: String,
    dir: PathBuf,
}

/// One run.
#[derive(Clone, Debug)]
pub(crate) struct Run<'a> {
    /// The script.
    pub(crate) script: &'a str,
    /// Connections.
    pub(crate) clients: usize,
    /// Whole seconds.
    pub(crate) seconds: u64,
    /// Transactions per second, at independent moments; as fast as it goes when absent.
    pub(crate) rate: Option<f64>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Transactions that were committed.
    pub(crate) transactions: u64,
    /// Of these per second, without the time to connect.
    pub(crate) per_second: f64,
    /// From the intended start to the commit in microseconds; of runs with a rate only.
    pub(crate) latencies: Vec<u64>,
}

impl Pgbench {
    /// Looks beside the server's programs, on PATH, among Debian's versions, and where
    /// `scripts/pgbench.sh` puts a fetched one.
    pub(crate) fn find(database: &Database) -> Result<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let fetched = root().join(".local/pgbench");
        let mut places: Vec<PathBuf> = database
            .programs()
            .map(Path::to_owned)
            .into_iter()
            .collect();
        places.extend(std::env::split_paths(&path));
        places.extend(below(Path::new(DEBIAN)));
        let installed = places
            .into_iter()
            .map(|place| place.join("pgbench"))
            .find(|program| program.is_file());
        let (program, libraries) = match installed {
            Some(program) => (program, None),
            None => (fetched.join("pgbench"), Some(fetched.join("lib"))),
        };
        ensure!(
            program.is_file(),
            "pgbench is missing: install the Debian or Ubuntu package `postgresql-contrib`, or run \
             `scripts/pgbench.sh`"
        );
        let dir = root()
            .join(".local/bench")
            .join(format!("pgbench-{}", std::process::id()));
        fs::create_dir_all(&dir)?;
        Ok(Self {
            program,
            libraries,
            url: database.url().to_owned(),
            dir,
        })
    }

    /// Its version, as it says it.
    pub(crate) fn version(&self) -> Result<String> {
        let output = self.command().arg("--version").output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Runs a script. A transaction that failed fails the run.
    pub(crate) async fn run(&self, run: &Run<'_>) -> Result<Ran> {
        let script = self.dir.join("script.sql");
        fs::write(&script, run.script)?;
        let mut command = self.command();
        command
            .args(["--no-vacuum", "--protocol=prepared", "--define=n=0"])
            .arg(format!("--client={}", run.clients))
            .arg(format!("--jobs={}", run.clients.min(2)))
            .arg(format!("--time={}", run.seconds))
            .arg("--file")
            .arg(&script);
        if let Some(rate) = run.rate {
            command.arg(format!("--rate={rate:.1}"));
            command.arg("--log").arg("--log-prefix=log");
        }
        command.arg(&self.url).current_dir(&self.dir);
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        let (transactions, per_second) = read(&output)?;
        let latencies = if run.rate.is_some() {
            self.take_log()?
        } else {
            Vec::new()
        };
        Ok(Ran {
            transactions,
            per_second,
            latencies,
        })
    }

    /// The connection count with the highest throughput, and that throughput. `before` runs ahead of
    /// each try.
    pub(crate) async fn best<F, W>(
        &self,
        script: &str,
        seconds: u64,
        mut before: F,
    ) -> Result<(usize, f64)>
    where
        F: FnMut() -> W,
        W: Future<Output = Result<()>>,
    {
        let mut best = (0, 0.0);
        for clients in [16, 32, 64, 128] {
            before().await?;
            let run = Run {
                script,
                clients,
                seconds,
                rate: None,
            };
            let per_second = self.run(&run).await?.per_second;
            if per_second > best.1 {
                best = (clients, per_second);
            }
        }
        Ok(best)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        if let Some(libraries) = &self.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command
    }

    /// Reads and removes the log of a run: client, number, microseconds, …
    fn take_log(&self) -> Result<Vec<u64>> {
        let mut latencies = Vec::new();
        for entry in self.dir.read_dir()? {
            let path = entry?.path();
            let is_log = path
                .file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| name.starts_with("log."));
            if !is_log {
                continue;
            }
            for line in fs::read_to_string(&path)?.lines() {
                let time = line.split(' ').nth(2).context("a line of pgbench's log")?;
                latencies.push(time.parse()?);
            }
            fs::remove_file(path)?;
        }
        Ok(latencies)
    }
}

impl Drop for Pgbench {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.dir));
    }
}

fn read(output: &Output) -> Result<(u64, f64)> {
    let text = String::from_utf8_lossy(&output.stdout);
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("pgbench failed: {told}");
    }
    parse(&text).with_context(|| format!("pgbench said: {text} {told}"))
}

/// Transactions and their rate in pgbench's summary.
fn parse(text: &str) -> Result<(u64, f64)> {
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let word = line.and_then(|rest| rest.split_whitespace().next());
        word.with_context(|| format!("no line {name:?}"))
    };
    let failed = value("number of failed transactions:").unwrap_or("0");
    ensure!(failed == "0", "{failed} transactions failed");
    let transactions = value("number of transactions actually processed:")?;
    let transactions = transactions.split('/').next().unwrap_or_default();
    if transactions == "0" {
        // Time was up before all clients had connected; it tells no rate then.
        return Ok((0, 0.0));
    }
    Ok((transactions.parse()?, value("tps =")?.parse()?))
}

fn below(place: &Path) -> Vec<PathBuf> {
    let entries = place.read_dir().into_iter().flatten().flatten();
    entries.map(|entry| entry.path().join("bin")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "pgbench (15.18)\ntransaction type: script.sql\nnumber of clients: 32\n\
        number of transactions actually processed: 8123\nnumber of failed transactions: 0 (0.000%)\n\
        latency average = 3.9 ms\ninitial connection time = 24.1 ms\n\
        tps = 8101.5 (without initial connection time)\n";

    #[test]
    fn a_summary_tells_transactions_and_rate() {
        let (transactions, per_second) = parse(SAID).unwrap();
        assert_eq!(transactions, 8123);
        assert!((per_second - 8101.5).abs() < 1e-9);
    }

    #[test]
    fn one_failed_transaction_fails_the_run() {
        assert!(parse(&SAID.replace(": 0 (0.000%)", ": 1 (0.012%)")).is_err());
    }
}
