//! Measures `MsgFlash` side by side with the plainest way to do the same work.
//!
//! Both sides run on the same machine and the same durable `PostgreSQL`, in turns. A figure is the
//! median of the rounds' ratios, and it counts only if messages, ledger, events and receivers agree
//! at the end of each run. Start reading at [`lines`]; `docs/benchmarks.md` explains each line.

mod accept;
mod api;
mod book;
mod campaign;
mod counts;
mod flow;
mod gateway;
mod grown;
mod http;
mod instant;
mod lines;
mod load;
mod machine;
mod options;
mod pg;
mod pgbench;
mod receiver;
mod report;
mod scene;
mod server;
mod stats;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::machine::Machine;
use crate::options::Options;
use crate::pg::Database;
use crate::report::{Outcome, say};

/// Measures MsgFlash side by side with the plainest way to do the same work
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Command {
    /// Every line, at its full size
    All,
    /// Every line but those of growth, once and small, within five minutes
    Quick,
    /// Accepting messages of 1,000 tenants, against pgbench
    P1,
    /// Accepting messages of one tenant, against pgbench
    P2,
    /// Latency at half of the peak, against pgbench
    P3,
    /// Draining 200,000 queued messages, against SQL in batches and other job queues
    P4,
    /// The 1,000,000 recipients of a campaign, against one INSERT of the same rows
    P5,
    /// A campaign of 100,000 to the simulated gateway, against a raw HTTP loop and SQL in batches
    P6,
    /// 100,000 webhook deliveries, against a raw HTTP loop and one INSERT each
    P7,
    /// 1,000,000 receipts, against SQL in batches
    P8,
    /// Memory: idle, with 10,000 idle connections, and during P5 and P6
    P9,
    /// Lists and searches of 1,000,000 contacts, against 10,000; stats of a campaign to them, against 1,000
    P10,
    /// Time to start, and the size of the program
    P11,
    /// Rendering 1,000,000 messages, against minijinja
    P12,
    /// Single messages of one account beside a campaign of 200,000 of another, against the same alone
    P13,
    /// How cost grows: the lines G1 to G4
    Growth,
    /// Accepting messages with 10,000,000 and 1,000,000 stored, against 10,000
    G1,
    /// Draining 200,000 messages through 20,000 and 1,000 lanes, against ten
    G2,
    /// Accepting messages of 10,000 and of 100 tenants, against one
    G3,
    /// Half an hour at a steady rate beside a transaction that reads all the time, against its first fifth
    G4,
}

/// What is measured side by side with other programs, or with itself.
const PERFORMANCE: [&str; 13] = [
    "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11", "p12", "p13",
];
/// What is measured by time or at one moment: no share makes it smaller.
const UNSIZED: [&str; 4] = ["p1", "p2", "p3", "p11"];
/// How cost grows. `quick` leaves it out: loading several databases and waiting for vacuum is not quick.
const GROWTH: [&str; 4] = ["g1", "g2", "g3", "g4"];

impl Command {
    fn lines(self) -> Vec<&'static str> {
        match self {
            Self::All => [&PERFORMANCE[..], &GROWTH[..]].concat(),
            Self::Quick => PERFORMANCE.to_vec(),
            Self::P1 => vec!["p1"],
            Self::P2 => vec!["p2"],
            Self::P3 => vec!["p3"],
            Self::P4 => vec!["p4"],
            Self::P5 => vec!["p5"],
            Self::P6 => vec!["p6"],
            Self::P7 => vec!["p7"],
            Self::P8 => vec!["p8"],
            Self::P9 => vec!["p9"],
            Self::P10 => vec!["p10"],
            Self::P11 => vec!["p11"],
            Self::P12 => vec!["p12"],
            Self::P13 => vec!["p13"],
            Self::Growth => GROWTH.to_vec(),
            Self::G1 => vec!["g1"],
            Self::G2 => vec!["g2"],
            Self::G3 => vec!["g3"],
            Self::G4 => vec!["g4"],
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    // One TLS implementation for every client in the process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    let code = runtime.block_on(async {
        match run(&cli).await {
            Ok(Ended::Counted) => ExitCode::SUCCESS,
            Ok(Ended::Failed) => ExitCode::FAILURE,
            Ok(Ended::Stopped(code)) => ExitCode::from(code),
            Err(error) => {
                say(&format!("bench: {error:#}"));
                ExitCode::FAILURE
            }
        }
    });
    // Clients of a line that was stopped find out by themselves that nobody answers any more.
    runtime.shutdown_timeout(Duration::from_secs(5));
    code
}

/// How it ended.
enum Ended {
    /// With figures.
    Counted,
    /// With a line that failed.
    Failed,
    /// By a signal: what a shell expects to be answered then.
    Stopped(u8),
}

/// Measures until a signal says that it is enough; processes and databases are removed in any case.
async fn run(cli: &Cli) -> Result<Ended> {
    let options = match cli.command {
        Command::Quick => {
            // One small round in the place of five would be published.
            ensure!(
                !cli.options.write,
                "`quick` is no measurement to publish: measure the lines themselves with --write"
            );
            cli.options.quick()
        }
        _ => cli.options.clone(),
    };
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let database = Database::start().await?;
    let lines = cli.command.lines();
    let measured = tokio::select! {
        measured = measure(&lines, &options, &database) => Ok(measured),
        _ = interrupted.recv() => Err(130),
        _ = terminated.recv() => Err(143),
    };
    database.stop().await?;
    let measured = match measured {
        Ok(measured) => measured?,
        Err(code) => {
            say("bench: stopped; nothing is left behind, and nothing was written");
            return Ok(Ended::Stopped(code));
        }
    };
    let all_counted = measured.values().all(|outcome| !outcome.rows.is_empty());
    if options.write {
        report::write(measured)?;
        say("\nwritten to docs/benchmarks.md");
    }
    Ok(if all_counted {
        Ended::Counted
    } else {
        Ended::Failed
    })
}

async fn measure(
    lines: &[&str],
    options: &Options,
    database: &Database,
) -> Result<BTreeMap<String, Outcome>> {
    let machine = Machine::look(&database.session().await?.client).await?;
    say(&format!(
        "{}, {} cores, PostgreSQL {}; {}",
        machine.processor, machine.cores, machine.postgres, machine.settings
    ));
    let mut measured = BTreeMap::new();
    for line in lines {
        say(&format!("\nmeasuring {line} ..."));
        let outcome = lines::run(line, options, database).await;
        let (rows, notes) = match outcome {
            Ok(figures) => (figures.rows, figures.notes),
            // A line that fails does not hide the others.
            Err(error) => (Vec::new(), vec![format!("failed: {error:#}")]),
        };
        let outcome = Outcome {
            title: lines::title(line).to_owned(),
            rows,
            notes,
            settings: format!(
                "{} round(s), {} s, share {}",
                options.rounds, options.seconds, options.share
            ),
            share: if UNSIZED.contains(line) {
                1.0
            } else {
                options.share
            },
            command: std::iter::once("bench".to_owned())
                .chain(std::env::args().skip(1))
                .collect::<Vec<_>>()
                .join(" "),
            day: report::today()?,
            machine: machine.clone(),
        };
        report::print(line, &outcome);
        measured.insert((*line).to_owned(), outcome);
    }
    Ok(measured)
}
