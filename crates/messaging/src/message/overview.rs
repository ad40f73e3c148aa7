//! What happened in a workspace, in numbers, and finding a message again.

use std::sync::Arc;

use async_trait::async_trait;
use msgflash_kernel::{Clock, Problems, StoreError, WorkspaceId};
use time::{Date, Duration, OffsetDateTime, Time};

use super::{Message, MessageStatus};
use crate::error::MessagingError;

/// Days that are looked at when nobody says which.
const USUAL_DAYS: i64 = 7;
/// No longer range is looked at.
pub const MOST_DAYS: i64 = 90;
/// Fewest and most characters that are searched for.
pub const SEARCH: std::ops::RangeInclusive<usize> = 2..=100;

/// Fewer digits are in too many numbers.
const FEWEST_DIGITS: usize = 3;

/// The digits of what may be part of a number; nothing for anything else.
pub fn digits(text: &str) -> Option<String> {
    let is_part = |it: char| it.is_ascii_digit() || "+ -.()".contains(it);
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (text.chars().all(is_part) && digits.len() >= FEWEST_DIGITS).then_some(digits)
}

/// Some days of UTC, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    /// The first.
    pub from: Date,
    /// The last.
    pub to: Date,
}

impl Days {
    /// The days that are meant: up to today and seven of them, as far as nothing else is said.
    pub fn read(from: Option<Date>, to: Option<Date>, today: Date) -> Result<Self, Problems> {
        let to = to.unwrap_or(today);
        let from = from.unwrap_or_else(|| {
            let begin = to.checked_sub(Duration::days(USUAL_DAYS - 1));
            begin.unwrap_or(Date::MIN)
        });
        let days = (to - from).whole_days() + 1;
        if days < 1 {
            return Err(Problems::one(
                "from",
                "out_of_range",
                "Must not lie after to",
            ));
        }
        if days > MOST_DAYS {
            let message = format!("At most {MOST_DAYS} days can be asked for");
            return Err(Problems::one("from", "out_of_range", message));
        }
        Ok(Self { from, to })
    }

    /// When the first begins.
    pub fn begin(self) -> OffsetDateTime {
        self.from.with_time(Time::MIDNIGHT).assume_utc()
    }

    /// When the last has ended.
    pub fn end(self) -> OffsetDateTime {
        self.to
            .next_day()
            .map_or(PAST_ALL, |day| day.with_time(Time::MIDNIGHT).assume_utc())
    }

    /// Each of them, in order.
    pub fn each(self) -> impl Iterator<Item = Date> {
        std::iter::successors(Some(self.from), |day| day.next_day())
            .take_while(move |day| *day <= self.to)
    }
}

/// Nothing is later.
const PAST_ALL: OffsetDateTime = Date::MAX.with_time(Time::MIDNIGHT).assume_utc();

/// How many messages of a day are in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayCount {
    /// The day they were made on.
    pub day: Date,
    /// Their state.
    pub status: MessageStatus,
    /// How many there are.
    pub count: u64,
}

/// How many messages came how far. What was read was delivered too, and what was delivered was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Wait to be sent.
    pub queued: u64,
    /// Left.
    pub sent: u64,
    /// Reached the phone.
    pub delivered: u64,
    /// Were opened.
    pub read: u64,
    /// Ended without being sent, or were refused.
    pub failed: u64,
    /// Came in.
    pub received: u64,
}

impl Tally {
    fn add(&mut self, status: MessageStatus, count: u64) {
        match status {
            MessageStatus::Queued => self.queued += count,
            MessageStatus::Failed => self.failed += count,
            MessageStatus::Received => self.received += count,
            MessageStatus::Cancelled => {}
            MessageStatus::Sent | MessageStatus::Delivered | MessageStatus::Read => {
                self.sent += count;
                if status != MessageStatus::Sent {
                    self.delivered += count;
                }
                if status == MessageStatus::Read {
                    self.read += count;
                }
            }
        }
    }
}

/// The messages of some days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// The days.
    pub days: Days,
    /// All of them together.
    pub totals: Tally,
    /// Each of them, in order.
    pub series: Vec<(Date, Tally)>,
}

impl Statistics {
    fn of(days: Days, counts: &[DayCount]) -> Self {
        let mut totals = Tally::default();
        let mut series: Vec<_> = days.each().map(|day| (day, Tally::default())).collect();
        for it in counts {
            totals.add(it.status, it.count);
            if let Ok(at) = series.binary_search_by_key(&it.day, |(day, _)| *day) {
                series[at].1.add(it.status, it.count);
            }
        }
        Self {
            days,
            totals,
            series,
        }
    }
}

/// Looks over the messages of a workspace.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait OverviewReader: Send + Sync {
    /// The newest messages with `text` in them, or to or from a number with these digits. Looks at
    /// the newest `depth` messages and no further.
    async fn search(
        &self,
        workspace: WorkspaceId,
        text: &str,
        depth: u32,
        limit: u32,
    ) -> Result<Vec<Message>, StoreError>;
    /// How many messages were made on each day, by their state now.
    async fn count(&self, workspace: WorkspaceId, days: Days) -> Result<Vec<DayCount>, StoreError>;
    /// Whether a message has left, as far as the first and the newest `depth` messages tell.
    async fn has_sent(&self, workspace: WorkspaceId, depth: u32) -> Result<bool, StoreError>;
}

/// How far back a search goes: nothing is indexed by its words.
const SEARCH_DEPTH: u32 = 5_000;
/// How many messages are looked at to see whether one left.
const FIRST_STEPS: u32 = 1_000;

/// Looks over the messages of a workspace.
pub struct Overview {
    reader: Arc<dyn OverviewReader>,
    clock: Arc<dyn Clock>,
}

impl Overview {
    /// Wires the use case.
    pub fn new(reader: Arc<dyn OverviewReader>, clock: Arc<dyn Clock>) -> Self {
        Self { reader, clock }
    }

    /// The newest messages with this in their text or their number. Letter case does not matter.
    pub async fn search(
        &self,
        workspace: WorkspaceId,
        text: &str,
        limit: u32,
    ) -> Result<Vec<Message>, MessagingError> {
        let found = self.reader.search(workspace, text, SEARCH_DEPTH, limit);
        Ok(found.await?)
    }

    /// The messages of some days, in numbers.
    pub async fn statistics(
        &self,
        workspace: WorkspaceId,
        from: Option<Date>,
        to: Option<Date>,
    ) -> Result<Statistics, MessagingError> {
        let days = Days::read(from, to, self.clock.now().date())?;
        let counts = self.reader.count(workspace, days).await?;
        Ok(Statistics::of(days, &counts))
    }

    /// Whether a message has left.
    pub async fn has_sent(&self, workspace: WorkspaceId) -> Result<bool, MessagingError> {
        Ok(self.reader.has_sent(workspace, FIRST_STEPS).await?)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    const TODAY: Date = date!(2026 - 05 - 20);

    #[test]
    fn only_parts_of_numbers_are_searched_for_in_numbers() {
        assert_eq!(digits("+33 (0)6-12").as_deref(), Some("330612"));
        for other in ["12", "order 123", "", "१२३"] {
            assert_eq!(digits(other), None, "{other}");
        }
    }

    #[test]
    fn a_week_up_to_today_is_meant_when_nothing_is_said() {
        let days = Days::read(None, None, TODAY).expect("days");
        assert_eq!((days.from, days.to), (date!(2026 - 05 - 14), TODAY));
        assert_eq!(days.each().count(), 7);
        assert_eq!((days.end() - days.begin()).whole_days(), 7);
        let one = Days::read(Some(TODAY), Some(TODAY), TODAY).expect("a day");
        assert_eq!(one.each().collect::<Vec<_>>(), [TODAY]);
    }

    #[test]
    fn no_range_is_longer_than_ninety_days_or_ends_before_it_begins() {
        let first = TODAY - Duration::days(MOST_DAYS - 1);
        assert!(Days::read(Some(first), None, TODAY).is_ok());
        let longer = Days::read(first.previous_day(), None, TODAY);
        assert_eq!(longer.expect_err("too long").0[0].field, "from");
        assert!(Days::read(TODAY.next_day(), None, TODAY).is_err());
        assert!(Days::read(Some(Date::MIN), Some(Date::MAX), TODAY).is_err());
        assert!(Days::read(None, Some(Date::MIN), TODAY).is_ok());
    }

    #[test]
    fn what_was_read_was_sent_and_a_day_without_messages_is_there() {
        let days = Days::read(None, None, TODAY).expect("days");
        let count = |day, status, count| DayCount { day, status, count };
        let counts = [
            count(TODAY, MessageStatus::Read, 3),
            count(TODAY, MessageStatus::Delivered, 2),
            count(days.from, MessageStatus::Sent, 1),
            count(days.from, MessageStatus::Cancelled, 9),
        ];
        let statistics = Statistics::of(days, &counts);
        let all = Tally {
            sent: 6,
            delivered: 5,
            read: 3,
            ..Tally::default()
        };
        assert_eq!(statistics.totals, all);
        assert_eq!(statistics.series.len(), 7);
        assert_eq!(statistics.series[6].1.sent, 5);
        assert_eq!(statistics.series[0].1.sent, 1);
        assert_eq!(statistics.series[3].1, Tally::default());
    }
}
