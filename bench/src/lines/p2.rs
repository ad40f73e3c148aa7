//! P2: accepting messages of one tenant, whose ledger row everybody wants.

use anyhow::Result;

use super::Figures;
use crate::accept::Accept;
use crate::options::Options;
use crate::pg::Database;
use crate::report::{Sides, Target};

/// The product at 32 and at 128 connections, against pgbench with the one counter row and without.
pub(super) async fn run(options: &Options, database: &Database) -> Result<Figures> {
    let accept = Accept::prepare(options, database, 1).await?;
    let (counting, _) = accept.best(&accept.counting).await?;
    let (uncounted, _) = accept.best(&accept.uncounted).await?;
    let mut figures = Figures::default();
    let mut sides: Vec<(usize, Sides, Sides)> = [32, 128]
        .map(|connections| (connections, Sides::default(), Sides::default()))
        .into();
    for _ in 0..options.rounds {
        for (connections, with, without) in &mut sides {
            let ours = accept.ours(*connections).await?.per_second;
            let theirs = accept.theirs(&accept.counting, counting, None).await?;
            with.push(ours, theirs.per_second);
            let theirs = accept.theirs(&accept.uncounted, uncounted, None).await?;
            without.push(ours, theirs.per_second);
        }
    }
    for (connections, with, without) in &sides {
        figures.rows.push(with.row(
            format!("send, {connections} connections; pgbench on one counter row ({counting})"),
            "/s",
            Target::AtLeast(5.0),
        ));
        figures.rows.push(without.row(
            format!("send, {connections} connections; pgbench without it ({uncounted})"),
            "/s",
            Target::AtLeast(1.0),
        ));
    }
    Ok(figures)
}
