//! A unit of work made of mocks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use msgflash_kernel::{StoreError, Unit};

use crate::audit::{AuditStore, MockAuditStore};
use crate::elsewhere::{IdentityStore, MockIdentityStore};
use crate::mail::{MailStore, MockMailStore};
use crate::mail_request::{MailRequestStore, MockMailRequestStore};
use crate::one_time::{MockTokenStore, TokenStore};
use crate::ports::{
    AccountUnit, AccountUnits, KeyStore, MockKeyStore, MockUserStore, SignInUnit, SignInUnits,
    UserStore,
};
use crate::session::{MockSessionStore, SessionStore};

/// One mock per port.
#[derive(Default)]
pub(crate) struct FakeUnit {
    pub(crate) users: MockUserStore,
    pub(crate) keys: MockKeyStore,
    pub(crate) audit: MockAuditStore,
    pub(crate) sessions: MockSessionStore,
    pub(crate) tokens: MockTokenStore,
    pub(crate) identities: MockIdentityStore,
    pub(crate) requests: MockMailRequestStore,
    pub(crate) mails: MockMailStore,
    committed: Arc<AtomicBool>,
}

#[async_trait]
impl Unit for FakeUnit {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.committed.store(true, Ordering::Relaxed);
        Ok(())
    }
}

impl AccountUnit for FakeUnit {
    fn users(&mut self) -> &mut dyn UserStore {
        &mut self.users
    }
    fn keys(&mut self) -> &mut dyn KeyStore {
        &mut self.keys
    }
    fn audit(&mut self) -> &mut dyn AuditStore {
        &mut self.audit
    }
}

impl SignInUnit for FakeUnit {
    fn users(&mut self) -> &mut dyn UserStore {
        &mut self.users
    }
    fn sessions(&mut self) -> &mut dyn SessionStore {
        &mut self.sessions
    }
    fn tokens(&mut self) -> &mut dyn TokenStore {
        &mut self.tokens
    }
    fn identities(&mut self) -> &mut dyn IdentityStore {
        &mut self.identities
    }
    fn requests(&mut self) -> &mut dyn MailRequestStore {
        &mut self.requests
    }
    fn mails(&mut self) -> &mut dyn MailStore {
        &mut self.mails
    }
}

/// Hands out the unit that was prepared.
#[derive(Clone, Default)]
pub(crate) struct FakeUnits {
    next: Arc<Mutex<FakeUnit>>,
    committed: Arc<AtomicBool>,
}

impl FakeUnits {
    /// Prepares the next unit.
    pub(crate) fn with(&self, prepare: impl FnOnce(&mut FakeUnit)) {
        prepare(&mut self.next.lock().expect("one test, one thread"));
    }

    /// Whether the unit was committed.
    pub(crate) fn committed(&self) -> bool {
        self.committed.load(Ordering::Relaxed)
    }
}

impl FakeUnits {
    fn take(&self) -> Box<FakeUnit> {
        let mut unit = std::mem::take(&mut *self.next.lock().expect("one test, one thread"));
        unit.committed = Arc::clone(&self.committed);
        Box::new(unit)
    }
}

#[async_trait]
impl AccountUnits for FakeUnits {
    async fn begin(&self) -> Result<Box<dyn AccountUnit>, StoreError> {
        Ok(self.take())
    }
}

#[async_trait]
impl SignInUnits for FakeUnits {
    async fn begin(&self) -> Result<Box<dyn SignInUnit>, StoreError> {
        Ok(self.take())
    }
}
