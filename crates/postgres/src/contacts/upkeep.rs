//! Removing what is left of groups, and jobs and imports nobody asks about any more.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_contacts::ports::BookStore as _;
use msgflash_kernel::{Id, StoreError, Unit as _};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::columns::first_id;
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;

/// How long jobs and imports are kept.
const KEPT: Duration = Duration::days(30);

const ONE: &str = "SELECT group_id, workspace_id FROM contact_group_remains \
     ORDER BY group_id LIMIT 1";

const MEMBERS: &str = "WITH k AS MATERIALIZED ( \
       SELECT m.ctid AS place FROM contact_group_members m \
       WHERE m.group_id = $1 ORDER BY m.contact_id LIMIT $2) \
     DELETE FROM contact_group_members m USING k WHERE m.ctid = k.place";

const DONE: &str = "DELETE FROM contact_group_remains WHERE group_id = $1";

/// Rows of a table that are past their time, workspace by workspace. Living ones stay.
macro_rules! old {
    ($table:literal) => {
        concat!(
            "WITH RECURSIVE heads AS ( \
               (SELECT workspace_id FROM ",
            $table,
            " ORDER BY workspace_id LIMIT 1) \
               UNION ALL \
               SELECT (SELECT n.workspace_id FROM ",
            $table,
            " n WHERE n.workspace_id > h.workspace_id ORDER BY n.workspace_id LIMIT 1) \
               FROM heads h WHERE h.workspace_id IS NOT NULL), \
             old AS MATERIALIZED ( \
               SELECT o.workspace_id, o.id FROM heads h CROSS JOIN LATERAL ( \
                 SELECT j.workspace_id, j.id FROM ",
            $table,
            " j WHERE j.workspace_id = h.workspace_id AND j.id < $1 \
                   AND j.status NOT IN ('pending', 'processing') \
                 ORDER BY j.id LIMIT $2) o LIMIT $2) \
             DELETE FROM ",
            $table,
            " j USING old o WHERE j.workspace_id = o.workspace_id AND j.id = o.id"
        )
    };
}

/// Parts of imports of that age, whether the import is still there or not: they share its id. There
/// are few living imports, and of that age hardly one.
const OLD_PARTS: &str = "WITH k AS MATERIALIZED ( \
       SELECT c.ctid AS place FROM contact_import_chunks c \
       WHERE c.import_id < $1 AND c.import_id <> ALL (ARRAY( \
         SELECT i.id FROM contact_imports i WHERE i.status IN ('pending', 'processing'))) \
       ORDER BY c.import_id, c.no LIMIT $2) \
     DELETE FROM contact_import_chunks c USING k WHERE c.ctid = k.place";

pub(crate) use old;

#[derive(QueryableByName)]
struct RemainsRow {
    #[diesel(sql_type = SqlUuid)]
    group_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    workspace_id: Uuid,
}

impl Postgres {
    /// Removes at most `limit` jobs, imports and parts of imports each that are past their time, and
    /// as many members of one group that is gone; answers how many rows went.
    pub(crate) async fn sweep_contacts(
        &self,
        now: OffsetDateTime,
        limit: i64,
    ) -> Result<usize, StoreError> {
        let mut gone = 0;
        for statement in [old!("contact_jobs"), old!("contact_imports"), OLD_PARTS] {
            let mut conn = self.conn().await?;
            gone += sql(statement)
                .bind::<SqlUuid, _>(first_id(now - KEPT))
                .bind::<BigInt, _>(limit)
                .execute(&mut conn)
                .await
                .map_err(failed)?;
        }
        Ok(gone + self.sweep_remains(limit).await?)
    }

    async fn sweep_remains(&self, limit: i64) -> Result<usize, StoreError> {
        let mut unit = self.unit().await?;
        let found: Vec<RemainsRow> = sql(ONE).get_results(unit.conn()).await.map_err(failed)?;
        let Some(remains) = found.into_iter().next() else {
            return Ok(0);
        };
        // Contacts that are deleted meanwhile end their memberships in an order of their own.
        unit.lock(Id::new(remains.workspace_id)).await?;
        let members = sql(MEMBERS)
            .bind::<SqlUuid, _>(remains.group_id)
            .bind::<BigInt, _>(limit)
            .execute(unit.conn())
            .await
            .map_err(failed)?;
        let mut gone = members;
        if i64::try_from(members).is_ok_and(|it| it < limit) {
            gone += sql(DONE)
                .bind::<SqlUuid, _>(remains.group_id)
                .execute(unit.conn())
                .await
                .map_err(failed)?;
        }
        Box::new(unit).commit().await?;
        Ok(gone)
    }
}
