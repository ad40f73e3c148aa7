//! Answers given before, and answers to be given again.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use msgflash_kernel::{StoreError, StoredAnswer};
use msgflash_messaging::message::accept::Application;
use msgflash_messaging::message::ports::{Name, name};
use time::OffsetDateTime;

use crate::columns::each;
use crate::error::failed;
use crate::replay::LIFE;
use crate::sql::sql;

#[derive(QueryableByName)]
struct AnswerRow {
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(sql_type = Binary)]
    request_hash: Vec<u8>,
    #[diesel(sql_type = SmallInt)]
    status: i16,
    #[diesel(sql_type = Text)]
    body: String,
}

/// Answers given before to the keys of the group.
pub(super) async fn look<'a>(
    mut conn: &AsyncPgConnection,
    asked: &[&'a Application],
    now: OffsetDateTime,
) -> Result<HashMap<Name<'a>, ([u8; 32], StoredAnswer)>, StoreError> {
    let keys: Vec<_> = asked
        .iter()
        .filter_map(|it| it.once.as_ref().map(|(key, _)| key))
        .collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<AnswerRow> = sql(
        "SELECT k.place, i.request_hash, i.status, i.body FROM UNNEST($1, $2, $3) WITH \
             ORDINALITY AS k (workspace_id, route, key_hash, place) CROSS JOIN LATERAL ( SELECT \
             i.request_hash, i.status, i.body FROM idempotency_keys i WHERE i.workspace_id = \
             k.workspace_id AND i.route = k.route AND i.key_hash = k.key_hash AND i.created_at > \
             $4 LIMIT 1) i",
    )
    .bind::<Array<SqlUuid>, _>(each(&keys, |key| key.workspace.uuid()))
    .bind::<Array<Text>, _>(each(&keys, |key| key.route))
    .bind::<Array<Binary>, _>(each(&keys, |key| key.key.to_vec()))
    .bind::<Timestamptz, _>(now - LIFE)
    .get_results(&mut conn)
    .await
    .map_err(failed)?;
    rows.into_iter()
        .map(|row| {
            let place = usize::try_from(row.place - 1).unwrap_or(usize::MAX);
            let key = keys
                .get(place)
                .ok_or_else(|| StoreError::corrupt("place", row.place.to_string()))?;
            let length = row.request_hash.len();
            let request = row.request_hash.try_into().map_err(|_| {
                StoreError::corrupt("idempotency_keys.request_hash", format!("{length} bytes"))
            })?;
            let status = u16::try_from(row.status).map_err(|_| {
                StoreError::corrupt("idempotency_keys.status", row.status.to_string())
            })?;
            let answer = StoredAnswer {
                status,
                body: row.body,
            };
            Ok((name(key), (request, answer)))
        })
        .collect()
}

/// Keeps the answers of requests that came with a key.
pub(super) async fn keep(
    mut conn: &AsyncPgConnection,
    admitted: &[&Application],
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    let kept: Vec<_> = admitted.iter().filter_map(|it| it.once.as_ref()).collect();
    if kept.is_empty() {
        return Ok(());
    }
    let written = sql("INSERT INTO idempotency_keys \
           (workspace_id, route, key_hash, request_hash, status, body, created_at) \
         SELECT workspace_id, route, key_hash, request_hash, status, body, $7 \
         FROM UNNEST($1, $2, $3, $4, $5, $6) \
           AS n (workspace_id, route, key_hash, request_hash, status, body) \
         ON CONFLICT (workspace_id, route, key_hash) DO UPDATE SET \
           request_hash = EXCLUDED.request_hash, status = EXCLUDED.status, \
           body = EXCLUDED.body, created_at = EXCLUDED.created_at \
         WHERE idempotency_keys.created_at <= $8")
    .bind::<Array<SqlUuid>, _>(each(&kept, |(key, _)| key.workspace.uuid()))
    .bind::<Array<Text>, _>(each(&kept, |(key, _)| key.route))
    .bind::<Array<Binary>, _>(each(&kept, |(key, _)| key.key.to_vec()))
    .bind::<Array<Binary>, _>(each(&kept, |(key, _)| key.request.to_vec()))
    .bind::<Array<SmallInt>, _>(each(&kept, |(_, answer)| {
        i16::try_from(answer.status).unwrap_or(i16::MAX)
    }))
    .bind::<Array<Text>, _>(each(&kept, |(_, answer)| answer.body.clone()))
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(now - LIFE)
    .execute(&mut conn)
    .await
    .map_err(failed)?;
    if written < kept.len() {
        // An equal request of another month, whose usage row is another one, came first.
        return Err(StoreError::Stale("idempotency_keys"));
    }
    Ok(())
}
