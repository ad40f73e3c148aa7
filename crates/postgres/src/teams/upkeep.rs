//! Removing what teams leave behind.

use diesel::sql_types::{BigInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::StoreError;
use time::{Duration, OffsetDateTime};

use crate::columns::first_id;
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;

/// How long an invitation is kept after its time: it holds the address of somebody who may never have
/// heard of us.
const INVITATIONS: Duration = Duration::days(30);
/// How long it is kept what was done.
const AUDIT: Duration = Duration::days(400);

/// One that was sent again may be older than its time.
const ANSWERED: &str = "DELETE FROM team_invitations WHERE id = ANY (ARRAY( \
     SELECT id FROM team_invitations WHERE id < $1 \
       AND (ended_at < $3 OR expires_at < $3) \
     ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED))";

const DONE: &str = "DELETE FROM audit_log WHERE id = ANY (ARRAY( \
     SELECT id FROM audit_log WHERE id < $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED))";

/// Assignments of instances and in teams that are gone.
const USELESS: &str = "DELETE FROM team_instance_assignments WHERE ctid = ANY(ARRAY( \
     SELECT a.ctid FROM team_instance_assignments a \
     JOIN instances i ON i.id = a.instance_id JOIN teams t ON t.id = a.team_id \
     WHERE i.deleted_at IS NOT NULL OR t.deleted_at IS NOT NULL LIMIT $1))";

impl Postgres {
    /// Removes at most `limit` rows of each kind that are past their time; answers how many went.
    pub(crate) async fn sweep_teams(
        &self,
        now: OffsetDateTime,
        limit: i64,
    ) -> Result<usize, StoreError> {
        let mut conn = self.conn().await?;
        let mut gone = sql(USELESS)
            .bind::<BigInt, _>(limit)
            .execute(&mut conn)
            .await
            .map_err(failed)?;
        gone += sql(ANSWERED)
            .bind::<SqlUuid, _>(first_id(now - INVITATIONS))
            .bind::<BigInt, _>(limit)
            .bind::<Timestamptz, _>(now - INVITATIONS)
            .execute(&mut conn)
            .await
            .map_err(failed)?;
        gone += sql(DONE)
            .bind::<SqlUuid, _>(first_id(now - AUDIT))
            .bind::<BigInt, _>(limit)
            .execute(&mut conn)
            .await
            .map_err(failed)?;
        Ok(gone)
    }
}
