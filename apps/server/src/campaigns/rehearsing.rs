//! Turns of dry runs: each walks through an audience, which may be large.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use msgflash_kernel::AccountId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// How many walk at once.
const AT_ONCE: usize = 2;
/// How long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who walks through an audience at this moment: few at once, and one of each account, so that nobody's
/// dry runs keep others from theirs.
#[derive(Debug)]
pub struct Rehearsing {
    all: Semaphore,
    own: Mutex<HashMap<AccountId, Arc<Semaphore>>>,
    patience: Duration,
}

/// A turn; it ends when it is dropped.
#[derive(Debug)]
pub struct Turn<'a> {
    _own: OwnedSemaphorePermit,
    _all: SemaphorePermit<'a>,
}

impl Default for Rehearsing {
    fn default() -> Self {
        Self {
            all: Semaphore::new(AT_ONCE),
            own: Mutex::default(),
            patience: PATIENCE,
        }
    }
}

impl Rehearsing {
    /// Waits for a turn of this account; `None` when it does not come.
    pub async fn turn(&self, account: AccountId) -> Option<Turn<'_>> {
        let own = self.of(account);
        let turn = async {
            let own = own.acquire_owned().await.ok()?;
            let all = self.all.acquire().await.ok()?;
            Some(Turn {
                _own: own,
                _all: all,
            })
        };
        tokio::time::timeout(self.patience, turn)
            .await
            .ok()
            .flatten()
    }

    fn of(&self, account: AccountId) -> Arc<Semaphore> {
        let mut own = self
            .own
            .lock()
            .expect("the lock is never held across a panic");
        // Whom nobody holds or waits for is forgotten.
        own.retain(|_, it| Arc::strong_count(it) > 1);
        let mine = own
            .entry(account)
            .or_insert_with(|| Arc::new(Semaphore::new(1)));
        Arc::clone(mine)
    }
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::Id;
    use uuid::Uuid;

    use super::*;

    fn impatient() -> Rehearsing {
        Rehearsing {
            patience: Duration::ZERO,
            ..Rehearsing::default()
        }
    }

    fn account(n: u128) -> AccountId {
        Id::new(Uuid::from_u128(n))
    }

    #[tokio::test]
    async fn an_account_has_one_turn_at_a_time_and_keeps_nobody_else_out() {
        let rehearsing = impatient();
        let first = rehearsing.turn(account(1)).await;
        assert!(first.is_some());
        let (second, other) =
            tokio::join!(rehearsing.turn(account(1)), rehearsing.turn(account(2)));
        assert!(second.is_none(), "its first one goes on");
        assert!(other.is_some(), "although the second waits");
        drop(first);
        assert!(rehearsing.turn(account(1)).await.is_some());
        assert_eq!(rehearsing.own.lock().expect("a lock").len(), 2);
    }

    #[tokio::test]
    async fn few_walk_at_once() {
        let rehearsing = impatient();
        let first = rehearsing.turn(account(1)).await;
        let second = rehearsing.turn(account(2)).await;
        assert!(first.is_some() && second.is_some());
        assert!(rehearsing.turn(account(3)).await.is_none());
        drop(second);
        assert!(rehearsing.turn(account(3)).await.is_some());
    }
}
