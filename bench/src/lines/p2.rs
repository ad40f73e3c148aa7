//! P2: accepting messages of one tenant, whose ledger row everybody wants.

use anyhow::Result;

use super::Figures;
use crate::accept::{Accept, TRIED};
use crate::options::Options;
use crate::pg::Database;
use crate::report::{Row, Sides, Target};

/// Where everybody waits for one row, few connections are better than many.
const FEW: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];
/// Of the product.
const CONNECTIONS: [usize; 2] = [32, 128];

/// A script of the other side at its best number of connections, against each of ours.
struct Rival<'a> {
    script: &'a str,
    clients: usize,
    what: &'static str,
    target: Option<Target>,
    sides: [Sides; 2],
}

/// The product at 32 and at 128 connections, against pgbench with the one counter row and without.
pub(super) async fn run(options: &Options, database: &Database) -> Result<Figures> {
    let accept = Accept::prepare(options, database, 1).await?;
    let mut rivals = Vec::new();
    for (script, tried, what, target) in [
        (
            &accept.counting_last,
            &FEW[..],
            "pgbench on one counter row, the last of its rows",
            Some(Target::AtLeast(5.0)),
        ),
        (
            &accept.counting,
            &FEW[..],
            "pgbench on one counter row, the first of its rows",
            None,
        ),
        (
            &accept.uncounted,
            &TRIED[..],
            "pgbench without it",
            Some(Target::AtLeast(1.0)),
        ),
    ] {
        let (clients, _) = accept.best(script, tried).await?;
        rivals.push(Rival {
            script,
            clients,
            what,
            target,
            sides: Default::default(),
        });
    }
    for _ in 0..options.rounds {
        for (place, connections) in CONNECTIONS.into_iter().enumerate() {
            let ours = accept.ours(connections).await?.per_second;
            for rival in &mut rivals {
                let theirs = accept.theirs(rival.script, rival.clients, None).await?;
                rival.sides[place].push(ours, theirs.per_second);
            }
        }
    }
    let places = CONNECTIONS.into_iter().enumerate();
    let rows = places
        .flat_map(|(place, connections)| rivals.iter().map(move |it| it.row(place, connections)));
    Ok(Figures {
        rows: rows.collect(),
        notes: Vec::new(),
    })
}

impl Rival<'_> {
    fn row(&self, place: usize, connections: usize) -> Row {
        let what = format!(
            "send, {connections} connections; {} ({})",
            self.what, self.clients
        );
        let mut row = self.sides[place].row(what, "/s", Target::AtLeast(1.0));
        row.target = self.target;
        row
    }
}
