//! The lines, one file each. A line prepares its scene, runs both sides in turns, and checks after
//! each run that what should be there is there.

mod g1;
mod g2;
mod g3;
mod g4;
mod p1;
mod p10;
mod p11;
mod p12;
mod p13;
mod p2;
mod p3;
mod p4;
mod p5;
mod p6;
mod p7;
mod p8;
mod p9;

use anyhow::{Result, bail};

use crate::options::Options;
use crate::pg::Database;
use crate::report::Row;

/// What a line found out.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Its figures.
    pub(crate) rows: Vec<Row>,
    /// What could not be measured here, and anything a reader must know.
    pub(crate) notes: Vec<String>,
}

/// A run of the real server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// What it took.
    pub(crate) seconds: f64,
    /// The most memory the server had, in megabytes.
    pub(crate) peak_mb: f64,
}

/// What a line is about.
pub(crate) fn title(line: &str) -> &'static str {
    match line {
        "p1" => "accepting messages, 1,000 tenants",
        "p2" => "accepting messages, one tenant",
        "p3" => "latency at half of the peak",
        "p4" => "draining the queue",
        "p5" => "campaigns: writing the audience down",
        "p6" => "campaigns: sending to the last receipt",
        "p7" => "webhook deliveries",
        "p8" => "receipts",
        "p9" => "memory",
        "p10" => "contacts and campaigns at size",
        "p11" => "start and size",
        "p12" => "rendering templates",
        "p13" => "fairness",
        "g1" => "growth: messages stored",
        "g2" => "growth: lanes",
        "g3" => "growth: tenants",
        "g4" => "growth: half an hour beside a long reader",
        _ => "unknown",
    }
}

/// Measures one line.
pub(crate) async fn run(line: &str, options: &Options, database: &Database) -> Result<Figures> {
    match line {
        "p1" => p1::run(options, database).await,
        "p2" => p2::run(options, database).await,
        "p3" => p3::run(options, database).await,
        "p4" => p4::run(options, database).await,
        "p5" => p5::run(options, database).await,
        "p6" => p6::run(options, database).await,
        "p7" => p7::run(options, database).await,
        "p8" => p8::run(options, database).await,
        "p9" => p9::run(options, database).await,
        "p10" => p10::run(options, database).await,
        "p11" => p11::run(options, database).await,
        "p12" => p12::run(options).await,
        "p13" => p13::run(options, database).await,
        "g1" => g1::run(options, database).await,
        "g2" => g2::run(options, database).await,
        "g3" => g3::run(options, database).await,
        "g4" => g4::run(options, database).await,
        _ => bail!("there is no line {line}"),
    }
}
