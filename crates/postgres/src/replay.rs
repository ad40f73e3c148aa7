//! Answers that were given and may be given again.

use std::time::Duration as Wait;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{
    Array, BigInt, Binary, Bool, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel::upsert::excluded;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _};
use msgflash_kernel::{Claim, ReplayKey, ReplayReader, ReplayStore, StoreError, StoredAnswer};
use time::{Duration, OffsetDateTime};

use crate::columns::each;
use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::idempotency_keys as kept;
use crate::sql::sql;
use crate::unit::PgUnit;

/// How long an equal request is waited for.
const WAIT: Wait = Wait::from_secs(10);
/// How long an answer is kept.
pub(crate) const LIFE: Duration = Duration::hours(24);
/// Rows that one sweep deletes at most, to keep its transaction short.
const SWEEP: i64 = 10_000;

#[async_trait]
impl ReplayReader for Postgres {
    async fn look(&self, key: &ReplayKey, now: OffsetDateTime) -> Result<Claim, StoreError> {
        let conn = self.conn().await?;
        look(&conn, key, now).await
    }
}

#[async_trait]
impl ReplayStore for PgUnit {
    async fn claim(&mut self, key: &ReplayKey, now: OffsetDateTime) -> Result<Claim, StoreError> {
        self.claim_within(key, now, WAIT).await
    }

    async fn keep(
        &mut self,
        key: &ReplayKey,
        answer: &StoredAnswer,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let status = i16::try_from(answer.status).map_err(|_| {
            StoreError::corrupt("idempotency_keys.status", answer.status.to_string())
        })?;
        // An older answer under the same key has lived its day.
        diesel::insert_into(kept::table)
            .values((
                kept::workspace_id.eq(key.workspace.uuid()),
                kept::route.eq(key.route),
                kept::key_hash.eq(key.key.as_slice()),
                kept::request_hash.eq(key.request.as_slice()),
                kept::status.eq(status),
                kept::body.eq(&answer.body),
                kept::created_at.eq(now),
            ))
            .on_conflict((kept::workspace_id, kept::route, kept::key_hash))
            .do_update()
            .set((
                kept::request_hash.eq(excluded(kept::request_hash)),
                kept::status.eq(excluded(kept::status)),
                kept::body.eq(excluded(kept::body)),
                kept::created_at.eq(excluded(kept::created_at)),
            ))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }
}

impl Postgres {
    /// Deletes answers kept before `older_than`, some ten thousand at a time, and tells how many.
    pub async fn sweep_replays(&self, older_than: OffsetDateTime) -> Result<usize, StoreError> {
        let mut conn = self.conn().await?;
        sql("DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY( \
               SELECT ctid FROM idempotency_keys WHERE created_at < $1 \
               ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED))")
        .bind::<Timestamptz, _>(older_than)
        .bind::<BigInt, _>(SWEEP)
        .execute(&mut conn)
        .await
        .map_err(failed)
    }
}

impl PgUnit {
    async fn claim_within(
        &mut self,
        key: &ReplayKey,
        now: OffsetDateTime,
        wait: Wait,
    ) -> Result<Claim, StoreError> {
        let name = lock_name(key);
        if !self.try_lock(&name).await? && !self.lock_within(&name, wait).await? {
            return Ok(Claim::Busy);
        }
        // A statement of its own: it begins after the lock is held, so it sees what whoever held
        // it before has committed.
        look(self.conn(), key, now).await
    }

    /// Takes the lock if nobody holds it.
    async fn try_lock(&mut self, name: &str) -> Result<bool, StoreError> {
        let row: TakenRow =
            sql("SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS taken")
                .bind::<Text, _>(name)
                .get_result(self.conn())
                .await
                .map_err(failed)?;
        Ok(row.taken)
    }

    /// Waits for the lock. A failed wait leaves the unit as it was, with the unit's own time limit.
    async fn lock_within(&mut self, name: &str, wait: Wait) -> Result<bool, StoreError> {
        self.conn()
            .batch_execute("SAVEPOINT replay_wait")
            .await
            .map_err(failed)?;
        match self.wait_for(name, wait).await {
            Ok(()) => {
                // Not released but rolled back would also give the lock away again.
                let done = "RELEASE SAVEPOINT replay_wait; SET LOCAL lock_timeout TO DEFAULT";
                self.conn().batch_execute(done).await.map_err(failed)?;
                Ok(true)
            }
            Err(error @ Error::DatabaseError(DatabaseErrorKind::Unknown, _)) => {
                let undone = "ROLLBACK TO SAVEPOINT replay_wait; RELEASE SAVEPOINT replay_wait";
                self.conn()
                    .batch_execute(undone)
                    .await
                    .map_err(|_| failed(error))?;
                // The driver hides the error's code and the server translates its text. What
                // matters is whether somebody holds the lock still.
                self.try_lock(name).await
            }
            Err(error) => Err(failed(error)),
        }
    }

    async fn wait_for(&mut self, name: &str, wait: Wait) -> QueryResult<()> {
        sql("SELECT set_config('lock_timeout', $1, true)")
            .bind::<Text, _>(format!("{}ms", wait.as_millis()))
            .execute(self.conn())
            .await?;
        sql("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind::<Text, _>(name)
            .execute(self.conn())
            .await
            .map(drop)
    }
}

#[derive(QueryableByName)]
struct TakenRow {
    #[diesel(sql_type = Bool)]
    taken: bool,
}

/// Found by key alone: were the age asked for beside it, a plan that was made while the table counted as empty
/// could read all answers of the day instead.
const KEPT: &str = "SELECT k.place, i.request_hash, i.status, i.body \
     FROM UNNEST($1, $2, $3) WITH ORDINALITY AS k (workspace_id, route, key_hash, place) \
     CROSS JOIN LATERAL ( \
       SELECT i.request_hash, i.status, i.body, i.created_at FROM idempotency_keys i \
       WHERE i.workspace_id = k.workspace_id AND i.route = k.route AND i.key_hash = k.key_hash \
       LIMIT 1) i \
     WHERE i.created_at > $4";

#[derive(QueryableByName)]
struct KeptRow {
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(sql_type = Binary)]
    request_hash: Vec<u8>,
    #[diesel(sql_type = SmallInt)]
    status: i16,
    #[diesel(sql_type = Text)]
    body: String,
}

/// An answer that was kept.
pub(crate) struct Kept {
    /// Which of the keys it was kept under.
    pub(crate) place: usize,
    /// The hash of the request it answers.
    pub(crate) request: [u8; 32],
    /// What was answered.
    pub(crate) answer: StoredAnswer,
}

impl TryFrom<KeptRow> for Kept {
    type Error = StoreError;

    fn try_from(row: KeptRow) -> Result<Self, StoreError> {
        let length = row.request_hash.len();
        Ok(Self {
            place: usize::try_from(row.place - 1).unwrap_or(usize::MAX),
            request: row.request_hash.try_into().map_err(|_| {
                StoreError::corrupt("idempotency_keys.request_hash", format!("{length} bytes"))
            })?,
            answer: StoredAnswer {
                status: u16::try_from(row.status).map_err(|_| {
                    StoreError::corrupt("idempotency_keys.status", row.status.to_string())
                })?,
                body: row.body,
            },
        })
    }
}

/// What is kept under these keys and still valid at `now`.
pub(crate) async fn kept_under(
    mut conn: &AsyncPgConnection,
    keys: &[&ReplayKey],
    now: OffsetDateTime,
) -> Result<Vec<Kept>, StoreError> {
    let rows: Vec<KeptRow> = sql(KEPT)
        .bind::<Array<SqlUuid>, _>(each(keys, |key| key.workspace.uuid()))
        .bind::<Array<Text>, _>(each(keys, |key| key.route))
        .bind::<Array<Binary>, _>(each(keys, |key| key.key.to_vec()))
        .bind::<Timestamptz, _>(now - LIFE)
        .get_results(&mut conn)
        .await
        .map_err(failed)?;
    rows.into_iter().map(Kept::try_from).collect()
}

/// What is kept under `key` and still valid at `now`.
async fn look(
    conn: &AsyncPgConnection,
    key: &ReplayKey,
    now: OffsetDateTime,
) -> Result<Claim, StoreError> {
    Ok(match kept_under(conn, &[key], now).await?.pop() {
        None => Claim::Fresh,
        Some(kept) if kept.request != key.request => Claim::Mismatch,
        Some(kept) => Claim::Replay(kept.answer),
    })
}

/// The lock of a key: its hash alone would let two routes wait for each other.
fn lock_name(key: &ReplayKey) -> String {
    use std::fmt::Write as _;
    let mut name = format!("{}|{}|", key.workspace, key.route);
    for byte in key.key {
        write!(name, "{byte:02x}").expect("text takes everything");
    }
    name
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::{Id, Unit as _};
    use msgflash_testkit::TestDatabase;
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn whoever_waits_in_vain_keeps_a_usable_unit() {
        const NOW: OffsetDateTime = datetime!(2026-05-01 10:00 UTC);
        let database = TestDatabase::create().await;
        let postgres = Postgres::new(database.url(), 2).expect("an address");
        let key = ReplayKey {
            workspace: Id::new(Uuid::from_u128(1)),
            route: "POST /api/v1/messages/send",
            key: [1; 32],
            request: [2; 32],
        };
        let mut first = postgres.unit().await.expect("a unit");
        assert_eq!(first.claim(&key, NOW).await.expect("free"), Claim::Fresh);

        let mut second = postgres.unit().await.expect("a unit");
        let wait = Wait::from_millis(20);
        let busy = second
            .claim_within(&key, NOW, wait)
            .await
            .expect("an answer");
        assert_eq!(busy, Claim::Busy);

        let answer = StoredAnswer {
            status: 201,
            body: "{}".to_owned(),
        };
        first.keep(&key, &answer, NOW).await.expect("kept");
        Box::new(first).commit().await.expect("committed");
        let later = second
            .claim_within(&key, NOW, wait)
            .await
            .expect("still usable");
        assert_eq!(later, Claim::Replay(answer));
    }
}
