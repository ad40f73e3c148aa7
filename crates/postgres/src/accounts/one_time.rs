//! One-time tokens.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use msgflash_accounts::{OneTimeToken, Purpose, TokenReader, TokenStore};
use msgflash_kernel::{Id, StoreError, UserId};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::one_time_tokens;
use crate::unit::PgUnit;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = one_time_tokens, check_for_backend(diesel::pg::Pg))]
struct TokenRow {
    hash: Vec<u8>,
    user_id: Uuid,
    purpose: String,
    created_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    used_at: Option<OffsetDateTime>,
    replaced_at: Option<OffsetDateTime>,
}

impl TryFrom<TokenRow> for OneTimeToken {
    type Error = StoreError;

    fn try_from(row: TokenRow) -> Result<Self, StoreError> {
        let length = row.hash.len();
        let purpose = Purpose::parse(&row.purpose);
        Ok(Self {
            hash: row.hash.try_into().map_err(|_| {
                StoreError::corrupt("one_time_tokens.hash", format!("{length} bytes"))
            })?,
            user: Id::new(row.user_id),
            purpose: purpose
                .ok_or_else(|| StoreError::corrupt("one_time_tokens.purpose", row.purpose))?,
            created_at: row.created_at,
            expires_at: row.expires_at,
            used_at: row.used_at,
            replaced_at: row.replaced_at,
        })
    }
}

impl From<&OneTimeToken> for TokenRow {
    fn from(it: &OneTimeToken) -> Self {
        Self {
            hash: it.hash.to_vec(),
            user_id: it.user.uuid(),
            purpose: it.purpose.as_str().to_owned(),
            created_at: it.created_at,
            expires_at: it.expires_at,
            used_at: it.used_at,
            replaced_at: it.replaced_at,
        }
    }
}

#[async_trait]
impl TokenReader for Postgres {
    async fn find(
        &self,
        hash: &[u8; 32],
        purpose: Purpose,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        let mut conn = self.conn().await?;
        let row: Option<TokenRow> = one_time_tokens::table
            .find(hash.as_slice())
            .filter(one_time_tokens::purpose.eq(purpose.as_str()))
            .select(TokenRow::as_select())
            .first(&mut conn)
            .await
            .optional()
            .map_err(failed)?;
        row.map(OneTimeToken::try_from).transpose()
    }
}

#[async_trait]
impl TokenStore for PgUnit {
    async fn issue(&mut self, token: &OneTimeToken) -> Result<(), StoreError> {
        diesel::update(one_time_tokens::table)
            .filter(one_time_tokens::user_id.eq(token.user.uuid()))
            .filter(one_time_tokens::purpose.eq(token.purpose.as_str()))
            .filter(one_time_tokens::used_at.is_null())
            .filter(one_time_tokens::replaced_at.is_null())
            .set(one_time_tokens::replaced_at.eq(token.created_at))
            .execute(self.conn())
            .await
            .map_err(failed)?;
        diesel::insert_into(one_time_tokens::table)
            .values(TokenRow::from(token))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn take(
        &mut self,
        hash: &[u8; 32],
        purpose: Purpose,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let taken = diesel::update(one_time_tokens::table.find(hash.as_slice()))
            .filter(one_time_tokens::purpose.eq(purpose.as_str()))
            .filter(one_time_tokens::used_at.is_null())
            .filter(one_time_tokens::replaced_at.is_null())
            .filter(one_time_tokens::expires_at.gt(at))
            .set(one_time_tokens::used_at.eq(at))
            .execute(self.conn())
            .await
            .map_err(failed)?;
        Ok(taken == 1)
    }

    async fn end_all(&mut self, user: UserId, at: OffsetDateTime) -> Result<(), StoreError> {
        diesel::update(one_time_tokens::table)
            .filter(one_time_tokens::user_id.eq(user.uuid()))
            .filter(one_time_tokens::used_at.is_null())
            .filter(one_time_tokens::replaced_at.is_null())
            .set(one_time_tokens::replaced_at.eq(at))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }
}
