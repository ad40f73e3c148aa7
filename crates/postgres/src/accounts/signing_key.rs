//! Keys that sign tokens.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use msgflash_accounts::{SigningKey, SigningKeyStore};
use msgflash_kernel::{Id, Secret, StoreError, Unit as _};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::signing_keys;
use crate::sql::sql;
use crate::unit::PgUnit;

/// Makers of keys come one after the other; readers do not wait.
const ONE_AT_A_TIME: &str = "LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE";

impl PgUnit {
    async fn make_keys_alone(&mut self) -> Result<(), StoreError> {
        let locked = sql(ONE_AT_A_TIME).execute(self.conn()).await;
        locked.map(drop).map_err(failed)
    }

    async fn insert_key(&mut self, key: &SigningKey) -> Result<(), StoreError> {
        diesel::insert_into(signing_keys::table)
            .values((
                signing_keys::kid.eq(key.id.uuid()),
                signing_keys::private_key.eq(key.private.reveal()),
                signing_keys::created_at.eq(key.created_at),
                signing_keys::verifies_until.eq(key.verifies_until),
            ))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }
}

#[async_trait]
impl SigningKeyStore for Postgres {
    async fn list(&self, now: OffsetDateTime) -> Result<Vec<SigningKey>, StoreError> {
        let mut conn = self.conn().await?;
        let rows: Vec<(Uuid, Vec<u8>, OffsetDateTime, Option<OffsetDateTime>)> =
            signing_keys::table
                .filter(
                    signing_keys::verifies_until
                        .is_null()
                        .or(signing_keys::verifies_until.gt(now)),
                )
                .load(&mut conn)
                .await
                .map_err(failed)?;
        let key = |(id, private, created_at, verifies_until)| SigningKey {
            id: Id::new(id),
            private: Secret::new(private),
            created_at,
            verifies_until,
        };
        Ok(rows.into_iter().map(key).collect())
    }

    async fn found(&self, key: &SigningKey) -> Result<(), StoreError> {
        let mut unit = self.unit().await?;
        unit.make_keys_alone().await?;
        let signing: i64 = signing_keys::table
            .filter(signing_keys::verifies_until.is_null())
            .count()
            .get_result(unit.conn())
            .await
            .map_err(failed)?;
        if signing == 0 {
            unit.insert_key(key).await?;
        }
        Box::new(unit).commit().await
    }

    async fn rotate(&self, key: &SigningKey, until: OffsetDateTime) -> Result<(), StoreError> {
        let mut unit = self.unit().await?;
        unit.make_keys_alone().await?;
        diesel::update(signing_keys::table)
            .filter(signing_keys::verifies_until.is_null())
            .set(signing_keys::verifies_until.eq(until))
            .execute(unit.conn())
            .await
            .map_err(failed)?;
        unit.insert_key(key).await?;
        Box::new(unit).commit().await
    }
}
