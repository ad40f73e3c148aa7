//! What WhatsApp thinks of a number, as its refusals tell.
//!
//! A message that was taken and then refused is usually one first contact too many (463). People
//! who wrote first still get their answers; going on with strangers ends in a ban. So refusals in a
//! row put a brake on new contacts, for longer each time.

use time::{Duration, OffsetDateTime};

/// Refusals in a row, with nobody reached between them, that restrict a number.
const TOO_MANY: u32 = 2;
/// No restriction is longer.
const LONGEST: Duration = Duration::hours(24);

/// Where a number stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// New contacts wait until then. It stays after its time, until somebody is reached: meanwhile
    /// new contacts are probes, one at a time.
    pub restricted_until: Option<OffsetDateTime>,
    /// How often in a row it was restricted.
    pub restrictions: u32,
    /// Refusals since somebody was reached or the last restriction began.
    pub errors_in_row: u32,
}

/// What a receipt says of the number that sent the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echoed {
    /// WhatsApp refused the message.
    Refused,
    /// It reached a device.
    Reached,
}

/// What new contacts of a number may expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strangers {
    /// They get their messages.
    Welcome,
    /// One at a time gets one, to see whether it is over.
    Probe,
    /// They wait until then.
    Wait(OffsetDateTime),
}

impl Standing {
    /// Whether new contacts wait.
    pub fn is_restricted(&self, now: OffsetDateTime) -> bool {
        matches!(self.strangers(now), Strangers::Wait(_))
    }

    /// What new contacts may expect.
    pub fn strangers(&self, now: OffsetDateTime) -> Strangers {
        match self.restricted_until {
            None => Strangers::Welcome,
            Some(until) if until > now => Strangers::Wait(until),
            Some(_) => Strangers::Probe,
        }
    }

    /// Follows one receipt; answers whether a restriction began. The first lasts `first`, each
    /// further one in a row twice as long.
    pub fn follow(&mut self, said: Echoed, first: Duration, now: OffsetDateTime) -> bool {
        let is_restricted = self.is_restricted(now);
        match said {
            // Messages that left before it began.
            Echoed::Refused if is_restricted => false,
            Echoed::Refused => {
                self.errors_in_row += 1;
                // After a restriction the first refusal says that it is not over.
                if self.errors_in_row < TOO_MANY && self.restrictions == 0 {
                    return false;
                }
                let twice = 2i32.saturating_pow(self.restrictions.min(16));
                let lasts = first.saturating_mul(twice).min(LONGEST);
                self.restricted_until = Some(now + lasts);
                self.restrictions += 1;
                self.errors_in_row = 0;
                true
            }
            Echoed::Reached => {
                self.errors_in_row = 0;
                if !is_restricted {
                    *self = Self::default();
                }
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::NOW;
    use Echoed::{Reached, Refused};

    const HOUR: Duration = Duration::HOUR;

    fn after(said: &[Echoed]) -> (Standing, usize) {
        let mut standing = Standing::default();
        let began = said.iter().filter(|it| standing.follow(**it, HOUR, NOW));
        let began = began.count();
        (standing, began)
    }

    #[test]
    fn two_refusals_in_a_row_restrict_once_and_one_does_not() {
        assert_eq!(after(&[Refused]).1, 0);
        let (standing, began) = after(&[Refused, Refused, Refused, Refused]);
        assert_eq!((began, standing.restrictions), (1, 1));
        assert_eq!(standing.strangers(NOW), Strangers::Wait(NOW + HOUR));
    }

    #[test]
    fn somebody_reached_between_two_refusals_makes_them_no_row() {
        assert_eq!(after(&[Refused, Reached, Refused]).1, 0);
        assert_eq!(after(&[Refused, Reached, Refused, Refused]).1, 1);
    }

    #[test]
    fn an_answer_that_arrives_during_a_restriction_does_not_end_it() {
        let (standing, _) = after(&[Refused, Refused, Reached]);
        assert!(standing.is_restricted(NOW));
        assert_eq!(standing.restrictions, 1);
    }

    #[test]
    fn each_restriction_in_a_row_is_twice_as_long_up_to_a_day() {
        let (mut standing, _) = after(&[Refused, Refused]);
        let mut hours = Vec::new();
        let mut now = NOW;
        for _ in 0..6 {
            let until = standing.restricted_until.expect("restricted");
            hours.push((until - now).whole_hours());
            now = until;
            assert_eq!(standing.strangers(now), Strangers::Probe);
            assert!(standing.follow(Refused, HOUR, now), "one probe is enough");
        }
        assert_eq!(hours, [1, 2, 4, 8, 16, 24]);
    }

    #[test]
    fn whoever_is_reached_after_its_time_ends_the_row() {
        let (mut standing, _) = after(&[Refused, Refused]);
        standing.follow(Reached, HOUR, NOW + HOUR);
        assert_eq!(standing, Standing::default());
        assert!(!standing.follow(Refused, HOUR, NOW + HOUR));
    }
}
