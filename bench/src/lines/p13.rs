//! P13: single messages of one account, beside a large campaign of another and alone.

use std::ops::Range;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use msgflash_kernel::{Clock as _, SystemClock};
use serde_json::json;
use time::OffsetDateTime;

use super::Figures;
use crate::api::Api;
use crate::book::{self, Filling, Tags};
use crate::campaign::{self, Hours};
use crate::flow;
use crate::gateway::Gateway;
use crate::options::Options;
use crate::pg::{Database, Session, agree};
use crate::report::{Sides, Target};
use crate::scene;
use crate::stats::percentile;

/// Recipients of the campaign.
const RECIPIENTS: u32 = 200_000;
/// Whose campaign it is, and who sends single messages.
const CAMPAIGN: u32 = 0;
const SINGLES: u32 = 1;
/// Single messages before the clock starts, of which nothing is measured: what a server does for the first time.
const FIRST: u32 = 200;
/// Single messages alone, as many beside the campaign, and as many alone again.
const COUNT: u32 = 500;
/// A send takes half of what it takes a phone: the campaign sends all the time and lasts, and the machine has
/// processors left. What is measured is waiting for the campaign, and not for a processor.
const TIME_SCALE: f64 = 0.5;
/// What they say.
const TEXT: &str = "Your table is ready.";

/// Singles alone, beside the campaign and alone again, with a server of their own each round.
pub(super) async fn run(options: &Options, database: &Database) -> Result<Figures> {
    let session = database.session().await?;
    let recipients = options.rows(RECIPIENTS, 2_000);
    let mut middle = Sides::default();
    let mut high = Sides::default();
    let mut rates = Vec::new();
    for _ in 0..options.rounds {
        let round = round(options, database, &session, recipients).await?;
        let [mut alone, mut beside] = [round.alone, round.beside];
        middle.push(ms(&mut beside, 0.5), ms(&mut alone, 0.5));
        high.push(ms(&mut beside, 0.95), ms(&mut alone, 0.95));
        rates.push(format!("{:.0}", round.rate));
    }
    database.reset().await?;
    let row = |sides: &Sides, what: &str| {
        let what = format!(
            "a single message from its request to the gateway, {what}, beside a campaign to \
             {recipients} of another account; alone"
        );
        let mut row = sides.row(what, "ms", Target::AtMost(1.0));
        row.target = None;
        row
    };
    Ok(Figures {
        rows: vec![row(&middle, "median"), row(&high, "p95")],
        notes: vec![format!(
            "messages of the campaign per second meanwhile: {}",
            rates.join(", ")
        )],
    })
}

/// How many microseconds each took, and how fast the campaign was.
struct Round {
    alone: Vec<u64>,
    beside: Vec<u64>,
    rate: f64,
}

async fn round(
    options: &Options,
    database: &Database,
    session: &Session,
    recipients: u32,
) -> Result<Round> {
    load(database, session, recipients).await?;
    let gateway = Gateway::start_at(TIME_SCALE)?;
    // On a fast machine singles come faster than anybody's limit.
    let settings = [("rate_limit_per_second", "1000000")];
    let server = gateway
        .serve(database, session, SINGLES + 1, &settings)
        .await?;
    let mut api = Api::open(server.address).await?;
    let first = options.rows(FIRST, 20);
    let count = options.rows(COUNT, 100);
    singles(&gateway, &mut api, 0..first).await?;
    let mut alone = singles(&gateway, &mut api, first..first + count).await?;
    let everybody = json!({ "type": "all" });
    let instance = scene::instance(CAMPAIGN);
    let id = campaign::create(&mut api, CAMPAIGN, &instance, &everybody, Hours::Any).await?;
    let under_way = format!(
        "SELECT (sent >= 100)::int::bigint FROM campaign_counters WHERE campaign_id = '{id}'"
    );
    flow::until(session, "the campaign is under way", &under_way, 1).await?;
    let (before, begun) = (sent(session, &id).await?, SystemClock.now());
    let begin = first + count;
    let beside = singles(&gateway, &mut api, begin..begin + count).await?;
    let seconds = (SystemClock.now() - begun).as_seconds_f64();
    let after = sent(session, &id).await?;
    ensure!(
        before < after && after < i64::from(recipients),
        "the campaign was not under way all the time: {before} to {after}"
    );
    campaign::pause(&mut api, session, CAMPAIGN, &id).await?;
    let (begin, all) = (begin + count, begin + 2 * count);
    alone.extend(singles(&gateway, &mut api, begin..all).await?);
    server.stop().await?;
    options.spoil(session).await?;
    let told = "SELECT count(*) FROM messages WHERE campaign_id IS NULL AND provider_message_id IS NOT NULL";
    session
        .agree("single messages sent", told, u64::from(all))
        .await?;
    let mut left = gateway.left(&scene::session(SINGLES), TEXT).await?;
    gateway.stop().await;
    let messages = i64::try_from(left.len())?;
    agree("single messages that left", messages, u64::from(all))?;
    left.sort_unstable();
    left.dedup();
    let reached = i64::try_from(left.len())?;
    agree("recipients of single messages", reached, u64::from(all))?;
    let rate = (after - before) as f64 / seconds;
    Ok(Round {
        alone,
        beside,
        rate,
    })
}

async fn load(database: &Database, session: &Session, recipients: u32) -> Result<()> {
    scene::senders(database, session, SINGLES + 1).await?;
    let filling = Filling::of(CAMPAIGN, recipients, Tags::Few);
    book::load(database, session, filling).await
}

async fn sent(session: &Session, campaign: &str) -> Result<i64> {
    let text =
        format!("SELECT sent::bigint FROM campaign_counters WHERE campaign_id = '{campaign}'");
    Ok(session.client.query_one(&text, &[]).await?.get(0))
}

/// One after the other, each to somebody else; answers how many microseconds each took to the gateway.
async fn singles(gateway: &Gateway, api: &mut Api, which: Range<u32>) -> Result<Vec<u64>> {
    let name = scene::session(SINGLES);
    let instance = scene::instance(SINGLES);
    let mut took = Vec::new();
    for n in which {
        let to = format!("+33655{n:06}");
        let body = json!({ "instanceId": instance, "to": to, "type": "text", "text": TEXT });
        let begun = SystemClock.now();
        api.post(SINGLES, "/api/v1/messages/send", &body.to_string())
            .await?;
        let arrived = arrival(gateway, &name, begun).await?;
        let micros = (arrived - begun).whole_microseconds().max(0);
        took.push(u64::try_from(micros)?);
    }
    Ok(took)
}

/// When the message arrived that was asked for at `begun`; the one before it was answered by then. The gateway
/// tells whole milliseconds.
async fn arrival(
    gateway: &Gateway,
    session: &str,
    begun: OffsetDateTime,
) -> Result<OffsetDateTime> {
    for _ in 0..3_000 {
        let last = gateway.last_asked(session).await?;
        if let Some(at) = last.filter(|at| *at + time::Duration::MILLISECOND > begun) {
            return Ok(at);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bail!("a message did not arrive within half a minute")
}

fn ms(micros: &mut [u64], share: f64) -> f64 {
    percentile(micros, share) as f64 / 1_000.0
}
