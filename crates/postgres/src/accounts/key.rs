//! API keys.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use msgflash_accounts::{ApiKey, ApiKeyId, Credential, CredentialReader, KeyReader, KeyStore};
use msgflash_kernel::{AccountId, Id, Places, StoreError, TeamId};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::account::{counting, places};
use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::{api_keys, teams, users};
use crate::teams::remains::not_deleted;
use crate::unit::PgUnit;

const PLACES: &str = places!(
    "p.max_api_keys",
    concat!(
        "api_keys k WHERE k.account_id = $1 AND k.revoked_at IS NULL AND ",
        not_deleted!("k.team_id")
    )
);

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_keys, check_for_backend(diesel::pg::Pg))]
pub(super) struct KeyRow {
    id: Uuid,
    account_id: Uuid,
    team_id: Option<Uuid>,
    created_by: Uuid,
    name: String,
    prefix: String,
    last_used_at: Option<OffsetDateTime>,
    revoked_at: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
}

impl From<KeyRow> for ApiKey {
    fn from(row: KeyRow) -> Self {
        Self {
            id: Id::new(row.id),
            account: Id::new(row.account_id),
            team: row.team_id.map(Id::new),
            created_by: Id::new(row.created_by),
            name: row.name,
            prefix: row.prefix,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
            created_at: row.created_at,
        }
    }
}

#[async_trait]
impl CredentialReader for Postgres {
    async fn find(&self, hash: &[u8; 32]) -> Result<Option<Credential>, StoreError> {
        let mut conn = self.conn().await?;
        let found: Option<(KeyRow, Vec<u8>, bool, bool)> = api_keys::table
            .inner_join(users::table)
            .left_join(teams::table)
            .filter(api_keys::hash.eq(hash.as_slice()))
            .select((
                KeyRow::as_select(),
                api_keys::hash,
                users::suspended_at.is_not_null(),
                teams::deleted_at.nullable().is_not_null(),
            ))
            .first(&mut conn)
            .await
            .optional()
            .map_err(failed)?;
        found
            .map(|(key, stored, suspended, team_deleted)| {
                let length = stored.len();
                let stored_hash = stored
                    .try_into()
                    .map_err(|_| StoreError::corrupt("api_keys.hash", format!("{length} bytes")))?;
                Ok(Credential {
                    key: key.into(),
                    suspended,
                    team_deleted,
                    stored_hash,
                })
            })
            .transpose()
    }
}

#[async_trait]
impl KeyReader for Postgres {
    async fn list(
        &self,
        account: AccountId,
        team: Option<TeamId>,
    ) -> Result<Vec<ApiKey>, StoreError> {
        let mut conn = self.conn().await?;
        let rows: Vec<KeyRow> = api_keys::table
            .filter(api_keys::account_id.eq(account.uuid()))
            .filter(api_keys::team_id.is_not_distinct_from(team.map(Id::uuid)))
            .filter(api_keys::revoked_at.is_null())
            .order(api_keys::id.desc())
            .select(KeyRow::as_select())
            .load(&mut conn)
            .await
            .map_err(failed)?;
        Ok(rows.into_iter().map(ApiKey::from).collect())
    }
}

#[async_trait]
impl KeyStore for PgUnit {
    async fn count_locked(
        &mut self,
        account: AccountId,
        cap: Option<u32>,
    ) -> Result<Places, StoreError> {
        self.hold_places(account, counting(PLACES, account, cap))
            .await
    }

    async fn insert(&mut self, key: &ApiKey, hash: &[u8; 32]) -> Result<(), StoreError> {
        diesel::insert_into(api_keys::table)
            .values((
                api_keys::id.eq(key.id.uuid()),
                api_keys::account_id.eq(key.account.uuid()),
                api_keys::team_id.eq(key.team.map(Id::uuid)),
                api_keys::created_by.eq(key.created_by.uuid()),
                api_keys::name.eq(&key.name),
                api_keys::prefix.eq(&key.prefix),
                api_keys::hash.eq(hash.as_slice()),
                api_keys::last_used_at.eq(key.last_used_at),
                api_keys::revoked_at.eq(key.revoked_at),
                api_keys::created_at.eq(key.created_at),
            ))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn find(
        &mut self,
        account: AccountId,
        id: ApiKeyId,
    ) -> Result<Option<ApiKey>, StoreError> {
        let row: Option<KeyRow> = api_keys::table
            .find(id.uuid())
            .filter(api_keys::account_id.eq(account.uuid()))
            .select(KeyRow::as_select())
            .first(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        Ok(row.map(ApiKey::from))
    }

    async fn revoke(
        &mut self,
        account: AccountId,
        id: ApiKeyId,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let revoked = diesel::update(api_keys::table.find(id.uuid()))
            .filter(api_keys::account_id.eq(account.uuid()))
            .filter(api_keys::revoked_at.is_null())
            .set(api_keys::revoked_at.eq(at))
            .execute(self.conn())
            .await
            .map_err(failed)?;
        Ok(revoked == 1)
    }
}
