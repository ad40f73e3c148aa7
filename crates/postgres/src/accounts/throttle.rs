//! How often somebody may try a door.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Bool, Integer, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use msgflash_accounts::{SignInThrottle, Try, TryStore};
use msgflash_kernel::StoreError;
use time::OffsetDateTime;

use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::sign_in_tries;
use crate::sql::sql;
use crate::unit::PgUnit;

/// What a try does to a row that is there: it is added where there is room, and what is too old is
/// dropped. The row is locked, so tries at the same moment come one after the other.
macro_rules! add {
    ($most:literal) => {
        concat!(
            "ON CONFLICT (key) DO UPDATE SET (tries, last_try, forget_at) = ( \
               SELECT CASE WHEN room THEN fresh || $1 ELSE fresh END, \
                 CASE WHEN room THEN $2 ELSE t.last_try END, \
                 CASE WHEN room THEN $3 ELSE t.forget_at END \
               FROM (SELECT fresh, cardinality(fresh) < ",
            $most,
            " AS room FROM (SELECT ARRAY( \
                 SELECT x FROM unnest(t.tries) x WHERE x > $4 ORDER BY x) AS fresh) a) b) \
             RETURNING last_try = $2 AS passed, tries[1] AS oldest"
        )
    };
}

/// The network first and the address only if that let it in: one network that is shut must not use
/// up the tries of everybody's addresses. Always in this order, so nobody waits in a circle. Where there
/// is no address, the network alone decides.
const COUNT: &str = concat!(
    "WITH network AS ( \
       INSERT INTO sign_in_tries AS t (key, tries, last_try, forget_at) \
       VALUES ($5, ARRAY[$1], $2, $3) ",
    add!("$6"),
    "), address AS ( \
       INSERT INTO sign_in_tries AS t (key, tries, last_try, forget_at) \
       SELECT $7, ARRAY[$1], $2, $3 FROM network WHERE passed AND $7 IS NOT NULL ",
    add!("$8"),
    ") SELECT coalesce(a.passed, n.passed AND $7 IS NULL) AS passed, \
       coalesce(a.oldest, n.oldest) AS oldest \
     FROM network n LEFT JOIN address a ON true"
);

#[derive(QueryableByName)]
struct Verdict {
    #[diesel(sql_type = Bool)]
    passed: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    oldest: Option<OffsetDateTime>,
}

async fn count(
    conn: &mut AsyncPgConnection,
    a_try: &Try,
) -> Result<Option<OffsetDateTime>, StoreError> {
    let most = |most: u32| i32::try_from(most).unwrap_or(i32::MAX);
    let limits = a_try.limits;
    let verdict: Verdict = sql(COUNT)
        .bind::<Timestamptz, _>(a_try.at)
        .bind::<SqlUuid, _>(a_try.id)
        .bind::<Timestamptz, _>(a_try.at + limits.window)
        .bind::<Timestamptz, _>(a_try.at - limits.window)
        .bind::<Binary, _>(a_try.network.to_vec())
        .bind::<Integer, _>(most(limits.per_network))
        .bind::<Nullable<Binary>, _>(a_try.address.map(Vec::from))
        .bind::<Integer, _>(most(limits.per_address))
        .get_result(conn)
        .await
        .map_err(failed)?;
    let free = verdict.oldest.unwrap_or(a_try.at) + limits.window;
    Ok((!verdict.passed).then_some(free))
}

#[async_trait]
impl TryStore for PgUnit {
    async fn count(&mut self, a_try: &Try) -> Result<Option<OffsetDateTime>, StoreError> {
        count(self.conn(), a_try).await
    }
}

#[async_trait]
impl SignInThrottle for Postgres {
    async fn count(&self, a_try: &Try) -> Result<Option<OffsetDateTime>, StoreError> {
        let mut conn = self.conn().await?;
        count(&mut conn, a_try).await
    }

    async fn forget(&self, address: &[u8; 32]) -> Result<(), StoreError> {
        let mut conn = self.conn().await?;
        diesel::delete(sign_in_tries::table.find(address.as_slice()))
            .execute(&mut conn)
            .await
            .map(drop)
            .map_err(failed)
    }
}
