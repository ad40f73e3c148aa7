//! Entries that came out of a backup, on their way to being looked up.

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use msgflash_kernel::StoreError;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::columns::each;
use crate::error::failed;
use crate::sql::sql;

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = SqlUuid)]
    instance_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    message_id: Uuid,
}

#[derive(QueryableByName)]
struct LaneRow {
    #[diesel(sql_type = SqlUuid)]
    instance_id: Uuid,
}

/// Makes entries unknown, the first of each recipient without an open call, while fewer than
/// `most` are unknown.
pub(super) async fn open(
    conn: &mut AsyncPgConnection,
    now: OffsetDateTime,
    most: u32,
) -> Result<u64, StoreError> {
    let next: Vec<KeyRow> = sql(
        "SELECT DISTINCT ON (q.instance_id, q.phone) q.instance_id, q.message_id FROM queue q \
         WHERE q.state = 4 AND NOT EXISTS (SELECT 1 FROM queue o \
           WHERE o.instance_id = q.instance_id AND o.phone = q.phone AND o.state IN (2, 3)) \
         ORDER BY q.instance_id, q.phone, q.due_at, q.message_id \
         LIMIT greatest($1 - (SELECT count(*) FROM queue WHERE state = 3), 0)",
    )
    .bind::<BigInt, _>(i64::from(most))
    .get_results(conn)
    .await
    .map_err(failed)?;
    if next.is_empty() {
        return Ok(0);
    }
    // Whoever starts a call holds the lane: here too, so that the recipient stays without one.
    let lanes: Vec<LaneRow> = sql(
        "SELECT l.instance_id FROM lanes l WHERE l.instance_id = ANY($1) \
         ORDER BY l.instance_id FOR NO KEY UPDATE SKIP LOCKED",
    )
    .bind::<Array<SqlUuid>, _>(each(&next, |it| it.instance_id))
    .get_results(conn)
    .await
    .map_err(failed)?;
    let opened = sql("UPDATE queue q SET state = 3, look_at = $4, looks = 0 \
         FROM UNNEST($1, $2) AS k (instance_id, message_id) \
         WHERE q.instance_id = k.instance_id AND q.message_id = k.message_id \
           AND q.state + 0 = 4 AND q.instance_id = ANY($3) \
           AND NOT EXISTS (SELECT 1 FROM queue o WHERE o.instance_id = q.instance_id \
                             AND o.phone = q.phone AND o.state IN (2, 3))")
    .bind::<Array<SqlUuid>, _>(each(&next, |it| it.instance_id))
    .bind::<Array<SqlUuid>, _>(each(&next, |it| it.message_id))
    .bind::<Array<SqlUuid>, _>(each(&lanes, |it| it.instance_id))
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await
    .map_err(failed)?;
    Ok(opened as u64)
}
