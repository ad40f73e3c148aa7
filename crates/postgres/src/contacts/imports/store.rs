//! Changes of imports.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Array, Integer, Jsonb, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_contacts::file::{ImportRow, ReportEntry};
use msgflash_contacts::ports::{Claimed, ImportStore, ImportWork};
use msgflash_contacts::{Import, ImportId};
use msgflash_kernel::{Id, StoreError, WorkspaceId};
use serde_json::Value;
use time::OffsetDateTime;
use tracing::error;
use uuid::Uuid;

use super::json::{read_rows, report_json, rows_json};
use super::record::ImportRecord;
use crate::error::{expect_rows, failed};
use crate::schema::contact_imports;
use crate::sql::sql;
use crate::teams::remains::not_deleted;
use crate::unit::PgUnit;

/// Holds the book whose turn came first, unless somebody holds it or its team is gone.
const TURN: &str = concat!(
    "SELECT b.workspace_id FROM address_books b \
     WHERE b.import_turn_at <= $1 \
       AND EXISTS (SELECT 1 FROM contact_imports i WHERE i.workspace_id = b.workspace_id \
                   AND i.status IN ('pending', 'processing') OFFSET 0) \
       AND ",
    not_deleted!("b.workspace_id"),
    " ORDER BY b.import_turn_at LIMIT 1 FOR NO KEY UPDATE OF b SKIP LOCKED",
);

/// The import at hand. The states are part of the text: the index of living imports is of use only
/// to a statement that names them.
const AT_HAND: &str = "SELECT * FROM contact_imports \
     WHERE workspace_id = $1 AND status IN ('pending', 'processing') ORDER BY id LIMIT 1";

/// An import that came while others wait changes nothing about the book's turn.
const QUEUE: &str = "UPDATE address_books SET import_turn_at = coalesce(import_turn_at, $2) \
     WHERE workspace_id = $1";

const NEXT_TURN: &str = "UPDATE address_books SET import_turn_at = CASE WHEN EXISTS ( \
         SELECT 1 FROM contact_imports i WHERE i.workspace_id = $1 \
           AND i.status IN ('pending', 'processing') OFFSET 0) THEN $2 END \
     WHERE workspace_id = $1";

const KEEP_PARTS: &str = "INSERT INTO contact_import_chunks (import_id, no, rows, errors) \
     SELECT $1, n.no, n.rows, n.errors FROM UNNEST($2, $3, $4) AS n (no, rows, errors)";

/// Parts that are done have no rows.
const NEXT_PART: &str = "SELECT no, rows FROM contact_import_chunks \
     WHERE import_id = $1 AND rows <> '[]' ORDER BY no LIMIT 1";

const FINISH: &str = "UPDATE contact_import_chunks SET rows = '[]', errors = errors || $3 \
     WHERE import_id = $1 AND no = $2";

const FORGET: &str = "UPDATE contact_import_chunks SET rows = '[]' \
     WHERE import_id = $1 AND rows <> '[]'";

const BREAK: &str = "UPDATE contact_imports SET status = 'failed', \
       error = 'What was left of the file cannot be read any more', updated_at = $3, \
       completed_at = $3 \
     WHERE workspace_id = $1 AND id = $2";

#[derive(QueryableByName)]
struct TurnRow {
    #[diesel(sql_type = SqlUuid)]
    workspace_id: Uuid,
}

#[derive(QueryableByName)]
struct PartRow {
    #[diesel(sql_type = Integer)]
    no: i32,
    #[diesel(sql_type = Jsonb)]
    rows: Value,
}

#[async_trait]
impl ImportStore for PgUnit {
    async fn insert(
        &mut self,
        import: &Import,
        rows: &[ImportRow],
        size: usize,
        report: &[ReportEntry],
    ) -> Result<(), StoreError> {
        diesel::insert_into(contact_imports::table)
            .values(ImportRecord::from(import))
            .execute(self.conn())
            .await
            .map_err(failed)?;
        // The report of the file goes with the first part, which may have no rows.
        let mut parts: Vec<Value> = rows
            .chunks(size.max(1))
            .map(rows_json)
            .collect::<Result<_, _>>()?;
        if parts.is_empty() {
            parts.push(rows_json(&[])?);
        }
        let mut reports = vec![report_json(&[])?; parts.len()];
        reports[0] = report_json(report)?;
        sql(KEEP_PARTS)
            .bind::<SqlUuid, _>(import.id.uuid())
            .bind::<Array<Integer>, _>((0..).take(parts.len()).collect::<Vec<i32>>())
            .bind::<Array<Jsonb>, _>(parts)
            .bind::<Array<Jsonb>, _>(reports)
            .execute(self.conn())
            .await
            .map_err(failed)?;
        if import.status.is_final() {
            return Ok(());
        }
        self.turn(QUEUE, import.workspace.id, import.created_at)
            .await
    }

    async fn claim(
        &mut self,
        now: OffsetDateTime,
    ) -> Result<Option<Claimed<ImportWork>>, StoreError> {
        let turn: Option<TurnRow> = sql(TURN)
            .bind::<Timestamptz, _>(now)
            .get_result(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        let Some(TurnRow { workspace_id }) = turn else {
            return Ok(None);
        };
        // A statement of its own: it begins after the book is held, so it sees what whoever held it
        // before has committed.
        let row: Option<ImportRecord> = sql(AT_HAND)
            .bind::<SqlUuid, _>(workspace_id)
            .get_result(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        let Some(row) = row else {
            return Ok(None);
        };
        let id = row.id;
        match self.import_work(row).await {
            Ok(work) => Ok(Some(Claimed::Work(work))),
            Err(StoreError::Corrupt { place, value }) => {
                error!(import.id = %id, place, value, "an import cannot be read; it has failed");
                sql(BREAK)
                    .bind::<SqlUuid, _>(workspace_id)
                    .bind::<SqlUuid, _>(id)
                    .bind::<Timestamptz, _>(now)
                    .execute(self.conn())
                    .await
                    .map_err(failed)?;
                self.forget_rows(id).await?;
                self.turn(NEXT_TURN, Id::new(workspace_id), now).await?;
                Ok(Some(Claimed::Broken))
            }
            Err(other) => Err(other),
        }
    }

    async fn find(
        &mut self,
        workspace: WorkspaceId,
        id: ImportId,
    ) -> Result<Option<Import>, StoreError> {
        let row: Option<ImportRecord> = contact_imports::table
            .find((workspace.uuid(), id.uuid()))
            .select(ImportRecord::as_select())
            .first(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        row.map(Import::try_from).transpose()
    }

    async fn finish(
        &mut self,
        id: ImportId,
        part: u32,
        report: &[ReportEntry],
    ) -> Result<(), StoreError> {
        sql(FINISH)
            .bind::<SqlUuid, _>(id.uuid())
            .bind::<Integer, _>(i32::try_from(part).unwrap_or(i32::MAX))
            .bind::<Jsonb, _>(report_json(report)?)
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn update(&mut self, import: &Import, turn: OffsetDateTime) -> Result<(), StoreError> {
        let key = (import.workspace.id.uuid(), import.id.uuid());
        let changed = diesel::update(contact_imports::table.find(key))
            .set(ImportRecord::from(import))
            .execute(self.conn())
            .await
            .map_err(failed)?;
        expect_rows(changed, 1, "contact_imports")?;
        if import.status.is_final() {
            self.forget_rows(import.id.uuid()).await?;
        }
        self.turn(NEXT_TURN, import.workspace.id, turn).await
    }
}

impl PgUnit {
    async fn import_work(&mut self, row: ImportRecord) -> Result<ImportWork, StoreError> {
        let import = Import::try_from(row)?;
        let part: Option<PartRow> = sql(NEXT_PART)
            .bind::<SqlUuid, _>(import.id.uuid())
            .get_result(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        let (part, rows) = match part {
            Some(part) => (u32::try_from(part.no).unwrap_or(0), read_rows(part.rows)?),
            // Every row was found out when the file came.
            None if import.processed() >= import.total => (0, Vec::new()),
            None => return Err(StoreError::corrupt("contact_import_chunks", "too few")),
        };
        Ok(ImportWork { import, part, rows })
    }

    async fn forget_rows(&mut self, import: Uuid) -> Result<(), StoreError> {
        sql(FORGET)
            .bind::<SqlUuid, _>(import)
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }
}
