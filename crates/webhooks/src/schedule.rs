//! When a delivery is tried again.

use std::time::Duration;

use msgflash_kernel::Random;
use time::OffsetDateTime;

/// The longest wait a receiver may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);

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
            let at = schedule.next(made, None, NOW, &random).expect("another attempt");
            let wait = (at - NOW).as_seconds_f64();
            assert!((seconds * 0.8..=seconds * 1.2).contains(&wait), "{made}: {wait}");
        }
        assert_eq!(schedule.next(5, None, NOW, &random), None);
    }

    #[test]
    fn a_receiver_may_ask_for_a_longer_wait_up_to_an_hour() {
        let schedule = Schedule::default();
        let random = CountingRandom::default();
        let wait = |asked| schedule.next(1, Some(Duration::from_secs(asked)), NOW, &random).map(|at| at - NOW);
        assert_eq!(wait(90), Some(time::Duration::seconds(90)));
        assert_eq!(wait(90_000), Some(time::Duration::hours(1)));
    }
}
