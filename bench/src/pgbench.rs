//! PostgreSQL's own load generator, which nobody suspects of favouring us.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail, ensure};
use msgflash_local_postgres::end_with_us;

use crate::machine::root;
use crate::pg::Database;

/// Counted by second, the first one is none: sessions begin, statements are prepared, nothing is in memory.
const WARM_SECONDS: u64 = 1;
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
    /// Whole seconds that count, behind the first one.
    pub(crate) seconds: u64,
    /// Transactions per second, at independent moments; as fast as it goes when absent.
    pub(crate) rate: Option<f64>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Transactions that were committed.
    pub(crate) transactions: u64,
    /// Committed per second, without the first one.
    pub(crate) per_second: f64,
    /// From the intended start to the commit in microseconds, without those of the first second; of runs with a
    /// rate only.
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
            .arg(format!("--time={}", run.seconds + WARM_SECONDS))
            .arg("--progress=1")
            .arg("--file")
            .arg(&script);
        if let Some(rate) = run.rate {
            command.arg(format!("--rate={rate:.1}"));
            command.arg("--log").arg("--log-prefix=log");
        }
        command.arg(&self.url).current_dir(&self.dir);
        end_with_us(&mut command);
        let output = tokio::process::Command::from(command)
            .kill_on_drop(true)
            .output()
            .await?;
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

    /// Which of these numbers of connections has the highest throughput, and that throughput. `before` runs
    /// ahead of each try.
    pub(crate) async fn best<F, W>(
        &self,
        script: &str,
        tried: &[usize],
        seconds: u64,
        mut before: F,
    ) -> Result<(usize, f64)>
    where
        F: FnMut() -> W,
        W: Future<Output = Result<()>>,
    {
        let mut best = (0, 0.0);
        for &clients in tried {
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

    /// Reads and removes the log of a run.
    fn take_log(&self) -> Result<Vec<u64>> {
        let mut logged = Vec::new();
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
                logged.push(Logged::read(line).context("a line of pgbench's log")?);
            }
            fs::remove_file(path)?;
        }
        Ok(warm(&logged))
    }
}

/// A transaction in the log of a run, in microseconds.
#[derive(Clone, Copy, Debug)]
struct Logged {
    /// From the intended start to the commit.
    took: u64,
    /// The commit, since the epoch.
    end: u64,
}

impl Logged {
    /// Client, number, microseconds, script, second of the end and its microseconds, …
    fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ').skip(2);
        let took = words.next()?.parse().ok()?;
        let second: u64 = words.nth(1)?.parse().ok()?;
        let micros: u64 = words.next()?.parse().ok()?;
        Some(Self {
            took,
            end: second * 1_000_000 + micros,
        })
    }

    fn intended(self) -> u64 {
        self.end.saturating_sub(self.took)
    }
}

/// What those took that were to begin behind the first second.
fn warm(logged: &[Logged]) -> Vec<u64> {
    let first = logged.iter().map(|it| it.intended()).min().unwrap_or(0);
    let begun = first + WARM_SECONDS * 1_000_000;
    let counted = logged.iter().filter(|it| it.intended() >= begun);
    counted.map(|it| it.took).collect()
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
    let (transactions, average) =
        parse(&text).with_context(|| format!("pgbench said: {text} {told}"))?;
    Ok((transactions, steady(&told).unwrap_or(average)))
}

/// Transactions per second by the reports of each second but the first; `None` when there are no others.
fn steady(told: &str) -> Option<f64> {
    let reports = told.lines().filter_map(|line| {
        let rest = line.strip_prefix("progress: ")?;
        let (_, rate) = rest.split_once(" s, ")?;
        rate.split_once(" tps")
            .and_then(|(rate, _)| rate.parse::<f64>().ok())
    });
    let counted: Vec<f64> = reports.skip(usize::try_from(WARM_SECONDS).ok()?).collect();
    (!counted.is_empty()).then(|| counted.iter().sum::<f64>() / counted.len() as f64)
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
    fn the_first_second_does_not_count() {
        let told = "pgbench (15.18)\nprogress: 1.0 s, 3000.0 tps, lat 10.1 ms stddev 9.9, 0 failed\n\
            progress: 2.0 s, 5000.5 tps, lat 6.3 ms stddev 1.0, 0 failed\n\
            progress: 3.0 s, 6000.5 tps, lat 5.3 ms stddev 1.0, 0 failed, lag 0.1 ms\n";
        assert_eq!(steady(told), Some(5500.5));
        assert_eq!(steady("progress: 1.0 s, 3000.0 tps, lat 10.1 ms"), None);
    }

    #[test]
    fn what_was_to_begin_in_the_first_second_does_not_count() {
        let log = [
            "0 1 20000 0 1764000000 70000",
            "1 1 2000000 0 1764000003 40000",
            "0 2 1500000 0 1764000002 400000",
        ];
        let log: Vec<Logged> = log.iter().map(|line| Logged::read(line).unwrap()).collect();
        // To begin at 0.05 s, 1.04 s and 0.9 s.
        assert_eq!(warm(&log), Vec::<u64>::new());
        let later = Logged::read("0 3 700 0 1764000001 50700").unwrap();
        assert_eq!(warm(&[log[0], later]), vec![700]);
    }

    #[test]
    fn one_failed_transaction_fails_the_run() {
        assert!(parse(&SAID.replace(": 0 (0.000%)", ": 1 (0.012%)")).is_err());
    }
}
