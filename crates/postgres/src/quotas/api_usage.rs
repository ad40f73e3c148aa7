//! API requests per key and month.

use std::collections::BTreeMap;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{AccountId, Id, StoreError};
use msgflash_quotas::{ApiTotal, ApiUsageStore, ApiUse, Period};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;

#[derive(QueryableByName)]
struct TotalRow {
    #[diesel(sql_type = BigInt)]
    total: i64,
}

#[derive(QueryableByName)]
struct AccountRow {
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = Integer)]
    period: i32,
    #[diesel(sql_type = BigInt)]
    total: i64,
}

#[async_trait]
impl ApiUsageStore for Postgres {
    async fn add(&self, uses: &[ApiUse]) -> Result<Vec<ApiTotal>, StoreError> {
        // Folded, because a statement may meet a row once; sorted, because two processes flush
        // side by side and must lock in one order.
        let mut folded: BTreeMap<(Uuid, i32, Uuid), (i64, OffsetDateTime)> = BTreeMap::new();
        for used in uses {
            let key = (used.account.uuid(), used.period.to_i32(), used.key.uuid());
            let (count, last_at) = folded.entry(key).or_insert((0, used.last_at));
            *count += i64::try_from(used.count).unwrap_or(i64::MAX);
            *last_at = (*last_at).max(used.last_at);
        }
        if folded.is_empty() {
            return Ok(vec![]);
        }
        let mut conn = self.conn().await?;
        sql("WITH uses AS ( \
               SELECT * FROM UNNEST($1, $2, $3, $4, $5) \
                 AS u (account_id, period, key_id, request_count, last_at)), \
             counted AS ( \
               INSERT INTO api_usage AS a \
                 (account_id, period, key_id, request_count, last_request_at) \
               SELECT * FROM uses ORDER BY account_id, period, key_id \
               ON CONFLICT (account_id, period, key_id) DO UPDATE SET \
                 request_count = a.request_count + EXCLUDED.request_count, \
                 last_request_at = GREATEST(a.last_request_at, EXCLUDED.last_request_at)), \
             per_key AS (SELECT key_id, max(last_at) AS last_at FROM uses GROUP BY key_id), \
             held AS ( \
               SELECT k.id, p.last_at FROM api_keys k JOIN per_key p ON p.key_id = k.id \
               ORDER BY k.id FOR NO KEY UPDATE OF k) \
             UPDATE api_keys k SET last_used_at = GREATEST(k.last_used_at, held.last_at) \
             FROM held WHERE k.id = held.id")
        .bind::<Array<SqlUuid>, _>(folded.keys().map(|key| key.0).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(folded.keys().map(|key| key.1).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(folded.keys().map(|key| key.2).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(folded.values().map(|used| used.0).collect::<Vec<_>>())
        .bind::<Array<Timestamptz>, _>(folded.values().map(|used| used.1).collect::<Vec<_>>())
        .execute(&mut conn)
        .await
        .map_err(failed)?;
        let mut accounts: Vec<_> = folded.keys().map(|key| (key.0, key.1)).collect();
        accounts.dedup();
        let rows: Vec<AccountRow> = sql(
            "SELECT k.account_id, k.period, t.total FROM UNNEST($1, $2) AS k (account_id, period) \
             CROSS JOIN LATERAL ( \
               SELECT COALESCE(sum(a.request_count), 0)::bigint AS total FROM api_usage a \
               WHERE a.account_id = k.account_id AND a.period = k.period) t",
        )
        .bind::<Array<SqlUuid>, _>(accounts.iter().map(|key| key.0).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(accounts.iter().map(|key| key.1).collect::<Vec<_>>())
        .get_results(&mut conn)
        .await
        .map_err(failed)?;
        rows.into_iter()
            .map(|row| {
                let period = Period::from_i32(row.period).ok_or_else(|| {
                    StoreError::corrupt("api_usage.period", row.period.to_string())
                })?;
                Ok(ApiTotal {
                    account: Id::new(row.account_id),
                    period,
                    count: u64::try_from(row.total).unwrap_or(0),
                })
            })
            .collect()
    }

    async fn total(&self, account: AccountId, period: Period) -> Result<u64, StoreError> {
        let mut conn = self.conn().await?;
        let row: TotalRow = sql(
            "SELECT COALESCE(sum(request_count), 0)::bigint AS total FROM api_usage \
             WHERE account_id = $1 AND period = $2",
        )
        .bind::<SqlUuid, _>(account.uuid())
        .bind::<Integer, _>(period.to_i32())
        .get_result(&mut conn)
        .await
        .map_err(failed)?;
        Ok(u64::try_from(row.total).unwrap_or(0))
    }
}
