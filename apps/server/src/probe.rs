//! What must answer before this process is ready.

use async_trait::async_trait;
use msgflash_kernel::StoreError;
use msgflash_postgres::Postgres;

use crate::services::Probe;

/// The database.
pub(crate) struct DatabaseProbe(pub(crate) Postgres);

#[async_trait]
impl Probe for DatabaseProbe {
    fn name(&self) -> &'static str {
        "database"
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.0.ping().await
    }
}
