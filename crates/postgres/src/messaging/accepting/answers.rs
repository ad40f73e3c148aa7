//! Answers given before, and answers to be given again.

use std::collections::HashMap;

use diesel::sql_types::{Array, Binary, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use msgflash_kernel::{ReplayKey, StoreError, StoredAnswer};
use msgflash_messaging::message::accept::Application;
use msgflash_messaging::message::ports::{Name, name};
use time::OffsetDateTime;

use crate::columns::each;
use crate::error::failed;
use crate::replay::{LIFE, kept_under};
use crate::sql::sql;

/// Answers given before to the keys of the group.
pub(super) async fn look<'a>(
    conn: &AsyncPgConnection,
    asked: &[&'a Application],
    now: OffsetDateTime,
) -> Result<HashMap<Name<'a>, ([u8; 32], StoredAnswer)>, StoreError> {
    let once = asked.iter().filter_map(|it| it.once.as_ref());
    let keys: Vec<&'a ReplayKey> = once.map(|(key, _)| key).collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let kept = kept_under(conn, &keys, now).await?;
    kept.into_iter()
        .map(|it| {
            let key = keys
                .get(it.place)
                .ok_or_else(|| StoreError::corrupt("place", it.place.to_string()))?;
            Ok((name(key), (it.request, it.answer)))
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
