//! Tokens for tests.

use std::sync::Arc;

use msgflash_kernel::{CountingRandom, FixedClock, SequentialIds};
use time::OffsetDateTime;
use time::macros::datetime;

use super::key::{MockSigningKeyStore, SigningKey};
use super::key_ring::KeyRing;
use super::token::SessionTokens;

pub(crate) const ISSUER: &str = "https://msgflash.test";
pub(crate) const NOW: OffsetDateTime = datetime!(2026-05-01 10:00 UTC);

/// Tokens signed by the one key there is.
pub(crate) struct Signing {
    pub(crate) tokens: Arc<SessionTokens>,
    pub(crate) ring: Arc<KeyRing>,
    pub(crate) clock: Arc<FixedClock>,
}

impl Signing {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(FixedClock::at(NOW));
        let random = Arc::new(CountingRandom::default());
        let ids = Arc::new(SequentialIds::default());
        let id = msgflash_kernel::Id::new(uuid::Uuid::from_u128(77));
        let key = SigningKey::generate(id, random.as_ref(), NOW);
        let mut store = MockSigningKeyStore::new();
        store
            .expect_list()
            .returning(move |_| Ok(vec![key.clone()]));
        let ring = Arc::new(KeyRing::new(
            Arc::new(store),
            random,
            Arc::clone(&clock) as _,
            ids,
        ));
        let tokens = SessionTokens::new(Arc::clone(&ring), Arc::clone(&clock) as _, ISSUER);
        Self {
            tokens: Arc::new(tokens),
            ring,
            clock,
        }
    }
}
