//! What billing need not keep for ever.

use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::RunQueryDsl;
use msgflash_kernel::StoreError;
use time::{Duration, OffsetDateTime};

use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;

/// Longer than any provider repeats an event, or shows a page.
const KEPT: Duration = Duration::days(400);

/// What operators confirmed stays: they may use the same reference years later by mistake.
const EVENTS: &str = "DELETE FROM billing_events WHERE ctid = ANY (ARRAY( \
     SELECT ctid FROM billing_events \
     WHERE handled_at < $1 AND provider <> 'manual' LIMIT $2 FOR UPDATE SKIP LOCKED))";

const CHECKOUTS: &str = "DELETE FROM billing_checkouts WHERE id = ANY (ARRAY( \
     SELECT id FROM billing_checkouts WHERE paid_at IS NULL AND created_at < $1 \
     LIMIT $2 FOR UPDATE SKIP LOCKED))";

const REFUNDS: &str = "DELETE FROM billing_refunds WHERE ctid = ANY (ARRAY( \
     SELECT ctid FROM billing_refunds WHERE noted_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))";

impl Postgres {
    /// Removes some of what is past its time.
    pub(crate) async fn sweep_billing(
        &self,
        now: OffsetDateTime,
        limit: i64,
    ) -> Result<usize, StoreError> {
        let mut conn = self.conn().await?;
        let mut gone = 0;
        for statement in [EVENTS, CHECKOUTS, REFUNDS] {
            gone += sql(statement)
                .bind::<Timestamptz, _>(now - KEPT)
                .bind::<BigInt, _>(limit)
                .execute(&mut conn)
                .await
                .map_err(failed)?;
        }
        Ok(gone)
    }
}
