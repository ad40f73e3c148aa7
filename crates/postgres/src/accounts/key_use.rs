//! How much API keys were used.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use msgflash_accounts::{KeyUse, KeyUseReader};
use msgflash_kernel::{AccountId, Id, StoreError, TeamId};
use time::OffsetDateTime;

use super::key::KeyRow;
use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::{api_keys, api_usage};

#[async_trait]
impl KeyUseReader for Postgres {
    async fn of_month(
        &self,
        account: AccountId,
        team: Option<TeamId>,
        month: i32,
    ) -> Result<Vec<KeyUse>, StoreError> {
        let mut conn = self.conn().await?;
        let rows: Vec<(KeyRow, Option<i64>, Option<OffsetDateTime>)> = api_keys::table
            .left_join(
                api_usage::table.on(api_usage::account_id
                    .eq(api_keys::account_id)
                    .and(api_usage::period.eq(month))
                    .and(api_usage::key_id.eq(api_keys::id))),
            )
            .filter(api_keys::account_id.eq(account.uuid()))
            .filter(api_keys::team_id.is_not_distinct_from(team.map(Id::uuid)))
            .filter(
                api_keys::revoked_at
                    .is_null()
                    .or(api_usage::key_id.nullable().is_not_null()),
            )
            .order(api_keys::id.desc())
            .select((
                KeyRow::as_select(),
                api_usage::request_count.nullable(),
                api_usage::last_request_at.nullable(),
            ))
            .load(&mut conn)
            .await
            .map_err(failed)?;
        let used = |(key, count, last): (KeyRow, Option<i64>, _)| KeyUse {
            key: key.into(),
            requests: count.and_then(|it| u64::try_from(it).ok()).unwrap_or(0),
            last_request_at: last,
        };
        Ok(rows.into_iter().map(used).collect())
    }
}
