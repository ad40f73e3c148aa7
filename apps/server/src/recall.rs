//! Remembering an answer for a short while, looked up once however many ask.

use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, Instant};

use msgflash_kernel::StoreError;
use quick_cache::sync::Cache;
use tokio::sync::OnceCell;

/// Answers by key: never older than `life`, never more than `most`.
///
/// The age counts from before the look-up began. Whoever forgets a key cuts off a look-up that is
/// under way too: its answer goes to those who already wait for it, and to nobody who comes later.
pub(crate) struct Recall<K, V> {
    slots: Cache<K, Arc<Slot<V>>>,
    life: Duration,
    /// Not the clock of the domains: that one may be set back.
    now: fn() -> Instant,
}

struct Slot<V> {
    since: Instant,
    outcome: OnceCell<Outcome<V>>,
}

/// What one look-up brought, for everybody who waited for it.
#[derive(Clone)]
enum Outcome<V> {
    Found(V),
    Nothing,
    Unavailable(String),
    Failed(String),
}

impl<K, V> Recall<K, V>
where
    K: Copy + Eq + Hash,
    V: Clone,
{
    /// Remembers nothing yet.
    pub(crate) fn new(most: usize, life: Duration) -> Self {
        Self::on(most, life, Instant::now)
    }

    fn on(most: usize, life: Duration, now: fn() -> Instant) -> Self {
        Self {
            slots: Cache::new(most),
            life,
            now,
        }
    }

    /// The answer that is remembered, or the one `look` brings. It is kept if `keep` says so;
    /// failures and `None` never are.
    pub(crate) async fn get<W>(
        &self,
        key: K,
        keep: fn(&V) -> bool,
        look: impl FnOnce() -> W + Send,
    ) -> Result<Option<V>, StoreError>
    where
        W: Future<Output = Result<Option<V>, StoreError>> + Send,
    {
        let slot = self.slot(key);
        // Should the one who looks be gone before it is done, the next who waits looks instead.
        let outcome = slot.outcome.get_or_init(|| async {
            match look().await {
                Ok(Some(value)) => Outcome::Found(value),
                Ok(None) => Outcome::Nothing,
                Err(StoreError::Unavailable(cause)) => Outcome::Unavailable(cause.to_string()),
                Err(cause) => Outcome::Failed(told(&cause)),
            }
        });
        let outcome = outcome.await.clone();
        if !matches!(&outcome, Outcome::Found(value) if keep(value)) {
            self.slots.remove_if(&key, |held| Arc::ptr_eq(held, &slot));
        }
        match outcome {
            Outcome::Found(value) => Ok(Some(value)),
            Outcome::Nothing => Ok(None),
            Outcome::Unavailable(cause) => Err(StoreError::Unavailable(cause.into())),
            Outcome::Failed(cause) => Err(StoreError::Failed(cause.into())),
        }
    }

    /// Forgets every answer that `is_outdated` points at, and every look-up under way: nobody
    /// knows yet what those will bring.
    pub(crate) fn forget(&self, is_outdated: impl Fn(&V) -> bool) {
        self.slots.retain(|_, slot| match slot.outcome.get() {
            Some(Outcome::Found(value)) => !is_outdated(value),
            _ => false,
        });
    }

    fn slot(&self, key: K) -> Arc<Slot<V>> {
        let now = (self.now)();
        self.slots.remove_if(&key, |slot| {
            now.saturating_duration_since(slot.since) >= self.life
        });
        let made =
            self.slots
                .get_or_insert_with(&key, || -> Result<_, std::convert::Infallible> {
                    Ok(Arc::new(Slot {
                        since: now,
                        outcome: OnceCell::new(),
                    }))
                });
        match made {
            Ok(slot) => slot,
            Err(never) => match never {},
        }
    }
}

/// A failure with what is behind it.
fn told(failure: &StoreError) -> String {
    let mut text = failure.to_string();
    let mut cause = std::error::Error::source(failure);
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

    thread_local! {
        /// Time of one test: every test runs on a thread of its own.
        static NOW: Cell<Instant> = Cell::new(Instant::now());
    }

    fn pass(time: Duration) {
        NOW.set(NOW.get() + time);
    }

    const LIFE: Duration = Duration::from_secs(2);

    fn recall(most: usize) -> Recall<u32, u32> {
        Recall::on(most, LIFE, || NOW.get())
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "what is remembered is seldom this small"
    )]
    fn always(_: &u32) -> bool {
        true
    }

    async fn ask(recall: &Recall<u32, u32>, key: u32, answer: u32) -> u32 {
        let got = recall.get(key, always, || async { Ok(Some(answer)) }).await;
        got.expect("no failure").expect("an answer")
    }

    #[tokio::test]
    async fn an_answer_lives_for_its_time_and_no_longer() {
        let recall = recall(10);
        assert_eq!(ask(&recall, 1, 10).await, 10);
        pass(LIFE.checked_sub(Duration::from_millis(1)).unwrap());
        assert_eq!(ask(&recall, 1, 11).await, 10);
        pass(Duration::from_millis(1));
        assert_eq!(ask(&recall, 1, 12).await, 12);
    }

    #[tokio::test]
    async fn a_slow_look_up_does_not_lengthen_the_life_of_its_answer() {
        let recall = recall(10);
        let slow = recall.get(1, always, || async {
            pass(LIFE);
            Ok(Some(10))
        });
        assert_eq!(slow.await.unwrap(), Some(10));
        assert_eq!(ask(&recall, 1, 11).await, 11);
    }

    #[tokio::test]
    async fn nothing_and_failures_and_what_is_not_to_be_kept_are_looked_up_again() {
        let recall = recall(10);
        let nothing = recall.get(1, always, || async { Ok(None) }).await;
        assert_eq!(nothing.unwrap(), None);
        let down = || async { Err(StoreError::Unavailable("refused".into())) };
        assert!(matches!(
            recall.get(1, always, down).await,
            Err(StoreError::Unavailable(_))
        ));
        let closed = recall.get(1, |_| false, || async { Ok(Some(9)) }).await;
        assert_eq!(closed.unwrap(), Some(9));
        assert_eq!(ask(&recall, 1, 10).await, 10);
    }

    #[tokio::test]
    async fn many_who_ask_at_once_share_one_look_up_and_its_failure() {
        for fails in [false, true] {
            let (recall, looks) = (recall(10), AtomicU32::new(0));
            let gate = Semaphore::new(0);
            let look = || async {
                looks.fetch_add(1, Ordering::Relaxed);
                let _open = gate.acquire().await;
                if fails {
                    Err(StoreError::Unavailable("refused".into()))
                } else {
                    Ok(Some(10))
                }
            };
            let all = futures_util::future::join_all((0..20).map(|_| recall.get(1, always, look)));
            let open = async {
                tokio::task::yield_now().await;
                gate.add_permits(20);
            };
            let (answers, ()) = tokio::join!(all, open);
            assert_eq!(looks.load(Ordering::Relaxed), 1);
            assert!(answers.iter().all(|answer| answer.is_err() == fails));
        }
    }

    #[tokio::test]
    async fn what_was_forgotten_during_its_look_up_is_not_given_to_who_comes_later() {
        let recall = recall(10);
        let gate = Semaphore::new(0);
        let old = recall.get(1, always, || async {
            let _open = gate.acquire().await;
            Ok(Some(10))
        });
        let later = async {
            tokio::task::yield_now().await;
            recall.forget(|_| false);
            let new = ask(&recall, 1, 11).await;
            gate.add_permits(1);
            new
        };
        let (old, new) = tokio::join!(old, later);
        assert_eq!((old.unwrap(), new), (Some(10), 11));
        assert_eq!(ask(&recall, 1, 12).await, 11, "the old answer came back");
    }

    #[tokio::test]
    async fn only_what_is_pointed_at_is_forgotten() {
        let recall = recall(10);
        ask(&recall, 1, 10).await;
        ask(&recall, 2, 20).await;
        recall.forget(|value| *value == 10);
        assert_eq!(ask(&recall, 1, 11).await, 11);
        assert_eq!(ask(&recall, 2, 21).await, 20);
    }

    #[tokio::test]
    async fn who_looks_and_leaves_does_not_keep_others_waiting() {
        let recall = recall(10);
        let gone = recall.get(1, always, std::future::pending);
        let stays = async {
            tokio::task::yield_now().await;
            ask(&recall, 1, 10).await
        };
        let leaves = tokio::time::timeout(Duration::from_millis(1), gone);
        let (left, stayed) = tokio::join!(leaves, stays);
        assert!(left.is_err());
        assert_eq!(stayed, 10);
    }

    #[tokio::test]
    async fn it_does_not_grow_without_bound() {
        let recall = recall(100);
        for key in 0..10_000 {
            ask(&recall, key, key).await;
        }
        assert!(recall.slots.len() <= 100, "{}", recall.slots.len());
    }
}
