//! People and their API keys.

mod key;
mod key_use;
mod user;

use async_trait::async_trait;
use msgflash_accounts::{AccountUnit, AccountUnits, KeyStore, UserStore};
use msgflash_kernel::StoreError;

use crate::pool::Postgres;
use crate::unit::PgUnit;

impl AccountUnit for PgUnit {
    fn users(&mut self) -> &mut dyn UserStore {
        self
    }
    fn keys(&mut self) -> &mut dyn KeyStore {
        self
    }
}

#[async_trait]
impl AccountUnits for Postgres {
    async fn begin(&self) -> Result<Box<dyn AccountUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
}
