//! What G1 and G3 share: accepting messages in databases of several sizes, measured in turns.

use std::time::Duration;

use anyhow::Result;

use crate::accept::SETTINGS;
use crate::counts::{self, Count};
use crate::flow;
use crate::load::{self, Fired, Target};
use crate::options::Options;
use crate::pg::{Database, Session};
use crate::report::{self, Row, Sides, say};
use crate::scene;
use crate::server::Server;
use crate::stats::percentile;

/// Connections of the closed loop, as in P1.
const CONNECTIONS: usize = 32;
/// Connections of the open loop, as in P3.
const WAITING: usize = 128;
/// What a database keeps from run to run; `clear` takes out what a run added.
const KEPT: [&str; 3] = ["messages", "provider_refs", "usage_holds"];

/// How large a database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    /// Tenants that send.
    pub(crate) tenants: u32,
    /// Messages that were sent before.
    pub(crate) stored: u32,
}

/// What was measured at one size, each with a value for each round.
#[derive(Debug, Default)]
struct Taken {
    per_second: Vec<f64>,
    p99: Vec<f64>,
}

/// What was measured at all of them.
#[derive(Debug)]
pub(crate) struct Turns {
    sizes: Vec<Taken>,
    /// The open loop's.
    rate: f64,
    /// What each database takes on disk, in gigabytes.
    pub(crate) gigabytes: Vec<f64>,
}

impl Turns {
    /// Each size against the first: what the closed loop reached, and the open loop's p99. `names` tells the
    /// sizes.
    pub(crate) fn rows(&self, names: &[String], target: Option<report::Target>) -> Vec<Row> {
        let Some((first, others)) = self.sizes.split_first() else {
            return Vec::new();
        };
        let mut rows = Vec::new();
        for (place, taken) in (1_usize..).zip(others) {
            let (name, small) = (&names[place], &names[0]);
            let what = format!("send, {CONNECTIONS} connections, {name}; {small}");
            rows.push(row(
                &taken.per_second,
                &first.per_second,
                what,
                "/s",
                target,
            ));
            let what = format!("p99 at {:.0}/s, open loop, {name}; {small}", self.rate);
            rows.push(row(&taken.p99, &first.p99, what, "ms", None));
        }
        rows
    }
}

fn row(
    ours: &[f64],
    theirs: &[f64],
    what: String,
    unit: &str,
    target: Option<report::Target>,
) -> Row {
    let sides = Sides {
        ours: ours.to_vec(),
        theirs: theirs.to_vec(),
    };
    let mut row = sides.row(what, unit, report::Target::AtMost(1.0));
    row.target = target;
    row
}

/// Makes a database of each size, measures them in turns and removes them.
pub(crate) async fn in_turns(
    options: &Options,
    database: &Database,
    sizes: &[Size],
) -> Result<Turns> {
    let mut all = Vec::new();
    let measured = measure(options, database, sizes, &mut all).await;
    for grown in all {
        grown.database.stop().await?;
    }
    measured
}

async fn measure(
    options: &Options,
    database: &Database,
    sizes: &[Size],
    all: &mut Vec<Grown>,
) -> Result<Turns> {
    for size in sizes {
        all.push(Grown::start(database, *size).await?);
    }
    let (mut gigabytes, mut slowest) = (Vec::new(), f64::INFINITY);
    for grown in all.iter() {
        let Size { tenants, stored } = grown.size;
        say(&format!("  {stored} messages of {tenants} tenant(s) ..."));
        grown.fill().await?;
        gigabytes.push(grown.gigabytes().await?);
        slowest = slowest.min(grown.closed(options).await?.per_second);
    }
    let rate = slowest / 2.0;
    let mut sizes: Vec<Taken> = all.iter().map(|_| Taken::default()).collect();
    for _ in 0..options.rounds {
        for (grown, taken) in all.iter().zip(&mut sizes) {
            let fired = grown.closed(options).await?;
            taken.per_second.push(fired.per_second);
            let mut fired = grown.open(options, rate).await?;
            let p99 = percentile(&mut fired.latencies, 0.99);
            taken.p99.push(p99 as f64 / 1_000.0);
        }
    }
    Ok(Turns {
        sizes,
        rate,
        gigabytes,
    })
}

/// A database of one size.
struct Grown {
    database: Database,
    session: Session,
    size: Size,
}

impl Grown {
    async fn start(beside: &Database, size: Size) -> Result<Self> {
        let suffix = format!("grown_{}_{}", size.tenants, size.stored);
        let database = beside.another(&suffix).await?;
        let session = database.session().await?;
        Ok(Self {
            database,
            session,
            size,
        })
    }

    async fn fill(&self) -> Result<()> {
        let Size { tenants, stored } = self.size;
        flow::history(&self.database, &self.session, stored, tenants).await?;
        scene::raise_limits(&self.session).await
    }

    async fn gigabytes(&self) -> Result<f64> {
        let text = "SELECT pg_database_size(current_database())";
        let bytes = self.session.count(text).await?;
        Ok(bytes as f64 / f64::from(1 << 30))
    }

    /// As fast as answers come.
    async fn closed(&self, options: &Options) -> Result<Fired> {
        let server = Server::start(self.database.url(), &SETTINGS).await?;
        let (target, length) = (self.target(&server), options.span());
        let fired = load::closed(target, CONNECTIONS, warm(options), length).await?;
        self.finish(options, server, fired).await
    }

    /// At fixed moments.
    async fn open(&self, options: &Options, rate: f64) -> Result<Fired> {
        let server = Server::start(self.database.url(), &SETTINGS).await?;
        let (target, length) = (self.target(&server), options.span());
        let fired = load::open(target, WAITING, rate, warm(options), length).await?;
        self.finish(options, server, fired).await
    }

    fn target(&self, server: &Server) -> Target {
        Target {
            address: server.address,
            tenants: self.size.tenants,
        }
    }

    /// The run counts if nothing was lost or counted twice. Afterwards the database has its size again.
    async fn finish(&self, options: &Options, server: Server, fired: Fired) -> Result<Fired> {
        load::prove_replay(&self.target(&server), u64::MAX % 1_000_000_000_000).await?;
        server.stop().await?;
        options.spoil(&self.session).await?;
        self.check(fired.accepted + 1).await?;
        self.clear().await?;
        Ok(fired)
    }

    async fn check(&self, accepted: u64) -> Result<()> {
        let all = u64::from(self.size.stored) + accepted;
        let counts = [
            (counts::MESSAGES, all),
            (counts::QUEUE, accepted),
            (
                Count::new(
                    "queue rows with their message",
                    "SELECT count(*) FROM queue q JOIN messages m \
                     ON m.workspace_id = q.workspace_id AND m.id = q.message_id WHERE m.status = 0",
                ),
                accepted,
            ),
            (
                Count::new(
                    "recipients of queued messages",
                    "SELECT count(DISTINCT peer) FROM messages WHERE status = 0",
                ),
                accepted,
            ),
            (counts::KEPT_ANSWERS, accepted),
            (counts::RESERVED, all),
            (
                // One pass over all messages: there is no index by account.
                Count::new(
                    "accounts whose ledger differs from their messages",
                    "SELECT count(*) FROM usage_holds h LEFT JOIN ( \
                       SELECT account_id, count(*) AS made FROM messages GROUP BY account_id) m \
                     ON m.account_id = h.account_id WHERE h.reserved_total <> COALESCE(m.made, 0)",
                ),
                0,
            ),
            // A replay is a request too.
            (counts::REQUESTS, accepted + 1),
        ];
        counts::agree(&self.session, &counts).await
    }

    /// Takes out what a run added: the next one shall find as many messages as this one did.
    async fn clear(&self) -> Result<()> {
        for text in [
            "UPDATE usage_holds h SET reserved_total = h.reserved_total - q.made \
             FROM (SELECT account_id, count(*) AS made FROM queue GROUP BY account_id) q \
             WHERE q.account_id = h.account_id",
            "DELETE FROM messages m USING queue q \
             WHERE m.workspace_id = q.workspace_id AND m.id = q.message_id",
        ] {
            self.session.run(text, &[]).await?;
        }
        self.database.reset_but(&KEPT).await?;
        self.session.settle_down().await
    }
}

/// Load before the measured window. Longer than P1's: ten thousand callers shall have been met.
fn warm(options: &Options) -> Duration {
    options.span() / 2
}
