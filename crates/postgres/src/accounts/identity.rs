//! Accounts elsewhere that open accounts here.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use msgflash_accounts::{ExternalIdentity, IdentityStore};
use msgflash_kernel::{Id, StoreError, UserId};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::failed;
use crate::schema::identities;
use crate::unit::PgUnit;

#[async_trait]
impl IdentityStore for PgUnit {
    async fn find(&mut self, issuer: &str, subject: &str) -> Result<Option<UserId>, StoreError> {
        let user: Option<Uuid> = identities::table
            .find((issuer, subject))
            .select(identities::user_id)
            .first(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        Ok(user.map(Id::new))
    }

    async fn link(
        &mut self,
        identity: &ExternalIdentity,
        user: UserId,
        at: OffsetDateTime,
    ) -> Result<UserId, StoreError> {
        // Waits for whoever links the same at the same moment.
        diesel::insert_into(identities::table)
            .values((
                identities::issuer.eq(&identity.issuer),
                identities::subject.eq(&identity.subject),
                identities::user_id.eq(user.uuid()),
                identities::email.eq(&identity.email),
                identities::created_at.eq(at),
            ))
            .on_conflict_do_nothing()
            .execute(self.conn())
            .await
            .map_err(failed)?;
        let found = IdentityStore::find(self, &identity.issuer, &identity.subject).await?;
        found.ok_or(StoreError::Stale("identities"))
    }

    async fn forget(&mut self, user: UserId) -> Result<(), StoreError> {
        diesel::delete(identities::table.filter(identities::user_id.eq(user.uuid())))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }
}
