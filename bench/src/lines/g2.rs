//! G2: sending through few and through many lanes, with a provider that takes no time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use msgflash_kernel::{Clock as _, SystemClock};
use msgflash_messaging::InstanceId;
use msgflash_messaging::dispatch::ports::Wake as _;
use msgflash_quotas::Period;
use msgflash_server::workers::Bells;
use uuid::Uuid;

use super::{Figures, p4};
use crate::flow;
use crate::instant;
use crate::options::Options;
use crate::pg::{Database, Session, agree};
use crate::report::{Row, Sides, Target};
use crate::scene;
use crate::stats::{Dice, percentile};

/// Messages in the queue, whatever the number of lanes.
const MESSAGES: u32 = 200_000;
/// Numbers they go out from.
const LANES: [u32; 3] = [10, 1_000, 20_000];
/// Single messages after them, each into a lane drawn by chance.
const SINGLES: u16 = 200;
/// Whom the first of these goes to; nobody of the others has such a number.
const SINGLES_FROM: i64 = 33_700_000_000;
/// Longer than this no single message waits.
const LONGEST: Duration = Duration::from_secs(30);

/// What was measured with one number of lanes, each with a value for each round.
#[derive(Default)]
struct Taken {
    /// Messages per second.
    per_second: Vec<f64>,
    /// Milliseconds from the start of the workers to the first message.
    first: Vec<f64>,
    /// The singles' median and 99th percentile in milliseconds.
    p50: Vec<f64>,
    p99: Vec<f64>,
}

/// Each number of lanes against the smallest.
pub(super) async fn run(options: &Options, database: &Database) -> Result<Figures> {
    let mut lanes = LANES.map(|lanes| options.rows(lanes, 10)).to_vec();
    lanes.dedup();
    let count = options.rows(MESSAGES, lanes.last().copied().unwrap_or(1));
    let session = database.session().await?;
    let mut taken: Vec<Taken> = lanes.iter().map(|_| Taken::default()).collect();
    for _ in 0..options.rounds {
        for (lanes, taken) in lanes.iter().zip(&mut taken) {
            round(options, database, &session, count, *lanes, taken).await?;
        }
    }
    // The next line shall not carry this one's messages.
    database.reset().await?;
    let (small, first) = (lanes[0], &taken[0]);
    let mut rows = Vec::new();
    for (lanes, taken) in lanes.iter().zip(&taken).skip(1) {
        let measured = [
            (
                format!("{count} messages through {lanes} lanes; {small}"),
                &taken.per_second,
                &first.per_second,
                "/s",
            ),
            (
                format!("the first of them, from the start of the workers, {lanes} lanes; {small}"),
                &taken.first,
                &first.first,
                "ms",
            ),
            (
                format!("a single message to the provider, median, {lanes} lanes; {small}"),
                &taken.p50,
                &first.p50,
                "ms",
            ),
            (
                format!("a single message to the provider, p99, {lanes} lanes; {small}"),
                &taken.p99,
                &first.p99,
                "ms",
            ),
        ];
        for (what, ours, theirs, unit) in measured {
            rows.push(row(what, ours, theirs, unit));
        }
    }
    Ok(Figures {
        rows,
        notes: Vec::new(),
    })
}

fn row(what: String, ours: &[f64], theirs: &[f64], unit: &str) -> Row {
    let sides = Sides {
        ours: ours.to_vec(),
        theirs: theirs.to_vec(),
    };
    let mut row = sides.row(what, unit, Target::AtMost(1.0));
    row.target = None;
    row
}

/// The product's own workers in this process: first all that waits, then single messages.
async fn round(
    options: &Options,
    database: &Database,
    session: &Session,
    count: u32,
    lanes: u32,
    taken: &mut Taken,
) -> Result<()> {
    flow::messages(database, session, count, lanes, true).await?;
    let provider = Arc::new(instant::Instant::default());
    let (workers, backend) = p4::workers(database, &provider).await?;
    let begun = Instant::now();
    let workers = workers.start();
    let sent = async {
        flow::until_empty(session, &["queue", "outbox"]).await?;
        let seconds = begun.elapsed().as_secs_f64();
        let took = singles(session, &backend.bells, &provider, lanes).await?;
        flow::until_empty(session, &["queue", "outbox"]).await?;
        anyhow::Ok((seconds, took))
    }
    .await;
    let has_ended = workers.stop(Duration::from_secs(30)).await;
    let (seconds, mut took) = sent?;
    ensure!(has_ended, "the workers did not end");
    options.spoil(session).await?;
    let all = count + u32::from(SINGLES);
    p4::check(session, all).await?;
    let expected = u64::from(all);
    for (what, found) in [
        ("calls to the provider", provider.calls()),
        ("recipients reached", provider.recipients()),
    ] {
        agree(what, i64::try_from(found)?, expected)?;
    }
    let (first, _) = provider.moments().context("the provider was not called")?;
    let first = first.saturating_duration_since(begun).as_secs_f64();
    taken.per_second.push(f64::from(count) / seconds);
    taken.first.push(first * 1_000.0);
    taken.p50.push(percentile(&mut took, 0.5) as f64 / 1_000.0);
    taken.p99.push(percentile(&mut took, 0.99) as f64 / 1_000.0);
    Ok(())
}

/// One after the other; answers how many microseconds each took from its commit to the provider.
async fn singles(
    session: &Session,
    bells: &Bells,
    provider: &instant::Instant,
    lanes: u32,
) -> Result<Vec<u64>> {
    let period = Period::of(SystemClock.now()).to_i32();
    let mut dice = Dice::new(7);
    let mut took = Vec::new();
    let ids = flow::ids(usize::from(SINGLES));
    for (phone, id) in (SINGLES_FROM..).zip(ids) {
        let tenant = u32::try_from(dice.below(u64::from(lanes)))?;
        let lane: Uuid = scene::instance(tenant).parse()?;
        let before = provider.calls();
        session.run(SINGLE, &[&id, &phone, &lane, &period]).await?;
        let begun = Instant::now();
        // As the process does that has accepted it.
        bells.woken.wake(&[InstanceId::new(lane)]);
        let arrived = arrival(provider, before).await?;
        let micros = arrived.saturating_duration_since(begun).as_micros();
        took.push(u64::try_from(micros)?);
    }
    Ok(took)
}

/// When the call began that comes after `before` others.
async fn arrival(provider: &instant::Instant, before: u64) -> Result<Instant> {
    let begun = Instant::now();
    while begun.elapsed() < LONGEST {
        if provider.calls() > before
            && let Some((_, last)) = provider.moments()
        {
            return Ok(last);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    bail!("a message did not leave within {LONGEST:?}")
}

/// One accepted message, as `flow` makes many.
const SINGLE: &str = "WITH lane AS (SELECT id, account_id FROM instances WHERE id = $3::uuid), \
    made AS ( \
      INSERT INTO messages (workspace_id, id, account_id, acting_user_id, instance_id, inbound, \
        kind, peer, body, status, meta, request_id, created_at, updated_at) \
      SELECT account_id, $1::uuid, account_id, account_id, id, false, 'text', $2::bigint, \
        'Your table is ready.', 0, '{}', $1::uuid::text, now(), now() FROM lane), \
    held AS ( \
      UPDATE usage_holds h SET reserved_total = h.reserved_total + 1 FROM lane \
      WHERE h.account_id = lane.account_id AND h.period = $4::int) \
    INSERT INTO queue (instance_id, message_id, workspace_id, account_id, phone, class, state, \
      due_at, not_before, ready_since, period) \
    SELECT id, $1::uuid, account_id, account_id, $2::bigint, 0, 1, now(), now(), now(), $4::int \
    FROM lane";
