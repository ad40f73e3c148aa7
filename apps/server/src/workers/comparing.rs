//! Comparing our instances with the gateway's sessions, now and then. One process does it for all.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use msgflash_kernel::{StoreError, Tick};
use msgflash_messaging::instance::compare::CompareSessions;

use super::sampler::Turn;

/// How often it is seen whose turn it is: a new worker learns within seconds what it did not hear.
pub(super) const LOOK: Duration = Duration::from_secs(5);
/// How often the sessions are compared. The gateway counts the messages of each for its answer.
const EVERY: Duration = Duration::from_mins(5);

/// Compares, when it is time again and nobody else does.
pub(super) struct Comparing {
    turn: Turn,
    compare: CompareSessions,
    next: Mutex<Instant>,
}

impl Comparing {
    pub(super) fn new(turn: Turn, compare: CompareSessions) -> Self {
        Self {
            turn,
            compare,
            next: Mutex::new(Instant::now()),
        }
    }

    pub(super) async fn tick(&self) -> Result<Tick, StoreError> {
        let is_time = *self.next.lock().expect("no panic under the lock") <= Instant::now();
        if !is_time || !self.turn.is_ours().await? {
            return Ok(Tick::Idle);
        }
        let did = self.compare.tick().await?;
        *self.next.lock().expect("no panic under the lock") = Instant::now() + EVERY;
        Ok(did)
    }
}
