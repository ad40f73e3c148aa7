//! P10: lists, searches and counts of a large address book, and the stats of a campaign to all of it,
//! against the same of a small one in the same tables.

mod ask;
mod books;
mod client;
mod stats;

use anyhow::{Result, ensure};

use self::ask::{Ask, asks, searches};
use self::books::Books;
use self::stats::Campaigns;
use super::Figures;
use crate::api::Api;
use crate::campaign;
use crate::options::Options;
use crate::pg::{Database, Session};
use crate::report::{Row, Sides, Target, number, say};
use crate::server::Server;
use crate::stats::median;

/// Contacts of the small book. It is never smaller: a walk that finds little looks at half of it.
const SMALL: u32 = 10_000;
/// Contacts of the large book: a third of all, within these.
const BIG: (u32, u32) = (50_000, 1_000_000);
/// Contacts in all.
const ALL: u32 = 10_000_000;
/// Requests of each kind to each book in each round, the two books in turns.
const REQUESTS: usize = 15;
/// What the product holds while it makes the index for searches; who finds it held goes without.
const MAKING_THE_INDEX: &str = "SELECT pg_advisory_lock(5571002719)";

/// In a database of its own: it takes keys away while it loads, and no other line shall miss them.
pub(super) async fn run(options: &Options, database: &Database) -> Result<Figures> {
    let own = database.another("contacts").await?;
    let figures = measured(options, &own).await;
    own.stop().await?;
    figures
}

/// Loads once, since nothing is written; then both books in turns.
async fn measured(options: &Options, database: &Database) -> Result<Figures> {
    let session = database.session().await?;
    let all = options.rows(ALL, SMALL);
    // Shares of a book are twentieths of it, or tenths.
    let big = (all / 3).clamp(BIG.0, BIG.1) / 100 * 100;
    let books = Books::new(big, SMALL, all);
    say(&format!("loading {} contacts ...", books.contacts()));
    books.load(database, &session).await?;
    let without_index = measure(options, database, &books, false).await?;
    say("making the index for searches ...");
    books.index(database, &session).await?;
    let campaigns = Campaigns::make(database, &session, &books).await?;
    let mut rows = measure(options, database, &books, true).await?;
    rows.extend(without_index);
    rows.push(campaigns.measure(options, database).await?);
    options.spoil(&session).await?;
    books.check(&session).await?;
    campaign::require_exact(&session).await?;
    let (contacts, size) = (books.contacts(), size(&session).await?);
    Ok(Figures {
        rows,
        notes: vec![format!(
            "{} contacts against {} in tables of {contacts}; contacts, tags, groups and their \
             indexes take {size}",
            books.big.rows, books.small.rows
        )],
    })
}

/// Every question of a part, once to be checked and then in rounds.
async fn measure(
    options: &Options,
    database: &Database,
    books: &Books,
    has_index: bool,
) -> Result<Vec<Row>> {
    let session = database.session().await?;
    let holder = database.session().await?;
    if !has_index {
        holder.client.batch_execute(MAKING_THE_INDEX).await?;
    }
    let settings = [("roles", "api"), ("rate_limit_per_second", "1000000")];
    let server = Server::start(database.url(), &settings).await?;
    let mut api = Api::open(server.address).await?;
    let asks = if has_index {
        books.prove_shape(&session, &mut api).await?;
        asks(books, &mut api).await?
    } else {
        searches(books, false)
    };
    let mut proven = Vec::new();
    for ask in &asks {
        let big = ask.prove(&session, &mut api, books.big).await?;
        let small = ask.prove(&session, &mut api, books.small).await?;
        proven.push((big, small));
    }
    let mut sides: Vec<Sides> = asks.iter().map(|_| Sides::default()).collect();
    for _ in 0..options.rounds {
        for ((ask, proven), sides) in asks.iter().zip(&proven).zip(&mut sides) {
            let (big, small) = in_turns(&mut api, ask, proven, books).await?;
            sides.push(big, small);
        }
    }
    let index = "SELECT count(*) FROM pg_indexes WHERE indexname = 'contacts_search'";
    session
        .agree("indexes for searches", index, u64::from(has_index))
        .await?;
    server.stop().await?;
    holder
        .client
        .batch_execute("SELECT pg_advisory_unlock_all()")
        .await?;
    let without = if has_index { "" } else { ", without pg_trgm" };
    let row = |(ask, sides): (&Ask, &Sides)| {
        let mut row = sides.row(format!("{}{without}", ask.what), "ms", Target::AtMost(2.0));
        if !ask.has_target {
            row.target = None;
        }
        row
    };
    Ok(asks.iter().zip(&sides).map(row).collect())
}

/// One question to both books in turns; the medians in milliseconds. Every answer is the proven one.
async fn in_turns(
    api: &mut Api,
    ask: &Ask,
    (big, small): &(Vec<u8>, Vec<u8>),
    books: &Books,
) -> Result<(f64, f64)> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..REQUESTS {
        for (book, path, proven, took) in [
            (books.big, &ask.big, big, &mut ours),
            (books.small, &ask.small, small, &mut theirs),
        ] {
            let (body, ms) = api.get(book.tenant, path).await?;
            ensure!(
                body == *proven,
                "the line does not count: {path} answers something else each time"
            );
            took.push(ms);
        }
    }
    Ok((median(&ours), median(&theirs)))
}

/// What the address books take on disk.
async fn size(session: &Session) -> Result<String> {
    let bytes = session
        .count(
            "SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c \
             WHERE c.relname IN ('contacts', 'contact_tags', 'tag_counts', 'address_books', \
               'contact_groups', 'contact_group_members')",
        )
        .await?;
    Ok(format!("{} GB", number(bytes as f64 / f64::from(1 << 30))))
}
