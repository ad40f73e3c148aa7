//! Keeping to the caps of the safety guidance, where the operator wants that: nothing is refused, it goes out
//! later.

use std::collections::VecDeque;

use time::{Duration, OffsetDateTime};

use crate::safety::Policy;

/// The calls a lane made within a day, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CallLog(VecDeque<OffsetDateTime>);

/// How many calls a lane may make now, and when it may make more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// So many.
    pub(super) calls: usize,
    /// Then not before this moment.
    pub(super) next_at: OffsetDateTime,
}

impl CallLog {
    /// What is known of earlier calls, in any order.
    pub(super) fn new(mut calls: Vec<OffsetDateTime>) -> Self {
        calls.sort_unstable();
        Self(calls.into())
    }

    /// A call begins.
    pub(super) fn called(&mut self, now: OffsetDateTime) {
        self.0.push_back(now);
    }

    /// One of the last calls had no effect. Which of them is not told: they lie seconds apart.
    pub(super) fn uncalled(&mut self) {
        self.0.pop_back();
    }

    /// Calls of the last day.
    pub(super) fn day(&mut self, now: OffsetDateTime) -> u64 {
        while self.0.front().is_some_and(|at| *at <= now - Duration::DAY) {
            self.0.pop_front();
        }
        self.0.len() as u64
    }

    /// Calls of the last hour.
    pub(super) fn hour(&self, now: OffsetDateTime) -> u64 {
        let hour = self.0.iter().rev();
        hour.take_while(|at| **at > now - Duration::HOUR).count() as u64
    }

    /// What the caps leave. Each window slides: a call counts for exactly an hour, and for a day.
    pub(super) fn room(&mut self, policy: &Policy, now: OffsetDateTime) -> Room {
        let day = self.day(now);
        let left = policy
            .hourly_outbound
            .saturating_sub(self.hour(now))
            .min(policy.daily_outbound.saturating_sub(day));
        let by_hour = self.frees_at(policy.hourly_outbound, Duration::HOUR);
        let by_day = self.frees_at(policy.daily_outbound, Duration::DAY);
        Room {
            calls: usize::try_from(left).unwrap_or(usize::MAX),
            next_at: by_hour.max(by_day).unwrap_or(now).max(now),
        }
    }

    /// When the call leaves its window that is the last but `cap`: then there is room for one more.
    fn frees_at(&self, cap: u64, span: Duration) -> Option<OffsetDateTime> {
        let cap = usize::try_from(cap).unwrap_or(usize::MAX);
        let place = self.0.len().checked_sub(cap.max(1))?;
        self.0.get(place).map(|at| *at + span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::safety::SafetyState;
    use crate::testing::NOW;

    /// New numbers may make 10 calls an hour and 30 a day.
    fn room(calls: &[Duration]) -> Room {
        let calls = calls.iter().map(|ago| NOW - *ago).collect();
        CallLog::new(calls).room(&SafetyState::New.policy(), NOW)
    }

    #[test]
    fn what_the_hour_leaves_may_go_out() {
        assert_eq!(room(&[]).calls, 10);
        let recent: Vec<_> = (1..=4).map(Duration::minutes).collect();
        assert_eq!(room(&recent).calls, 6);
    }

    #[test]
    fn a_full_hour_waits_until_its_oldest_call_is_an_hour_old() {
        let full: Vec<_> = (1..=10).map(|it| Duration::minutes(it * 5)).collect();
        let expected = Room {
            calls: 0,
            next_at: NOW + Duration::minutes(10),
        };
        assert_eq!(room(&full), expected);
        let hour_old: Vec<_> = (0..10).map(|_| Duration::HOUR).collect();
        assert_eq!(room(&hour_old).calls, 10, "they count for exactly an hour");
    }

    #[test]
    fn a_full_day_waits_however_quiet_the_hour_was() {
        let full: Vec<_> = (0..30).map(|it| Duration::minutes(90 + it * 20)).collect();
        let oldest = Duration::minutes(90 + 29 * 20);
        let expected = Room {
            calls: 0,
            next_at: NOW - oldest + Duration::DAY,
        };
        assert_eq!(room(&full), expected);
    }

    #[test]
    fn more_calls_than_a_lowered_cap_allows_wait_for_enough_of_them_to_pass() {
        let many: Vec<_> = (1..=12).map(|it| Duration::minutes(it * 4)).collect();
        let room = room(&many);
        // Three must leave before the eleventh may come: the third oldest is forty minutes old.
        assert_eq!((room.calls, room.next_at), (0, NOW + Duration::minutes(20)));
    }
}
