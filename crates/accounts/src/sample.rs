//! Somebody for tests, and what use cases about them need.

use std::sync::Arc;

use msgflash_kernel::{CountingRandom, Id, Secret, SequentialIds, UserId};
use uuid::Uuid;

use crate::elsewhere::ExternalIdentity;
use crate::fake::FakeUnits;
use crate::mail::PortalLinks;
use crate::mail_request::TokenMails;
use crate::one_time::{MockTokenReader, OneTimeSecret, OneTimeToken, Purpose};
use crate::password::MockPasswordHasher;
use crate::ports::MockAccountReader;
use crate::session::Session;
use crate::session::fixture::{NOW, Signing};
use crate::session::log_in::BeginSession;
use crate::user::User;

pub(crate) const PASSWORD: &str = "Corr3ct-horse";

pub(crate) fn id() -> UserId {
    Id::new(Uuid::from_u128(7))
}

/// Somebody whose address is verified.
pub(crate) fn lea() -> User {
    User {
        id: id(),
        email: "Lea@shop.test".to_owned(),
        full_name: "Lea Roy".to_owned(),
        display_name: None,
        phone: "+33600000001".to_owned(),
        avatar_url: None,
        password_hash: Some(Secret::new(format!("hash of {PASSWORD}"))),
        email_verified_at: Some(NOW),
        suspended_at: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

pub(crate) fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

pub(crate) fn session() -> Session {
    Session::begin(Id::new(Uuid::from_u128(5)), id(), NOW)
}

/// Hashes by putting words before the password.
pub(crate) fn hasher() -> Arc<MockPasswordHasher> {
    let mut hasher = MockPasswordHasher::new();
    let hash = |password: &Secret<String>| format!("hash of {}", password.reveal());
    hasher
        .expect_hash()
        .returning(move |password| Ok(Secret::new(hash(&password))));
    hasher
        .expect_verify()
        .returning(move |password, stored| Ok(*stored.reveal() == hash(&password)));
    Arc::new(hasher)
}

/// Who can be found.
pub(crate) fn knowing(user: Option<User>) -> Arc<MockAccountReader> {
    let mut reader = MockAccountReader::new();
    let by_email = user.clone();
    reader
        .expect_find_by_email()
        .returning(move |_| Ok(by_email.clone()));
    reader.expect_find().returning(move |_| Ok(user.clone()));
    Arc::new(reader)
}

/// A unit in which a user can be locked.
pub(crate) fn locking(user: Option<User>) -> FakeUnits {
    let units = FakeUnits::default();
    units.with(|unit| {
        unit.users
            .expect_lock()
            .returning(move |_| Ok(user.clone()));
    });
    units
}

pub(crate) fn mails() -> TokenMails {
    TokenMails::new(
        PortalLinks::new("https://app.test"),
        Arc::new(CountingRandom::default()),
        Arc::new(SequentialIds::default()),
    )
}

/// Begins sessions at the moment of the tests.
pub(crate) fn sessions() -> BeginSession {
    let tokens = Signing::new();
    let ids = Arc::new(SequentialIds::default());
    BeginSession::new(tokens.tokens, tokens.clock, ids)
}

/// A token of Lea's, after something was done to it, and a store that has it.
pub(crate) fn token(
    purpose: Purpose,
    change: impl FnOnce(&mut OneTimeToken),
) -> (OneTimeSecret, Arc<MockTokenReader>) {
    let random = CountingRandom::default();
    let (mut token, secret) = OneTimeToken::issue(id(), purpose, &random, NOW);
    change(&mut token);
    let mut reader = MockTokenReader::new();
    reader.expect_find().returning(move |hash, purpose| {
        let fits = *hash == token.hash && purpose == token.purpose;
        Ok(fits.then(|| token.clone()))
    });
    (secret, Arc::new(reader))
}

/// Lea, as she is known elsewhere.
pub(crate) fn identity() -> ExternalIdentity {
    ExternalIdentity {
        issuer: "https://accounts.google.com".to_owned(),
        subject: "1234567890".to_owned(),
        email: "lea@shop.test".to_owned(),
        email_verified: true,
        name: Some("Lea From Elsewhere".to_owned()),
        picture: Some("https://pictures.test/lea".to_owned()),
    }
}
