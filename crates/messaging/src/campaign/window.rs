//! The hours in which a campaign sends.
//!
//! They are hours on a wall: nine in the morning stays nine in the morning when the clocks change. An
//! hour that a change leaves out opens when the clock goes on, and one that comes twice is open both
//! times. When such hours began and ended in a place is in the tz database, which is part of the program.

use jiff::ToSpan as _;
use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, Disambiguation, TimeZone};
use time::OffsetDateTime;

/// Days are counted from Monday, 1, to Sunday, 7.
pub type Day = u8;

/// Hours of some days of the week, in one place of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendWindow {
    start: Time,
    end: Time,
    zone: String,
    days: Vec<Day>,
}

/// An open stretch: from, and until.
pub type Open = (OffsetDateTime, OffsetDateTime);

/// What cannot be a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Not a time such as `09:00`.
    Start,
    /// Not a time such as `18:00`.
    End,
    /// It would be open at no time, or always.
    Empty,
    /// Not a name of the tz database.
    Zone,
    /// No days, or no days of the week.
    Days,
}

impl SendWindow {
    /// The words days are given by, from Monday.
    pub const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

    /// A window as it is written. One that ends before it starts reaches into the next day, and is open
    /// on the days on which it starts.
    pub fn parse(start: &str, end: &str, zone: &str, days: &[Day]) -> Result<Self, Vec<Flaw>> {
        let mut flaws = Vec::new();
        let from = clock(start);
        let to = clock(end);
        if from.is_none() {
            flaws.push(Flaw::Start);
        }
        if to.is_none() {
            flaws.push(Flaw::End);
        }
        if from.is_some() && from == to {
            flaws.push(Flaw::Empty);
        }
        let place = TimeZone::get(zone).ok();
        let name = place.as_ref().and_then(|it| it.iana_name());
        if name.is_none() {
            flaws.push(Flaw::Zone);
        }
        let mut days = days.to_vec();
        days.sort_unstable();
        days.dedup();
        if days.is_empty() || days.iter().any(|day| !(1..=7).contains(day)) {
            flaws.push(Flaw::Days);
        }
        match (from, to, name) {
            (Some(start), Some(end), Some(name)) if flaws.is_empty() => Ok(Self {
                start,
                end,
                zone: name.to_owned(),
                days,
            }),
            _ => Err(flaws),
        }
    }

    /// When it opens, as it is written.
    pub fn start(&self) -> String {
        written(self.start)
    }

    /// When it closes, as it is written.
    pub fn end(&self) -> String {
        written(self.end)
    }

    /// Where its clock hangs.
    pub fn zone(&self) -> &str {
        &self.zone
    }

    /// On which days, from Monday.
    pub fn days(&self) -> &[Day] {
        &self.days
    }

    /// The open stretch that `now` is in, or the next one. `None` only where the calendar ends.
    pub fn open_at_or_after(&self, now: OffsetDateTime) -> Option<Open> {
        // It was read with the same tables.
        let zone = TimeZone::get(&self.zone).ok()?;
        let moment = jiff::Timestamp::from_second(now.unix_timestamp()).ok()?;
        let today = zone.to_datetime(moment).date();
        // One that reaches into today may have begun yesterday; the same day of next week is the last
        // there is to look at, and one more when a change of the clock swallowed that.
        let mut date = today.checked_sub(1.day()).ok()?;
        for _ in 0..16 {
            if let Some((from, until)) = self.stretch(&zone, date)
                && until > now
            {
                return Some((from, until));
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// Whether it is open at `now`, and until when.
    pub fn open_until(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let (from, until) = self.open_at_or_after(now)?;
        (from <= now).then_some(until)
    }

    /// What opens on a date; nothing when it is none of its days, or when a change of the clock left
    /// nothing of it.
    fn stretch(&self, zone: &TimeZone, date: Date) -> Option<Open> {
        let day = u8::try_from(date.weekday().to_monday_one_offset()).ok()?;
        if !self.days.contains(&day) {
            return None;
        }
        let closes_on = if self.end > self.start {
            date
        } else {
            date.tomorrow().ok()?
        };
        let from = moment(zone, date, self.start, Disambiguation::Compatible)?;
        let until = moment(zone, closes_on, self.end, Disambiguation::Later)?;
        (from < until).then_some((from, until))
    }
}

/// A wall clock's time on a date. In a gap it is when the clock has gone on.
fn moment(zone: &TimeZone, date: Date, at: Time, twice: Disambiguation) -> Option<OffsetDateTime> {
    let ambiguous = zone.to_ambiguous_zoned(date.to_datetime(at));
    let is_gap = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
    let zoned = ambiguous.disambiguate(twice).ok()?;
    let mut at = zoned.timestamp();
    if is_gap {
        // There is no such time: it is the moment at which the clock was put on, shortly before.
        let behind = at.checked_add(1.second()).ok()?;
        at = zone.preceding(behind).next()?.timestamp();
    }
    OffsetDateTime::from_unix_timestamp(at.as_second()).ok()
}

/// `HH:MM`, nothing else.
fn clock(text: &str) -> Option<Time> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| {
        let plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| text.parse::<i8>().ok()).flatten()
    };
    Time::new(number(hours)?, number(minutes)?, 0, 0).ok()
}

fn written(at: Time) -> String {
    format!("{:02}:{:02}", at.hour(), at.minute())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const WORK: [Day; 5] = [1, 2, 3, 4, 5];

    fn paris() -> SendWindow {
        SendWindow::parse("09:00", "18:00", "Europe/Paris", &WORK).expect("a window")
    }

    #[test]
    fn it_is_open_in_its_hours_and_not_at_the_end_of_them() {
        let it = paris();
        // A Wednesday in winter: Paris is an hour ahead.
        let close = datetime!(2026-01-14 17:00 UTC);
        assert_eq!(it.open_until(datetime!(2026-01-14 08:00 UTC)), Some(close));
        assert_eq!(
            it.open_until(datetime!(2026-01-14 16:59:59 UTC)),
            Some(close)
        );
        for closed in [
            datetime!(2026-01-14 07:59:59 UTC),
            close,
            datetime!(2026-01-17 12:00 UTC),
        ] {
            assert_eq!(it.open_until(closed), None, "{closed}");
        }
    }

    #[test]
    fn after_friday_comes_monday() {
        let next = paris().open_at_or_after(datetime!(2026-01-16 17:30 UTC));
        let monday = (
            datetime!(2026-01-19 08:00 UTC),
            datetime!(2026-01-19 17:00 UTC),
        );
        assert_eq!(next, Some(monday));
    }

    #[test]
    fn nine_stays_nine_when_the_clocks_change() {
        let all = SendWindow::parse("09:00", "18:00", "Europe/Paris", &[1, 2, 3, 4, 5, 6, 7]);
        let all = all.expect("a window");
        // Summer time begins on 29 March 2026.
        let open = |now| all.open_at_or_after(now).map(|(from, _)| from);
        let before = open(datetime!(2026-03-28 00:00 UTC));
        assert_eq!(before, Some(datetime!(2026-03-28 08:00 UTC)));
        let after = open(datetime!(2026-03-29 00:00 UTC));
        assert_eq!(after, Some(datetime!(2026-03-29 07:00 UTC)));
    }

    #[test]
    fn an_hour_that_is_left_out_opens_when_the_clock_goes_on() {
        let night = SendWindow::parse("02:30", "05:00", "Europe/Paris", &[7]).expect("a window");
        // 02:00 becomes 03:00 that night: 02:30 does not exist.
        let open = night.open_at_or_after(datetime!(2026-03-28 12:00 UTC));
        assert_eq!(
            open,
            Some((
                datetime!(2026-03-29 01:00 UTC),
                datetime!(2026-03-29 03:00 UTC)
            ))
        );
        let closes = SendWindow::parse("01:00", "02:30", "Europe/Paris", &[7]).expect("a window");
        let open = closes.open_at_or_after(datetime!(2026-03-28 12:00 UTC));
        let open = open.map(|(_, until)| until);
        assert_eq!(
            open,
            Some(datetime!(2026-03-29 01:00 UTC)),
            "not past its end"
        );
        let swallowed = SendWindow::parse("02:10", "02:50", "Europe/Paris", &[7]);
        let open = swallowed
            .expect("a window")
            .open_at_or_after(datetime!(2026-03-28 12:00 UTC));
        let next_sunday = (
            datetime!(2026-04-05 00:10 UTC),
            datetime!(2026-04-05 00:50 UTC),
        );
        assert_eq!(open, Some(next_sunday), "nothing is left of it that day");
    }

    #[test]
    fn an_hour_that_comes_twice_is_open_both_times() {
        let night = SendWindow::parse("02:00", "02:30", "Europe/Paris", &[7]).expect("a window");
        // 03:00 becomes 02:00 on 25 October 2026.
        let open = night.open_at_or_after(datetime!(2026-10-24 12:00 UTC));
        assert_eq!(
            open,
            Some((
                datetime!(2026-10-25 00:00 UTC),
                datetime!(2026-10-25 01:30 UTC)
            ))
        );
    }

    #[test]
    fn one_that_ends_before_it_starts_reaches_into_the_next_day() {
        let late = SendWindow::parse("20:00", "02:00", "UTC", &[5]).expect("a window");
        // Friday night, seen from Saturday.
        let until = late.open_until(datetime!(2026-01-17 01:00 UTC));
        assert_eq!(until, Some(datetime!(2026-01-17 02:00 UTC)));
        assert_eq!(late.open_until(datetime!(2026-01-17 21:00 UTC)), None);
    }

    #[test]
    fn everything_that_is_wrong_is_told() {
        let flaws = |start, end, zone, days: &[Day]| {
            SendWindow::parse(start, end, zone, days).expect_err("flaws")
        };
        assert_eq!(
            flaws("9:00", "24:00", "Europe/Atlantis", &[]),
            [Flaw::Start, Flaw::End, Flaw::Zone, Flaw::Days]
        );
        assert_eq!(flaws("09:00", "09:00", "UTC", &[1]), [Flaw::Empty]);
        assert_eq!(flaws("09:00", "10:00", "UTC", &[0]), [Flaw::Days]);
    }

    #[test]
    fn it_is_written_as_it_was_read() {
        let it = SendWindow::parse("09:05", "18:00", "europe/paris", &[3, 1, 3]).expect("one");
        assert_eq!((it.start().as_str(), it.end().as_str()), ("09:05", "18:00"));
        assert_eq!((it.zone(), it.days()), ("Europe/Paris", &[1, 3][..]));
    }
}
