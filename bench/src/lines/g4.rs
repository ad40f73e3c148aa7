//! G4: half an hour at a steady rate, beside a transaction that reads all the time.

use std::time::Duration;

use anyhow::Result;

use self::watch::{Fifth, Sample, Table};
use super::Figures;
use crate::gateway::Gateway;
use crate::load::{self, Target as Whom};
use crate::options::Options;
use crate::pg::{Database, Session};
use crate::receiver::{Receiver, SECRET};
use crate::report::{Row, Sides, Target, number};
use crate::scene;

mod check;
mod watch;

/// Messages per second: a third of what P6 sends, so that what is measured is what changes and not where it ends.
const RATE: f64 = 300.0;
/// How long, as published.
const LENGTH: Duration = Duration::from_mins(30);
/// The least, whatever the share.
const SHORTEST: Duration = Duration::from_secs(5);
/// Load before the measured time.
const WARM: Duration = Duration::from_secs(5);
/// Clients that wait for their moment.
const CONNECTIONS: usize = 128;
/// Accounts that send, with a number each.
const TENANTS: u32 = 50;
/// The first of them, each with a webhook of its own.
const ENDPOINTS: u8 = 5;
/// Of the server, besides what every line that sends sets.
const SETTINGS: [(&str, &str); 2] = [
    ("rate_limit_per_second", "1000000"),
    ("allow_private_targets", "true"),
];
/// With fewer dead rows than this, autovacuum's thresholds are a large part of them.
const MANY: f64 = 100_000.0;

/// One run, whatever the rounds: each fifth of it is compared with the first.
pub(super) async fn run(options: &Options, database: &Database) -> Result<Figures> {
    let session = database.session().await?;
    let length = LENGTH.mul_f64(options.share.clamp(0.0, 1.0)).max(SHORTEST);
    let receiver = Receiver::start(ENDPOINTS).await?;
    load(database, &session, &receiver).await?;
    let gateway = Gateway::start()?;
    let server = gateway
        .serve(database, &session, TENANTS, &SETTINGS)
        .await?;
    let reader = begin_to_read(database).await?;
    let whom = Whom {
        address: server.address,
        tenants: TENANTS,
    };
    let (fired, samples) = tokio::try_join!(
        load::open(whom, CONNECTIONS, RATE, WARM, length),
        watch::samples(&session, &server, WARM, length),
    )?;
    end_to_read(&reader).await?;
    let ended = watch::tables(&session).await?;
    check::until_done(&session, fired.accepted).await?;
    let vacuumed = watch::until_vacuumed(&session).await?;
    server.stop().await?;
    options.spoil(&session).await?;
    let passed_by = check::counts(&session, fired.accepted).await?;
    check::left(&session, &gateway, fired.accepted).await?;
    check::told(&session, &receiver.received).await?;
    gateway.stop().await;
    // The next line shall not carry this one's messages.
    database.reset().await?;
    let fifths = watch::fifths(&fired.timed, &samples, length)?;
    let mut notes = notes(&fifths, &samples, &ended, &vacuumed);
    notes.push(format!(
        "{} messages; of {passed_by} it was heard that they were read before it was heard that they were delivered",
        fired.accepted
    ));
    Ok(Figures {
        rows: rows(&fifths, length, &ended, &vacuumed),
        notes,
    })
}

async fn load(database: &Database, session: &Session, receiver: &Receiver) -> Result<()> {
    scene::senders(database, session, TENANTS).await?;
    for (tenant, url) in (0..).zip(&receiver.urls) {
        scene::endpoint(session, tenant, url, SECRET).await?;
    }
    session.settle_down().await
}

const SEEN: &str = "SELECT count(*) FROM messages";

/// A transaction that sees the database as it is now, for as long as it is open: no row that is deleted from
/// now on may be removed.
async fn begin_to_read(database: &Database) -> Result<Session> {
    let reader = database.session().await?;
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    reader.client.batch_execute(begin).await?;
    reader.agree("messages at first", SEEN, 0).await?;
    Ok(reader)
}

/// It still sees what it saw, which proves that it was open all the time.
async fn end_to_read(reader: &Session) -> Result<()> {
    reader.agree("messages the reader sees", SEEN, 0).await?;
    Ok(reader.client.batch_execute("COMMIT").await?)
}

/// The last fifth against the first, and dead rows after the reader ended against those it kept.
fn rows(fifths: &[Fifth], length: Duration, ended: &[Table], vacuumed: &[Table]) -> Vec<Row> {
    let [first, .., last] = fifths else {
        return Vec::new();
    };
    let minutes = number(length.as_secs_f64() / 60.0);
    let compared = |what: &str| {
        format!(
            "{what}, the last fifth of {minutes} min at {RATE}/s beside a long reader; the first fifth"
        )
    };
    let (before, after) = (dead(ended), dead(vacuumed));
    let is_much = before >= MANY;
    vec![
        row(
            compared("messages accepted"),
            "/s",
            (last.accepted, first.accepted),
            Some(Target::AtLeast(0.8)),
        ),
        row(
            compared("messages sent"),
            "/s",
            (last.sent, first.sent),
            Some(Target::AtLeast(0.8)),
        ),
        row(
            compared("p99 of accepting"),
            "ms",
            (last.p99, first.p99),
            None,
        ),
        row(
            compared("resident memory of the server"),
            "MB",
            (last.resident, first.resident),
            Some(Target::AtMost(1.2)),
        ),
        row(
            "dead rows of the tables that messages pass through, vacuumed after the reader; when it ended"
                .to_owned(),
            "rows",
            (after, before.max(1.0)),
            is_much.then_some(Target::AtMost(0.1)),
        ),
    ]
}

fn row(what: String, unit: &str, (ours, theirs): (f64, f64), target: Option<Target>) -> Row {
    let mut sides = Sides::default();
    sides.push(ours, theirs);
    let mut row = sides.row(what, unit, Target::AtMost(1.0));
    row.spread = None;
    row.target = target;
    row
}

/// Of the tables rows pass through.
fn dead(tables: &[Table]) -> f64 {
    let passed = tables.iter().filter(|table| table.is_passed());
    passed.map(|table| table.dead).sum::<i64>() as f64
}

/// How it went, fifth by fifth and table by table.
fn notes(fifths: &[Fifth], samples: &[Sample], ended: &[Table], vacuumed: &[Table]) -> Vec<String> {
    let each = |value: fn(&Fifth) -> f64| {
        let values: Vec<String> = fifths.iter().map(|it| number(value(it))).collect();
        values.join(", ")
    };
    let waiting = samples.iter().map(|it| it.waiting).max().unwrap_or(0);
    let mut notes = vec![format!(
        "fifth by fifth: accepted {} /s; sent {} /s; p99 {} ms; memory {} MB; at most {waiting} rows in the queue",
        each(|it| it.accepted),
        each(|it| it.sent),
        each(|it| it.p99),
        each(|it| it.resident),
    )];
    let at_first = samples.first().map(|it| it.tables.as_slice());
    let at_first = at_first.unwrap_or_default();
    for ((first, ended), vacuumed) in at_first.iter().zip(ended).zip(vacuumed) {
        notes.push(format!(
            "{}: {} MB at first, {} MB when the reader ended, with {} dead rows; then {} MB and {}",
            ended.name,
            number(first.megabytes),
            number(ended.megabytes),
            ended.dead,
            number(vacuumed.megabytes),
            vacuumed.dead,
        ));
    }
    notes
}
