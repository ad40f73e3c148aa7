//! A store that keeps the mail it is given, and nothing else.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use msgflash_accounts::{
    IdentityStore, MailRequestStore, MailStore, MockIdentityStore, MockMailRequestStore,
    MockSessionStore, MockTokenStore, MockUserStore, OutgoingMail, SessionStore, SignInUnit,
    SignInUnits, TokenStore, UserStore,
};
use msgflash_kernel::{StoreError, Unit};

/// Mail that was kept, in its order.
pub(crate) type Queued = Arc<Mutex<Vec<OutgoingMail>>>;

/// Begins units that keep mail.
pub(crate) struct Mailing(pub(crate) Queued);

/// Begins none.
pub(crate) struct NoUnits;

struct MailUnit {
    users: MockUserStore,
    sessions: MockSessionStore,
    tokens: MockTokenStore,
    identities: MockIdentityStore,
    requests: MockMailRequestStore,
    written: Written,
    queued: Queued,
}

#[derive(Default)]
struct Written(Vec<OutgoingMail>);

#[async_trait]
impl MailStore for Written {
    async fn queue(&mut self, mail: &OutgoingMail) -> Result<(), StoreError> {
        self.0.push(mail.clone());
        Ok(())
    }
}

#[async_trait]
impl Unit for MailUnit {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        let Self {
            written, queued, ..
        } = *self;
        let mut queued = queued.lock().expect("no panic under the lock");
        queued.extend(written.0);
        Ok(())
    }
}

impl SignInUnit for MailUnit {
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
        &mut self.written
    }
}

#[async_trait]
impl SignInUnits for Mailing {
    async fn begin(&self) -> Result<Box<dyn SignInUnit>, StoreError> {
        Ok(Box::new(MailUnit {
            users: MockUserStore::new(),
            sessions: MockSessionStore::new(),
            tokens: MockTokenStore::new(),
            identities: MockIdentityStore::new(),
            requests: MockMailRequestStore::new(),
            written: Written::default(),
            queued: Arc::clone(&self.0),
        }))
    }
}

#[async_trait]
impl SignInUnits for NoUnits {
    async fn begin(&self) -> Result<Box<dyn SignInUnit>, StoreError> {
        Err(StoreError::Unavailable("nobody answers".into()))
    }
}
