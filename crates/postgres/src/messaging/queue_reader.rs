//! Looking at the queue without claiming.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{AccountId, Id, StoreError};
use msgflash_messaging::dispatch::ports::{QueueDepth, QueueReader};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::failed;
use crate::pool::Postgres;

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

#[derive(QueryableByName)]
struct DepthRow {
    #[diesel(sql_type = BigInt)]
    waiting: i64,
    #[diesel(sql_type = BigInt)]
    ready: i64,
    #[diesel(sql_type = BigInt)]
    started: i64,
    #[diesel(sql_type = BigInt)]
    unknown: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    oldest_ready: Option<OffsetDateTime>,
}

#[async_trait]
impl QueueReader for Postgres {
    async fn due_accounts(
        &self,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<AccountId>, StoreError> {
        let mut conn = self.conn().await?;
        let rows: Vec<IdRow> = diesel::sql_query(
            "SELECT account_id AS id FROM \
               (SELECT account_id, due_at FROM queue WHERE state = 0 AND due_at <= $1 \
                ORDER BY due_at LIMIT $2) due \
             GROUP BY account_id ORDER BY account_id",
        )
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(i64::from(limit))
        .get_results(&mut conn)
        .await
        .map_err(failed)?;
        Ok(rows.into_iter().map(|row| Id::new(row.id)).collect())
    }

    async fn depth(&self) -> Result<QueueDepth, StoreError> {
        let mut conn = self.conn().await?;
        let row: DepthRow = diesel::sql_query(
            "SELECT count(*) FILTER (WHERE state = 0) AS waiting, \
               count(*) FILTER (WHERE state = 1) AS ready, \
               count(*) FILTER (WHERE state = 2) AS started, \
               count(*) FILTER (WHERE state = 3) AS unknown, \
               min(ready_since) FILTER (WHERE state = 1) AS oldest_ready FROM queue",
        )
        .get_result(&mut conn)
        .await
        .map_err(failed)?;
        let count = |stored: i64| u64::try_from(stored).unwrap_or(0);
        Ok(QueueDepth {
            waiting: count(row.waiting),
            ready: count(row.ready),
            started: count(row.started),
            unknown: count(row.unknown),
            oldest_ready: row.oldest_ready,
        })
    }
}
