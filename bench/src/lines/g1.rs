//! G1: accepting messages where many are stored already.

use anyhow::Result;

use super::{Figures, p1};
use crate::grown::{self, Size};
use crate::options::Options;
use crate::pg::Database;
use crate::report::{Target, number};

/// Messages that were sent before.
const STORED: [u32; 3] = [10_000, 1_000_000, 10_000_000];

/// Each size against the smallest.
pub(super) async fn run(options: &Options, database: &Database) -> Result<Figures> {
    let sizes = STORED.map(|stored| Size {
        tenants: p1::TENANTS,
        stored: options.rows(stored, p1::TENANTS),
    });
    let mut sizes = sizes.to_vec();
    sizes.dedup();
    let turns = grown::in_turns(options, database, &sizes).await?;
    let names: Vec<String> = sizes
        .iter()
        .map(|size| format!("{} messages stored", size.stored))
        .collect();
    let disk: Vec<String> = turns.gigabytes.iter().copied().map(number).collect();
    Ok(Figures {
        rows: turns.rows(&names, Some(Target::AtLeast(0.8))),
        notes: vec![format!(
            "the databases take {} GB before the first run",
            disk.join(", ")
        )],
    })
}
