//! The signing keys at hand.

use std::sync::{Arc, PoisonError, RwLock};

use msgflash_kernel::{Clock, Id, Ids, Random, StoreError};
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;

use super::crypto;
use super::key::{ReadyKey, SigningKey, SigningKeyId, SigningKeyStore, VERIFIES};

/// How long keys are believed to be all there are.
const FRESH: Duration = Duration::MINUTE;
/// How soon after a look the next one follows for a key that is not known. Tokens that name keys
/// of somebody's invention must not become a way to keep the store busy.
const AGAIN: Duration = Duration::SECOND;

/// Signing keys as the store has them, remembered for a minute.
pub struct KeyRing {
    store: Arc<dyn SigningKeyStore>,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    known: RwLock<Known>,
    looking: Mutex<()>,
}

#[derive(Clone, Default)]
struct Known {
    keys: Arc<[ReadyKey]>,
    looked_at: Option<OffsetDateTime>,
}

impl Known {
    fn is_younger(&self, than: Duration, now: OffsetDateTime) -> bool {
        self.looked_at.is_some_and(|at| now - at < than)
    }

    fn signer(&self) -> Option<Held> {
        let place = self
            .keys
            .iter()
            .position(|it| it.key.verifies_until.is_none());
        place.map(|place| Held(Arc::clone(&self.keys), place))
    }

    fn verifier(&self, id: SigningKeyId, now: OffsetDateTime) -> Option<Held> {
        let fits = |it: &ReadyKey| it.key.id == id && it.key.verifies(now);
        let place = self.keys.iter().position(fits);
        place.map(|place| Held(Arc::clone(&self.keys), place))
    }
}

/// One key of those at hand.
pub(crate) struct Held(Arc<[ReadyKey]>, usize);

impl std::ops::Deref for Held {
    type Target = ReadyKey;
    fn deref(&self) -> &ReadyKey {
        &self.0[self.1]
    }
}

impl KeyRing {
    /// An empty ring; keys are fetched when one is needed, and the first one is made then.
    pub fn new(
        store: Arc<dyn SigningKeyStore>,
        random: Arc<dyn Random>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        crypto::install();
        Self {
            store,
            random,
            clock,
            ids,
            known: RwLock::default(),
            looking: Mutex::default(),
        }
    }

    /// The key that signs.
    pub(crate) async fn signer(&self) -> Result<Held, StoreError> {
        let found = |known: &Known, now| {
            let fresh = known.is_younger(FRESH, now);
            known.signer().filter(|_| fresh)
        };
        if let Some(key) = found(&self.known(), self.clock.now()) {
            return Ok(key);
        }
        let _one = self.looking.lock().await;
        if let Some(key) = found(&self.known(), self.clock.now()) {
            return Ok(key);
        }
        self.look().await?;
        if let Some(key) = self.known().signer() {
            return Ok(key);
        }
        self.store.found(&self.fresh_key()).await?;
        self.look().await?;
        self.known()
            .signer()
            .ok_or(StoreError::Stale("signing_keys"))
    }

    /// The key with this id, when its signatures count.
    pub(crate) async fn verifier(&self, id: SigningKeyId) -> Result<Option<Held>, StoreError> {
        // `None` when it takes a look at the store to tell.
        let told = |known: &Known, now| {
            let key = known.verifier(id, now);
            let believed = if key.is_some() { FRESH } else { AGAIN };
            known.is_younger(believed, now).then_some(key)
        };
        if let Some(told) = told(&self.known(), self.clock.now()) {
            return Ok(told);
        }
        let _one = self.looking.lock().await;
        if let Some(told) = told(&self.known(), self.clock.now()) {
            return Ok(told);
        }
        self.look().await?;
        Ok(self.known().verifier(id, self.clock.now()))
    }

    async fn look(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let keys = self.store.list(now).await?;
        let keys: Result<Vec<_>, _> = keys.into_iter().map(ReadyKey::new).collect();
        let known = Known {
            keys: keys?.into(),
            looked_at: Some(now),
        };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        Ok(())
    }

    fn known(&self) -> Known {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    fn fresh_key(&self) -> SigningKey {
        let id = Id::new(self.ids.next());
        SigningKey::generate(id, self.random.as_ref(), self.clock.now())
    }
}

/// Lets another key sign.
pub struct RotateSigningKey {
    ring: Arc<KeyRing>,
}

impl RotateSigningKey {
    /// Wires the use case.
    pub fn new(ring: Arc<KeyRing>) -> Self {
        Self { ring }
    }

    /// Makes a key that signs from now on: at once here, within a minute in other processes. The one
    /// before verifies until its last token has expired, so nobody is signed out.
    pub async fn rotate(&self) -> Result<SigningKeyId, StoreError> {
        let ring = &self.ring;
        let _one = ring.looking.lock().await;
        let key = ring.fresh_key();
        ring.store.rotate(&key, ring.clock.now() + VERIFIES).await?;
        ring.look().await?;
        Ok(key.id)
    }
}

#[cfg(test)]
mod tests;
