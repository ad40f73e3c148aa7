//! Time as a port.

use std::sync::Mutex;

use time::{Duration, OffsetDateTime};

/// Tells the time. Rules take a clock, so that they are tested without waiting.
pub trait Clock: Send + Sync {
    /// The current moment in UTC, in whole microseconds (what the database keeps).
    fn now(&self) -> OffsetDateTime;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one production source of time"
    )]
    fn now(&self) -> OffsetDateTime {
        truncate(OffsetDateTime::now_utc())
    }
}

/// A clock for tests that stands still until it is moved.
#[derive(Debug)]
pub struct FixedClock(Mutex<OffsetDateTime>);

impl FixedClock {
    /// A clock that shows `now`.
    pub fn at(now: OffsetDateTime) -> Self {
        Self(Mutex::new(truncate(now)))
    }

    /// Moves the clock; negative durations move it back.
    pub fn advance(&self, by: Duration) {
        *self
            .0
            .lock()
            .expect("no test panics while it holds the clock") += by;
    }
}

impl Clock for FixedClock {
    fn now(&self) -> OffsetDateTime {
        *self
            .0
            .lock()
            .expect("no test panics while it holds the clock")
    }
}

fn truncate(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_nanosecond(at.nanosecond() / 1_000 * 1_000)
        .expect("whole microseconds are in range")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_whole_microseconds() {
        assert_eq!(SystemClock.now().nanosecond() % 1_000, 0);
    }

    #[test]
    fn stands_still_until_moved() {
        let clock = FixedClock::at(OffsetDateTime::UNIX_EPOCH);
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::hours(1));
        assert_eq!(clock.now(), OffsetDateTime::UNIX_EPOCH + Duration::hours(1));
    }
}
