//! Hashing beside everything else.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use async_trait::async_trait;
use msgflash_kernel::{Random, Secret, StoreError};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::{PasswordHasher, fresh_salt, hash, verify};

/// Hashes at once, however many cores there are: each takes 19 MiB.
const MOST: usize = 4;
/// How long a request waits for its turn before it is told to come back.
const PATIENCE: Duration = Duration::from_secs(5);

/// Hashes on threads of their own, a few at a time. Who would wait too long is told so: a crowd at
/// the door must not keep everybody else from being served.
pub struct PooledHasher {
    random: Arc<dyn Random>,
    places: Arc<Semaphore>,
    patience: Duration,
}

impl PooledHasher {
    /// One place per core, four at most.
    pub fn new(random: Arc<dyn Random>) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self::limited(random, cores.min(MOST), PATIENCE)
    }

    /// As many places as given, at least one; `patience` is how long somebody waits for one.
    pub fn limited(random: Arc<dyn Random>, places: usize, patience: Duration) -> Self {
        Self {
            random,
            places: Arc::new(Semaphore::new(places.max(1))),
            patience,
        }
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let place = timeout(self.patience, Arc::clone(&self.places).acquire_owned())
            .await
            .map_err(|_| StoreError::Unavailable("too many passwords at once".into()))?
            .map_err(|gone| StoreError::Failed(gone.into()))?;
        // The place goes along: work that nobody waits for any more still takes its core.
        let done = spawn_blocking(move || {
            let _place = place;
            work()
        });
        done.await.map_err(|gone| StoreError::Failed(gone.into()))
    }
}

#[async_trait]
impl PasswordHasher for PooledHasher {
    async fn hash(&self, password: Secret<String>) -> Result<Secret<String>, StoreError> {
        let salt = fresh_salt(self.random.as_ref());
        self.work(move || hash(password.reveal(), &salt)).await
    }

    async fn verify(
        &self,
        password: Secret<String>,
        stored: Secret<String>,
    ) -> Result<bool, StoreError> {
        self.work(move || verify(password.reveal(), stored.reveal()))
            .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use msgflash_kernel::{CountingRandom, Fault as _, Kind};

    use super::*;

    fn hasher(patience: Duration) -> PooledHasher {
        PooledHasher::limited(Arc::new(CountingRandom::default()), 1, patience)
    }

    #[tokio::test]
    async fn what_it_hashes_it_verifies() {
        let hasher = hasher(PATIENCE);
        let password = || Secret::new("Corr3ct-horse".to_owned());
        let stored = hasher.hash(password()).await.expect("a place");
        assert_eq!(
            hasher.verify(password(), stored.clone()).await.ok(),
            Some(true)
        );
        let other = Secret::new("another".to_owned());
        assert_eq!(hasher.verify(other, stored).await.ok(), Some(false));
    }

    #[tokio::test]
    async fn who_waits_too_long_is_told_to_come_back() {
        let hasher = Arc::new(hasher(Duration::ZERO));
        let (go, wait) = mpsc::channel::<()>();
        let (begun, begins) = tokio::sync::oneshot::channel();
        let busy = Arc::clone(&hasher);
        let busy = tokio::spawn(async move {
            busy.work(move || {
                begun.send(()).expect("somebody listens");
                let _ = wait.recv();
            })
            .await
        });
        begins.await.expect("it begins");
        let refused = hasher.hash(Secret::new("Corr3ct-horse".to_owned())).await;
        assert_eq!(refused.expect_err("no place").kind(), Kind::Unavailable);
        drop(go);
        busy.await.expect("ends").expect("done");
        assert!(
            hasher.hash(Secret::new(String::new())).await.is_ok(),
            "a place is free"
        );
    }
}
