//! P9: resident memory of the server.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::p5::Audience;
use super::{Figures, p5, p6};
use crate::http::Connection;
use crate::options::Options;
use crate::pg::Database;
use crate::report::{Row, Target, number};
use crate::server::Server;
use crate::stats::median;

/// Connections that are open and say nothing.
const CONNECTIONS: u32 = 10_000;
/// Of these, how many are opened at once; a divisor.
const ABREAST: usize = 100;
/// A server that has nothing to do is looked at after this long.
const CALM: Duration = Duration::from_secs(3);

/// Idle, then with idle connections; and the most it takes for the campaigns of P5 and P6. A fresh process
/// each round.
pub(super) async fn run(options: &Options, database: &Database) -> Result<Figures> {
    let (mut idle, mut connected) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        database.reset().await?;
        let server = Server::start(database.url(), &[]).await?;
        tokio::time::sleep(CALM).await;
        idle.push(server.resident_mb()?);
        connected.push(with_connections(&server, CONNECTIONS).await?);
        server.stop().await?;
    }
    let session = database.session().await?;
    let (mut expanding, mut sending) = (Vec::new(), Vec::new());
    let contacts = p5::load(options, database, &session).await?;
    for _ in 0..options.rounds {
        let ran = p5::ours(options, database, &session, Audience::All, contacts).await?;
        expanding.push(ran.peak_mb);
    }
    let recipients = p6::recipients(options);
    for _ in 0..options.rounds {
        let ran = p6::ours(options, database, &session, recipients).await?;
        sending.push(ran.peak_mb);
    }
    database.reset().await?;
    let row = |what: String, values: &[f64], most| Row {
        what,
        ours: format!("{} MB", number(median(values))),
        theirs: "-".to_owned(),
        figure: Some(median(values)),
        spread: None,
        unit: "MB".to_owned(),
        target: Some(Target::AtMost(most)),
    };
    Ok(Figures {
        rows: vec![
            row("resident memory, idle".to_owned(), &idle, 30.0),
            row(
                format!("with {CONNECTIONS} idle keep-alive connections"),
                &connected,
                120.0,
            ),
            row(
                format!("peak while the {contacts} recipients of P5 are written down"),
                &expanding,
                80.0,
            ),
            row(
                format!("peak while P6 sends to {recipients} recipients"),
                &sending,
                80.0,
            ),
        ],
        notes: Vec::new(),
    })
}

/// Opens the connections, has each answered once, and looks while all of them are still open: the
/// server closes idle ones after 100 seconds.
async fn with_connections(server: &Server, count: u32) -> Result<f64> {
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    let mut open = Vec::new();
    // Many at once, so that none of them has been idle for long.
    while open.len() < count as usize {
        let answered = (0..ABREAST).map(|_| answered(server, &request));
        open.extend(futures_util::future::try_join_all(answered).await?);
    }
    let resident = server.resident_mb()?;
    let still = open
        .iter()
        .filter(|connection| connection.is_open())
        .count();
    ensure!(
        still == open.len(),
        "the line does not count: only {still} of {} connections were open",
        open.len()
    );
    Ok(resident)
}

async fn answered(server: &Server, request: &str) -> Result<Connection> {
    let connection = Connection::open(server.address).await;
    let mut connection = connection.context("too few files may be open: ulimit -n 24000")?;
    let answer = connection.exchange(request.as_bytes()).await?;
    ensure!(answer.status == 200, "/healthz answered {}", answer.status);
    Ok(connection)
}
