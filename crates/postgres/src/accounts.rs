//! People, their sessions, their API keys, and the mail about them.

mod audit;
mod identity;
mod key;
mod key_use;
mod mail;
mod mail_request;
mod one_time;
mod session;
mod sign_in_start;
mod signing_key;
mod throttle;
mod upkeep;
mod user;

use async_trait::async_trait;
use msgflash_accounts::{
    AccountUnit, AccountUnits, AuditStore, IdentityStore, KeyStore, MailRequestStore, MailStore,
    SessionStore, SignInUnit, SignInUnits, TokenStore, UserStore,
};
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
    fn audit(&mut self) -> &mut dyn AuditStore {
        self
    }
}

#[async_trait]
impl AccountUnits for Postgres {
    async fn begin(&self) -> Result<Box<dyn AccountUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
}

impl SignInUnit for PgUnit {
    fn users(&mut self) -> &mut dyn UserStore {
        self
    }
    fn sessions(&mut self) -> &mut dyn SessionStore {
        self
    }
    fn tokens(&mut self) -> &mut dyn TokenStore {
        self
    }
    fn identities(&mut self) -> &mut dyn IdentityStore {
        self
    }
    fn requests(&mut self) -> &mut dyn MailRequestStore {
        self
    }
    fn mails(&mut self) -> &mut dyn MailStore {
        self
    }
}

#[async_trait]
impl SignInUnits for Postgres {
    async fn begin(&self) -> Result<Box<dyn SignInUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
}
