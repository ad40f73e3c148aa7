//! Whether the ledger still says what is there.
//!
//! What is reserved and not settled lies in the queue, message by message; what was accepted is a
//! message that names the month it was charged to. Each is written in one transaction with the ledger,
//! so at any moment the sums of an account and month equal a recount. A difference is a fault of the
//! program or of a hand in the database; it is told, never repaired in silence.

use msgflash_kernel::AccountId;
use time::{Duration, OffsetDateTime};

use crate::period::Period;

/// How long before its month a message that is charged to it may have been made. Campaigns make
/// theirs a little ahead.
const MADE_BEFORE: Duration = Duration::DAY;
/// How long before its month a message that is charged to it may have been due: nobody reserves for
/// it while no worker runs.
const DUE_BEFORE: Duration = Duration::days(31);

/// Where the messages charged to a month are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChargedIn {
    /// The month.
    pub period: Period,
    /// They were made from here on, unless they were scheduled.
    pub made_from: OffsetDateTime,
    /// Those made earlier are scheduled for a moment from here on.
    pub due_from: OffsetDateTime,
    /// They were made, and were due, before this.
    pub until: OffsetDateTime,
}

impl ChargedIn {
    /// The months that are recounted: this one and the one before. Older ones do not change any
    /// more, and their messages need not be kept for ever.
    pub fn recounted(now: OffsetDateTime) -> [Self; 2] {
        let this = Period::of(now);
        let last = Period::of(this.start() - Duration::MILLISECOND);
        [last, this].map(|period| Self {
            period,
            made_from: period.start() - MADE_BEFORE,
            due_from: period.start() - DUE_BEFORE,
            until: period.next().start(),
        })
    }
}

/// An account and month whose ledger does not equal the recount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drift {
    /// Who pays.
    pub account: AccountId,
    /// The month charged.
    pub period: Period,
    /// What the ledger says. Below zero when more was settled than reserved.
    pub ledger: i64,
    /// What is there.
    pub found: i64,
}

impl Drift {
    /// By how much they differ.
    pub fn amount(&self) -> u64 {
        self.ledger.abs_diff(self.found)
    }
}

/// What one recount of everything found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recount {
    /// The sum of all differences.
    pub drift: u64,
    /// The first of them.
    pub found: Vec<Drift>,
}

impl Recount {
    /// How many are kept by name: one fault can touch every account.
    pub const NAMED: usize = 100;

    /// Adds what a slice of accounts showed.
    pub fn add(&mut self, slice: impl IntoIterator<Item = Drift>) {
        for it in slice {
            self.drift = self.drift.saturating_add(it.amount());
            if self.found.len() < Self::NAMED {
                self.found.push(it);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::Id;
    use time::macros::datetime;

    use super::*;

    fn drift(ledger: i64, found: i64) -> Drift {
        Drift {
            account: Id::new(uuid::Uuid::nil()),
            period: Period::of(datetime!(2026-05-20 10:00 UTC)),
            ledger,
            found,
        }
    }

    #[test]
    fn this_month_and_the_last_are_recounted() {
        let [last, this] = ChargedIn::recounted(datetime!(2026-03-01 00:00 UTC));
        assert_eq!(last.period.to_i32(), 202_602);
        assert_eq!(last.made_from, datetime!(2026-01-31 00:00 UTC));
        assert_eq!(last.due_from, datetime!(2026-01-01 00:00 UTC));
        assert_eq!(last.until, datetime!(2026-03-01 00:00 UTC));
        assert_eq!(this.period.to_i32(), 202_603);
    }

    #[test]
    fn too_much_and_too_little_do_not_cancel_out() {
        let mut recount = Recount::default();
        recount.add([drift(5, 2), drift(2, 5)]);
        recount.add([drift(-1, 0)]);
        assert_eq!(recount.drift, 7);
    }

    #[test]
    fn every_difference_counts_though_not_all_are_named() {
        let mut recount = Recount::default();
        recount.add((0..1000).map(|_| drift(1, 0)));
        assert_eq!(recount.drift, 1000);
        assert_eq!(recount.found.len(), Recount::NAMED);
    }
}
