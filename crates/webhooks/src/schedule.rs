//! When a delivery is tried again.

use std::time::Duration;

use msgflash_kernel::Random;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// The longest wait a receiver may ask for.
pub const LONGEST_ASKED: Duration = Duration::from_hours(1);

/// The waits between attempts; there is one attempt more than waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule(Vec<Duration>);

impl Default for Schedule {
    fn default() -> Self {
        Self([5, 30, 120, 600].map(Duration::from_secs).to_vec())
    }
}

impl Schedule {
    /// A schedule with these waits.
    pub fn new(waits: Vec<Duration>) -> Self {
        Self(waits)
    }

    /// How many attempts a delivery gets.
    pub fn attempts(&self) -> u32 {
        u32::try_from(self.0.len() + 1).unwrap_or(u32::MAX)
    }

    /// When the next attempt after `made` failed ones is due; `None` when there is none. A wait
    /// the receiver asks for is honoured up to an hour when it is longer than ours.
    pub fn next(
        &self,
        made: u32,
        asked: Option<Duration>,
        now: OffsetDateTime,
        random: &dyn Random,
    ) -> Option<OffsetDateTime> {
        let wait = *self.0.get(made.checked_sub(1)? as usize)?;
        let asked = asked.unwrap_or_default().min(LONGEST_ASKED);
        Some(now + jittered(wait, random).max(asked))
    }
}

/// What a `Retry-After` header asks for: seconds, or a date.
pub fn asked_wait(header: &str, now: OffsetDateTime) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = OffsetDateTime::parse(header, &Rfc2822).ok()?;
    Duration::try_from(at - now).ok()
}

/// Up to a fifth shorter or longer, so that receivers that failed together do not come back
/// together.
fn jittered(wait: Duration, random: &dyn Random) -> Duration {
    let mut byte = [0u8; 1];
    random.fill(&mut byte);
    wait.mul_f64(0.8 + 0.4 * f64::from(byte[0]) / 255.0)
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::CountingRandom;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-05-01 0:00 UTC);

    #[test]
    fn five_attempts_with_growing_waits() {
        let schedule = Schedule::default();
        assert_eq!(schedule.attempts(), 5);
        let random = CountingRandom::default();
        for (made, seconds) in (1..).zip([5.0, 30.0, 120.0, 600.0]) {
            let at = schedule
                .next(made, None, NOW, &random)
                .expect("another attempt");
            let wait = (at - NOW).as_seconds_f64();
            assert!(
                (seconds * 0.8..=seconds * 1.2).contains(&wait),
                "{made}: {wait}"
            );
        }
        assert_eq!(schedule.next(5, None, NOW, &random), None);
    }

    #[test]
    fn a_header_asks_in_seconds_or_with_a_date() {
        let asked = |header| asked_wait(header, NOW).map(|wait| wait.as_secs());
        assert_eq!(asked(" 120 "), Some(120));
        assert_eq!(asked("Fri, 01 May 2026 00:01:30 GMT"), Some(90));
        for nothing in ["Fri, 01 May 2020 00:00:00 GMT", "-5", "1.5", "soon", ""] {
            assert_eq!(asked(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn an_absurd_wish_is_bounded_and_a_short_one_changes_nothing() {
        let schedule = Schedule::default();
        let random = CountingRandom::default();
        let wait = |asked| {
            schedule
                .next(1, Some(asked), NOW, &random)
                .map(|at| at - NOW)
        };
        assert_eq!(wait(Duration::MAX), Some(time::Duration::hours(1)));
        assert!(wait(Duration::ZERO).is_some_and(|wait| wait >= time::Duration::seconds(4)));
    }

    proptest::proptest! {
        #[test]
        fn jitter_stays_within_a_fifth(byte: u8, seconds in 1u64..86_400) {
            struct Always(u8);
            impl Random for Always {
                fn fill(&self, bytes: &mut [u8]) {
                    bytes.fill(self.0);
                }
            }
            let wait = Duration::from_secs(seconds);
            let jittered = jittered(wait, &Always(byte));
            proptest::prop_assert!(jittered >= wait.mul_f64(0.8) && jittered <= wait.mul_f64(1.2));
        }
    }

    #[test]
    fn a_receiver_may_ask_for_a_longer_wait_up_to_an_hour() {
        let schedule = Schedule::default();
        let random = CountingRandom::default();
        let wait = |asked| {
            schedule
                .next(1, Some(Duration::from_secs(asked)), NOW, &random)
                .map(|at| at - NOW)
        };
        assert_eq!(wait(90), Some(time::Duration::seconds(90)));
        assert_eq!(wait(90_000), Some(time::Duration::hours(1)));
    }
}
