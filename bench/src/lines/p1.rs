//! P1: accepting messages of 1,000 tenants with everything on.

use anyhow::Result;

use super::Figures;
use crate::accept::{Accept, TRIED};
use crate::options::Options;
use crate::pg::Database;
use crate::report::{Sides, Target};

/// Accounts that send.
pub(crate) const TENANTS: u32 = 1_000;

/// The product at 32 and at 128 connections, against pgbench at its best.
pub(super) async fn run(options: &Options, database: &Database) -> Result<Figures> {
    let accept = Accept::prepare(options, database, TENANTS).await?;
    let (best, _) = accept.best(&accept.counting, &TRIED).await?;
    let (mut few, mut many) = (Sides::default(), Sides::default());
    for _ in 0..options.rounds {
        let ours = accept.ours(32).await?.per_second;
        let theirs = accept.theirs(&accept.counting, best, None).await?;
        few.push(ours, theirs.per_second);
        let ours = accept.ours(128).await?.per_second;
        let theirs = accept.theirs(&accept.counting, best, None).await?;
        many.push(ours, theirs.per_second);
    }
    let against = format!("pgbench at its best of 16-128 ({best})");
    Ok(Figures {
        rows: vec![
            few.row(
                format!("send, 32 connections; {against}"),
                "/s",
                Target::AtLeast(0.8),
            ),
            many.row(
                format!("send, 128 connections; {against}"),
                "/s",
                Target::AtLeast(1.3),
            ),
        ],
        notes: vec![format!("baseline program: {}", accept.pgbench.version()?)],
    })
}
