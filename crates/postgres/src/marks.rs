//! Where to begin looking for what is due.
//!
//! Rows that are done with are deleted, but as long as any transaction is open that began before, such as a
//! backup's or a report's, nobody may remove them: whoever looks for what is due from the beginning goes
//! through all of them, at each look. So a look begins where the last one found something. What comes in behind
//! that, because it was committed late or by a clock that is slow, is found by looks from the beginning. They are
//! made as often as a small part of the time allows, which is nearly always while there is nothing to go through.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use time::OffsetDateTime;
use uuid::Uuid;

/// A look begins this much before the first row that the last one saw.
const OVERLAP: time::Duration = time::Duration::SECOND;
/// After a look from the beginning there is none for so many times as long as it took.
const REST: u32 = 20;

/// The marks of one process, by what is looked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks(Arc<All>);

#[derive(Debug, Default)]
struct All {
    events: Mark,
    receipts: Mark,
    announcements: Mark,
    known: Mark,
    leases: Mark,
    deliveries: Mark,
}

impl Marks {
    /// Events to hand on.
    pub(crate) fn events(&self) -> &Mark {
        &self.0.events
    }

    /// Receipts to apply.
    pub(crate) fn receipts(&self) -> &Mark {
        &self.0.receipts
    }

    /// Announcements to look at.
    pub(crate) fn announcements(&self) -> &Mark {
        &self.0.announcements
    }

    /// Announcements of what is known.
    pub(crate) fn known(&self) -> &Mark {
        &self.0.known
    }

    /// Calls whose lease has ended.
    pub(crate) fn leases(&self) -> &Mark {
        &self.0.leases
    }

    /// Deliveries to make.
    pub(crate) fn deliveries(&self) -> &Mark {
        &self.0.deliveries
    }
}

/// Where looks for one thing begin.
#[derive(Debug, Default)]
pub(crate) struct Mark(Mutex<Place>);

#[derive(Debug, Default)]
struct Place {
    /// Nothing before it was there when it was looked at last.
    from: Option<OffsetDateTime>,
    /// When it may be looked from the beginning again.
    whole_at: Option<Instant>,
    /// What that took the last time.
    cost: Duration,
}

/// One look, from its beginning to what it found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    from: Option<OffsetDateTime>,
    begun: Instant,
}

impl Look {
    /// What is due before this time is not looked at.
    pub(crate) fn since(self) -> OffsetDateTime {
        self.from.unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// The same for ids that begin with the time.
    pub(crate) fn since_id(self) -> Uuid {
        let since = self.since() - OffsetDateTime::UNIX_EPOCH;
        let millis = u64::try_from(since.whole_milliseconds()).unwrap_or(0);
        Uuid::from_u128(u128::from(millis) << 80)
    }
}

impl Mark {
    /// Begins a look.
    pub(crate) fn look(&self) -> Look {
        self.look_at(Instant::now())
    }

    fn look_at(&self, now: Instant) -> Look {
        let mut place = self.place();
        let is_whole = place.whole_at.is_none_or(|at| at <= now);
        if is_whole {
            // Nobody else looks from the beginning meanwhile.
            place.whole_at = Some(now + place.cost * REST);
        }
        Look {
            from: place.from.filter(|_| !is_whole),
            begun: now,
        }
    }

    /// Ends it: `first` is the earliest that was there, or the time until which there was nothing; `None` when
    /// nobody can tell.
    pub(crate) fn found(&self, look: Look, first: Option<OffsetDateTime>) {
        self.found_at(look, first, Instant::now());
    }

    /// The same for ids that begin with the time; for others nothing is known.
    pub(crate) fn found_id(&self, look: Look, first: Option<Uuid>) {
        let time = first.and_then(|id| id.get_timestamp()).and_then(|stamp| {
            let (seconds, nanos) = stamp.to_unix();
            let time = OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()?;
            Some(time + time::Duration::nanoseconds(i64::from(nanos)))
        });
        self.found(look, time);
    }

    fn found_at(&self, look: Look, first: Option<OffsetDateTime>, now: Instant) {
        let mut place = self.place();
        let is_whole = look.from.is_none();
        if is_whole {
            place.cost = now.saturating_duration_since(look.begun);
            place.whole_at = Some(now + place.cost * REST);
        }
        // A look from the beginning may have found earlier ones since this one began.
        let is_current = is_whole || look.from == place.from;
        if let Some(first) = first.filter(|_| is_current) {
            place.from = Some(first - OVERLAP);
        }
    }

    /// Every change is whole, so a panic elsewhere leaves nothing half done.
    fn place(&self) -> MutexGuard<'_, Place> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const FIRST: OffsetDateTime = datetime!(2026-05-20 12:00 UTC);
    const MS: Duration = Duration::from_millis(1);

    /// A mark whose first look from the beginning took ten milliseconds, and when that ended.
    fn looked() -> (Mark, Instant) {
        let (mark, begun) = (Mark::default(), Instant::now());
        let look = mark.look_at(begun);
        assert_eq!(look.since(), OffsetDateTime::UNIX_EPOCH);
        mark.found_at(look, Some(FIRST), begun + 10 * MS);
        (mark, begun + 10 * MS)
    }

    #[test]
    fn looks_begin_where_something_was_found_and_rarely_from_the_beginning() {
        let (mark, end) = looked();
        let look = mark.look_at(end + 199 * MS);
        assert_eq!(look.since(), FIRST - OVERLAP);
        let look = mark.look_at(end + 200 * MS);
        assert_eq!(look.since(), OffsetDateTime::UNIX_EPOCH);
        // One at a time.
        let other = mark.look_at(end + 201 * MS);
        assert_eq!(other.since(), FIRST - OVERLAP);
    }

    #[test]
    fn what_a_look_from_the_beginning_found_is_not_passed_by() {
        let (mark, end) = looked();
        let slow = mark.look_at(end + MS);
        let whole = mark.look_at(end + 200 * MS);
        let earlier = FIRST - time::Duration::HOUR;
        mark.found_at(whole, Some(earlier), end + 201 * MS);
        mark.found_at(slow, Some(FIRST), end + 202 * MS);
        assert_eq!(mark.look_at(end + 203 * MS).since(), earlier - OVERLAP);
    }

    #[test]
    fn where_nothing_was_found_nothing_is_passed_by() {
        let (mark, end) = looked();
        let look = mark.look_at(end + MS);
        mark.found_at(look, None, end + 2 * MS);
        assert_eq!(mark.look_at(end + 3 * MS).since(), FIRST - OVERLAP);
    }

    #[test]
    fn ids_are_looked_at_from_their_time_on() {
        let (mark, end) = looked();
        let look = mark.look_at(end + MS);
        let millis = u64::try_from((FIRST - OVERLAP).unix_timestamp()).unwrap() * 1_000;
        let id = Uuid::from_u128(u128::from(millis) << 80);
        assert_eq!(look.since_id(), id);
        let next = uuid::Builder::from_unix_timestamp_millis(millis + 60_000, &[0; 10]).into_uuid();
        mark.found_id(look, Some(next));
        let from = mark.look_at(end + 2 * MS).since();
        assert_eq!(from, FIRST - OVERLAP * 2 + time::Duration::MINUTE);
    }
}
