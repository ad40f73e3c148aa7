//! Signing in elsewhere, from going there to coming back.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use msgflash_kernel::{Random, StoreError};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use time::{Duration, OffsetDateTime};

use crate::one_time::OneTimeSecret;

/// How long somebody may take to sign in elsewhere.
pub const LIFE: Duration = Duration::minutes(10);

/// Somebody went elsewhere to sign in, and is to come back in the same browser.
///
/// One secret is behind it, which that browser alone keeps. What is told to the provider is made of it
/// and does not lead back to it, so nothing secret is stored here, and any process can go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInStart(OneTimeSecret);

impl SignInStart {
    /// A start nobody knows of.
    pub fn generate(random: &dyn Random) -> Self {
        Self(OneTimeSecret::generate(random))
    }

    /// The start whose secret a browser brings back.
    pub fn resume(kept: &str) -> Option<Self> {
        OneTimeSecret::parse(kept).map(Self)
    }

    /// What the browser keeps, and shows to nobody else.
    pub fn kept(&self) -> &str {
        self.0.reveal()
    }

    /// What comes back with the answer: an answer somebody else got does not have it.
    pub fn state(&self) -> String {
        self.derived("state")
    }

    /// What the provider signs: a signature made for another start does not have it.
    pub fn nonce(&self) -> String {
        self.derived("nonce")
    }

    /// What must be known to use the code (RFC 7636): the provider has seen only a hash of it.
    pub fn verifier(&self) -> String {
        self.derived("verifier")
    }

    /// What is stored, so that it is finished once.
    pub fn hash(&self) -> [u8; 32] {
        self.digest("stored")
    }

    /// Whether an answer is one to this start.
    pub fn is_answered_by(&self, state: &str) -> bool {
        self.state().as_bytes().ct_eq(state.as_bytes()).into()
    }

    fn derived(&self, what: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.digest(what))
    }

    fn digest(&self, what: &str) -> [u8; 32] {
        Sha256::digest(format!("{what}\0{}", self.0.reveal())).into()
    }
}

/// Remembers who is signing in elsewhere.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait SignInStarts: Send + Sync {
    /// Remembers a start.
    async fn put(&self, hash: &[u8; 32], expires_at: OffsetDateTime) -> Result<(), StoreError>;
    /// Takes a start that counts at `at`. One caller gets it, whoever asks at once.
    async fn take(&self, hash: &[u8; 32], at: OffsetDateTime) -> Result<bool, StoreError>;
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::CountingRandom;

    use super::*;

    #[test]
    fn what_is_told_differs_and_does_not_show_what_is_kept() {
        let start = SignInStart::generate(&CountingRandom::default());
        let stored = URL_SAFE_NO_PAD.encode(start.hash());
        let mut all = vec![
            start.kept().to_owned(),
            start.state(),
            start.nonce(),
            start.verifier(),
            stored,
        ];
        // RFC 7636 wants 43 to 128 unreserved characters.
        assert!(all.iter().all(|it| it.len() == 43));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 5);
        assert!(!format!("{start:?}").contains(start.kept()));
    }

    #[test]
    fn the_browser_brings_back_the_same_start() {
        let random = CountingRandom::default();
        let start = SignInStart::generate(&random);
        let back = SignInStart::resume(start.kept()).expect("a start");
        assert_eq!(back, start);
        assert!(back.is_answered_by(&start.state()));
        let other = SignInStart::generate(&random);
        for state in [other.state(), String::new(), start.kept().to_owned()] {
            assert!(!back.is_answered_by(&state), "{state}");
        }
        assert_eq!(SignInStart::resume("nothing"), None);
    }
}
