//! Searching with and without an index.
//!
//! The index needs two extensions that come with PostgreSQL and may yet be missing, or be refused
//! to us. Everything works without it: searches for what is rare then end before the list does, and
//! go on with the next page.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use diesel::QueryableByName;
use diesel::sql_types::{Array, Bool, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _};
use msgflash_contacts::Search;
use tracing::{info, warn};

use crate::columns::each;
use crate::connect::connect_patient;
use crate::migrate::MigrateError;
use crate::sql::sql;

/// The name of the index.
macro_rules! index {
    () => {
        "contacts_search"
    };
}

const IS_VALID: &str = concat!(
    "SELECT coalesce((SELECT i.indisvalid FROM pg_index i WHERE i.indexrelid = to_regclass('",
    index!(),
    "')), false) AS yes"
);
const IS_BROKEN: &str = concat!("SELECT to_regclass('", index!(), "') IS NOT NULL AS yes");
const ARE_AVAILABLE: &str = "SELECT count(*) = cardinality($1) AS yes \
     FROM pg_available_extensions WHERE name = ANY ($1)";
const KNOWS_LETTERS: &str = "SELECT cardinality(show_trgm('жжж')) > 0 AS yes";
const TRY_LOCK: &str = "SELECT pg_try_advisory_lock(5571002719) AS yes";

/// The workspace is in the index so that a common word of others costs nothing here. It is there in
/// a form no other index knows: where workspaces are small on average, the planner would rather read
/// the whole book by its key, and most of all that of the one workspace that is large.
const MAKE: &str = concat!(
    "CREATE INDEX CONCURRENTLY ",
    index!(),
    " ON contacts USING gin (uuid_send(workspace_id), needle gin_trgm_ops)"
);
const DROP_BROKEN: &str = concat!("DROP INDEX CONCURRENTLY ", index!());
const EXTENSIONS: [(&str, &str); 2] = [
    ("pg_trgm", "CREATE EXTENSION IF NOT EXISTS pg_trgm"),
    ("btree_gin", "CREATE EXTENSION IF NOT EXISTS btree_gin"),
];

/// What the index answers, and nothing else does: contacts called `c`, of the workspace `$1`, with one
/// of the patterns `$patterns`.
macro_rules! found_by_index {
    ($patterns:literal) => {
        concat!(
            "uuid_send(c.workspace_id) = uuid_send($1) AND c.needle LIKE ANY (",
            $patterns,
            ")"
        )
    };
}
pub(super) use found_by_index;

/// How many times as many rows as a walk looks at are sorted for one page. They are read in one go,
/// in the table's order.
const SORTED: u32 = 10;

/// How many finds of the index are not worth sorting.
pub(super) fn too_many(look: u32) -> i64 {
    i64::from(look) * i64::from(SORTED)
}

/// Whether a book of so many contacts probably has no more matches than a walk looks at, after one
/// met `seen`. What is more frequent fills pages well enough without the index, which would have to
/// find all of them for each page.
pub(super) fn is_rare(seen: usize, book: i64, look: u32) -> bool {
    let look = i128::from(look);
    seen as i128 * i128::from(book) <= look * look
}

/// How long it is believed that there is an index, or that there is none.
const BELIEVED: Duration = Duration::from_mins(1);

/// What became of the index for searches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchIndex {
    /// It was there.
    Ready,
    /// It was made.
    Made,
    /// Another process is making it.
    Elsewhere,
    /// It cannot be had, for this reason. Searches work without it.
    Missing(String),
}

/// Makes the index for searches where that is possible and not yet done, while others write.
///
/// It takes a while when there are many contacts. Nothing depends on it, so a server need not wait.
pub async fn ensure_search_index(url: &str) -> Result<SearchIndex, MigrateError> {
    let mut conn = connect_patient(url)
        .await
        .map_err(MigrateError::from_cause)?;
    let made = make(&mut conn).await.map_err(MigrateError::from_cause)?;
    match &made {
        SearchIndex::Made => info!("the index for searches of contacts was made"),
        SearchIndex::Missing(reason) => {
            warn!(reason, "searches of contacts do without an index");
        }
        SearchIndex::Ready | SearchIndex::Elsewhere => {}
    }
    Ok(made)
}

async fn make(conn: &mut AsyncPgConnection) -> diesel::QueryResult<SearchIndex> {
    if says(conn, IS_VALID).await? {
        return Ok(SearchIndex::Ready);
    }
    // Waiting for the lock would hold up whoever makes the index: that waits for all transactions.
    if !says(conn, TRY_LOCK).await? {
        return Ok(SearchIndex::Elsewhere);
    }
    if says(conn, IS_VALID).await? {
        return Ok(SearchIndex::Ready);
    }
    let names: Vec<&str> = each(&EXTENSIONS, |(name, _)| *name);
    let available: YesRow = sql(ARE_AVAILABLE)
        .bind::<Array<Text>, _>(&names)
        .get_result(conn)
        .await?;
    if !available.yes {
        let reason = format!("the server does not have {}", names.join(" and "));
        return Ok(SearchIndex::Missing(reason));
    }
    for (_, statement) in EXTENSIONS {
        if let Err(refused) = conn.batch_execute(statement).await {
            return Ok(SearchIndex::Missing(refused.to_string()));
        }
    }
    // Somebody was stopped while making it.
    if says(conn, IS_BROKEN).await? {
        conn.batch_execute(DROP_BROKEN).await?;
    }
    match conn.batch_execute(MAKE).await {
        Ok(()) => Ok(SearchIndex::Made),
        Err(refused) => Ok(SearchIndex::Missing(refused.to_string())),
    }
}

#[derive(QueryableByName)]
struct YesRow {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

async fn says(conn: &mut AsyncPgConnection, question: &'static str) -> diesel::QueryResult<bool> {
    let row: YesRow = sql(question).get_result(conn).await?;
    Ok(row.yes)
}

/// Which searches an index helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Help {
    /// None: there is no index.
    None,
    /// Those with letters of English.
    Ascii,
    /// Those with any letters: the server knows them as such.
    Letters,
}

/// What is known of the index, looked up from time to time.
#[derive(Clone, Default)]
pub(crate) struct Searches(Arc<Mutex<Option<(Instant, Help)>>>);

impl Searches {
    /// Whether the index finds what is searched for. Without word characters beside each other it
    /// would list everybody.
    pub(super) async fn finds(&self, conn: &mut AsyncPgConnection, search: &Search) -> bool {
        let help = match self.believed() {
            Some(help) => help,
            None => self.look(conn).await,
        };
        let is_letter: fn(char) -> bool = match help {
            Help::None => return false,
            Help::Ascii => |it| it.is_ascii_alphanumeric(),
            Help::Letters => char::is_alphanumeric,
        };
        search.terms().iter().all(|it| has_trigram(it, is_letter))
    }

    fn believed(&self) -> Option<Help> {
        let known = *self.0.lock().expect("nobody panics while looking");
        known.and_then(|(at, help)| (at.elapsed() < BELIEVED).then_some(help))
    }

    /// A look that fails is as good as no index.
    async fn look(&self, conn: &mut AsyncPgConnection) -> Help {
        let help = match says(conn, IS_VALID).await {
            Ok(true) => match says(conn, KNOWS_LETTERS).await {
                Ok(true) => Help::Letters,
                Ok(false) | Err(_) => Help::Ascii,
            },
            Ok(false) | Err(_) => Help::None,
        };
        *self.0.lock().expect("nobody panics while looking") = Some((Instant::now(), help));
        help
    }
}

/// Whether the index can look a term up. It knows three characters beside each other, and takes
/// the edge of a word that is inside the term for one or two of them.
fn has_trigram(term: &str, is_letter: impl Fn(char) -> bool) -> bool {
    let words: Vec<&str> = term.split(|it| !is_letter(it)).collect();
    let edges = words.len() - 1;
    words.iter().enumerate().any(|(at, word)| {
        let length = word.chars().count();
        let has_edge = at > 0 || at < edges;
        length >= 3 || (length == 2 && has_edge)
    })
}

/// What `LIKE` looks for.
pub(super) fn patterns(search: &Search) -> Vec<String> {
    each(search.terms(), |term| {
        let mut pattern = String::with_capacity(term.len() + 2);
        pattern.push('%');
        for symbol in term.chars() {
            if matches!(symbol, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(symbol);
        }
        pattern.push('%');
        pattern
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_to_like_is_taken_literally() {
        let search = Search::parse("50%_\\x").expect("a search");
        assert_eq!(patterns(&search), ["%50\\%\\_\\\\x%"]);
    }

    #[test]
    fn what_a_walk_met_often_enough_is_left_to_walks() {
        for (seen, book, rare) in [
            (0, 10_000_000, true),
            (25, 1_000_000, true),
            (26, 1_000_000, false),
            (49, 10_000, true),
        ] {
            assert_eq!(is_rare(seen, book, 5000), rare, "{seen} of {book}");
        }
    }

    #[test]
    fn only_terms_with_three_characters_to_look_up_need_no_walk() {
        let ascii = |it: char| it.is_ascii_alphanumeric();
        for (term, has) in [
            ("lin", true),
            ("li", false),
            ("a b", false),
            ("+33", true),
            ("+3", false),
            ("ab cd", true),
            ("...", false),
            ("лин", false),
        ] {
            assert_eq!(has_trigram(term, ascii), has, "{term}");
        }
        assert!(has_trigram("лин", char::is_alphanumeric));
    }
}
