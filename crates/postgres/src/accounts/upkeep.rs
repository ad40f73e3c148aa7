//! Removing what signing in leaves behind.

use diesel::sql_types::{BigInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::StoreError;
use time::{Duration, OffsetDateTime};

use crate::columns::first_id;
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;

/// How long links of mails are remembered after their time, so that they are called too old rather
/// than unknown; and mails, so that somebody can tell what became of them.
const MEMORY: Duration = Duration::days(30);

// Nobody waits for a sweep, and it waits for nobody.
const SESSIONS: &str = "DELETE FROM sessions WHERE id = ANY (ARRAY( \
     SELECT id FROM sessions WHERE expires_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))";
/// A statement of its own, for an index of its own.
const ENDED: &str = "DELETE FROM sessions WHERE id = ANY (ARRAY( \
     SELECT id FROM sessions WHERE revoked_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))";
const TOKENS: &str = "DELETE FROM one_time_tokens WHERE hash = ANY (ARRAY( \
     SELECT hash FROM one_time_tokens WHERE expires_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))";
const TRIES: &str = "DELETE FROM sign_in_tries WHERE key = ANY (ARRAY( \
     SELECT key FROM sign_in_tries WHERE forget_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))";
const STARTS: &str = "DELETE FROM sign_in_starts WHERE hash = ANY (ARRAY( \
     SELECT hash FROM sign_in_starts WHERE expires_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))";
const KEYS: &str = "DELETE FROM signing_keys WHERE kid = ANY (ARRAY( \
     SELECT kid FROM signing_keys WHERE verifies_until < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))";
/// Also where no mail leaves: what waits carries links.
const LATE: &str = "UPDATE mails SET next_try_at = NULL, failed_at = give_up_at, text = '', html = '', \
       error = coalesce(error, 'it was not sent in time') \
     WHERE id = ANY (ARRAY( \
       SELECT id FROM mails WHERE next_try_at IS NOT NULL AND give_up_at < $1 \
       LIMIT $2 FOR UPDATE SKIP LOCKED))";
/// Nobody waits for such a mail any more.
const REQUESTS: &str = "DELETE FROM mail_requests WHERE id = ANY (ARRAY( \
     SELECT id FROM mail_requests WHERE created_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))";
const MAILS: &str = "DELETE FROM mails WHERE id = ANY (ARRAY( \
     SELECT id FROM mails WHERE id < $1 AND next_try_at IS NULL \
     ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED))";

impl Postgres {
    /// Removes at most `limit` rows of each kind that are past their time; answers how many went.
    pub(crate) async fn sweep_sign_in(
        &self,
        now: OffsetDateTime,
        limit: i64,
    ) -> Result<usize, StoreError> {
        let mut conn = self.conn().await?;
        let mut gone = 0;
        let sweeps = [
            (SESSIONS, now - Duration::DAY),
            (ENDED, now - Duration::DAY),
            (TOKENS, now - MEMORY),
            (TRIES, now),
            (STARTS, now),
            (KEYS, now - Duration::DAY),
            (LATE, now - Duration::HOUR),
            (REQUESTS, now - Duration::HOUR * 2),
        ];
        for (sweep, before) in sweeps {
            gone += sql(sweep)
                .bind::<Timestamptz, _>(before)
                .bind::<BigInt, _>(limit)
                .execute(&mut conn)
                .await
                .map_err(failed)?;
        }
        gone += sql(MAILS)
            .bind::<SqlUuid, _>(first_id(now - MEMORY))
            .bind::<BigInt, _>(limit)
            .execute(&mut conn)
            .await
            .map_err(failed)?;
        Ok(gone)
    }
}
