//! P11: from the start of the process to ready, and the size of the program.

use std::fs;
use std::process::Command;

use anyhow::Result;

use super::Figures;
use crate::machine::root;
use crate::options::Options;
use crate::pg::Database;
use crate::report::{Row, Target, number};
use crate::server::{Server, program};
use crate::stats::median;

/// Starts of which the median counts.
const STARTS: usize = 10;

/// Ten starts on a running database that is up to date.
pub(super) async fn run(_: &Options, database: &Database) -> Result<Figures> {
    database.reset().await?;
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let server = Server::start(database.url(), &[]).await?;
        starts.push(server.ready_after.as_secs_f64());
        server.stop().await?;
    }
    let (size, note) = stripped_mb()?;
    let row = |what: &str, value: f64, unit: &str, most| Row {
        what: what.to_owned(),
        ours: format!("{} {unit}", number(value)),
        theirs: "-".to_owned(),
        figure: Some(value),
        spread: None,
        unit: unit.to_owned(),
        target: Some(Target::AtMost(most)),
    };
    Ok(Figures {
        rows: vec![
            row("start to /readyz, median of ten", median(&starts), "s", 0.5),
            row("release program, stripped", size, "MB", 40.0),
        ],
        notes: note.into_iter().collect(),
    })
}

/// The size of a stripped copy; of the program as built where there is no `strip`.
fn stripped_mb() -> Result<(f64, Option<String>)> {
    let program = program()?;
    let copy = root().join(format!(".local/bench/stripped-{}", std::process::id()));
    let done = Command::new("strip")
        .arg("-o")
        .arg(&copy)
        .arg(&program)
        .status();
    let mb = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    if done.is_ok_and(|status| status.success()) {
        let size = fs::metadata(&copy)?.len();
        fs::remove_file(copy)?;
        return Ok((mb(size), None));
    }
    let note = "there is no `strip` here: the size is that of the program as built";
    Ok((mb(fs::metadata(program)?.len()), Some(note.to_owned())))
}
