//! A page of contacts.
//!
//! The shortest list that contains every match is walked: that of one tag, that of the group's
//! members, or the book. What else is asked for is looked up by key for each row.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use msgflash_contacts::list::{Part, PartRequest};
use msgflash_contacts::ports::BookReader;
use msgflash_contacts::query::ContactPlace;
use msgflash_contacts::temperature::Traces;
use msgflash_contacts::{Contact, ContactId, ContactQuery, GroupId, Sort, Total};
use msgflash_kernel::{Id, StoreError, WorkspaceId};
use uuid::Uuid;

use super::row::load_traced;
use super::search::{found_by_index, is_rare, patterns, too_many};
use super::walk::{Found, Leaf, Step, Walk, exactly};
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::{Sql, sql};

/// Refuses a contact called `w` that lacks one of the tags `$4`, or that is not in the group `$5`.
/// Each is looked up by its key: whatever the planner believes, it is not worth reading a list.
/// Without tags none is unnested, which costs as much as all the rest.
macro_rules! unlisted {
    () => {
        " WHEN cardinality($4) > 0 AND NOT (SELECT coalesce(bool_and(( \
              SELECT true FROM contact_tags t \
              WHERE t.workspace_id = $1 AND t.tag = n.tag AND t.contact_id = w.id) IS TRUE), true) \
            FROM UNNEST($4) AS n (tag)) THEN false \
          WHEN $5 IS NOT NULL AND ( \
            SELECT true FROM contact_group_members m \
            WHERE m.group_id = $5 AND m.contact_id = w.id) IS NOT TRUE THEN false "
    };
}

/// Whether a contact called `w` fits the tags `$4`, the group `$5` and the search `$6`.
macro_rules! fits {
    () => {
        concat!(
            "CASE",
            unlisted!(),
            "WHEN $6 IS NULL THEN true \
             ELSE (SELECT c.needle LIKE ANY ($6) FROM contacts c \
                   WHERE c.workspace_id = $1 AND c.id = w.id) IS TRUE END"
        )
    };
}

/// A step of a walk over ids in falling order, out of a list that `$list` selects.
macro_rules! step_by_id {
    ($list:expr) => {
        concat!(
            "WITH walked AS MATERIALIZED (",
            $list,
            " LIMIT $3), tested AS MATERIALIZED (SELECT w.id, ",
            fits!(),
            " AS fits FROM walked w) \
             SELECT (SELECT count(*) FROM walked) AS looked, NULL::bigint AS total, \
               ARRAY(SELECT id FROM tested WHERE fits ORDER BY id DESC) AS ids, \
               NULL::text[] AS keys, \
               (SELECT id FROM walked ORDER BY id LIMIT 1) AS last_id, NULL::text AS last_key"
        )
    };
}

const STEP_BOOK: &str = step_by_id!(
    "SELECT c.id FROM contacts c WHERE c.workspace_id = $1 AND c.id < $2 ORDER BY c.id DESC"
);
const STEP_TAG: &str = step_by_id!(
    "SELECT t.contact_id AS id FROM contact_tags t \
     WHERE t.workspace_id = $1 AND t.tag = $7 AND t.contact_id < $2 ORDER BY t.contact_id DESC"
);
const STEP_GROUP: &str = step_by_id!(
    "SELECT m.contact_id AS id FROM contact_group_members m \
     WHERE m.group_id = $7 AND m.contact_id < $2 ORDER BY m.contact_id DESC"
);

/// A step of a walk over the whole book by name.
const STEP_NAMES: &str = concat!(
    "WITH walked AS MATERIALIZED ( \
       SELECT c.name_key, c.id FROM contacts c \
       WHERE c.workspace_id = $1 AND (c.name_key, c.id) > ($2, $7) \
       ORDER BY c.name_key, c.id LIMIT $3), \
     tested AS MATERIALIZED (SELECT w.name_key, w.id, ",
    fits!(),
    " AS fits FROM walked w), \
     last AS MATERIALIZED ( \
       SELECT name_key, id FROM walked ORDER BY name_key DESC, id DESC LIMIT 1) \
     SELECT (SELECT count(*) FROM walked) AS looked, NULL::bigint AS total, \
       ARRAY(SELECT id FROM tested WHERE fits ORDER BY name_key, id) AS ids, \
       ARRAY(SELECT name_key FROM tested WHERE fits ORDER BY name_key, id) AS keys, \
       (SELECT id FROM last) AS last_id, (SELECT name_key FROM last) AS last_key"
);

/// All of a list, sorted by name, and the page out of it.
macro_rules! sorted {
    ($list:expr) => {
        concat!(
            "WITH walked AS MATERIALIZED (",
            $list,
            "), tested AS MATERIALIZED (SELECT w.id, ",
            fits!(),
            " AS fits FROM walked w), \
             named AS MATERIALIZED ( \
               SELECT c.name_key, t.id FROM tested t CROSS JOIN LATERAL ( \
                 SELECT c.name_key FROM contacts c \
                 WHERE c.workspace_id = $1 AND c.id = t.id OFFSET 0) c WHERE t.fits), ",
            paged_by_name!("(SELECT count(*) FROM named)")
        )
    };
}

/// The page out of `named`, which is all there is: `$total` rows.
macro_rules! paged_by_name {
    ($total:expr) => {
        concat!(
            "page AS MATERIALIZED ( \
               SELECT name_key, id FROM named WHERE (name_key, id) > ($2, $7) \
               ORDER BY name_key, id LIMIT $3) \
             SELECT 0::bigint AS looked, ",
            $total,
            " AS total, \
               ARRAY(SELECT id FROM page ORDER BY name_key, id) AS ids, \
               ARRAY(SELECT name_key FROM page ORDER BY name_key, id) AS keys, \
               NULL::uuid AS last_id, NULL::text AS last_key"
        )
    };
}

const SORTED_TAG: &str = sorted!(
    "SELECT t.contact_id AS id FROM contact_tags t WHERE t.workspace_id = $1 AND t.tag = $8"
);
const SORTED_GROUP: &str =
    sorted!("SELECT m.contact_id AS id FROM contact_group_members m WHERE m.group_id = $8");

/// What the index finds, whole: it cannot tell the order. Unless it finds `$many`.
macro_rules! indexed {
    ($many:literal) => {
        concat!(
            "WITH found AS MATERIALIZED ( \
               SELECT c.id, c.name_key FROM contacts c WHERE ",
            found_by_index!("$6"),
            " LIMIT ",
            $many,
            "), named AS MATERIALIZED ( \
               SELECT w.id, w.name_key FROM found w \
               WHERE (SELECT count(*) FROM found) < ",
            $many,
            " AND CASE",
            unlisted!(),
            "ELSE true END), "
        )
    };
}

/// How many of what the index found are matches; NULL when it found `$many`.
macro_rules! counted {
    ($many:literal) => {
        concat!(
            "CASE WHEN (SELECT count(*) FROM found) < ",
            $many,
            " THEN (SELECT count(*) FROM named) END"
        )
    };
}

const MATCHES_BY_NAME: &str = concat!(indexed!("$8"), paged_by_name!(counted!("$8")));
const MATCHES_BY_ID: &str = concat!(
    indexed!("$7"),
    "page AS MATERIALIZED (SELECT id FROM named WHERE id < $2 ORDER BY id DESC LIMIT $3) \
     SELECT 0::bigint AS looked, ",
    counted!("$7"),
    " AS total, ARRAY(SELECT id FROM page ORDER BY id DESC) AS ids, NULL::text[] AS keys, \
       NULL::uuid AS last_id, NULL::text AS last_key"
);

const SIZES: &str = "SELECT \
       coalesce((SELECT contacts FROM address_books WHERE workspace_id = $1), 0) AS book, \
       (SELECT contact_count FROM contact_groups WHERE workspace_id = $1 AND id = $2) AS members, \
       ARRAY(SELECT coalesce(( \
               SELECT t.contacts FROM tag_counts t \
               WHERE t.workspace_id = $1 AND t.tag = n.tag), 0) \
             FROM UNNEST($3) WITH ORDINALITY AS n (tag, at) ORDER BY n.at) AS tags";

#[derive(QueryableByName)]
struct SizesRow {
    #[diesel(sql_type = BigInt)]
    book: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    members: Option<i64>,
    #[diesel(sql_type = Array<BigInt>)]
    tags: Vec<i64>,
}

#[derive(QueryableByName)]
struct StepRow {
    #[diesel(sql_type = BigInt)]
    looked: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    total: Option<i64>,
    #[diesel(sql_type = Array<SqlUuid>)]
    ids: Vec<Uuid>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    keys: Option<Vec<String>>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    last_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    last_key: Option<String>,
}

impl StepRow {
    fn places(&mut self) -> Vec<ContactPlace> {
        let ids = std::mem::take(&mut self.ids).into_iter().map(Id::new);
        match self.keys.take() {
            None => ids.map(ContactPlace::Newest).collect(),
            Some(keys) => keys
                .into_iter()
                .zip(ids)
                .map(|(key, id)| ContactPlace::Name(key, id))
                .collect(),
        }
    }
}

impl From<StepRow> for Step<ContactPlace> {
    fn from(mut row: StepRow) -> Self {
        let last = row.last_id.map(|id| match row.last_key.take() {
            None => ContactPlace::Newest(Id::new(id)),
            Some(key) => ContactPlace::Name(key, Id::new(id)),
        });
        Self {
            looked: row.looked,
            fitting: row.places(),
            last,
        }
    }
}

/// A list that contains every match.
#[derive(Clone, Copy)]
enum List<'a> {
    Book,
    Tag(&'a str),
    Group(GroupId),
}

/// A query, and what is known of it.
struct Plan<'a> {
    workspace: WorkspaceId,
    query: &'a ContactQuery,
    patterns: Option<Vec<String>>,
    list: List<'a>,
    /// How long that list is.
    length: i64,
    /// How many contacts there are.
    book: i64,
    /// The number of matches, where it is known.
    total: Option<Total>,
    /// Whether everything in the list is a match.
    is_all: bool,
}

impl<'a> Plan<'a> {
    /// `None` when nothing can match.
    fn new(workspace: WorkspaceId, query: &'a ContactQuery, sizes: &SizesRow) -> Option<Self> {
        let tags = query.tags.iter().zip(&sizes.tags);
        let tags = tags.map(|(tag, length)| (List::Tag(tag), *length));
        let group = match query.group {
            Some(group) => Some((List::Group(group), sizes.members?)),
            None => None,
        };
        let lists = tags.chain(group);
        let filters = lists.clone().count() + usize::from(query.search.is_some());
        let shortest = lists.min_by_key(|(_, length)| *length);
        let is_listed = shortest.is_some();
        let (list, length) = shortest.unwrap_or((List::Book, sizes.book));
        if length == 0 {
            return None;
        }
        let is_all = filters == usize::from(is_listed);
        Some(Self {
            workspace,
            query,
            patterns: query.search.as_ref().map(patterns),
            list,
            length,
            book: sizes.book,
            total: is_all.then(|| exactly(length)),
            is_all,
        })
    }

    /// A statement with the parameters all of them have: `after` is `$2`, `rows` is `$3`.
    fn ask<'q>(&'q self, text: &'static str, after: Option<&ContactPlace>, rows: i64) -> Sql<'q> {
        let statement = sql(text).bind::<SqlUuid, _>(self.workspace.uuid());
        let statement = match self.query.sort {
            Sort::Newest => statement.bind::<SqlUuid, _>(after.map_or(Uuid::max(), id_of)),
            Sort::Name => statement.bind::<Text, _>(after.map_or("", key_of).to_owned()),
        };
        let statement = statement
            .bind::<BigInt, _>(rows)
            .bind::<Array<Text>, _>(&self.query.tags)
            .bind::<Nullable<SqlUuid>, _>(self.query.group.map(Id::uuid))
            .bind::<Nullable<Array<Text>>, _>(&self.patterns);
        match self.query.sort {
            Sort::Newest => statement,
            Sort::Name => statement.bind::<SqlUuid, _>(after.map_or(Uuid::nil(), id_of)),
        }
    }

    /// The same for a statement that reads a list, whose name is the last parameter.
    fn ask_list<'q>(&'q self, after: Option<&ContactPlace>, rows: i64) -> Sql<'q> {
        let text = match (self.query.sort, self.list) {
            (Sort::Newest, List::Book) => STEP_BOOK,
            (Sort::Newest, List::Tag(_)) => STEP_TAG,
            (Sort::Newest, List::Group(_)) => STEP_GROUP,
            (Sort::Name, List::Book) => STEP_NAMES,
            (Sort::Name, List::Tag(_)) => SORTED_TAG,
            (Sort::Name, List::Group(_)) => SORTED_GROUP,
        };
        let statement = self.ask(text, after, rows);
        match self.list {
            List::Book => statement,
            List::Tag(tag) => statement.bind::<Text, _>(tag),
            List::Group(group) => statement.bind::<SqlUuid, _>(group.uuid()),
        }
    }
}

fn id_of(place: &ContactPlace) -> Uuid {
    place.contact().uuid()
}

fn key_of(place: &ContactPlace) -> &str {
    match place {
        ContactPlace::Newest(_) => "",
        ContactPlace::Name(key, _) => key,
    }
}

#[async_trait]
impl BookReader for Postgres {
    async fn find_traced(
        &self,
        workspace: WorkspaceId,
        id: ContactId,
    ) -> Result<Option<(Contact, Traces)>, StoreError> {
        let mut conn = self.conn().await?;
        Ok(load_traced(&mut conn, workspace, &[id]).await?.pop())
    }

    async fn page(
        &self,
        workspace: WorkspaceId,
        query: &ContactQuery,
        part: &PartRequest<ContactPlace>,
    ) -> Result<Part<(Contact, Traces), ContactPlace>, StoreError> {
        let mut conn = self.conn().await?;
        let sizes = sizes(&mut conn, workspace, query).await?;
        let Some(plan) = Plan::new(workspace, query, &sizes) else {
            return Ok(Part::empty());
        };
        let leaf = self.leaf(&mut conn, plan, part).await?;
        let ids: Vec<_> = leaf.places.iter().map(ContactPlace::contact).collect();
        Ok(Part {
            items: load_traced(&mut conn, workspace, &ids).await?,
            next: leaf.next,
            total: leaf.total,
        })
    }
}

impl Postgres {
    async fn leaf(
        &self,
        conn: &mut AsyncPgConnection,
        mut plan: Plan<'_>,
        part: &PartRequest<ContactPlace>,
    ) -> Result<Leaf<ContactPlace>, StoreError> {
        let enough = i64::from(part.limit) + 1;
        if plan.query.sort == Sort::Name && !matches!(plan.list, List::Book) {
            // No index has a list's names in order. One that is no longer than a walk is sorted
            // here; otherwise the book is walked, which has them.
            if plan.length <= i64::from(self.look()) {
                let row = run(conn, plan.ask_list(part.after.as_ref(), enough)).await?;
                return Ok(whole(row, part));
            }
            plan.list = List::Book;
            plan.is_all = false;
        }
        if plan.is_all {
            let row = run(conn, plan.ask_list(part.after.as_ref(), enough)).await?;
            let step = Step::from(row);
            return Ok(Leaf::cut(step.fitting, part.limit, plan.total));
        }
        let mut walk = Walk::new(part, self.look());
        while let Some((after, rows)) = walk.step() {
            let row = run(conn, plan.ask_list(after, rows)).await?;
            walk.took(rows, row.into());
        }
        let mut leaf = match walk.found(part) {
            Found::Page(leaf) => leaf,
            Found::Little(leaf) => {
                let is_rare = is_rare(leaf.places.len(), plan.book, self.look());
                match &plan.query.search {
                    Some(search) if is_rare && self.searches().finds(conn, search).await => {
                        let found = self.indexed(conn, &plan, part).await?;
                        found.unwrap_or(leaf)
                    }
                    _ => leaf,
                }
            }
        };
        leaf.total = plan.total.or(leaf.total);
        Ok(leaf)
    }
}

impl Postgres {
    /// A page out of what the index finds; `None` when that is too much to sort.
    async fn indexed(
        &self,
        conn: &mut AsyncPgConnection,
        plan: &Plan<'_>,
        part: &PartRequest<ContactPlace>,
    ) -> Result<Option<Leaf<ContactPlace>>, StoreError> {
        let text = match plan.query.sort {
            Sort::Newest => MATCHES_BY_ID,
            Sort::Name => MATCHES_BY_NAME,
        };
        let enough = i64::from(part.limit) + 1;
        let statement = plan.ask(text, part.after.as_ref(), enough);
        let statement = statement.bind::<BigInt, _>(too_many(self.look()));
        let row = run(conn, statement).await?;
        Ok(row.total.is_some().then(|| whole(row, part)))
    }
}

/// A page out of all matches.
fn whole(mut row: StepRow, part: &PartRequest<ContactPlace>) -> Leaf<ContactPlace> {
    let total = row.total.map(exactly);
    Leaf::cut(row.places(), part.limit, total)
}

async fn run(conn: &mut AsyncPgConnection, statement: Sql<'_>) -> Result<StepRow, StoreError> {
    statement.get_result(conn).await.map_err(failed)
}

async fn sizes(
    conn: &mut AsyncPgConnection,
    workspace: WorkspaceId,
    query: &ContactQuery,
) -> Result<SizesRow, StoreError> {
    sql(SIZES)
        .bind::<SqlUuid, _>(workspace.uuid())
        .bind::<Nullable<SqlUuid>, _>(query.group.map(Id::uuid))
        .bind::<Array<Text>, _>(&query.tags)
        .get_result(conn)
        .await
        .map_err(failed)
}
