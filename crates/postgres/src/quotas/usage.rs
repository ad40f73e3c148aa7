//! Reading use.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{AccountId, StoreError};
use msgflash_quotas::{Capacity, Period, Usage, UsageReader};

use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;

#[derive(QueryableByName)]
struct UsageRow {
    #[diesel(sql_type = BigInt)]
    reserved_total: i64,
    #[diesel(sql_type = BigInt)]
    messages: i64,
    #[diesel(sql_type = BigInt)]
    statuses: i64,
    #[diesel(sql_type = BigInt)]
    released: i64,
}

#[derive(QueryableByName)]
struct CapacityRow {
    #[diesel(sql_type = BigInt)]
    instances: i64,
    #[diesel(sql_type = BigInt)]
    api_keys: i64,
}

#[async_trait]
impl UsageReader for Postgres {
    async fn usage(&self, account: AccountId, period: Period) -> Result<Usage, StoreError> {
        let mut conn = self.conn().await?;
        // Both rows in one statement, so that they are of one moment.
        let row: UsageRow = sql("SELECT COALESCE(h.reserved_total, 0) AS reserved_total, \
               COALESCE(s.messages, 0) AS messages, COALESCE(s.statuses, 0) AS statuses, \
               COALESCE(s.released, 0) AS released \
             FROM (SELECT $1 AS account_id, $2 AS period) k \
             LEFT JOIN usage_holds h ON h.account_id = k.account_id AND h.period = k.period \
             LEFT JOIN usage_settled s ON s.account_id = k.account_id AND s.period = k.period")
        .bind::<SqlUuid, _>(account.uuid())
        .bind::<Integer, _>(period.to_i32())
        .get_result(&mut conn)
        .await
        .map_err(failed)?;
        let count = |stored: i64| u64::try_from(stored).unwrap_or(0);
        Ok(Usage {
            messages: count(row.messages),
            statuses: count(row.statuses),
            reserved: count(row.reserved_total - row.messages - row.statuses - row.released),
        })
    }

    async fn capacity(&self, account: AccountId) -> Result<Capacity, StoreError> {
        let mut conn = self.conn().await?;
        let row: CapacityRow = sql("SELECT (SELECT count(*) FROM instances \
                     WHERE account_id = $1 AND deleted_at IS NULL) AS instances, \
               (SELECT count(*) FROM api_keys k LEFT JOIN teams t ON t.id = k.team_id \
                WHERE k.account_id = $1 AND k.revoked_at IS NULL AND t.deleted_at IS NULL) \
                 AS api_keys")
        .bind::<SqlUuid, _>(account.uuid())
        .get_result(&mut conn)
        .await
        .map_err(failed)?;
        let count = |stored: i64| u64::try_from(stored).unwrap_or(0);
        Ok(Capacity {
            instances: count(row.instances),
            api_keys: count(row.api_keys),
        })
    }
}
