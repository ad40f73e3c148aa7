//! Imports, their parts, and the turns of their books.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use msgflash_contacts::file::ReportEntry;
use msgflash_contacts::ports::{
    BookStore, ContactStore, GroupStore, ImportPage, ImportReader, ImportStore, ImportUnit,
    ImportUnits,
};
use msgflash_contacts::{Import, ImportId};
use msgflash_kernel::{StoreError, WorkspaceId};
use serde_json::Value;
use uuid::Uuid;

use self::json::read_report;
use self::record::ImportRecord;
use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::{contact_import_chunks, contact_imports};
use crate::unit::PgUnit;

mod json;
mod record;
mod store;

#[async_trait]
impl ImportReader for Postgres {
    async fn find(
        &self,
        workspace: WorkspaceId,
        id: ImportId,
    ) -> Result<Option<Import>, StoreError> {
        let mut conn = self.conn().await?;
        let row: Option<ImportRecord> = contact_imports::table
            .find((workspace.uuid(), id.uuid()))
            .select(ImportRecord::as_select())
            .first(&mut conn)
            .await
            .optional()
            .map_err(failed)?;
        row.map(Import::try_from).transpose()
    }

    async fn report(
        &self,
        workspace: WorkspaceId,
        id: ImportId,
    ) -> Result<Vec<ReportEntry>, StoreError> {
        let mut conn = self.conn().await?;
        let parts: Vec<Value> = contact_import_chunks::table
            .inner_join(
                contact_imports::table.on(contact_imports::id.eq(contact_import_chunks::import_id)),
            )
            .filter(contact_imports::workspace_id.eq(workspace.uuid()))
            .filter(contact_imports::id.eq(id.uuid()))
            .select(contact_import_chunks::errors)
            .load(&mut conn)
            .await
            .map_err(failed)?;
        let mut report = Vec::new();
        for part in parts {
            report.extend(read_report(part)?);
        }
        report.sort_by_key(|entry| entry.line);
        Ok(report)
    }

    async fn page(
        &self,
        workspace: WorkspaceId,
        limit: u32,
        after: Option<ImportId>,
    ) -> Result<ImportPage, StoreError> {
        let mut conn = self.conn().await?;
        let before = after.map_or(Uuid::max(), ImportId::uuid);
        let rows: Vec<ImportRecord> = contact_imports::table
            .filter(contact_imports::workspace_id.eq(workspace.uuid()))
            .filter(contact_imports::id.lt(before))
            .order(contact_imports::id.desc())
            .limit(i64::from(limit) + 1)
            .select(ImportRecord::as_select())
            .load(&mut conn)
            .await
            .map_err(failed)?;
        // Kept for a month, and made by hand: there are few.
        let total: i64 = contact_imports::table
            .filter(contact_imports::workspace_id.eq(workspace.uuid()))
            .count()
            .get_result(&mut conn)
            .await
            .map_err(failed)?;
        let imports = rows.into_iter().map(Import::try_from);
        let mut imports = imports.collect::<Result<Vec<_>, _>>()?;
        let more = imports.len() > limit as usize;
        imports.truncate(limit as usize);
        let next = imports.last().filter(|_| more).map(|it| it.id);
        Ok(ImportPage {
            imports,
            total: u64::try_from(total).unwrap_or(0),
            next,
        })
    }
}

impl ImportUnit for PgUnit {
    fn books(&mut self) -> &mut dyn BookStore {
        self
    }
    fn contacts(&mut self) -> &mut dyn ContactStore {
        self
    }
    fn groups(&mut self) -> &mut dyn GroupStore {
        self
    }
    fn imports(&mut self) -> &mut dyn ImportStore {
        self
    }
}

#[async_trait]
impl ImportUnits for Postgres {
    async fn begin(&self) -> Result<Box<dyn ImportUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
}
