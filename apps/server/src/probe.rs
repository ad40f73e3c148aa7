//! What must answer before this process is ready.

use std::time::Duration;

use async_trait::async_trait;
use msgflash_kernel::StoreError;
use msgflash_postgres::Postgres;

use crate::services::Probe;

/// Who asks whether we are ready waits a few seconds at most, and a database that stands still is
/// not ready.
const PATIENCE: Duration = Duration::from_secs(2);

/// The database.
pub(crate) struct DatabaseProbe(pub(crate) Postgres);

#[async_trait]
impl Probe for DatabaseProbe {
    fn name(&self) -> &'static str {
        "database"
    }

    async fn check(&self) -> Result<(), StoreError> {
        tokio::time::timeout(PATIENCE, self.0.ping())
            .await
            .unwrap_or_else(|late| Err(StoreError::Unavailable(late.into())))
    }
}
