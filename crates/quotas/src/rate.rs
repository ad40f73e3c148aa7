//! The real-time rate limit: a sliding window of one second per key.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use async_trait::async_trait;
use time::{Duration, OffsetDateTime};

use crate::ports::{KeyId, RateLimiter};

const WINDOW: Duration = Duration::SECOND;
/// Past this many keys, idle ones are swept before a new one is added.
const SWEEP_AT: usize = 10_000;

/// What the window says about one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateDecision {
    /// Whether the request may go on.
    pub allowed: bool,
    /// Requests allowed per window.
    pub limit: u32,
    /// Requests left in this window.
    pub remaining: u32,
    /// Time until a request that is counted now leaves the window.
    pub reset: Duration,
}

/// Windows kept in this process.
///
/// A sliding log rather than a token bucket: a bucket that starts full lets almost twice the limit
/// through within its first second, and the published rule counts every second.
#[derive(Debug, Default)]
pub struct SlidingWindows(Mutex<HashMap<KeyId, VecDeque<OffsetDateTime>>>);

impl SlidingWindows {
    /// The decision for one request, noted when allowed.
    pub fn decide(&self, key: KeyId, limit: u32, now: OffsetDateTime) -> RateDecision {
        let mut windows = self
            .0
            .lock()
            .expect("the lock is never held across a panic");
        if windows.len() >= SWEEP_AT && !windows.contains_key(&key) {
            windows.retain(|_, hits| hits.back().is_some_and(|last| now - *last < WINDOW));
        }
        let hits = windows.entry(key).or_default();
        // A clock that stepped back would otherwise keep a key shut until it caught up.
        if hits.back().is_some_and(|last| *last > now) {
            hits.clear();
        }
        while hits.front().is_some_and(|first| now - *first >= WINDOW) {
            hits.pop_front();
        }
        let used = u32::try_from(hits.len()).unwrap_or(u32::MAX);
        let allowed = used < limit;
        if allowed {
            hits.push_back(now);
        }
        let remaining = limit.saturating_sub(used + u32::from(allowed));
        let reset = hits.front().map_or(WINDOW, |first| *first + WINDOW - now);
        RateDecision {
            allowed,
            limit,
            remaining,
            reset,
        }
    }
}

#[async_trait]
impl RateLimiter for SlidingWindows {
    async fn hit(&self, key: KeyId, limit: u32, now: OffsetDateTime) -> RateDecision {
        self.decide(key, limit, now)
    }
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::Id;
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    const START: OffsetDateTime = datetime!(2026-05-01 0:00 UTC);

    fn key(n: u128) -> KeyId {
        Id::new(Uuid::from_u128(n))
    }

    #[test]
    fn no_second_holds_more_than_the_limit() {
        let windows = SlidingWindows::default();
        let mut allowed = Vec::new();
        for step in 0..300 {
            let now = START + Duration::milliseconds(step * 10);
            if windows.decide(key(1), 10, now).allowed {
                allowed.push(now);
            }
        }
        let most = allowed.iter().map(|from| {
            allowed
                .iter()
                .filter(|at| **at >= *from && **at < *from + WINDOW)
                .count()
        });
        assert_eq!(most.max(), Some(10));
        assert_eq!(allowed.len(), 30);
    }

    #[test]
    fn keys_do_not_share_a_window_and_the_rest_is_told() {
        let windows = SlidingWindows::default();
        let first = windows.decide(key(1), 2, START);
        assert_eq!((first.allowed, first.remaining), (true, 1));
        assert!(windows.decide(key(1), 2, START).allowed);
        let third = windows.decide(key(1), 2, START + Duration::milliseconds(400));
        assert_eq!((third.allowed, third.remaining), (false, 0));
        assert_eq!(third.reset, Duration::milliseconds(600));
        assert!(windows.decide(key(2), 2, START).allowed);
    }

    #[test]
    fn a_clock_stepping_back_does_not_shut_a_key() {
        let windows = SlidingWindows::default();
        assert!(windows.decide(key(1), 1, START).allowed);
        assert!(
            windows
                .decide(key(1), 1, START - Duration::hours(1))
                .allowed
        );
    }
}
