//! Changes of groups and memberships.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Array, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_contacts::ports::{GroupStore, Joined};
use msgflash_contacts::{ContactId, Group, GroupId};
use msgflash_kernel::{AccountId, Id, Places, StoreError, WorkspaceId};
use time::OffsetDateTime;
use uuid::Uuid;

use super::row::workspace as workspace_of;
use crate::account::{counting, places};
use crate::columns::each;
use crate::error::{expect_rows, failed};
use crate::schema::contact_groups;
use crate::sql::sql;
use crate::teams::remains::not_deleted;
use crate::unit::PgUnit;

const PLACES: &str = places!(
    "p.max_contact_groups",
    concat!(
        "contact_groups g WHERE g.account_id = $1 AND ",
        not_deleted!("g.workspace_id")
    )
);

const COUNTED: &str = "UPDATE address_books SET groups = groups + 1 WHERE workspace_id = $1";

/// Its members are removed later, and little by little: nobody finds them without the group.
const DELETE: &str = "WITH gone AS ( \
       DELETE FROM contact_groups WHERE workspace_id = $1 AND id = $2 \
       RETURNING workspace_id, id, contact_count), \
     remains AS ( \
       INSERT INTO contact_group_remains (group_id, workspace_id) \
       SELECT id, workspace_id FROM gone WHERE contact_count > 0) \
     UPDATE address_books b SET groups = b.groups - 1 \
     FROM gone g WHERE b.workspace_id = g.workspace_id";

const ADD: &str = "WITH known AS MATERIALIZED ( \
       SELECT n.id FROM UNNEST($3) AS n (id) CROSS JOIN LATERAL ( \
         SELECT 1 FROM contacts c WHERE c.workspace_id = $1 AND c.id = n.id OFFSET 0) c \
       WHERE (SELECT true FROM contact_groups g WHERE g.workspace_id = $1 AND g.id = $2)), \
     added AS ( \
       INSERT INTO contact_group_members (group_id, contact_id, added_at) \
       SELECT $2, k.id, $4 FROM known k ON CONFLICT DO NOTHING RETURNING contact_id), \
     counted AS ( \
       UPDATE contact_groups SET contact_count = contact_count + (SELECT count(*) FROM added) \
       WHERE workspace_id = $1 AND id = $2 AND EXISTS (SELECT 1 FROM added)) \
     SELECT ARRAY(SELECT id FROM known) AS known, ARRAY(SELECT contact_id FROM added) AS changed";

const REMOVE: &str = "WITH k AS MATERIALIZED ( \
       SELECT p.place FROM UNNEST($3) AS n (id) CROSS JOIN LATERAL ( \
         SELECT m.ctid AS place FROM contact_group_members m \
         WHERE m.group_id = $2 AND m.contact_id = n.id OFFSET 0) p \
       WHERE (SELECT true FROM contact_groups g WHERE g.workspace_id = $1 AND g.id = $2)), \
     gone AS ( \
       DELETE FROM contact_group_members m USING k WHERE m.ctid = k.place \
       RETURNING m.contact_id), \
     counted AS ( \
       UPDATE contact_groups SET contact_count = contact_count - (SELECT count(*) FROM gone) \
       WHERE workspace_id = $1 AND id = $2 AND EXISTS (SELECT 1 FROM gone)) \
     SELECT ARRAY[]::uuid[] AS known, ARRAY(SELECT contact_id FROM gone) AS changed";

#[derive(Queryable, Selectable, QueryableByName)]
#[diesel(table_name = contact_groups, check_for_backend(diesel::pg::Pg))]
pub(super) struct GroupRow {
    workspace_id: Uuid,
    id: Uuid,
    account_id: Uuid,
    name: String,
    description: Option<String>,
    color: Option<String>,
    contact_count: i64,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl From<GroupRow> for Group {
    fn from(row: GroupRow) -> Self {
        Self {
            id: Id::new(row.id),
            workspace: workspace_of(row.workspace_id, Id::new(row.account_id)),
            name: row.name,
            description: row.description,
            color: row.color,
            contact_count: u64::try_from(row.contact_count).unwrap_or(0),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

#[derive(QueryableByName)]
struct MembersRow {
    #[diesel(sql_type = Array<SqlUuid>)]
    known: Vec<Uuid>,
    #[diesel(sql_type = Array<SqlUuid>)]
    changed: Vec<Uuid>,
}

fn ids(raw: Vec<Uuid>) -> Vec<ContactId> {
    raw.into_iter().map(Id::new).collect()
}

#[async_trait]
impl GroupStore for PgUnit {
    async fn count_locked(
        &mut self,
        account: AccountId,
        cap: Option<u32>,
    ) -> Result<Places, StoreError> {
        self.hold_places(account, counting(PLACES, account, cap))
            .await
    }

    async fn find(
        &mut self,
        workspace: WorkspaceId,
        id: GroupId,
    ) -> Result<Option<Group>, StoreError> {
        let row: Option<GroupRow> = contact_groups::table
            .find((workspace.uuid(), id.uuid()))
            .select(GroupRow::as_select())
            .first(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        Ok(row.map(Group::from))
    }

    async fn named(
        &mut self,
        workspace: WorkspaceId,
        name_key: &str,
    ) -> Result<Option<GroupId>, StoreError> {
        let id: Option<Uuid> = contact_groups::table
            .filter(contact_groups::workspace_id.eq(workspace.uuid()))
            .filter(contact_groups::name_key.eq(name_key))
            .select(contact_groups::id)
            .first(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        Ok(id.map(Id::new))
    }

    async fn insert(&mut self, group: &Group) -> Result<(), StoreError> {
        diesel::insert_into(contact_groups::table)
            .values((
                contact_groups::workspace_id.eq(group.workspace.id.uuid()),
                contact_groups::id.eq(group.id.uuid()),
                contact_groups::account_id.eq(group.workspace.account.uuid()),
                contact_groups::name.eq(&group.name),
                contact_groups::name_key.eq(group.name_key()),
                contact_groups::description.eq(&group.description),
                contact_groups::color.eq(&group.color),
                contact_groups::needle.eq(group.needle()),
                contact_groups::created_at.eq(group.created_at),
                contact_groups::updated_at.eq(group.updated_at),
            ))
            .execute(self.conn())
            .await
            .map_err(failed)?;
        let counted = sql(COUNTED)
            .bind::<SqlUuid, _>(group.workspace.id.uuid())
            .execute(self.conn())
            .await
            .map_err(failed)?;
        expect_rows(counted, 1, "address_books")
    }

    async fn update(&mut self, group: &Group) -> Result<(), StoreError> {
        let key = (group.workspace.id.uuid(), group.id.uuid());
        let changed = diesel::update(contact_groups::table.find(key))
            .set((
                contact_groups::name.eq(&group.name),
                contact_groups::name_key.eq(group.name_key()),
                contact_groups::description.eq(&group.description),
                contact_groups::color.eq(&group.color),
                contact_groups::needle.eq(group.needle()),
                contact_groups::updated_at.eq(group.updated_at),
            ))
            .execute(self.conn())
            .await
            .map_err(failed)?;
        expect_rows(changed, 1, "contact_groups")
    }

    async fn delete(&mut self, workspace: WorkspaceId, id: GroupId) -> Result<bool, StoreError> {
        let counted = sql(DELETE)
            .bind::<SqlUuid, _>(workspace.uuid())
            .bind::<SqlUuid, _>(id.uuid())
            .execute(self.conn())
            .await
            .map_err(failed)?;
        Ok(counted == 1)
    }

    async fn add(
        &mut self,
        workspace: WorkspaceId,
        group: GroupId,
        contacts: &[ContactId],
        now: OffsetDateTime,
    ) -> Result<Joined, StoreError> {
        let row: MembersRow = sql(ADD)
            .bind::<SqlUuid, _>(workspace.uuid())
            .bind::<SqlUuid, _>(group.uuid())
            .bind::<Array<SqlUuid>, _>(each(contacts, |id| id.uuid()))
            .bind::<Timestamptz, _>(now)
            .get_result(self.conn())
            .await
            .map_err(failed)?;
        Ok(Joined {
            known: ids(row.known),
            added: ids(row.changed),
        })
    }

    async fn remove(
        &mut self,
        workspace: WorkspaceId,
        group: GroupId,
        contacts: &[ContactId],
    ) -> Result<Vec<ContactId>, StoreError> {
        let row: MembersRow = sql(REMOVE)
            .bind::<SqlUuid, _>(workspace.uuid())
            .bind::<SqlUuid, _>(group.uuid())
            .bind::<Array<SqlUuid>, _>(each(contacts, |id| id.uuid()))
            .get_result(self.conn())
            .await
            .map_err(failed)?;
        Ok(ids(row.changed))
    }
}
