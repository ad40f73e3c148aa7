//! One at a time for each session: two creates of one name would delete each other's session, and two
//! links of one would start two sockets that fight each other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

type Place = Arc<AsyncMutex<()>>;

/// Who has a turn at which session. Nobody waits for anybody else's.
#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<String, Place>>);

/// A turn, until it is dropped.
pub(crate) type Turn = OwnedMutexGuard<()>;

impl Turns {
    /// A turn, and whether somebody had it before; `None` when it did not come in time.
    pub(crate) async fn take(&self, session: &str, patience: Duration) -> Option<(Turn, bool)> {
        let place = self.place(session);
        if let Ok(turn) = Arc::clone(&place).try_lock_owned() {
            return Some((turn, false));
        }
        let turn = tokio::time::timeout(patience, place.lock_owned()).await;
        turn.ok().map(|turn| (turn, true))
    }

    fn place(&self, session: &str) -> Place {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those nobody holds or waits for.
        places.retain(|_, place| Arc::strong_count(place) > 1);
        Arc::clone(places.entry(session.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Duration = Duration::ZERO;

    #[tokio::test]
    async fn a_turn_is_waited_for_and_only_at_the_same_session() {
        let turns = Turns::default();
        let (turn, waited) = turns.take("one", NONE).await.expect("free");
        assert!(!waited);
        assert!(turns.take("one", NONE).await.is_none(), "held");
        assert!(turns.take("two", NONE).await.is_some());
        drop(turn);
        assert!(turns.take("one", NONE).await.is_some());
    }

    #[tokio::test]
    async fn nothing_is_kept_of_sessions_that_nobody_works_at() {
        let turns = Turns::default();
        for name in ["one", "two", "three"] {
            drop(turns.take(name, NONE).await);
        }
        drop(turns.place("four"));
        assert_eq!(turns.0.lock().expect("free").len(), 1);
    }
}
