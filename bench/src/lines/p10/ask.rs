//! What P10 asks, and how it knows that the answer is right.

use anyhow::{Result, ensure};

use super::books::{Book, Books, PHONE};
use super::client::{path, read};
use crate::api::Api;
use crate::pg::Session;
use crate::scene;

/// Contacts on a page when nobody says how many.
const PAGE: u32 = 50;
/// The page that is far behind.
const DEEP: u32 = 5_000;
/// How many contacts one request looks at.
const LOOK: u32 = 5_000;

const NEWEST: &str = "true ORDER BY id DESC";
const BY_NAME: &str = "true ORDER BY name_key, id";
const TAGGED: &str = "tags @> '{newsletter}' ORDER BY id DESC";

/// What the answer must be.
#[derive(Clone, Copy, Debug)]
enum Expected {
    /// A page of so many contacts, out of exactly so many tenths of the book.
    Listed { page: u32, tenths: u32 },
    /// What fits among the first contacts of a list; with an index, what fits among all of them
    /// when that is rare.
    Found {
        list: &'static str,
        fits: &'static str,
        has_index: bool,
    },
}

/// One question, to each book.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    /// What it is about.
    pub(super) what: String,
    /// The address for the large book.
    pub(super) big: String,
    /// The address for the small one.
    pub(super) small: String,
    /// Whether the target holds for it.
    pub(super) has_target: bool,
    expected: Expected,
}

impl Ask {
    fn new(what: &str, books: &Books, expected: Expected, query: impl Fn(Book) -> String) -> Self {
        Self {
            what: what.to_owned(),
            big: path(&query(books.big)),
            small: path(&query(books.small)),
            has_target: true,
            expected,
        }
    }

    /// Asks once and compares with what SQL counts; answers the body.
    pub(super) async fn prove(
        &self,
        session: &Session,
        api: &mut Api,
        book: Book,
    ) -> Result<Vec<u8>> {
        let address = if book.tenant == 0 {
            &self.big
        } else {
            &self.small
        };
        let (body, _) = api.get(book.tenant, address).await?;
        let page = read(&body)?;
        let found = (page.contacts.len() as u64, page.total, page.is_exact);
        let expected = self.expected.of(session, book).await?;
        ensure!(
            found == expected,
            "the line does not count: {address} of {} contacts answers {found:?}, not {expected:?}",
            book.rows
        );
        Ok(body)
    }
}

impl Expected {
    /// Contacts on the page, the total, and whether it is exact.
    async fn of(self, session: &Session, book: Book) -> Result<(u64, u64, bool)> {
        let (list, fits, has_index) = match self {
            Self::Listed { page, tenths } => {
                let total = u64::from(book.rows / 10 * tenths);
                return Ok((total.min(u64::from(page)), total, true));
            }
            Self::Found {
                list,
                fits,
                has_index,
            } => (list, fits, has_index),
        };
        let workspace = scene::account(book.tenant);
        let walked = format!(
            "SELECT count(*) FROM (SELECT needle FROM contacts \
               WHERE workspace_id = '{workspace}' AND {list} LIMIT {LOOK}) w WHERE {fits}"
        );
        let seen = u64::try_from(session.count(&walked).await?)?;
        let (page, look) = (u64::from(PAGE), u64::from(LOOK));
        let is_rare = seen <= page && seen * u64::from(book.rows) <= look * look;
        if !has_index || !is_rare {
            return Ok((seen.min(page), seen, false));
        }
        let all =
            format!("SELECT count(*) FROM contacts WHERE workspace_id = '{workspace}' AND {fits}");
        let all = u64::try_from(session.count(&all).await?)?;
        Ok((all.min(page), all, true))
    }
}

/// Everything that is asked when there is an index.
pub(super) async fn asks(books: &Books, api: &mut Api) -> Result<Vec<Ask>> {
    let listed = |page, tenths| Expected::Listed { page, tenths };
    let mut asks = vec![Ask::new("page 1", books, listed(PAGE, 10), |_| {
        "limit=50".to_owned()
    })];
    asks.push(deep(books, api, "createdAt_desc", PAGE, false).await?);
    asks.push(deep(books, api, "createdAt_desc", 2, true).await?);
    asks.push(Ask::new("by name: page 1", books, listed(PAGE, 10), |_| {
        "sort=name_asc".to_owned()
    }));
    asks.push(deep(books, api, "name_asc", PAGE, false).await?);
    asks.push(Ask::new(
        "`groupId`, a tenth",
        books,
        listed(PAGE, 1),
        |it| format!("groupId={}", it.tenth()),
    ));
    asks.push(Ask::new(
        "`groupId`, nine tenths, by name",
        books,
        listed(PAGE, 9),
        |it| format!("groupId={}&sort=name_asc", it.most()),
    ));
    asks.push(Ask::new("`tag`, a tenth", books, listed(PAGE, 1), |_| {
        "tag=wholesale".to_owned()
    }));
    asks.push(found(
        "`tag`, six tenths, and `search`",
        books,
        (TAGGED, "needle LIKE '%weber%'", false),
        "tag=newsletter&search=weber",
    ));
    asks.extend(searches(books, true));
    for (what, (list, fits, has_index), query) in [
        (
            "`search` for one in twenty",
            (NEWEST, "needle LIKE '%weber%'", false),
            "search=weber",
        ),
        (
            "`search` for two letters",
            (NEWEST, "needle LIKE '%za%'", false),
            "search=za",
        ),
        (
            "`search` for one letter",
            (NEWEST, "needle LIKE '%z%'", false),
            "search=z",
        ),
        (
            "`search` for one in 400, by name",
            (BY_NAME, "needle LIKE '%moreau%'", true),
            "search=moreau&sort=name_asc",
        ),
    ] {
        asks.push(found(what, books, (list, fits, has_index), query));
    }
    let mut last = found(
        "`search` for one in fifty, by name, none of them among the first of the large book",
        books,
        (BY_NAME, "needle LIKE '%a sil%'", true),
        "search=a%20sil&sort=name_asc",
    );
    // What is found is sorted, and that is fifty times as much.
    last.has_target = false;
    asks.push(last);
    Ok(asks)
}

/// The searches that an index helps.
pub(super) fn searches(books: &Books, has_index: bool) -> Vec<Ask> {
    [
        (
            "`search` for a name of twenty",
            "needle LIKE '%quirina%'",
            "search=quirina".to_owned(),
        ),
        (
            "`search` for nine digits of a number",
            "needle LIKE '%600023757%'",
            format!("search={}", PHONE.replace(' ', "%20")),
        ),
        (
            "`search` for one in 400",
            "needle LIKE '%moreau%'",
            "search=moreau".to_owned(),
        ),
    ]
    .map(|(what, fits, query)| found(what, books, (NEWEST, fits, has_index), &query))
    .into()
}

fn found(
    what: &str,
    books: &Books,
    (list, fits, has_index): (&'static str, &'static str, bool),
    query: &str,
) -> Ask {
    let expected = Expected::Found {
        list,
        fits,
        has_index,
    };
    Ask::new(what, books, expected, |_| query.to_owned())
}

/// A page far behind, where a client that walked there goes on. The small book has it when pages
/// are small enough; otherwise its page 100 stands for it.
async fn deep(books: &Books, api: &mut Api, sort: &str, limit: u32, is_same: bool) -> Result<Ask> {
    let mut at = Vec::new();
    for book in [books.big, books.small] {
        let page = DEEP.min(book.rows / limit / if is_same { 1 } else { 2 });
        let cursor = api.walk(book, sort, (page - 1) * limit).await?;
        at.push((page, format!("sort={sort}&limit={limit}&cursor={cursor}")));
    }
    let order = if sort == "name_asc" { "by name: " } else { "" };
    let expected = Expected::Listed {
        page: limit,
        tenths: 10,
    };
    let what = if is_same {
        format!("{order}page {} at {limit} a page", at[0].0)
    } else {
        format!("{order}page {} against page {}", at[0].0, at[1].0)
    };
    let (big, small) = (at[0].1.clone(), at[1].1.clone());
    Ok(Ask::new(&what, books, expected, |it| {
        let query = if it.tenant == 0 { &big } else { &small };
        query.clone()
    }))
}
