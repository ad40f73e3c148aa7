//! How far a campaign is, with as many recipients as the large book has contacts and with a thousand.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::REQUESTS;
use super::books::{Book, Books};
use crate::api::Api;
use crate::campaign::{self, Hours, stats_path, told};
use crate::options::Options;
use crate::pg::{Database, Session};
use crate::report::{Row, Sides, Target};
use crate::scene;
use crate::server::Server;
use crate::stats::median;

/// A campaign that runs, and whose hours have not begun.
struct Running {
    tenant: u32,
    path: String,
    recipients: u32,
}

/// The two of them.
pub(super) struct Campaigns {
    big: Running,
    small: Running,
}

impl Campaigns {
    /// The product writes their recipients down itself: all contacts of the large book, and the tenth of
    /// the small one that is a group. The index for searches must be there: else the server made it.
    pub(super) async fn make(
        database: &Database,
        session: &Session,
        books: &Books,
    ) -> Result<Self> {
        let settings = [("rate_limit_per_second", "1000000")];
        let server = Server::start(database.url(), &settings).await?;
        let mut api = Api::open(server.address).await?;
        let group = json!({ "type": "group", "groupId": books.small.tenth() });
        let big = books.big.rows;
        let big = make(&mut api, session, books.big, &json!({ "type": "all" }), big).await?;
        let small = books.small.rows / 10;
        let small = make(&mut api, session, books.small, &group, small).await?;
        server.stop().await?;
        let text = "VACUUM ANALYZE campaigns, campaign_counters, campaign_recipients";
        session.client.batch_execute(text).await?;
        session.client.batch_execute("CHECKPOINT").await?;
        Ok(Self { big, small })
    }

    /// Both in turns, in rounds. Each answer has the counters that it must have.
    pub(super) async fn measure(&self, options: &Options, database: &Database) -> Result<Row> {
        let settings = [("roles", "api"), ("rate_limit_per_second", "1000000")];
        let server = Server::start(database.url(), &settings).await?;
        let mut api = Api::open(server.address).await?;
        let mut sides = Sides::default();
        for _ in 0..options.rounds {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            for _ in 0..REQUESTS {
                ours.push(self.big.ask(&mut api).await?);
                theirs.push(self.small.ask(&mut api).await?);
            }
            sides.push(median(&ours), median(&theirs));
        }
        server.stop().await?;
        let what = format!(
            "stats of a campaign with {} recipients; with {}",
            self.big.recipients, self.small.recipients
        );
        Ok(sides.row(what, "ms", Target::AtMost(2.0)))
    }
}

async fn make(
    api: &mut Api,
    session: &Session,
    book: Book,
    audience: &Value,
    recipients: u32,
) -> Result<Running> {
    let instance = scene::instance(book.tenant);
    let id = campaign::create(api, book.tenant, &instance, audience, Hours::Later).await?;
    campaign::until_expanded(session, &id).await?;
    Ok(Running {
        tenant: book.tenant,
        path: stats_path(&id),
        recipients,
    })
}

impl Running {
    /// Asks; answers how many milliseconds it took.
    async fn ask(&self, api: &mut Api) -> Result<f64> {
        let (body, took) = api.get(self.tenant, &self.path).await?;
        let (planned, _) = told(&body)?;
        ensure!(
            planned == u64::from(self.recipients),
            "the line does not count: {planned} recipients are told of {}",
            self.recipients
        );
        Ok(took)
    }
}
