//! P5: writing down to whom a campaign goes, each number once.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{Figures, Measured};
use crate::api::Api;
use crate::book::{self, Filling, Tags};
use crate::campaign::{self, Hours};
use crate::counts::{self, Count};
use crate::options::Options;
use crate::pg::{Database, Session};
use crate::report::{Sides, Target};
use crate::scene;
use crate::server::Server;

/// Recipients of the campaign.
const RECIPIENTS: u32 = 1_000_000;
/// One in so many is on the opt-out list, and left out.
const OPTED_OUT: u32 = 100;
/// Whose campaign it is.
const TENANT: u32 = 0;

/// To whom a campaign goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// Every contact: nobody is met twice.
    All,
    /// Those with one of two tags: six in ten have both.
    Tagged,
}

impl Audience {
    fn what(self) -> &'static str {
        match self {
            Self::All => "all contacts",
            Self::Tagged => "two tags, six in ten with both",
        }
    }

    fn body(self) -> Value {
        match self {
            Self::All => json!({ "type": "all" }),
            Self::Tagged => json!({ "type": "tags", "value": ["customer", "newsletter"] }),
        }
    }

    /// Its entries, and the order in which they are met.
    fn entries(self) -> &'static str {
        match self {
            Self::All => {
                "SELECT c.id, c.phone, row_number() OVER (ORDER BY c.id) AS place FROM contacts c \
                 WHERE c.workspace_id = $1::text::uuid"
            }
            Self::Tagged => {
                "SELECT c.id, c.phone, row_number() OVER (ORDER BY l.n, t.contact_id) AS place \
                 FROM (VALUES (1, 'customer'), (2, 'newsletter')) l (n, tag) \
                 JOIN contact_tags t ON t.workspace_id = $1::text::uuid AND t.tag = l.tag \
                 JOIN contacts c ON c.workspace_id = $1::text::uuid AND c.id = t.contact_id"
            }
        }
    }
}

/// Each side with the same contacts, for each audience.
pub(super) async fn run(options: &Options, database: &Database) -> Result<Figures> {
    let session = database.session().await?;
    let recipients = load(options, database, &session).await?;
    let mut figures = Figures::default();
    for audience in [Audience::All, Audience::Tagged] {
        let mut sides = Sides::default();
        for _ in 0..options.rounds {
            let ours = ours(options, database, &session, audience, recipients).await?;
            let wrote = rows(&session).await?;
            let theirs = theirs(&session, audience).await?;
            ensure!(
                wrote == rows(&session).await?,
                "the line does not count: the two sides wrote different rows"
            );
            sides.push(ours.seconds, theirs);
        }
        let what = format!(
            "{recipients} recipients, {}; one `INSERT … ON CONFLICT` of the same rows",
            audience.what()
        );
        figures.rows.push(sides.row(what, "s", Target::AtMost(1.5)));
    }
    // The next line shall not carry this one's contacts.
    database.reset().await?;
    Ok(figures)
}

/// Contacts and the opt-out list; answers how many contacts there are.
pub(super) async fn load(options: &Options, database: &Database, session: &Session) -> Result<u32> {
    let recipients = options.rows(RECIPIENTS, OPTED_OUT);
    database.reset().await?;
    scene::people(session, TENANT + 1).await?;
    scene::raise_limits(session).await?;
    let filling = Filling::of(TENANT, recipients, Tags::Everybody);
    book::load(database, session, filling).await?;
    let text = "INSERT INTO suppressions (workspace_id, phone, source, created_at) \
                SELECT workspace_id, phone, 'import', now() FROM contacts \
                WHERE ('x' || right(id::text, 12))::bit(48)::bigint % $1 = 0";
    session.run(text, &[&i64::from(OPTED_OUT)]).await?;
    session.settle_down().await?;
    Ok(recipients)
}

/// No campaign, and nothing left to write out from the last one.
async fn clear(session: &Session) -> Result<()> {
    let text = "TRUNCATE campaigns, campaign_counters, campaign_recipients";
    session.client.batch_execute(text).await?;
    Ok(session.client.batch_execute("CHECKPOINT").await?)
}

/// The real server: from the request that makes the campaign to the last recipient written down. Its
/// hours begin later, so that nothing else happens meanwhile.
pub(super) async fn ours(
    options: &Options,
    database: &Database,
    session: &Session,
    audience: Audience,
    recipients: u32,
) -> Result<Measured> {
    clear(session).await?;
    let server = Server::start(database.url(), &[]).await?;
    let mut api = Api::open(server.address).await?;
    let instance = scene::instance(TENANT);
    let body = audience.body();
    let begun = Instant::now();
    let id = campaign::create(&mut api, TENANT, &instance, &body, Hours::Later).await?;
    campaign::until_expanded(session, &id).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let peak_mb = server.peak_mb()?;
    let (stats, _) = api.get(TENANT, &campaign::stats_path(&id)).await?;
    server.stop().await?;
    let left_out = recipients / OPTED_OUT;
    let expected = (u64::from(recipients - left_out), u64::from(left_out));
    let told = campaign::told(&stats)?;
    ensure!(
        told == expected,
        "the line does not count: {told:?} recipients are told, not {expected:?}"
    );
    options.spoil(session).await?;
    check(session, recipients).await?;
    Ok(Measured { seconds, peak_mb })
}

/// One statement, which is one transaction, in the order in which the audience is met.
async fn theirs(session: &Session, audience: Audience) -> Result<f64> {
    clear(session).await?;
    let ids = crate::flow::ids(2);
    let text = format!(
        "INSERT INTO campaign_recipients \
           (run_id, phone, campaign_id, message_id, contact_id, skip) \
         SELECT $2, s.phone, $3, ('0193000000007000' || \
             to_hex((-9223372036854775808)::bigint + s.place))::uuid, s.id, \
           CASE WHEN x.phone IS NULL THEN 0 ELSE 1 END \
         FROM ({}) s LEFT JOIN suppressions x \
           ON x.workspace_id = $1::text::uuid AND x.phone = s.phone \
         ON CONFLICT (run_id, phone) DO NOTHING",
        audience.entries()
    );
    let begun = Instant::now();
    session
        .run(&text, &[&scene::account(TENANT), &ids[0], &ids[1]])
        .await?;
    Ok(begun.elapsed().as_secs_f64())
}

/// Each contact is there once, with its number and whether it is left out; nothing else was made.
async fn check(session: &Session, recipients: u32) -> Result<()> {
    let (all, left_out) = (u64::from(recipients), u64::from(recipients / OPTED_OUT));
    let counts = [
        (
            Count::new(
                "recipients with the numbers of their contacts",
                "SELECT count(DISTINCT r.contact_id) FROM campaign_recipients r \
                 JOIN contacts c ON c.id = r.contact_id AND c.phone = r.phone",
            ),
            all,
        ),
        (
            Count::new("rows", "SELECT count(*) FROM campaign_recipients"),
            all,
        ),
        (
            Count::new(
                "recipients left out",
                "SELECT count(*) FROM campaign_recipients r JOIN suppressions x USING (phone) \
                 WHERE r.skip = 1",
            ),
            left_out,
        ),
        (counts::MESSAGES, 0),
        (counts::QUEUE, 0),
        (counts::EVENTS, 0),
        (counts::RESERVED, 0),
    ];
    counts::agree(session, &counts).await?;
    campaign::require_exact(session).await
}

/// What was written, whatever the ids: two sides with the same text wrote the same rows.
async fn rows(session: &Session) -> Result<String> {
    let text = "SELECT count(*) || ' ' || COALESCE(sum(hashtextextended( \
                  contact_id::text || ' ' || phone || ' ' || skip, 0)), 0) FROM campaign_recipients";
    let row = session.client.query_one(text, &[]).await;
    Ok(row.context("the rows cannot be compared")?.get(0))
}
