//! Keys that sign tokens.

use std::fmt;

use async_trait::async_trait;
use jsonwebtoken::{DecodingKey, EncodingKey};
use msgflash_kernel::{Id, Random, Secret, StoreError};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use time::{Duration, OffsetDateTime};

use super::LIFE;

/// Marker of [`SigningKeyId`].
pub enum SigningKeyMark {}
/// The id of a signing key, which tokens carry as `kid`.
pub type SigningKeyId = Id<SigningKeyMark>;

/// How long a key verifies after another signs: as long as the last token it signed lasts. Other
/// processes learn of the new key a little later, so theirs may be an hour younger.
pub(crate) const VERIFIES: Duration = LIFE.saturating_add(Duration::HOUR);

/// What stands before the 32 bytes of an Ed25519 key in PKCS#8 (RFC 8410).
const PKCS8: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// An Ed25519 key that signs tokens, or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// Its id.
    pub id: SigningKeyId,
    /// The private key, PKCS#8.
    pub private: Secret<Vec<u8>>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// Until when it still verifies; `None` for the one that signs.
    pub verifies_until: Option<OffsetDateTime>,
}

impl SigningKey {
    /// A key nobody has seen.
    pub fn generate(id: SigningKeyId, random: &dyn Random, now: OffsetDateTime) -> Self {
        let mut seed = [0; 32];
        random.fill(&mut seed);
        Self {
            id,
            private: Secret::new([&PKCS8[..], &seed].concat()),
            created_at: now,
            verifies_until: None,
        }
    }

    /// Whether a signature of it counts at `now`.
    pub fn verifies(&self, now: OffsetDateTime) -> bool {
        self.verifies_until.is_none_or(|until| now < until)
    }
}

/// A key ready for use.
pub(crate) struct ReadyKey {
    pub(crate) key: SigningKey,
    pub(crate) signs: EncodingKey,
    pub(crate) verifies: DecodingKey,
}

impl ReadyKey {
    pub(crate) fn new(key: SigningKey) -> Result<Self, StoreError> {
        let private = key.private.reveal();
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(private)
            .map_err(|_| StoreError::corrupt("signing_keys.private_key", key.id.to_string()))?;
        Ok(Self {
            signs: EncodingKey::from_ed_der(private),
            verifies: DecodingKey::from_ed_der(pair.public_key().as_ref()),
            key,
        })
    }
}

impl fmt::Debug for ReadyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)
    }
}

/// Keeps signing keys, for all processes.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait SigningKeyStore: Send + Sync {
    /// Every key that counts at `now`.
    async fn list(&self, now: OffsetDateTime) -> Result<Vec<SigningKey>, StoreError>;
    /// Records `key` as the one that signs, unless there is one: two processes that start at once
    /// make one key.
    async fn found(&self, key: &SigningKey) -> Result<(), StoreError>;
    /// Records `key` as the one that signs; the one before verifies until `until`.
    async fn rotate(&self, key: &SigningKey, until: OffsetDateTime) -> Result<(), StoreError>;
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::CountingRandom;
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    fn key() -> SigningKey {
        let now = datetime!(2026-05-01 10:00 UTC);
        SigningKey::generate(Id::new(Uuid::nil()), &CountingRandom::default(), now)
    }

    #[test]
    fn a_new_key_can_be_used() {
        assert!(ReadyKey::new(key()).is_ok());
    }

    #[test]
    fn printing_a_key_does_not_show_it() {
        let ready = ReadyKey::new(key()).expect("a key");
        let shown = format!("{ready:?}{:?}", ready.key);
        assert!(
            !shown.contains("46, 2, 1") && shown.contains("•••"),
            "{shown}"
        );
    }

    #[test]
    fn what_is_no_key_is_told_without_its_bytes() {
        let broken = SigningKey {
            private: Secret::new(b"not a key".to_vec()),
            ..key()
        };
        let told = ReadyKey::new(broken).expect_err("broken").to_string();
        assert!(told.contains("signing_keys.private_key"), "{told}");
    }
}
