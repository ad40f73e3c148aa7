//! The outbound quota as a ledger.
//!
//! A message reserves when it becomes due, commits when the provider accepts it and releases when
//! it ends without having been accepted. The rows only grow: `reserved_total` on one side,
//! `accepted` and `released` on the other, so that accepting and settling never wait for each other.
//!
//! ```text
//! used     = accepted
//! reserved = reserved_total - accepted - released
//! admitted while reserved_total - released < limit
//! ```

use msgflash_kernel::AccountId;

use crate::period::Period;

/// How much an account wants to reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// Who pays.
    pub account: AccountId,
    /// The month charged.
    pub period: Period,
    /// The month's limit; `None` is unlimited.
    pub limit: Option<u32>,
    /// How many messages.
    pub count: u32,
}

/// What became of reservations of one account and month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Who pays.
    pub account: AccountId,
    /// The month they were reserved in.
    pub period: Period,
    /// Messages the provider accepted.
    pub messages: u32,
    /// Statuses the provider accepted.
    pub statuses: u32,
    /// Reservations given back.
    pub released: u32,
}

/// What an account used in a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Accepted messages.
    pub messages: u64,
    /// Accepted statuses.
    pub statuses: u64,
    /// Reserved and not settled yet.
    pub reserved: u64,
}

impl Usage {
    /// What counts against the outbound quota and is already spent.
    pub fn outbound(&self) -> u64 {
        self.messages + self.statuses
    }

    /// Whether one more may be admitted.
    pub fn leaves_room(&self, limit: Option<u32>) -> bool {
        limit.is_none_or(|limit| self.outbound() + self.reserved < u64::from(limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservations_fill_the_quota_like_use_does() {
        let usage = Usage {
            messages: 3,
            statuses: 1,
            reserved: 5,
        };
        assert!(usage.leaves_room(Some(10)));
        assert!(!usage.leaves_room(Some(9)));
        assert!(usage.leaves_room(None));
    }
}
