//! Whether the ledger still says what is there.
//!
//! What is reserved and not settled lies in the queue, message by message. Both are written in one
//! transaction, so at any moment the sums of an account and month equal a recount. A difference is a
//! fault of the program or of a hand in the database; it is told, never repaired in silence.

use msgflash_kernel::AccountId;

use crate::period::Period;

/// An account and month whose ledger does not equal the recount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drift {
    /// Who pays.
    pub account: AccountId,
    /// The month charged.
    pub period: Period,
    /// Reserved and not settled, by the ledger. Below zero when more was settled than reserved.
    pub reserved: i64,
    /// Messages of that account that wait with a reservation of that month.
    pub queued: i64,
}

impl Drift {
    /// By how much they differ.
    pub fn amount(&self) -> u64 {
        self.reserved.abs_diff(self.queued)
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

    fn drift(reserved: i64, queued: i64) -> Drift {
        Drift {
            account: Id::new(uuid::Uuid::nil()),
            period: Period::of(datetime!(2026-05-20 10:00 UTC)),
            reserved,
            queued,
        }
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
