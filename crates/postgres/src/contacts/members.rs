//! A page of a group's members.

use std::collections::HashMap;

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use msgflash_contacts::group::MemberPlace;
use msgflash_contacts::list::{Part, PartRequest};
use msgflash_contacts::{GroupId, Member, Search};
use msgflash_kernel::{Id, StoreError, WorkspaceId};
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use super::row::load;
use super::search::{found_by_index, is_rare, patterns, too_many};
use super::walk::{Found, Leaf, Step, Walk, exactly};
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::{Sql, sql};

/// Later than anybody was added.
const END: OffsetDateTime = datetime!(9999-12-31 23:59:59 UTC);

const COUNT: &str = "SELECT contact_count AS total, \
       coalesce((SELECT contacts FROM address_books WHERE workspace_id = $1), 0) AS book \
     FROM contact_groups WHERE workspace_id = $1 AND id = $2";

const STEP: &str = "WITH walked AS MATERIALIZED ( \
       SELECT m.added_at, m.contact_id AS id FROM contact_group_members m \
       WHERE m.group_id = $2 AND (m.added_at, m.contact_id) < ($3, $4) \
       ORDER BY m.added_at DESC, m.contact_id DESC LIMIT $5), \
     tested AS MATERIALIZED ( \
       SELECT w.added_at, w.id, CASE WHEN $6 IS NULL THEN true \
         ELSE (SELECT c.needle LIKE ANY ($6) FROM contacts c \
               WHERE c.workspace_id = $1 AND c.id = w.id) IS TRUE END AS fits \
       FROM walked w), \
     last AS MATERIALIZED (SELECT added_at, id FROM walked ORDER BY added_at, id LIMIT 1) \
     SELECT (SELECT count(*) FROM walked) AS looked, NULL::bigint AS total, \
       ARRAY(SELECT id FROM tested WHERE fits ORDER BY added_at DESC, id DESC) AS ids, \
       ARRAY(SELECT added_at FROM tested WHERE fits ORDER BY added_at DESC, id DESC) AS added, \
       (SELECT id FROM last) AS last_id, (SELECT added_at FROM last) AS last_added";

/// What the index finds, whole: it cannot tell the order. Unless it finds `$7`.
const MATCHES: &str = concat!(
    "WITH found AS MATERIALIZED (SELECT c.id FROM contacts c WHERE ",
    found_by_index!("$6"),
    " LIMIT $7), \
     joined AS MATERIALIZED ( \
       SELECT m.added_at, f.id FROM found f CROSS JOIN LATERAL ( \
         SELECT m.added_at FROM contact_group_members m \
         WHERE m.group_id = $2 AND m.contact_id = f.id OFFSET 0) m \
       WHERE (SELECT count(*) FROM found) < $7), \
     page AS MATERIALIZED ( \
       SELECT added_at, id FROM joined WHERE (added_at, id) < ($3, $4) \
       ORDER BY added_at DESC, id DESC LIMIT $5) \
     SELECT 0::bigint AS looked, \
       CASE WHEN (SELECT count(*) FROM found) < $7 \
         THEN (SELECT count(*) FROM joined) END AS total, \
       ARRAY(SELECT id FROM page ORDER BY added_at DESC, id DESC) AS ids, \
       ARRAY(SELECT added_at FROM page ORDER BY added_at DESC, id DESC) AS added, \
       NULL::uuid AS last_id, NULL::timestamptz AS last_added"
);

#[derive(QueryableByName)]
struct TotalRow {
    #[diesel(sql_type = BigInt)]
    total: i64,
    #[diesel(sql_type = BigInt)]
    book: i64,
}

#[derive(QueryableByName)]
struct StepRow {
    #[diesel(sql_type = BigInt)]
    looked: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    total: Option<i64>,
    #[diesel(sql_type = Array<SqlUuid>)]
    ids: Vec<Uuid>,
    #[diesel(sql_type = Array<Timestamptz>)]
    added: Vec<OffsetDateTime>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    last_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_added: Option<OffsetDateTime>,
}

impl From<StepRow> for Step<MemberPlace> {
    fn from(row: StepRow) -> Self {
        let place = |(added_at, id)| MemberPlace {
            added_at,
            contact: Id::new(id),
        };
        Self {
            looked: row.looked,
            fitting: row.added.into_iter().zip(row.ids).map(place).collect(),
            last: row.last_added.zip(row.last_id).map(place),
        }
    }
}

/// Whose members are listed, and what is searched for.
struct Plan {
    workspace: WorkspaceId,
    group: GroupId,
    patterns: Option<Vec<String>>,
}

impl Plan {
    async fn run(
        &self,
        conn: &mut AsyncPgConnection,
        text: &'static str,
        after: Option<&MemberPlace>,
        rows: i64,
    ) -> Result<StepRow, StoreError> {
        self.ask(text, after, rows)
            .get_result(conn)
            .await
            .map_err(failed)
    }

    fn ask<'q>(&'q self, text: &'static str, after: Option<&MemberPlace>, rows: i64) -> Sql<'q> {
        sql(text)
            .bind::<SqlUuid, _>(self.workspace.uuid())
            .bind::<SqlUuid, _>(self.group.uuid())
            .bind::<Timestamptz, _>(after.map_or(END, |it| it.added_at))
            .bind::<SqlUuid, _>(after.map_or(Uuid::max(), |it| it.contact.uuid()))
            .bind::<BigInt, _>(rows)
            .bind::<Nullable<Array<Text>>, _>(&self.patterns)
    }
}

impl Postgres {
    pub(super) async fn members_page(
        &self,
        workspace: WorkspaceId,
        group: GroupId,
        search: Option<&Search>,
        part: &PartRequest<MemberPlace>,
    ) -> Result<Part<Member, MemberPlace>, StoreError> {
        let mut conn = self.conn().await?;
        let counted: Vec<TotalRow> = sql(COUNT)
            .bind::<SqlUuid, _>(workspace.uuid())
            .bind::<SqlUuid, _>(group.uuid())
            .get_results(&mut conn)
            .await
            .map_err(failed)?;
        let Some(TotalRow { total, book }) = counted.into_iter().next() else {
            return Ok(Part::empty());
        };
        let plan = Plan {
            workspace,
            group,
            patterns: search.map(patterns),
        };
        let enough = i64::from(part.limit) + 1;
        let leaf = if let Some(search) = search {
            self.found_members(&mut conn, &plan, search, book, part)
                .await?
        } else {
            let row = plan
                .run(&mut conn, STEP, part.after.as_ref(), enough)
                .await?;
            let places = Step::from(row).fitting;
            Leaf::cut(places, part.limit, Some(exactly(total)))
        };
        let ids: Vec<_> = leaf.places.iter().map(|it| it.contact).collect();
        let contacts = load(&mut conn, workspace, &ids).await?;
        let mut contacts: HashMap<_, _> = contacts.into_iter().map(|it| (it.id, it)).collect();
        let member = |place: &MemberPlace| {
            Some(Member {
                contact: contacts.remove(&place.contact)?,
                added_at: place.added_at,
            })
        };
        Ok(Part {
            items: leaf.places.iter().filter_map(member).collect(),
            next: leaf.next,
            total: leaf.total,
        })
    }

    async fn found_members(
        &self,
        conn: &mut AsyncPgConnection,
        plan: &Plan,
        search: &Search,
        book: i64,
        part: &PartRequest<MemberPlace>,
    ) -> Result<Leaf<MemberPlace>, StoreError> {
        let mut walk = Walk::new(part, self.look());
        while let Some((after, rows)) = walk.step() {
            let row = plan.run(conn, STEP, after, rows).await?;
            walk.took(rows, row.into());
        }
        let leaf = match walk.found(part) {
            Found::Page(leaf) => return Ok(leaf),
            Found::Little(leaf) => leaf,
        };
        let is_rare = is_rare(leaf.places.len(), book, self.look());
        if !is_rare || !self.searches().finds(conn, search).await {
            return Ok(leaf);
        }
        let enough = i64::from(part.limit) + 1;
        let row: StepRow = plan
            .ask(MATCHES, part.after.as_ref(), enough)
            .bind::<BigInt, _>(too_many(self.look()))
            .get_result(conn)
            .await
            .map_err(failed)?;
        let Some(total) = row.total else {
            return Ok(leaf);
        };
        Ok(Leaf::cut(
            Step::from(row).fitting,
            part.limit,
            Some(exactly(total)),
        ))
    }
}
