//! P3: how long an answer takes when the machine is half busy.

use anyhow::Result;

use super::{Figures, p1};
use crate::accept::{Accept, TRIED};
use crate::options::Options;
use crate::pg::Database;
use crate::report::{Sides, Target};
use crate::stats::percentile;

/// Both sides at half of the lower peak, at moments that do not wait for answers.
pub(super) async fn run(options: &Options, database: &Database) -> Result<Figures> {
    let accept = Accept::prepare(options, database, p1::TENANTS).await?;
    let (clients, peak) = accept.best(&accept.counting, &TRIED).await?;
    let few = accept.ours(32).await?.per_second;
    let many = accept.ours(128).await?.per_second;
    let rate = few.max(many).min(peak) / 2.0;
    let (mut high, mut middle) = (Sides::default(), Sides::default());
    for _ in 0..options.rounds {
        let mut ours = accept.ours_at(rate, clients).await?.latencies;
        let mut theirs = accept
            .theirs(&accept.counting, clients, Some(rate))
            .await?
            .latencies;
        high.push(ms(&mut ours, 0.99), ms(&mut theirs, 0.99));
        middle.push(ms(&mut ours, 0.5), ms(&mut theirs, 0.5));
    }
    let mut median = middle.row("p50 at the same rate", "ms", Target::AtMost(3.0));
    median.target = None;
    let what = format!("p99 at {rate:.0}/s, open loop, {clients} connections; pgbench --rate");
    Ok(Figures {
        rows: vec![high.row(what, "ms", Target::AtMost(3.0)), median],
        notes: Vec::new(),
    })
}

fn ms(micros: &mut [u64], share: f64) -> f64 {
    percentile(micros, share) as f64 / 1_000.0
}
