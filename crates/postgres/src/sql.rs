//! Statements written by hand and prepared once per connection.
//!
//! Diesel takes a handwritten statement for one that is different each time: it prepares it for
//! each use, and meanwhile the connection's other statements wait. These have one text for ever,
//! so the server parses it once and statements sent side by side cost one round trip.
//!
//! What a statement picks and then changes is named by `= ANY (ARRAY(SELECT …))`, never by `IN (SELECT …)`: the former
//! picks once. For the latter a planner that takes a table for empty, as a queue often was when it was
//! last looked at, may pick anew for each row, which takes half a minute when a campaign has filled it.
//!
//! For the same reason a look-up by key asks for nothing beside it that another index could answer, such as an age: that is
//! asked of what was found. And a state that an index is limited to stands in the text, because a parameter could be any.

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, BoxedSqlQuery, Query, QueryFragment, QueryId, SqlQuery};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{HasSqlType, Untyped};

/// A statement and its parameters.
#[must_use = "it does nothing until it is executed"]
pub(crate) struct Sql<'a>(BoxedSqlQuery<'a, Pg, SqlQuery>);

/// A statement by its text: a constant, for each text is kept for as long as a connection lives.
pub(crate) fn sql<'a>(text: &'static str) -> Sql<'a> {
    Sql(diesel::sql_query(text).into_boxed())
}

impl<'a> Sql<'a> {
    /// Gives the next of `$1`, `$2`, …
    pub(crate) fn bind<ST, Value>(self, value: Value) -> Self
    where
        Pg: HasSqlType<ST>,
        ST: Send + 'a,
        Value: ToSql<ST, Pg> + Send + 'a,
    {
        Self(self.0.bind::<ST, Value>(value))
    }
}

impl QueryFragment<Pg> for Sql<'_> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

// Statements differ by their text alone.
impl QueryId for Sql<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Sql<'_> {
    type SqlType = Untyped;
}
