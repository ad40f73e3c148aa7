//! Contacts to be taken away, in the order they were made.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_contacts::file::ExportRow;
use msgflash_contacts::ports::{ExportReader, GroupReader};
use msgflash_contacts::{ContactId, GroupId};
use msgflash_kernel::{Id, StoreError, WorkspaceId};
use time::OffsetDateTime;
use uuid::Uuid;

use super::row::phone;
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;

/// The columns of a row with the names of its groups, of a contact that is called `c`.
macro_rules! export_columns {
    () => {
        "c.id, c.phone, c.name, c.tags, c.created_at, ARRAY( \
           SELECT g.name FROM contact_group_members o CROSS JOIN LATERAL ( \
             SELECT i.name, i.name_key FROM contact_groups i \
             WHERE i.workspace_id = $1 AND i.id = o.group_id OFFSET 0) g \
           WHERE o.contact_id = c.id ORDER BY g.name_key) AS groups "
    };
}

const ALL: &str = concat!(
    "SELECT ",
    export_columns!(),
    "FROM (SELECT k.id, k.phone, k.name, k.tags, k.created_at FROM contacts k \
       WHERE k.workspace_id = $1 AND k.id > $2 ORDER BY k.id LIMIT $3) c ORDER BY c.id"
);

const OF_GROUP: &str = concat!(
    "SELECT ",
    export_columns!(),
    "FROM (SELECT m.contact_id FROM contact_group_members m \
       WHERE m.group_id = $4 AND m.contact_id > $2 ORDER BY m.contact_id LIMIT $3) l \
     CROSS JOIN LATERAL ( \
       SELECT k.id, k.phone, k.name, k.tags, k.created_at FROM contacts k \
       WHERE k.workspace_id = $1 AND k.id = l.contact_id OFFSET 0) c ORDER BY c.id"
);

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    phone: i64,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Array<Text>)]
    tags: Vec<String>,
    #[diesel(sql_type = Timestamptz)]
    created_at: OffsetDateTime,
    #[diesel(sql_type = Array<Text>)]
    groups: Vec<String>,
}

#[async_trait]
impl ExportReader for Postgres {
    async fn has_group(&self, workspace: WorkspaceId, id: GroupId) -> Result<bool, StoreError> {
        let found = GroupReader::find(self, workspace, id).await?;
        Ok(found.is_some())
    }

    async fn rows(
        &self,
        workspace: WorkspaceId,
        group: Option<GroupId>,
        after: Option<ContactId>,
        limit: u32,
    ) -> Result<Vec<(ContactId, ExportRow)>, StoreError> {
        let mut conn = self.conn().await?;
        let after = after.map_or(Uuid::nil(), Id::uuid);
        let limit = i64::from(limit);
        let rows: Vec<Row> = match group {
            None => {
                sql(ALL)
                    .bind::<SqlUuid, _>(workspace.uuid())
                    .bind::<SqlUuid, _>(after)
                    .bind::<BigInt, _>(limit)
                    .get_results(&mut conn)
                    .await
            }
            Some(group) => {
                sql(OF_GROUP)
                    .bind::<SqlUuid, _>(workspace.uuid())
                    .bind::<SqlUuid, _>(after)
                    .bind::<BigInt, _>(limit)
                    .bind::<SqlUuid, _>(group.uuid())
                    .get_results(&mut conn)
                    .await
            }
        }
        .map_err(failed)?;
        rows.into_iter()
            .map(|row| {
                let export = ExportRow {
                    phone: phone(row.phone)?,
                    name: row.name,
                    tags: row.tags,
                    groups: row.groups,
                    created_at: row.created_at,
                };
                Ok((Id::new(row.id), export))
            })
            .collect()
    }
}
