//! Removing what is no longer needed.
//!
//! Ids are UUIDv7, so a table's key tells age: each sweep walks from one endpoint or workspace to the
//! next and takes the oldest rows of each by key. No index is kept for it, no row is looked at that
//! stays, and a statement takes a bounded number of rows; the caller repeats until nothing is left.

use diesel::sql_types::{BigInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::StoreError;
use time::{Duration, OffsetDateTime};

use crate::columns::first_id;
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;

/// How long deliveries are kept, and how long one may wait at most.
pub(crate) const LONGEST_LIFE: Duration = Duration::days(30);
/// How long events are kept: a delivery at the end of its life can still show its payload.
const EVENTS: Duration = Duration::days(37);
/// How long a proof that comes late still finds its message.
const LOST: Duration = Duration::days(30);
/// How long answers are kept for repeated requests.
const ANSWERS: Duration = Duration::hours(24);
/// Rows of one statement, so that its locks are short.
const AT_ONCE: i64 = 5000;

/// A delivery that was made while its endpoint was being deleted belongs to nobody.
const ORPHANS: &str = "DELETE FROM delivery_queue WHERE delivery_id = ANY (ARRAY( \
     SELECT q.delivery_id FROM delivery_queue q \
     LEFT JOIN webhook_endpoints w ON w.id = q.endpoint_id \
     WHERE w.id IS NULL AND q.delivery_id < $1 LIMIT $2))";

/// Trouble of endpoints that were deleted while it was being written down.
const TROUBLE: &str = "DELETE FROM webhook_health h WHERE NOT EXISTS ( \
     SELECT 1 FROM webhook_endpoints w WHERE w.id = h.endpoint_id)";

/// What waited for all its life, such as for a plan with webhooks, waits no longer.
const EXPIRED: &str = "WITH old AS MATERIALIZED ( \
       SELECT q.endpoint_id, q.delivery_id FROM delivery_queue q \
       WHERE q.delivery_id < $1 ORDER BY q.delivery_id LIMIT $2), \
     waiting AS MATERIALIZED ( \
       SELECT d.endpoint_id, d.id FROM old o \
       JOIN deliveries d ON d.endpoint_id = o.endpoint_id AND d.id = o.delivery_id \
       ORDER BY d.endpoint_id, d.id FOR NO KEY UPDATE OF d), \
     ended AS ( \
       UPDATE deliveries d SET status = 'failed', error = 'waited too long', \
         next_attempt_at = NULL, updated_at = $3 \
       FROM waiting w WHERE d.endpoint_id = w.endpoint_id AND d.id = w.id \
         AND d.status = 'pending') \
     DELETE FROM delivery_queue q USING waiting w WHERE q.delivery_id = w.id";

/// Few: calls whose outcome nobody could say.
const LOST_CALLS: &str = "DELETE FROM lost_calls WHERE ctid = ANY (ARRAY( \
     SELECT ctid FROM lost_calls WHERE message_id < $1 LIMIT $2))";

const DELIVERIES: &str = "WITH RECURSIVE heads AS ( \
       (SELECT endpoint_id FROM deliveries ORDER BY endpoint_id LIMIT 1) \
       UNION ALL \
       SELECT (SELECT n.endpoint_id FROM deliveries n \
               WHERE n.endpoint_id > h.endpoint_id ORDER BY n.endpoint_id LIMIT 1) \
       FROM heads h WHERE h.endpoint_id IS NOT NULL), \
     old AS MATERIALIZED ( \
       SELECT o.endpoint_id, o.id FROM heads h CROSS JOIN LATERAL ( \
         SELECT d.endpoint_id, d.id FROM deliveries d \
         WHERE d.endpoint_id = h.endpoint_id AND d.id < $1 AND d.status <> 'pending' \
         ORDER BY d.id LIMIT $2) o LIMIT $2) \
     DELETE FROM deliveries d USING old o WHERE d.endpoint_id = o.endpoint_id AND d.id = o.id";

const EVENTS_PAST: &str = "WITH RECURSIVE heads AS ( \
       (SELECT workspace_id FROM events ORDER BY workspace_id LIMIT 1) \
       UNION ALL \
       SELECT (SELECT n.workspace_id FROM events n \
               WHERE n.workspace_id > h.workspace_id ORDER BY n.workspace_id LIMIT 1) \
       FROM heads h WHERE h.workspace_id IS NOT NULL), \
     old AS MATERIALIZED ( \
       SELECT o.workspace_id, o.id FROM heads h CROSS JOIN LATERAL ( \
         SELECT e.workspace_id, e.id FROM events e \
         WHERE e.workspace_id = h.workspace_id AND e.id < $1 \
           AND NOT EXISTS (SELECT 1 FROM outbox b WHERE b.event_id = e.id) \
         ORDER BY e.id LIMIT $2) o LIMIT $2) \
     DELETE FROM events e USING old o WHERE e.workspace_id = o.workspace_id AND e.id = o.id";

impl Postgres {
    /// Removes a bounded amount of what is past its time; answers how many rows went. While any
    /// did, there may be more.
    pub async fn sweep(&self, now: OffsetDateTime) -> Result<usize, StoreError> {
        let mut gone = self.sweep_replays(now - ANSWERS).await?;
        gone += self.sweep_contacts(now, AT_ONCE).await?;
        gone += self.sweep_sign_in(now, AT_ONCE).await?;
        gone += self.sweep_lookups(now, AT_ONCE).await?;
        gone += self.sweep_teams(now, AT_ONCE).await?;
        gone += self.sweep_billing(now, AT_ONCE).await?;
        let mut conn = self.conn().await?;
        gone += sql(EXPIRED)
            .bind::<SqlUuid, _>(first_id(now - LONGEST_LIFE))
            .bind::<BigInt, _>(AT_ONCE)
            .bind::<Timestamptz, _>(now)
            .execute(&mut conn)
            .await
            .map_err(failed)?;
        gone += sql(TROUBLE).execute(&mut conn).await.map_err(failed)?;
        let sweeps = [
            (ORPHANS, Duration::hours(1)),
            (LOST_CALLS, LOST),
            (DELIVERIES, LONGEST_LIFE),
            (EVENTS_PAST, EVENTS),
        ];
        for (sweep, life) in sweeps {
            gone += sql(sweep)
                .bind::<SqlUuid, _>(first_id(now - life))
                .bind::<BigInt, _>(AT_ONCE)
                .execute(&mut conn)
                .await
                .map_err(failed)?;
        }
        Ok(gone)
    }
}
