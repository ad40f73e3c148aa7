//! Removing look-ups nobody asks about any more, and checks that are not believed any more.

use diesel::sql_types::{BigInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::StoreError;
use time::{Duration, OffsetDateTime};

use crate::columns::first_id;
use crate::contacts::upkeep::old;
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;

/// How long look-ups are kept.
const KEPT: Duration = Duration::days(30);

/// Parts of look-ups of that age, whether the look-up is still there or not: they share its id. Of
/// that age none is alive, but for one whose parts are wanted still.
const OLD_PARTS: &str = "WITH k AS MATERIALIZED ( \
       SELECT p.ctid AS place FROM number_lookup_parts p \
       WHERE p.lookup_id < $1 AND p.lookup_id <> ALL (ARRAY( \
         SELECT l.id FROM number_lookups l WHERE l.status IN ('pending', 'processing'))) \
       ORDER BY p.lookup_id, p.no LIMIT $2) \
     DELETE FROM number_lookup_parts p USING k WHERE p.ctid = k.place";

const OLD_CHECKS: &str = "WITH k AS MATERIALIZED ( \
       SELECT c.ctid AS place FROM number_checks c \
       WHERE c.forget_at <= $1 ORDER BY c.forget_at LIMIT $2 FOR UPDATE SKIP LOCKED) \
     DELETE FROM number_checks c USING k WHERE c.ctid = k.place";

impl Postgres {
    /// Removes at most `limit` look-ups, parts and checks each that are past their time; answers how
    /// many rows went.
    pub(crate) async fn sweep_lookups(
        &self,
        now: OffsetDateTime,
        limit: i64,
    ) -> Result<usize, StoreError> {
        let mut conn = self.conn().await?;
        let mut gone = 0;
        for statement in [old!("number_lookups"), OLD_PARTS] {
            gone += sql(statement)
                .bind::<SqlUuid, _>(first_id(now - KEPT))
                .bind::<BigInt, _>(limit)
                .execute(&mut conn)
                .await
                .map_err(failed)?;
        }
        gone += sql(OLD_CHECKS)
            .bind::<Timestamptz, _>(now)
            .bind::<BigInt, _>(limit)
            .execute(&mut conn)
            .await
            .map_err(failed)?;
        Ok(gone)
    }
}
