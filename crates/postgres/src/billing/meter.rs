//! How much of a month's allowances is used, where that is worth telling.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_billing::{Meter, MeterReader, MeterReading};
use msgflash_kernel::{Id, StoreError};
use uuid::Uuid;

use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;

/// Account by account, each by its keys: months that are past are not read. What it finds is what the rule
/// tells, and told once it is not found again.
const WORTH_A_LOOK: &str = "SELECT s.account_id, m.meter, m.used, m.quota \
     FROM subscriptions s JOIN plans p ON p.id = s.plan_id \
     CROSS JOIN LATERAL ( \
       SELECT 'outbound' AS meter, p.monthly_outbound_quota AS quota, ( \
         SELECT u.messages + u.statuses FROM usage_settled u \
         WHERE u.account_id = s.account_id AND u.period = $1) AS used \
       UNION ALL \
       SELECT 'api_requests', p.monthly_api_request_quota, ( \
         SELECT sum(a.request_count)::bigint FROM api_usage a \
         WHERE a.account_id = s.account_id AND a.period = $1)) m \
     LEFT JOIN quota_notices n ON n.account_id = s.account_id AND n.period = $1 \
       AND n.meter = m.meter \
     WHERE m.quota > 0 AND m.used * 100 >= m.quota::bigint * 80 \
       AND COALESCE(n.percent, 0) < CASE WHEN m.used >= m.quota THEN 100 ELSE 80 END \
     ORDER BY s.account_id, m.meter LIMIT $2";

#[derive(QueryableByName)]
struct MeterRow {
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = Text)]
    meter: String,
    #[diesel(sql_type = BigInt)]
    used: i64,
    #[diesel(sql_type = Integer)]
    quota: i32,
}

#[async_trait]
impl MeterReader for Postgres {
    async fn worth_a_look(&self, period: i32, limit: u32) -> Result<Vec<MeterReading>, StoreError> {
        let rows: Vec<MeterRow> = sql(WORTH_A_LOOK)
            .bind::<Integer, _>(period)
            .bind::<BigInt, _>(i64::from(limit))
            .get_results(&mut *self.conn().await?)
            .await
            .map_err(failed)?;
        rows.into_iter()
            .map(|row| {
                let meter = [Meter::Outbound, Meter::ApiRequests]
                    .into_iter()
                    .find(|it| it.as_str() == row.meter);
                Ok(MeterReading {
                    account: Id::new(row.account_id),
                    period,
                    meter: meter.ok_or_else(|| StoreError::corrupt("meter", row.meter))?,
                    used: u64::try_from(row.used).unwrap_or(0),
                    limit: u32::try_from(row.quota).ok(),
                })
            })
            .collect()
    }
}
