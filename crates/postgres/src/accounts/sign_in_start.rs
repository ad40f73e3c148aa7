//! Who went elsewhere to sign in.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use msgflash_accounts::SignInStarts;
use msgflash_kernel::StoreError;
use time::OffsetDateTime;

use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::sign_in_starts;

#[async_trait]
impl SignInStarts for Postgres {
    async fn put(&self, hash: &[u8; 32], expires_at: OffsetDateTime) -> Result<(), StoreError> {
        let mut conn = self.conn().await?;
        diesel::insert_into(sign_in_starts::table)
            .values((
                sign_in_starts::hash.eq(hash.as_slice()),
                sign_in_starts::expires_at.eq(expires_at),
            ))
            .execute(&mut conn)
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn take(&self, hash: &[u8; 32], at: OffsetDateTime) -> Result<bool, StoreError> {
        let mut conn = self.conn().await?;
        // A row goes once: whoever comes second waits for the first and finds none.
        let taken = diesel::delete(sign_in_starts::table.find(hash.as_slice()))
            .filter(sign_in_starts::expires_at.gt(at))
            .execute(&mut conn)
            .await
            .map_err(failed)?;
        Ok(taken == 1)
    }
}
