//! Changes of contacts. The number of contacts, the tags and the groups they are in follow.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_contacts::ports::ContactStore;
use msgflash_contacts::temperature::Traces;
use msgflash_contacts::{Contact, ContactId};
use msgflash_kernel::{Id, Phone, StoreError, WorkspaceId};
use serde_json::Value;
use uuid::Uuid;

use super::row::{TracesRow, load, load_by_phone, traces};
use super::tags::Tagged;
use crate::columns::each;
use crate::error::{expect_rows, failed};
use crate::sql::sql;
use crate::unit::PgUnit;

const INSERT: &str = "WITH new AS ( \
       INSERT INTO contacts (workspace_id, id, account_id, name, phone, tags, meta, name_key, \
         needle, created_at, updated_at) \
       SELECT $1, n.id, n.account_id, n.name, n.phone, \
         ARRAY(SELECT jsonb_array_elements_text(n.tags)), n.meta, n.name_key, n.needle, \
         n.created_at, n.updated_at \
       FROM UNNEST($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         AS n (id, account_id, name, phone, tags, meta, name_key, needle, created_at, \
               updated_at)) \
     UPDATE address_books SET contacts = contacts + $12 WHERE workspace_id = $1";

const UPDATE: &str = "WITH k AS MATERIALIZED ( \
       SELECT p.place, n.name, n.phone, n.tags, n.meta, n.name_key, n.needle, n.updated_at \
       FROM UNNEST($2, $3, $4, $5, $6, $7, $8, $9) \
         AS n (id, name, phone, tags, meta, name_key, needle, updated_at) \
       CROSS JOIN LATERAL ( \
         SELECT c.ctid AS place FROM contacts c \
         WHERE c.workspace_id = $1 AND c.id = n.id OFFSET 0) p) \
     UPDATE contacts c SET name = k.name, phone = k.phone, \
       tags = ARRAY(SELECT jsonb_array_elements_text(k.tags)), meta = k.meta, \
       name_key = k.name_key, needle = k.needle, updated_at = k.updated_at \
     FROM k WHERE c.ctid = k.place";

const DELETE: &str = "WITH k AS MATERIALIZED ( \
       SELECT p.place FROM UNNEST($2) AS n (id) CROSS JOIN LATERAL ( \
         SELECT c.ctid AS place FROM contacts c \
         WHERE c.workspace_id = $1 AND c.id = n.id OFFSET 0) p), \
     gone AS ( \
       DELETE FROM contacts c USING k WHERE c.ctid = k.place RETURNING c.id, c.tags), \
     counted AS ( \
       UPDATE address_books SET contacts = contacts - (SELECT count(*) FROM gone) \
       WHERE workspace_id = $1 AND EXISTS (SELECT 1 FROM gone)) \
     SELECT id, tags FROM gone";

/// Ends every membership of contacts.
const LEAVE: &str = "WITH k AS MATERIALIZED ( \
       SELECT p.place FROM UNNEST($2) AS n (id) CROSS JOIN LATERAL ( \
         SELECT m.ctid AS place FROM contact_group_members m \
         WHERE m.contact_id = n.id OFFSET 0) p), \
     gone AS ( \
       DELETE FROM contact_group_members m USING k WHERE m.ctid = k.place \
       RETURNING m.group_id), \
     less AS MATERIALIZED (SELECT group_id, count(*) AS members FROM gone GROUP BY group_id), \
     places AS MATERIALIZED ( \
       SELECT p.place, l.members FROM less l CROSS JOIN LATERAL ( \
         SELECT g.ctid AS place FROM contact_groups g \
         WHERE g.workspace_id = $1 AND g.id = l.group_id OFFSET 0) p) \
     UPDATE contact_groups g SET contact_count = g.contact_count - p.members \
     FROM places p WHERE g.ctid = p.place";

#[derive(QueryableByName)]
struct GoneRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Array<Text>)]
    tags: Vec<String>,
}

#[async_trait]
impl ContactStore for PgUnit {
    async fn find(
        &mut self,
        workspace: WorkspaceId,
        ids: &[ContactId],
    ) -> Result<Vec<Contact>, StoreError> {
        load(self.conn(), workspace, ids).await
    }

    async fn find_by_phone(
        &mut self,
        workspace: WorkspaceId,
        phones: &[Phone],
    ) -> Result<Vec<Contact>, StoreError> {
        load_by_phone(self.conn(), workspace, phones).await
    }

    async fn insert(&mut self, new: &[Contact]) -> Result<(), StoreError> {
        let Some(first) = new.first() else {
            return Ok(());
        };
        let workspace = first.workspace.id;
        let counted = sql(INSERT)
            .bind::<SqlUuid, _>(workspace.uuid())
            .bind::<Array<SqlUuid>, _>(each(new, |it| it.id.uuid()))
            .bind::<Array<SqlUuid>, _>(each(new, |it| it.workspace.account.uuid()))
            .bind::<Array<Text>, _>(each(new, |it| it.name.clone()))
            .bind::<Array<BigInt>, _>(each(new, |it| it.phone.to_i64()))
            .bind::<Array<Jsonb>, _>(each(new, |it| Value::from(it.tags.clone())))
            .bind::<Array<Nullable<Jsonb>>, _>(each(new, |it| it.meta.clone()))
            .bind::<Array<Text>, _>(each(new, Contact::sort_key))
            .bind::<Array<Text>, _>(each(new, Contact::needle))
            .bind::<Array<Timestamptz>, _>(each(new, |it| it.created_at))
            .bind::<Array<Timestamptz>, _>(each(new, |it| it.updated_at))
            .bind::<BigInt, _>(i64::try_from(new.len()).unwrap_or(i64::MAX))
            .execute(self.conn())
            .await
            .map_err(failed)?;
        expect_rows(counted, 1, "address_books")?;
        let mut tagged = Tagged::default();
        for contact in new {
            tagged.more(contact.id, &contact.tags);
        }
        tagged.keep(self.conn(), workspace).await
    }

    async fn update(&mut self, changed: &[(Contact, Contact)]) -> Result<(), StoreError> {
        let Some((first, _)) = changed.first() else {
            return Ok(());
        };
        let workspace = first.workspace.id;
        let count = sql(UPDATE)
            .bind::<SqlUuid, _>(workspace.uuid())
            .bind::<Array<SqlUuid>, _>(each(changed, |(_, it)| it.id.uuid()))
            .bind::<Array<Text>, _>(each(changed, |(_, it)| it.name.clone()))
            .bind::<Array<BigInt>, _>(each(changed, |(_, it)| it.phone.to_i64()))
            .bind::<Array<Jsonb>, _>(each(changed, |(_, it)| Value::from(it.tags.clone())))
            .bind::<Array<Nullable<Jsonb>>, _>(each(changed, |(_, it)| it.meta.clone()))
            .bind::<Array<Text>, _>(each(changed, |(_, it)| it.sort_key()))
            .bind::<Array<Text>, _>(each(changed, |(_, it)| it.needle()))
            .bind::<Array<Timestamptz>, _>(each(changed, |(_, it)| it.updated_at))
            .execute(self.conn())
            .await
            .map_err(failed)?;
        expect_rows(count, changed.len(), "contacts")?;
        let mut tagged = Tagged::default();
        for (before, after) in changed {
            tagged.instead(after.id, &before.tags, &after.tags);
        }
        tagged.keep(self.conn(), workspace).await
    }

    async fn delete(
        &mut self,
        workspace: WorkspaceId,
        ids: &[ContactId],
    ) -> Result<Vec<ContactId>, StoreError> {
        let gone: Vec<GoneRow> = sql(DELETE)
            .bind::<SqlUuid, _>(workspace.uuid())
            .bind::<Array<SqlUuid>, _>(each(ids, |id| id.uuid()))
            .get_results(self.conn())
            .await
            .map_err(failed)?;
        if gone.is_empty() {
            return Ok(Vec::new());
        }
        let mut tagged = Tagged::default();
        for row in &gone {
            tagged.instead(Id::new(row.id), &row.tags, &[]);
        }
        tagged.keep(self.conn(), workspace).await?;
        sql(LEAVE)
            .bind::<SqlUuid, _>(workspace.uuid())
            .bind::<Array<SqlUuid>, _>(each(&gone, |row| row.id))
            .execute(self.conn())
            .await
            .map_err(failed)?;
        Ok(each(&gone, |row| Id::new(row.id)))
    }

    async fn traces(&mut self, workspace: WorkspaceId, phone: Phone) -> Result<Traces, StoreError> {
        let row: TracesRow = sql(concat!(
            "SELECT traces.heard_at, traces.failed, traces.sent_at \
             FROM (VALUES ($1, $2)) AS c (workspace_id, phone)",
            traces!()
        ))
        .bind::<SqlUuid, _>(workspace.uuid())
        .bind::<BigInt, _>(phone.to_i64())
        .get_result(self.conn())
        .await
        .map_err(failed)?;
        Ok(row.into())
    }
}
