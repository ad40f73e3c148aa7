//! P4: draining the queue with a provider that takes no time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use msgflash_postgres::Postgres;
use msgflash_server::config::Config;
use msgflash_server::wire::{self, Backend};
use msgflash_server::workers::Workers;
use uuid::Uuid;

use super::Figures;
use crate::counts::{self, Count};
use crate::flow;
use crate::instant;
use crate::options::Options;
use crate::pg::{Database, Session, agree};
use crate::report::{Row, Sides, Target};
use crate::scene;

pub(super) mod batches;
mod rivals;

/// Messages in the queue.
const MESSAGES: u32 = 200_000;
/// Numbers they go out from.
pub(super) const LANES: u32 = 50;

/// Each side on the same queue; other job queues with as many no-op jobs.
pub(super) async fn run(options: &Options, database: &Database) -> Result<Figures> {
    let count = options.rows(MESSAGES, 2 * LANES);
    let session = database.session().await?;
    let mut figures = Figures::default();
    let mut sql = Sides::default();
    let mut rivals = rivals::prepare(&mut figures.notes).await;
    for _ in 0..options.rounds {
        load(database, &session, count).await?;
        let ours = ours(options, database, &session, count).await?;
        let sample = batches::Sample::take(&session).await?;
        load(database, &session, count).await?;
        let theirs = batches::drain(database, LANES, &sample).await?;
        check(&session, count).await?;
        sql.push(ours, theirs);
        rivals = round(rivals, database, (count, ours), &mut figures.notes).await;
    }
    figures.rows.push(sql.row(
        format!("{count} messages, {LANES} lanes; the same row changes in SQL batches of 500"),
        "s",
        Target::AtMost(2.0),
    ));
    figures.rows.extend(against(&rivals, count));
    Ok(figures)
}

/// A round of each rival. One that fails is named, and the others go on without it.
async fn round(
    rivals: Vec<rivals::Rival>,
    database: &Database,
    (count, ours): (u32, f64),
    notes: &mut Vec<String>,
) -> Vec<rivals::Rival> {
    let mut well = Vec::new();
    for mut rival in rivals {
        match rival.round(database, count, ours).await {
            Ok(()) => well.push(rival),
            Err(reason) => notes.push(format!("not measured here: {}: {reason:#}", rival.name())),
        }
    }
    well
}

/// One row for each rival; the target stands beside the fastest of them.
fn against(rivals: &[rivals::Rival], count: u32) -> Vec<Row> {
    let best = rivals.iter().map(rivals::Rival::speed).fold(0.0, f64::max);
    let row = |rival: &rivals::Rival| {
        let what = format!("{count} messages; no-op jobs on {}", rival.name());
        let mut row = rival.sides().row(what, "/s", Target::AtLeast(0.7));
        if rival.speed() < best {
            row.target = None;
        }
        row
    };
    rivals.iter().map(row).collect()
}

async fn load(database: &Database, session: &Session, count: u32) -> Result<()> {
    flow::messages(database, session, count, LANES, true).await
}

/// The product's own workers in this process, from their start to an empty queue and outbox.
async fn ours(
    options: &Options,
    database: &Database,
    session: &Session,
    count: u32,
) -> Result<f64> {
    let provider = Arc::new(instant::Instant::default());
    let (workers, _backend) = workers(database, &provider).await?;
    let begun = Instant::now();
    let workers = workers.start();
    let drained = flow::until_empty(session, &["queue", "outbox"]).await;
    let took = begun.elapsed().as_secs_f64();
    let has_ended = workers.stop(Duration::from_secs(30)).await;
    drained?;
    ensure!(has_ended, "the workers did not end");
    options.spoil(session).await?;
    check(session, count).await?;
    let expected = u64::from(count);
    agree(
        "calls to the provider",
        i64::try_from(provider.calls())?,
        expected,
    )?;
    agree(
        "recipients reached",
        i64::try_from(provider.recipients())?,
        expected,
    )?;
    Ok(took)
}

/// The product's own workers in this process, to be started, with this provider; and what they share.
pub(super) async fn workers(
    database: &Database,
    provider: &Arc<instant::Instant>,
) -> Result<(Workers, Backend)> {
    let settings = [
        ("database_url", database.url()),
        ("roles", "worker"),
        ("pace_ms", "0"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = Config::load(None, &settings.to_vec())?;
    let postgres = Postgres::new(database.url(), config.database_pool)?;
    let mut backend = wire::backend(&config, &postgres).await?;
    backend.provider = provider.clone();
    let workers = wire::workers(&config, &postgres, &backend)?;
    Ok((workers, backend))
}

/// Every message is sent, known by WhatsApp's id, told of once and charged once.
pub(super) async fn check(session: &Session, count: u32) -> Result<()> {
    let expected = u64::from(count);
    let counts = [
        (
            Count::new(
                "sent messages with their reference",
                "SELECT count(*) FROM messages m JOIN provider_refs r \
                 ON r.instance_id = m.instance_id AND r.key_id = m.provider_message_id \
                   AND r.message_id = m.id WHERE m.status = 1",
            ),
            expected,
        ),
        (counts::REFERENCES, expected),
        (counts::QUEUE, 0),
        (Count::new("the outbox", "SELECT count(*) FROM outbox"), 0),
        (counts::EVENTS, expected),
        (counts::TOLD_AS_SENT, expected),
        (counts::CHARGED, expected),
        (counts::CHARGED_OTHERWISE, 0),
    ];
    counts::agree(session, &counts).await
}

/// The lanes of one of two connections.
fn half(lanes: u32, which: u32) -> Result<Vec<Uuid>> {
    (0..lanes)
        .filter(|lane| lane % 2 == which)
        .map(|lane| Ok(scene::instance(lane).parse()?))
        .collect()
}
