//! G3: accepting messages of few and of many tenants.

use anyhow::Result;

use super::Figures;
use crate::grown::{self, Size};
use crate::options::Options;
use crate::pg::Database;

/// Accounts that send.
const TENANTS: [u32; 3] = [1, 100, 10_000];

/// Each number of tenants against the smallest. There is no target: one tenant's messages of a group are one
/// change of one ledger row, those of many are as many changes.
pub(super) async fn run(options: &Options, database: &Database) -> Result<Figures> {
    let sizes = TENANTS.map(|tenants| Size {
        tenants: options.rows(tenants, 1),
        stored: 0,
    });
    let mut sizes = sizes.to_vec();
    sizes.dedup();
    let turns = grown::in_turns(options, database, &sizes).await?;
    let names: Vec<String> = sizes
        .iter()
        .map(|size| format!("{} tenant(s)", size.tenants))
        .collect();
    Ok(Figures {
        rows: turns.rows(&names, None),
        notes: Vec::new(),
    })
}
