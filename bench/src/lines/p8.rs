//! P8: receipts, from rows of the inbox to events.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use msgflash_kernel::{RandomIds, SystemClock, Tick};
use msgflash_messaging::InstanceId;
use msgflash_messaging::alarm::{Alarm, Alarms};
use msgflash_messaging::receipt::batch::ApplyReceipts;
use msgflash_postgres::Postgres;

use super::Figures;
use crate::counts::{self, Count};
use crate::flow;
use crate::options::Options;
use crate::pg::{Database, Session};
use crate::report::{Sides, Target};

/// Receipts; half as many messages have one, two or three of them.
const RECEIPTS: u32 = 1_000_000;
/// What they say of every third message, of every third other, and of the rest.
const RECEIPTS_OF_ONE: &str = "(0, 2, true), (1, 2, r.n % 3 = 2), (2, 3, r.n % 3 > 0)";
/// Receipts of one batch of the baseline.
const BATCH: i64 = 1_000;
/// Numbers the messages went out from.
const LANES: u32 = 50;

/// Each side on the same inbox.
pub(super) async fn run(options: &Options, database: &Database) -> Result<Figures> {
    let receipts = options.rows(RECEIPTS, 6 * LANES);
    let session = database.session().await?;
    let mut sides = Sides::default();
    for _ in 0..options.rounds {
        load(database, &session, receipts).await?;
        let ours = ours(database).await?;
        options.spoil(&session).await?;
        check(&session, receipts).await?;
        load(database, &session, receipts).await?;
        let theirs = theirs(&session).await?;
        check(&session, receipts).await?;
        sides.push(ours, theirs);
    }
    let what = format!("{receipts} receipts; the same row changes in SQL batches of {BATCH}");
    Ok(Figures {
        rows: vec![sides.row(what, "s", Target::AtMost(1.5))],
        notes: Vec::new(),
    })
}

/// Every third message was delivered, every third read, and every third told of twice on the way.
async fn load(database: &Database, session: &Session, receipts: u32) -> Result<()> {
    let messages = receipts / 2;
    flow::messages(database, session, messages, LANES, false).await?;
    receive(session, RECEIPTS_OF_ONE).await?;
    counts::agree(session, &[(counts::INBOX, u64::from(receipts))]).await
}

/// Puts the receipts of all messages into the inbox: for each message those of `steps`, by their place, their
/// rank and whether message `r.n` has them.
pub(super) async fn receive(session: &Session, steps: &str) -> Result<()> {
    // Receipts of one message lie apart, as they do when many are under way.
    let text = format!(
        "INSERT INTO inbox (id, instance_id, key_id, rank, received_at, due_at) \
         SELECT ('01940000-' || lpad(to_hex(row_number() OVER w >> 16), 4, '0') || '-7000-8000-' || \
             lpad(to_hex((row_number() OVER w) & 65535), 12, '0'))::uuid, \
           r.instance_id, r.key_id, k.rank, \
           now() - interval '10 s' + (r.n + k.step * 500) * interval '1 us', \
           now() - interval '10 s' + (r.n + k.step * 500) * interval '1 us' \
         FROM (SELECT p.*, (row_number() OVER (ORDER BY message_id)) AS n FROM provider_refs p) r \
         CROSS JOIN LATERAL (VALUES {steps}) AS k (step, rank, is_told) \
         WHERE k.is_told WINDOW w AS (ORDER BY r.n + k.step * 500, k.step)"
    );
    session.run(&text, &[]).await?;
    session.settle_down().await
}

/// Nobody is restricted here.
struct Silent;

impl Alarms for Silent {
    fn raise(&self, _: Alarm, _: Option<InstanceId>) {}
}

/// The product's own use case, until nothing is left.
async fn ours(database: &Database) -> Result<f64> {
    let apply = ApplyReceipts::new(
        Arc::new(Postgres::new(database.url(), 4)?),
        Arc::new(SystemClock),
        Arc::new(RandomIds),
        Arc::new(Silent),
        time::Duration::HOUR,
    );
    let begun = Instant::now();
    while let Tick::Did(_) = apply.tick().await? {}
    Ok(begun.elapsed().as_secs_f64())
}

/// The same changes, a thousand receipts to a statement that is a transaction.
pub(super) async fn theirs(session: &Session) -> Result<f64> {
    let statement = session
        .client
        .prepare(
            "WITH taken AS ( \
               DELETE FROM inbox WHERE ctid = ANY (ARRAY( \
                 SELECT ctid FROM inbox WHERE rank IS NOT NULL AND due_at <= now() \
                 ORDER BY due_at, id LIMIT $2 \
                 FOR UPDATE SKIP LOCKED)) \
               RETURNING instance_id, key_id, rank), \
             steps AS ( \
               SELECT DISTINCT r.workspace_id, r.message_id, t.rank FROM taken t \
               JOIN provider_refs r ON r.instance_id = t.instance_id AND r.key_id = t.key_id), \
             forward AS ( \
               SELECT s.workspace_id, s.message_id, s.rank, m.account_id, m.instance_id, m.peer, \
                 m.provider_message_id, row_number() OVER (ORDER BY s.message_id, s.rank) AS n \
               FROM steps s JOIN messages m \
                 ON m.workspace_id = s.workspace_id AND m.id = s.message_id \
               WHERE s.rank > m.status), \
             moved AS ( \
               UPDATE messages m SET status = f.rank, updated_at = now() \
               FROM (SELECT workspace_id, message_id, max(rank) AS rank FROM forward \
                     GROUP BY workspace_id, message_id) f \
               WHERE m.workspace_id = f.workspace_id AND m.id = f.message_id), \
             told AS ( \
               INSERT INTO events (workspace_id, id, account_id, name, payload, at) \
               SELECT f.workspace_id, ($1::uuid[])[f.n], f.account_id, w.name, \
                 jsonb_build_object('event', w.name, 'instanceId', f.instance_id, \
                   'messageId', f.message_id, 'providerMessageId', f.provider_message_id, \
                   'to', '+' || f.peer, 'status', w.status, 'campaignId', null, \
                   'timestamp', to_char(now(), 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')), now() \
               FROM forward f CROSS JOIN LATERAL (SELECT \
                 CASE f.rank WHEN 3 THEN 'message.read' ELSE 'message.delivered' END AS name, \
                 CASE f.rank WHEN 3 THEN 'read' ELSE 'delivered' END AS status) w \
               RETURNING workspace_id, id), \
             waiting AS ( \
               INSERT INTO outbox (event_id, workspace_id) SELECT id, workspace_id FROM told) \
             SELECT count(*) FROM taken",
        )
        .await?;
    let size = usize::try_from(BATCH)?;
    let begun = Instant::now();
    loop {
        let ids = flow::ids(size);
        let row = session
            .client
            .query_one(&statement, &[&ids, &BATCH])
            .await?;
        if row.get::<_, i64>(0) == 0 {
            return Ok(begun.elapsed().as_secs_f64());
        }
    }
}

/// Every message is where its furthest receipt says, and each step was told once.
async fn check(session: &Session, receipts: u32) -> Result<()> {
    let third = u64::from(receipts / 6);
    let counts = [
        (counts::INBOX, 0),
        (
            Count::new(
                "delivered messages",
                "SELECT count(*) FROM messages WHERE status = 2",
            ),
            third,
        ),
        (counts::READ, 2 * third),
        (counts::TOLD_AS_DELIVERED, 3 * third),
        (counts::TOLD_AS_READ, 2 * third),
        (counts::EVENTS, 5 * third),
        (
            Count::new(
                "events to hand on",
                "SELECT count(*) FROM outbox o JOIN events e \
                 ON e.workspace_id = o.workspace_id AND e.id = o.event_id",
            ),
            5 * third,
        ),
    ];
    counts::agree(session, &counts).await
}
