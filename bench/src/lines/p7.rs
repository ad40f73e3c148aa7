//! P7: webhook deliveries, from the event to the log of deliveries, signed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use reqwest::Client;
use tokio_postgres::Statement;
use uuid::Uuid;

use super::Figures;
use crate::counts;
use crate::flow;
use crate::options::Options;
use crate::pg::{Database, Session, agree};
use crate::receiver::{Received, Receiver, SECRET};
use crate::report::{Sides, Target};
use crate::scene;
use crate::server::Server;

/// What the loop writes down of each post.
const INSERT: &str = "INSERT INTO deliveries (endpoint_id, id, workspace_id, event_id, event, status, \
       attempts, response_status, response_excerpt, created_at, updated_at) \
     VALUES ($1, $2, $1, $2, 'message.sent', 'delivered', 1, $3, $4, now(), now())";

/// Events to tell.
const EVENTS: u32 = 100_000;
/// Customers, each with an endpoint at an address of its own.
const ENDPOINTS: u8 = 16;
/// Posts under way at once; what the product allows itself.
const POSTS: usize = 64;

/// Each side with the same events and receivers.
pub(super) async fn run(options: &Options, database: &Database) -> Result<Figures> {
    let events = options.rows(EVENTS, u32::from(ENDPOINTS) * 64);
    let session = database.session().await?;
    let mut sides = Sides::default();
    for _ in 0..options.rounds {
        let ours = ours(options, database, &session, events).await?;
        let theirs = theirs(database, &session, events).await?;
        sides.push(f64::from(events) / ours, f64::from(events) / theirs);
    }
    let what = format!(
        "{events} deliveries to {ENDPOINTS} endpoints; raw HTTP loop and one INSERT each, \
         {POSTS} at once"
    );
    Ok(Figures {
        rows: vec![sides.row(what, "/s", Target::AtLeast(1.0))],
        notes: Vec::new(),
    })
}

/// Endpoints, and events that nobody was told of yet.
async fn load(
    database: &Database,
    session: &Session,
    receiver: &Receiver,
    events: u32,
) -> Result<()> {
    database.reset().await?;
    scene::people(session, u32::from(ENDPOINTS)).await?;
    for (n, url) in (0..).zip(&receiver.urls) {
        scene::endpoint(session, n, url, SECRET).await?;
    }
    let text = format!(
        "INSERT INTO events (workspace_id, id, account_id, name, payload, at) \
         SELECT a, (left(ms, 8) || '-' || right(ms, 4) || '-7000-8000-' || \
           lpad(n::text, 12, '0'))::uuid, a, \
           'message.sent', jsonb_build_object('event', 'message.sent', 'instanceId', a, \
             'messageId', a, 'providerMessageId', '3EB0' || lpad(upper(to_hex(n)), 16, '0'), \
             'to', '+' || (33600000000 + n), 'status', 'sent', 'campaignId', null, \
             'timestamp', '2026-05-01T10:00:00.000Z'), now() \
         FROM (SELECT n, ('00000000-0000-7000-8000-0000000' || ({} + n % $2::bigint))::uuid AS a \
               FROM generate_series(0::bigint, $1::bigint - 1) n) e, \
              (SELECT lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') AS ms) t",
        scene::FIRST
    );
    let (events, endpoints) = (i64::from(events), i64::from(ENDPOINTS));
    session.run(&text, &[&events, &endpoints]).await?;
    session.settle_down().await
}

/// The real server: from the moment the events may be told to the last delivery recorded.
async fn ours(
    options: &Options,
    database: &Database,
    session: &Session,
    events: u32,
) -> Result<f64> {
    let receiver = Receiver::start(ENDPOINTS).await?;
    load(database, session, &receiver, events).await?;
    let settings = [("roles", "worker"), ("allow_private_targets", "true")];
    let server = Server::start_worker(database.url(), &settings)?;
    // Until it has connected and found nothing to do.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let begun = Instant::now();
    session
        .run(
            "INSERT INTO outbox (event_id, workspace_id) SELECT id, workspace_id FROM events",
            &[],
        )
        .await?;
    flow::until_empty(session, &["outbox", "delivery_queue"]).await?;
    let took = begun.elapsed().as_secs_f64();
    server.stop().await?;
    options.spoil(session).await?;
    check(session, &receiver.received, events).await?;
    let forged = receiver.received.forged.load(Ordering::Relaxed);
    let verified = receiver.received.verified.load(Ordering::Relaxed);
    ensure!(
        forged == 0 && verified > 0,
        "the line does not count: {forged} signatures of {} are wrong",
        forged + verified
    );
    Ok(took)
}

/// A loop that posts and inserts, with nothing around it.
async fn theirs(database: &Database, session: &Session, events: u32) -> Result<f64> {
    let receiver = Receiver::start(ENDPOINTS).await?;
    load(database, session, &receiver, events).await?;
    let rows = session
        .client
        .query(
            "SELECT workspace_id, id, payload::text FROM events ORDER BY id",
            &[],
        )
        .await?;
    let work: Arc<Vec<(Uuid, Uuid, String)>> = Arc::new(
        rows.iter()
            .map(|row| (row.get(0), row.get(1), row.get(2)))
            .collect(),
    );
    let client = Client::builder()
        .timeout(Duration::from_secs(10))
        .no_proxy()
        .build()
        .context("an HTTP client")?;
    let urls: Arc<Vec<String>> = Arc::new(receiver.urls.clone());
    let next = Arc::new(AtomicUsize::new(0));
    let mut sessions = Vec::new();
    for _ in 0..POSTS {
        sessions.push(Writer::open(database).await?);
    }
    let begun = Instant::now();
    let loops: Vec<_> = sessions
        .into_iter()
        .map(|writer| {
            let (client, work) = (client.clone(), Arc::clone(&work));
            let (urls, next) = (Arc::clone(&urls), Arc::clone(&next));
            tokio::spawn(async move { post_all(&client, &writer, &work, &urls, &next).await })
        })
        .collect();
    for task in loops {
        task.await??;
    }
    let took = begun.elapsed().as_secs_f64();
    check(session, &receiver.received, events).await?;
    Ok(took)
}

/// A session that knows its statement, as those of a server that has run for a while.
struct Writer {
    session: Session,
    insert: Statement,
}

impl Writer {
    /// Prepared, and run once for nothing: what a session loads for its first row is no part of a delivery.
    async fn open(database: &Database) -> Result<Self> {
        let session = database.session().await?;
        let insert = session.client.prepare(INSERT).await?;
        let writer = Self { session, insert };
        writer.session.client.batch_execute("BEGIN").await?;
        writer.write(Uuid::nil(), Uuid::nil(), 200, "").await?;
        writer.session.client.batch_execute("ROLLBACK").await?;
        Ok(writer)
    }

    async fn write(&self, workspace: Uuid, event: Uuid, status: i32, excerpt: &str) -> Result<()> {
        let rows = self
            .session
            .client
            .execute(&self.insert, &[&workspace, &event, &status, &excerpt])
            .await?;
        ensure!(rows == 1, "a delivery was not recorded");
        Ok(())
    }
}

async fn post_all(
    client: &Client,
    writer: &Writer,
    work: &[(Uuid, Uuid, String)],
    urls: &[String],
    next: &AtomicUsize,
) -> Result<()> {
    loop {
        let turn = next.fetch_add(1, Ordering::Relaxed);
        let Some((workspace, event, body)) = work.get(turn) else {
            return Ok(());
        };
        let answer = client
            .post(&urls[turn % urls.len()])
            .header("Content-Type", "application/json")
            .header("webhook-id", event.to_string())
            .body(body.clone())
            .send()
            .await?;
        let status = i32::from(answer.status().as_u16());
        let excerpt = answer.text().await?;
        writer.write(*workspace, *event, status, &excerpt).await?;
    }
}

/// Every event arrived once and is recorded as delivered at the first attempt.
async fn check(session: &Session, received: &Received, events: u32) -> Result<()> {
    let expected = u64::from(events);
    let delivered = "SELECT count(DISTINCT event_id) FROM deliveries \
                     WHERE status = 'delivered' AND attempts = 1 AND response_status = 200";
    session.agree("deliveries", delivered, expected).await?;
    counts::agree(session, &[(counts::DELIVERIES, expected)]).await?;
    let posts = i64::try_from(received.posts.load(Ordering::Relaxed))?;
    agree("posts received", posts, expected)?;
    agree(
        "events received",
        i64::try_from(received.events())?,
        expected,
    )
}
