//! Groups for those who look at them.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use msgflash_contacts::group::MemberPlace;
use msgflash_contacts::list::{Part, PartRequest};
use msgflash_contacts::ports::GroupReader;
use msgflash_contacts::{ContactId, Group, GroupId, Member, Search};
use msgflash_kernel::{Id, StoreError, WorkspaceId};
use uuid::Uuid;

use super::groups::GroupRow;
use super::search::patterns;
use super::walk::{Found, Leaf, Step, Walk, exactly};
use crate::columns::each;
use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::contact_groups;
use crate::sql::sql;

const COUNT: &str = "SELECT coalesce(( \
       SELECT groups FROM address_books WHERE workspace_id = $1), 0) AS total";

const STEP: &str = "WITH walked AS MATERIALIZED ( \
       SELECT g.id, g.needle FROM contact_groups g \
       WHERE g.workspace_id = $1 AND g.id < $2 ORDER BY g.id DESC LIMIT $3) \
     SELECT (SELECT count(*) FROM walked) AS looked, \
       ARRAY(SELECT id FROM walked WHERE $4 IS NULL OR needle LIKE ANY ($4) \
             ORDER BY id DESC) AS ids, \
       (SELECT id FROM walked ORDER BY id LIMIT 1) AS last_id";

const LOAD: &str = "SELECT g.workspace_id, g.id, g.account_id, g.name, g.description, g.color, \
       g.contact_count, g.created_at, g.updated_at \
     FROM UNNEST($2) WITH ORDINALITY AS k (id, at) CROSS JOIN LATERAL ( \
       SELECT g.workspace_id, g.id, g.account_id, g.name, g.description, g.color, \
         g.contact_count, g.created_at, g.updated_at \
       FROM contact_groups g WHERE g.workspace_id = $1 AND g.id = k.id OFFSET 0) g \
     ORDER BY k.at";

const OF_CONTACT: &str = "SELECT \
       EXISTS (SELECT 1 FROM contacts WHERE workspace_id = $1 AND id = $2) AS known, \
       ARRAY(SELECT g.id FROM contact_group_members m CROSS JOIN LATERAL ( \
               SELECT g.id, g.name_key FROM contact_groups g \
               WHERE g.workspace_id = $1 AND g.id = m.group_id OFFSET 0) g \
             WHERE m.contact_id = $2 ORDER BY g.name_key) AS ids";

#[derive(QueryableByName)]
struct TotalRow {
    #[diesel(sql_type = BigInt)]
    total: i64,
}

#[derive(QueryableByName)]
struct StepRow {
    #[diesel(sql_type = BigInt)]
    looked: i64,
    #[diesel(sql_type = Array<SqlUuid>)]
    ids: Vec<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    last_id: Option<Uuid>,
}

impl From<StepRow> for Step<GroupId> {
    fn from(row: StepRow) -> Self {
        Self {
            looked: row.looked,
            fitting: row.ids.into_iter().map(Id::new).collect(),
            last: row.last_id.map(Id::new),
        }
    }
}

#[derive(QueryableByName)]
struct OfContactRow {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    known: bool,
    #[diesel(sql_type = Array<SqlUuid>)]
    ids: Vec<Uuid>,
}

#[async_trait]
impl GroupReader for Postgres {
    async fn find(&self, workspace: WorkspaceId, id: GroupId) -> Result<Option<Group>, StoreError> {
        let mut conn = self.conn().await?;
        let row: Option<GroupRow> = contact_groups::table
            .find((workspace.uuid(), id.uuid()))
            .select(GroupRow::as_select())
            .first(&mut conn)
            .await
            .optional()
            .map_err(failed)?;
        Ok(row.map(Group::from))
    }

    async fn page(
        &self,
        workspace: WorkspaceId,
        search: Option<Search>,
        part: &PartRequest<GroupId>,
    ) -> Result<Part<Group, GroupId>, StoreError> {
        let mut conn = self.conn().await?;
        let leaf = if let Some(search) = &search {
            let patterns = patterns(search);
            let mut walk = Walk::new(part, self.look());
            while let Some((after, rows)) = walk.step() {
                let row = step(&mut conn, workspace, after, rows, Some(&patterns)).await?;
                walk.took(rows, row);
            }
            let (Found::Page(leaf) | Found::Little(leaf)) = walk.found(part);
            leaf
        } else {
            let counted: TotalRow = sql(COUNT)
                .bind::<SqlUuid, _>(workspace.uuid())
                .get_result(&mut conn)
                .await
                .map_err(failed)?;
            let (after, enough) = (part.after.as_ref(), i64::from(part.limit) + 1);
            let all = step(&mut conn, workspace, after, enough, None).await?;
            Leaf::cut(all.fitting, part.limit, Some(exactly(counted.total)))
        };
        Ok(Part {
            items: load(&mut conn, workspace, &leaf.places).await?,
            next: leaf.next,
            total: leaf.total,
        })
    }

    async fn of_contact(
        &self,
        workspace: WorkspaceId,
        contact: ContactId,
    ) -> Result<Option<Vec<Group>>, StoreError> {
        let mut conn = self.conn().await?;
        let row: OfContactRow = sql(OF_CONTACT)
            .bind::<SqlUuid, _>(workspace.uuid())
            .bind::<SqlUuid, _>(contact.uuid())
            .get_result(&mut conn)
            .await
            .map_err(failed)?;
        if !row.known {
            return Ok(None);
        }
        let ids: Vec<GroupId> = row.ids.into_iter().map(Id::new).collect();
        Ok(Some(load(&mut conn, workspace, &ids).await?))
    }

    async fn members(
        &self,
        workspace: WorkspaceId,
        group: GroupId,
        search: Option<Search>,
        part: &PartRequest<MemberPlace>,
    ) -> Result<Part<Member, MemberPlace>, StoreError> {
        self.members_page(workspace, group, search.as_ref(), part)
            .await
    }
}

async fn step(
    conn: &mut AsyncPgConnection,
    workspace: WorkspaceId,
    after: Option<&GroupId>,
    rows: i64,
    patterns: Option<&Vec<String>>,
) -> Result<Step<GroupId>, StoreError> {
    let row: StepRow = sql(STEP)
        .bind::<SqlUuid, _>(workspace.uuid())
        .bind::<SqlUuid, _>(after.map_or(Uuid::max(), |it| it.uuid()))
        .bind::<BigInt, _>(rows)
        .bind::<Nullable<Array<Text>>, _>(patterns)
        .get_result(conn)
        .await
        .map_err(failed)?;
    Ok(row.into())
}

/// Reads groups in the order of `ids`; those not there are left out.
async fn load(
    conn: &mut AsyncPgConnection,
    workspace: WorkspaceId,
    ids: &[GroupId],
) -> Result<Vec<Group>, StoreError> {
    let rows: Vec<GroupRow> = sql(LOAD)
        .bind::<SqlUuid, _>(workspace.uuid())
        .bind::<Array<SqlUuid>, _>(each(ids, |id| id.uuid()))
        .get_results(conn)
        .await
        .map_err(failed)?;
    Ok(rows.into_iter().map(Group::from).collect())
}
