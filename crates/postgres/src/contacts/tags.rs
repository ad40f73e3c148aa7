//! The lists of contacts by tag, and how long they are.

use std::collections::BTreeMap;

use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use msgflash_contacts::ContactId;
use msgflash_kernel::{StoreError, WorkspaceId};
use uuid::Uuid;

use crate::columns::each;
use crate::error::failed;
use crate::sql::sql;

const LIST: &str = "INSERT INTO contact_tags (workspace_id, tag, contact_id) \
     SELECT $1, n.tag, n.contact_id FROM UNNEST($2, $3) AS n (tag, contact_id)";

const UNLIST: &str = "WITH k AS MATERIALIZED ( \
       SELECT p.place FROM UNNEST($2, $3) AS n (tag, contact_id) CROSS JOIN LATERAL ( \
         SELECT t.ctid AS place FROM contact_tags t \
         WHERE t.workspace_id = $1 AND t.tag = n.tag AND t.contact_id = n.contact_id OFFSET 0) p) \
     DELETE FROM contact_tags t USING k WHERE t.ctid = k.place";

const LONGER: &str = "INSERT INTO tag_counts (workspace_id, tag, contacts) \
     SELECT $1, n.tag, n.more FROM UNNEST($2, $3) AS n (tag, more) \
     ON CONFLICT (workspace_id, tag) \
       DO UPDATE SET contacts = tag_counts.contacts + EXCLUDED.contacts";

const SHORTER: &str = "WITH k AS MATERIALIZED ( \
       SELECT p.place, p.contacts, n.less FROM UNNEST($2, $3) AS n (tag, less) \
       CROSS JOIN LATERAL ( \
         SELECT t.ctid AS place, t.contacts FROM tag_counts t \
         WHERE t.workspace_id = $1 AND t.tag = n.tag OFFSET 0) p), \
     empty AS ( \
       DELETE FROM tag_counts t USING k WHERE t.ctid = k.place AND k.contacts = k.less) \
     UPDATE tag_counts t SET contacts = t.contacts - k.less \
     FROM k WHERE t.ctid = k.place AND k.contacts <> k.less";

/// Which contacts get a tag, and which lose one.
#[derive(Default)]
pub(super) struct Tagged {
    listed: Vec<(String, Uuid)>,
    unlisted: Vec<(String, Uuid)>,
}

impl Tagged {
    /// A contact gets tags.
    pub(super) fn more(&mut self, contact: ContactId, tags: &[String]) {
        let new = tags.iter().map(|tag| (tag.clone(), contact.uuid()));
        self.listed.extend(new);
    }

    /// A contact has these tags now, and had those.
    pub(super) fn instead(&mut self, contact: ContactId, before: &[String], after: &[String]) {
        let only = |tags: &[String], others: &[String]| -> Vec<(String, Uuid)> {
            let only = tags.iter().filter(|tag| !others.contains(tag));
            only.map(|tag| (tag.clone(), contact.uuid())).collect()
        };
        self.listed.extend(only(after, before));
        self.unlisted.extend(only(before, after));
    }

    /// Writes it down.
    pub(super) async fn keep(
        self,
        conn: &mut AsyncPgConnection,
        workspace: WorkspaceId,
    ) -> Result<(), StoreError> {
        for (statement, pairs) in [(UNLIST, &self.unlisted), (LIST, &self.listed)] {
            if pairs.is_empty() {
                continue;
            }
            sql(statement)
                .bind::<SqlUuid, _>(workspace.uuid())
                .bind::<Array<Text>, _>(each(pairs, |(tag, _)| tag.clone()))
                .bind::<Array<SqlUuid>, _>(each(pairs, |(_, contact)| *contact))
                .execute(&mut *conn)
                .await
                .map_err(failed)?;
        }
        let grown = self.grown();
        let longer = grown.iter().filter(|(_, by)| **by > 0);
        let longer: Vec<_> = longer.map(|(tag, by)| (*tag, *by)).collect();
        let shorter = grown.iter().filter(|(_, by)| **by < 0);
        let shorter: Vec<_> = shorter.map(|(tag, by)| (*tag, -by)).collect();
        for (statement, changes) in [(SHORTER, shorter), (LONGER, longer)] {
            if changes.is_empty() {
                continue;
            }
            sql(statement)
                .bind::<SqlUuid, _>(workspace.uuid())
                .bind::<Array<Text>, _>(each(&changes, |(tag, _)| *tag))
                .bind::<Array<BigInt>, _>(each(&changes, |(_, by)| *by))
                .execute(&mut *conn)
                .await
                .map_err(failed)?;
        }
        Ok(())
    }

    /// By how much each list grows.
    fn grown(&self) -> BTreeMap<&str, i64> {
        let mut grown = BTreeMap::new();
        for (tag, _) in &self.listed {
            *grown.entry(tag.as_str()).or_default() += 1;
        }
        for (tag, _) in &self.unlisted {
            *grown.entry(tag.as_str()).or_default() -= 1;
        }
        grown
    }
}
