//! Looking at the queue without claiming.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{AccountId, Id, StoreError};
use msgflash_messaging::dispatch::ports::{QueueReader, QueueShare};
use msgflash_messaging::dispatch::{Class, QueueState};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;
use crate::teams::remains::not_deleted;

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

#[derive(QueryableByName)]
struct ShareRow {
    #[diesel(sql_type = SmallInt)]
    state: i16,
    #[diesel(sql_type = SmallInt)]
    class: i16,
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    oldest: Option<OffsetDateTime>,
}

impl TryFrom<ShareRow> for QueueShare {
    type Error = StoreError;

    fn try_from(row: ShareRow) -> Result<Self, StoreError> {
        Ok(Self {
            state: QueueState::from_i16(row.state)
                .ok_or_else(|| StoreError::corrupt("queue.state", row.state.to_string()))?,
            class: Class::from_i16(row.class)
                .ok_or_else(|| StoreError::corrupt("queue.class", row.class.to_string()))?,
            count: u64::try_from(row.count).unwrap_or(0),
            oldest: row.oldest,
        })
    }
}

#[async_trait]
impl QueueReader for Postgres {
    async fn due_accounts(
        &self,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<AccountId>, StoreError> {
        let mut conn = self.conn().await?;
        let rows: Vec<IdRow> = sql(concat!(
            "SELECT account_id AS id FROM \
               (SELECT q.account_id, q.due_at FROM queue q WHERE q.state = 0 AND q.due_at <= $1 \
                  AND ",
            not_deleted!("q.workspace_id"),
            "   ORDER BY q.due_at LIMIT $2) due \
             GROUP BY account_id ORDER BY account_id",
        ))
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(i64::from(limit))
        .get_results(&mut conn)
        .await
        .map_err(failed)?;
        Ok(rows.into_iter().map(|row| Id::new(row.id)).collect())
    }

    async fn depth(&self) -> Result<Vec<QueueShare>, StoreError> {
        let mut conn = self.conn().await?;
        let rows: Vec<ShareRow> = sql(
            "SELECT state, class, count(*) AS count, min(ready_since) AS oldest \
             FROM queue GROUP BY state, class",
        )
        .get_results(&mut conn)
        .await
        .map_err(failed)?;
        rows.into_iter().map(QueueShare::try_from).collect()
    }
}
