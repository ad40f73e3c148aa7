//! Removing what is no longer needed.

use diesel::sql_types::Timestamptz;
use diesel_async::RunQueryDsl;
use msgflash_kernel::StoreError;
use time::{Duration, OffsetDateTime};

use crate::error::failed;
use crate::pool::Postgres;

/// How long deliveries and the events behind them are kept.
const HISTORY: Duration = Duration::days(30);
/// How long answers are kept for repeated requests.
const ANSWERS: Duration = Duration::hours(24);

/// Each statement takes a bounded number of rows, so that its locks are short.
const SWEEPS: [&str; 3] = [
    // A delivery that was made while its endpoint was being deleted belongs to nobody.
    "DELETE FROM delivery_queue WHERE delivery_id IN ( \
       SELECT q.delivery_id FROM delivery_queue q \
       LEFT JOIN webhook_endpoints w ON w.id = q.endpoint_id \
       WHERE w.id IS NULL AND q.due_at < $1 LIMIT 1000)",
    "DELETE FROM deliveries WHERE (endpoint_id, id) IN ( \
       SELECT endpoint_id, id FROM deliveries \
       WHERE created_at < $1 AND status <> 'pending' LIMIT 1000)",
    "DELETE FROM events WHERE (workspace_id, id) IN ( \
       SELECT e.workspace_id, e.id FROM events e \
       WHERE e.at < $1 AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.event_id = e.id) \
         AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event_id = e.id) LIMIT 1000)",
];

impl Postgres {
    /// Removes a bounded amount of what is past its time; answers how many rows went.
    pub async fn sweep(&self, now: OffsetDateTime) -> Result<usize, StoreError> {
        let mut gone = self.sweep_replays(now - ANSWERS).await?;
        let mut conn = self.conn().await?;
        for sweep in SWEEPS {
            gone += diesel::sql_query(sweep)
                .bind::<Timestamptz, _>(now - HISTORY)
                .execute(&mut conn)
                .await
                .map_err(failed)?;
        }
        Ok(gone)
    }
}
