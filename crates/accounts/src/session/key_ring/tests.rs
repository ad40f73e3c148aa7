//! Which key signs, which verifies, and how often the store is asked.

use std::sync::Mutex as StdMutex;

use async_trait::async_trait;
use msgflash_kernel::{CountingRandom, FixedClock, SequentialIds};
use time::macros::datetime;
use uuid::Uuid;

use super::*;

/// Keeps keys as a store does, and counts how often it is asked.
#[derive(Default)]
struct Shelf {
    keys: StdMutex<Vec<SigningKey>>,
    looks: StdMutex<usize>,
}

impl Shelf {
    fn looks(&self) -> usize {
        *self.looks.lock().expect("one test")
    }
}

#[async_trait]
impl SigningKeyStore for Shelf {
    async fn list(&self, now: OffsetDateTime) -> Result<Vec<SigningKey>, StoreError> {
        *self.looks.lock().expect("one test") += 1;
        let keys = self.keys.lock().expect("one test");
        Ok(keys.iter().filter(|it| it.verifies(now)).cloned().collect())
    }

    async fn found(&self, key: &SigningKey) -> Result<(), StoreError> {
        let mut keys = self.keys.lock().expect("one test");
        if keys.iter().all(|it| it.verifies_until.is_some()) {
            keys.push(key.clone());
        }
        Ok(())
    }

    async fn rotate(&self, key: &SigningKey, until: OffsetDateTime) -> Result<(), StoreError> {
        let mut keys = self.keys.lock().expect("one test");
        for old in keys.iter_mut() {
            old.verifies_until.get_or_insert(until);
        }
        keys.push(key.clone());
        Ok(())
    }
}

fn ring(shelf: &Arc<Shelf>, clock: &Arc<FixedClock>) -> Arc<KeyRing> {
    Arc::new(KeyRing::new(
        Arc::clone(shelf) as _,
        Arc::new(CountingRandom::default()),
        Arc::clone(clock) as _,
        Arc::new(SequentialIds::default()),
    ))
}

fn stage() -> (Arc<Shelf>, Arc<FixedClock>) {
    let clock = FixedClock::at(datetime!(2026-05-01 10:00 UTC));
    (Arc::default(), Arc::new(clock))
}

async fn signer(ring: &KeyRing) -> SigningKeyId {
    ring.signer().await.expect("a key").key.id
}

async fn verifies(ring: &KeyRing, id: SigningKeyId) -> bool {
    ring.verifier(id).await.expect("told").is_some()
}

#[tokio::test]
async fn the_first_need_makes_a_key_and_others_find_it() {
    let (shelf, clock) = stage();
    let (one, other) = (ring(&shelf, &clock), ring(&shelf, &clock));
    let key = signer(&one).await;
    assert_eq!(signer(&other).await, key);
    assert!(verifies(&other, key).await);
    assert_eq!(shelf.keys.lock().expect("one test").len(), 1);
}

#[tokio::test]
async fn keys_are_remembered_for_a_minute() {
    let (shelf, clock) = stage();
    let ring = ring(&shelf, &clock);
    let key = signer(&ring).await;
    let before = shelf.looks();
    for _ in 0..100 {
        assert_eq!(signer(&ring).await, key);
        assert!(verifies(&ring, key).await);
    }
    assert_eq!(shelf.looks(), before);
    clock.advance(FRESH);
    signer(&ring).await;
    assert_eq!(shelf.looks(), before + 1);
}

#[tokio::test]
async fn invented_keys_cost_one_look_a_second() {
    let (shelf, clock) = stage();
    let ring = ring(&shelf, &clock);
    signer(&ring).await;
    clock.advance(AGAIN);
    let before = shelf.looks();
    for invented in 1000..1100 {
        assert!(!verifies(&ring, Id::new(Uuid::from_u128(invented))).await);
    }
    assert_eq!(shelf.looks(), before + 1);
}

#[tokio::test]
async fn a_new_key_signs_at_once_and_the_old_one_verifies_until_its_tokens_are_over() {
    let (shelf, clock) = stage();
    let (one, other) = (ring(&shelf, &clock), ring(&shelf, &clock));
    let old = signer(&one).await;
    assert_eq!(signer(&other).await, old);

    let new = RotateSigningKey::new(Arc::clone(&one)).rotate().await;
    let new = new.expect("rotated");
    assert_eq!(signer(&one).await, new);
    assert!(verifies(&one, old).await);

    // Another process learns of it when it meets a token, or by itself.
    clock.advance(AGAIN);
    assert!(verifies(&other, new).await);
    assert_eq!(signer(&other).await, new);

    clock.advance(VERIFIES - AGAIN - Duration::SECOND);
    assert!(verifies(&one, old).await);
    clock.advance(Duration::SECOND);
    assert!(!verifies(&one, old).await);
    assert!(verifies(&one, new).await);
}
