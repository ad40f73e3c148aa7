//! P6: a campaign to the simulated gateway, from the request to the last receipt.

use std::time::Instant;

use anyhow::Result;
use serde_json::json;

use super::{Figures, Measured, p4, p8};
use crate::api::Api;
use crate::book::{self, Filling, Tags};
use crate::campaign::{self, Hours, TEXT};
use crate::counts::{self, Count};
use crate::flow;
use crate::gateway::Gateway;
use crate::options::Options;
use crate::pg::{Database, Session, agree};
use crate::report::{Sides, Target, number};
use crate::scene;
use crate::stats::median;

mod raw;

/// Recipients of the campaign.
const RECIPIENTS: u32 = 100_000;
/// Whose campaign it is.
const TENANT: u32 = 0;
/// What each message's receipts say, for P8's SQL: that it was delivered, and that it was read.
const RECEIPTS: &str = "(0, 2, true), (2, 3, true)";

/// The parts of the other side, in seconds.
#[derive(Default)]
struct Parts {
    http: Vec<f64>,
    sending: Vec<f64>,
    receipts: Vec<f64>,
}

/// Each side with as many recipients.
pub(super) async fn run(options: &Options, database: &Database) -> Result<Figures> {
    let session = database.session().await?;
    let count = recipients(options);
    let mut sides = Sides::default();
    let mut parts = Parts::default();
    for _ in 0..options.rounds {
        let ours = ours(options, database, &session, count).await?;
        let sample = p4::batches::Sample::take(&session).await?;
        let http = raw::run(count).await?;
        let sending = sending(database, &session, count, &sample).await?;
        let receipts = receipts(database, &session, count).await?;
        sides.push(ours.seconds, http + sending + receipts);
        parts.http.push(http);
        parts.sending.push(sending);
        parts.receipts.push(receipts);
    }
    // The next line shall not carry this one's messages.
    database.reset().await?;
    let what = format!(
        "{count} recipients to the last receipt; raw HTTP loop, {} at once, then the SQL of P4 \
         and of P8",
        raw::AT_ONCE
    );
    Ok(Figures {
        rows: vec![sides.row(what, "s", Target::AtMost(1.5))],
        notes: vec![format!(
            "the other side's parts: {} s of HTTP, {} s of SQL for sending, {} s for receipts",
            number(median(&parts.http)),
            number(median(&parts.sending)),
            number(median(&parts.receipts)),
        )],
    })
}

/// How many there are.
pub(super) fn recipients(options: &Options) -> u32 {
    options.rows(RECIPIENTS, 2 * p4::LANES)
}

async fn load(database: &Database, session: &Session, count: u32) -> Result<()> {
    scene::senders(database, session, TENANT + 1).await?;
    book::load(database, session, Filling::of(TENANT, count, Tags::Few)).await
}

/// The real server: from the request that makes the campaign to the last message read, and all of it
/// told.
pub(super) async fn ours(
    options: &Options,
    database: &Database,
    session: &Session,
    count: u32,
) -> Result<Measured> {
    load(database, session, count).await?;
    let gateway = Gateway::start()?;
    let server = gateway.serve(database, session, TENANT + 1, &[]).await?;
    let mut api = Api::open(server.address).await?;
    let instance = scene::instance(TENANT);
    let everybody = json!({ "type": "all" });
    let begun = Instant::now();
    let id = campaign::create(&mut api, TENANT, &instance, &everybody, Hours::Any).await?;
    campaign::until_read(session, &id, count).await?;
    flow::until_empty(session, &["outbox"]).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let peak_mb = server.peak_mb()?;
    campaign::until_complete(session, &id).await?;
    // What the gateway announced besides the answer is looked at a little later, and superfluous.
    flow::until_empty(session, &["queue", "inbox", "outbox"]).await?;
    let (stats, _) = api.get(TENANT, &campaign::stats_path(&id)).await?;
    server.stop().await?;
    options.spoil(session).await?;
    let (planned, _) = campaign::told(&stats)?;
    agree("recipients told", i64::try_from(planned)?, u64::from(count))?;
    check(session, count).await?;
    let left = gateway.left(&scene::session(TENANT), TEXT).await?;
    gateway.stop().await;
    check_left(session, &left, count).await?;
    Ok(Measured { seconds, peak_mb })
}

/// The row changes of sending, as P4's other side makes them.
async fn sending(
    database: &Database,
    session: &Session,
    count: u32,
    sample: &p4::batches::Sample,
) -> Result<f64> {
    flow::messages(database, session, count, p4::LANES, true).await?;
    let seconds = p4::batches::drain(database, p4::LANES, sample).await?;
    p4::check(session, count).await?;
    Ok(seconds)
}

/// The row changes of receipts, as P8's other side makes them.
async fn receipts(database: &Database, session: &Session, count: u32) -> Result<f64> {
    flow::messages(database, session, count, p4::LANES, false).await?;
    p8::receive(session, RECEIPTS).await?;
    let expected = u64::from(count);
    counts::agree(session, &[(counts::INBOX, 2 * expected)]).await?;
    let seconds = p8::theirs(session).await?;
    let counts = [
        (counts::INBOX, 0),
        (counts::READ, expected),
        (counts::EVENTS, 2 * expected),
    ];
    counts::agree(session, &counts).await?;
    Ok(seconds)
}

/// Every recipient's message is read, known by WhatsApp's id, told of once at each step and charged once.
async fn check(session: &Session, count: u32) -> Result<()> {
    let expected = u64::from(count);
    let counts = [
        (
            Count::new(
                "recipients",
                "SELECT count(*) FROM campaign_recipients WHERE skip = 0",
            ),
            expected,
        ),
        (
            Count::new(
                "read messages of recipients with their reference",
                "SELECT count(*) FROM campaign_recipients k \
                 JOIN messages m ON m.id = k.message_id AND m.peer = k.phone \
                 JOIN provider_refs r ON r.instance_id = m.instance_id \
                   AND r.key_id = m.provider_message_id AND r.message_id = m.id WHERE m.status = 3",
            ),
            expected,
        ),
        (counts::MESSAGES, expected),
        (counts::REFERENCES, expected),
        (counts::RESERVED, expected),
        (counts::CHARGED, expected),
    ];
    counts::agree(session, &counts).await?;
    counts::told_to_the_end(session, expected).await?;
    campaign::require_exact(session).await
}

/// What left the gateway is one message to each recipient.
async fn check_left(session: &Session, left: &[i64], count: u32) -> Result<()> {
    let expected = u64::from(count);
    agree(
        "messages at the gateway",
        i64::try_from(left.len())?,
        expected,
    )?;
    let text = "SELECT count(*) FROM campaign_recipients WHERE phone = ANY ($1)";
    let row = session.client.query_one(text, &[&left]).await?;
    agree("recipients reached", row.get(0), expected)
}
