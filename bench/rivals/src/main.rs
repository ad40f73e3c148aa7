//! Drains no-op jobs with another job queue: `rivals <river|graphile> <database URL> <jobs>`.
//!
//! Inserting the jobs is not measured. The clock runs from the start of the workers until the
//! database says that no job is left, and the seconds are printed as JSON. Each file says
//! where its settings come from.

mod graphile;
mod river;

use std::io::Write as _;

use anyhow::{Context as _, Result, bail};

/// Connections each queue may open.
const POOL: u32 = 16;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &'static str| arguments.next().context(what);
    let queue = next("which queue?")?;
    let url = next("which database?")?;
    let jobs: u32 = next("how many jobs?")?.parse()?;
    let seconds = match queue.as_str() {
        "river" => river::drain(&url, jobs).await?,
        "graphile" => graphile::drain(&url, jobs).await?,
        other => bail!("there is no queue {other}"),
    };
    writeln!(std::io::stdout(), "{{\"seconds\":{seconds}}}")?;
    Ok(())
}
