//! The calendar month in which use is counted.

use std::fmt;

use time::{Date, Duration, Month, OffsetDateTime, Time};

/// A calendar month in UTC. It is not the paid period of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Period {
    year: i32,
    month: u8,
}

impl Period {
    /// The month that contains `at`.
    pub fn of(at: OffsetDateTime) -> Self {
        let at = at.to_offset(time::UtcOffset::UTC);
        Self {
            year: at.year(),
            month: at.month().into(),
        }
    }

    /// Reads the stored form of [`Period::to_i32`].
    pub fn from_i32(stored: i32) -> Option<Self> {
        let (year, month) = (stored / 100, u8::try_from(stored % 100).ok()?);
        ((2000..=9999).contains(&year) && (1..=12).contains(&month)).then_some(Self { year, month })
    }

    /// The stored form: 202605 for May 2026.
    pub fn to_i32(self) -> i32 {
        self.year * 100 + i32::from(self.month)
    }

    /// First moment.
    pub fn start(self) -> OffsetDateTime {
        let month = Month::try_from(self.month).expect("kept between 1 and 12");
        let day = Date::from_calendar_date(self.year, month, 1).expect("every month has a first");
        day.with_time(Time::MIDNIGHT).assume_utc()
    }

    /// Last millisecond, as published.
    pub fn end(self) -> OffsetDateTime {
        self.next().start() - Duration::MILLISECOND
    }

    /// The following month.
    #[must_use]
    pub fn next(self) -> Self {
        if self.month == 12 {
            Self {
                year: self.year + 1,
                month: 1,
            }
        } else {
            Self {
                year: self.year,
                month: self.month + 1,
            }
        }
    }

    /// How long after `now` the next period begins, at least a second.
    pub fn time_left(self, now: OffsetDateTime) -> std::time::Duration {
        let left = (self.next().start() - now).max(Duration::SECOND);
        std::time::Duration::try_from(left).expect("not negative")
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_period_is_a_utc_month() {
        let period = Period::of(datetime!(2027-01-01 00:30 +01:00));
        assert_eq!(period.to_string(), "2026-12");
        assert_eq!(period.start(), datetime!(2026-12-01 0:00 UTC));
        assert_eq!(period.end(), datetime!(2026-12-31 23:59:59.999 UTC));
        assert_eq!(period.next().to_string(), "2027-01");
        assert_eq!(Period::from_i32(period.to_i32()), Some(period));
        assert_eq!(Period::from_i32(202_613), None);
    }
}
