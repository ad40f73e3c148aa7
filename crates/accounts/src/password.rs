//! Passwords become argon2id hashes.

use std::sync::Arc;

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use async_trait::async_trait;
use msgflash_kernel::{Random, Secret, StoreError};

mod pooled;

pub use pooled::PooledHasher;

/// Shortest password accepted, in characters.
pub const MIN_LENGTH: usize = 8;
/// Longest password accepted, in characters: hashing must not become a way to keep us busy.
pub const MAX_LENGTH: usize = 128;

/// Bytes of salt per password.
pub const SALT_LENGTH: usize = 16;

/// The PHC string of `password`.
///
/// Costs some 20 ms of a core and 19 MiB: keep it off a thread that serves others.
pub fn hash(password: &str, salt: &[u8; SALT_LENGTH]) -> Secret<String> {
    let hash: PasswordHash = hasher()
        .hash_password_with_salt(password.as_bytes(), salt)
        .expect("every password and any sixteen bytes of salt can be hashed");
    Secret::new(hash.to_string())
}

/// Whether `password` is the one behind `stored`, a PHC string. As slow as [`hash`].
pub fn verify(password: &str, stored: &str) -> bool {
    // The cost is read from the stored string, so raising ours locks nobody out.
    hasher()
        .verify_password(password.as_bytes(), stored)
        .is_ok()
}

/// A hash of the usual cost that no password is behind. Whoever has none is compared with it, so
/// that the time an answer takes does not tell who has one.
pub const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$\
    bm9ib2R5J3MgcGFzc3dvcg$bm9ib2R5IGV2ZXIgaGFzIHRoaXMgcGFzc3dvcmQhISE";

/// Hashes passwords for use cases, which know no threads.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// The PHC string of `password`, with a fresh salt.
    async fn hash(&self, password: Secret<String>) -> Result<Secret<String>, StoreError>;
    /// Whether `password` is the one behind `stored`. As slow as hashing.
    async fn verify(
        &self,
        password: Secret<String>,
        stored: Secret<String>,
    ) -> Result<bool, StoreError>;
}

/// Hashes on the calling thread: right for commands, wrong for a server under load.
pub struct InlineHasher {
    random: Arc<dyn Random>,
}

impl InlineHasher {
    /// Takes its salts from `random`.
    pub fn new(random: Arc<dyn Random>) -> Self {
        Self { random }
    }
}

#[async_trait]
impl PasswordHasher for InlineHasher {
    async fn hash(&self, password: Secret<String>) -> Result<Secret<String>, StoreError> {
        Ok(hash(password.reveal(), &fresh_salt(self.random.as_ref())))
    }

    async fn verify(
        &self,
        password: Secret<String>,
        stored: Secret<String>,
    ) -> Result<bool, StoreError> {
        Ok(verify(password.reveal(), stored.reveal()))
    }
}

fn fresh_salt(random: &dyn Random) -> [u8; SALT_LENGTH] {
    let mut salt = [0; SALT_LENGTH];
    random.fill(&mut salt);
    salt
}

/// Argon2id with the parameters OWASP recommends first.
fn hasher() -> Argon2<'static> {
    let params = Params::new(19_456, 2, 1, None).expect("constant and valid");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: [u8; SALT_LENGTH] = [7; SALT_LENGTH];

    #[test]
    fn only_the_password_itself_verifies() {
        let stored = hash("Corr3ct-horse", &SALT);
        assert!(verify("Corr3ct-horse", stored.reveal()));
        assert!(!verify("corr3ct-horse", stored.reveal()));
        assert!(!verify("", stored.reveal()));
    }

    #[test]
    fn the_recommended_cost_is_written_into_the_hash() {
        let stored = hash("Corr3ct-horse", &SALT);
        assert!(
            stored
                .reveal()
                .starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
        );
        assert_ne!(stored, hash("Corr3ct-horse", &[8; SALT_LENGTH]));
    }

    #[test]
    fn comparing_with_nobodys_password_costs_what_comparing_with_anybodys_does() {
        let mine = hash("Corr3ct-horse", &SALT);
        let mine = PasswordHash::new(mine.reveal()).expect("a hash");
        let nobodys = PasswordHash::new(NOBODYS).expect("a hash");
        assert_eq!(nobodys.algorithm, mine.algorithm);
        assert_eq!(nobodys.version, mine.version);
        assert_eq!(nobodys.params, mine.params);
        let length = |hash: &PasswordHash| hash.hash.as_ref().map(|it| it.as_bytes().len());
        assert_eq!(length(&nobodys), length(&mine));
        assert!(!verify("Corr3ct-horse", NOBODYS));
    }

    #[test]
    fn a_broken_hash_opens_nothing() {
        for stored in ["", "$argon2id$", "Corr3ct-horse"] {
            assert!(!verify("Corr3ct-horse", stored));
        }
    }
}
