//! Holding a book, and the units that change one.

use async_trait::async_trait;
use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::RunQueryDsl;
use msgflash_contacts::ports::{
    BookStore, BulkUnit, BulkUnits, ContactStore, ContactUnit, ContactUnits, GroupStore, GroupUnit,
    GroupUnits, JobStore,
};
use msgflash_kernel::{ReplayStore, StoreError, WorkspaceId};

use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;
use crate::unit::PgUnit;

#[async_trait]
impl BookStore for PgUnit {
    async fn lock(&mut self, workspace: WorkspaceId) -> Result<(), StoreError> {
        if self.held(workspace).await? {
            return Ok(());
        }
        // The first change of a book makes it. Somebody who does the same is waited for.
        sql("INSERT INTO address_books (workspace_id) VALUES ($1) ON CONFLICT DO NOTHING")
            .bind::<SqlUuid, _>(workspace.uuid())
            .execute(self.conn())
            .await
            .map_err(failed)?;
        if self.held(workspace).await? {
            return Ok(());
        }
        Err(StoreError::Stale("address_books"))
    }
}

impl PgUnit {
    /// Holds a book; `false` when there is none.
    pub(crate) async fn held(&mut self, workspace: WorkspaceId) -> Result<bool, StoreError> {
        let held = sql("SELECT 1 FROM address_books WHERE workspace_id = $1 FOR NO KEY UPDATE")
            .bind::<SqlUuid, _>(workspace.uuid())
            .execute(self.conn())
            .await
            .map_err(failed)?;
        Ok(held == 1)
    }
}

impl ContactUnit for PgUnit {
    fn replays(&mut self) -> &mut dyn ReplayStore {
        self
    }
    fn books(&mut self) -> &mut dyn BookStore {
        self
    }
    fn contacts(&mut self) -> &mut dyn ContactStore {
        self
    }
}

#[async_trait]
impl ContactUnits for Postgres {
    async fn begin(&self) -> Result<Box<dyn ContactUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
}

impl GroupUnit for PgUnit {
    fn replays(&mut self) -> &mut dyn ReplayStore {
        self
    }
    fn books(&mut self) -> &mut dyn BookStore {
        self
    }
    fn groups(&mut self) -> &mut dyn GroupStore {
        self
    }
}

#[async_trait]
impl GroupUnits for Postgres {
    async fn begin(&self) -> Result<Box<dyn GroupUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
}

impl BulkUnit for PgUnit {
    fn replays(&mut self) -> &mut dyn ReplayStore {
        self
    }
    fn books(&mut self) -> &mut dyn BookStore {
        self
    }
    fn contacts(&mut self) -> &mut dyn ContactStore {
        self
    }
    fn groups(&mut self) -> &mut dyn GroupStore {
        self
    }
    fn jobs(&mut self) -> &mut dyn JobStore {
        self
    }
}

#[async_trait]
impl BulkUnits for Postgres {
    async fn begin(&self) -> Result<Box<dyn BulkUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
}
