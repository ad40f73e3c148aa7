//! The counters of a campaign, and what a step of a message changes of them.
//!
//! They count recipients, also those whose message is not made yet, and change in the transaction of
//! what they count. `planned` is always the sum of `queued`, `sent`, `failed` and `cancelled`.

use std::ops::AddAssign;

use crate::message::MessageStatus;

/// What became of the recipients of a campaign, over all its runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Recipients it writes to.
    pub planned: u64,
    /// Not sent yet.
    pub queued: u64,
    /// Handed to WhatsApp, also those delivered or read since.
    pub sent: u64,
    /// On their devices, also those read since.
    pub delivered: u64,
    /// Opened.
    pub read: u64,
    /// Could not be sent, or were refused.
    pub failed: u64,
    /// Not sent because the campaign ended.
    pub cancelled: u64,
    /// Left out: they do not want messages, or are gone. Not among the planned.
    pub skipped: u64,
    /// Messages that were made, without those that were unmade. Not published: what is planned and not
    /// made is still to be made.
    pub made: u64,
}

/// A change of [`Counters`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Of `planned`.
    pub planned: i64,
    /// Of `queued`.
    pub queued: i64,
    /// Of `sent`.
    pub sent: i64,
    /// Of `delivered`.
    pub delivered: i64,
    /// Of `read`.
    pub read: i64,
    /// Of `failed`.
    pub failed: i64,
    /// Of `cancelled`.
    pub cancelled: i64,
    /// Of `skipped`.
    pub skipped: i64,
    /// Of `made`.
    pub made: i64,
}

impl Tally {
    /// What a message's step changes. Steps between states that no message takes change nothing.
    pub fn step(from: MessageStatus, to: MessageStatus) -> Self {
        let mut change = Self::default();
        change.leave(from, -1);
        change.leave(to, 1);
        change
    }

    /// Recipients that turned out to be ones to leave out, before their messages were made.
    pub fn skip(count: u64) -> Self {
        let count = signed(count);
        Self {
            planned: -count,
            queued: -count,
            skipped: count,
            ..Self::default()
        }
    }

    /// Recipients that will not be written to because the campaign ended.
    pub fn cancel(count: u64) -> Self {
        let count = signed(count);
        Self {
            queued: -count,
            cancelled: count,
            ..Self::default()
        }
    }

    /// Recipients that were written down.
    pub fn plan(planned: u64, skipped: u64) -> Self {
        Self {
            planned: signed(planned),
            queued: signed(planned),
            skipped: signed(skipped),
            ..Self::default()
        }
    }

    /// Recipients that are left out although their messages were made: those are gone.
    pub fn leave_out(count: u64) -> Self {
        Self {
            made: -signed(count),
            ..Self::skip(count)
        }
    }

    /// Messages that were made, so many of which failed at once.
    pub fn make(made: u64, failed: u64) -> Self {
        Self {
            made: signed(made),
            queued: -signed(failed),
            failed: signed(failed),
            ..Self::default()
        }
    }

    /// Messages that were unmade: their recipients are queued as before.
    pub fn unmake(count: u64) -> Self {
        Self {
            made: -signed(count),
            ..Self::default()
        }
    }

    /// Whether it changes nothing.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Counts a message in or out of the counters its state is part of.
    fn leave(&mut self, status: MessageStatus, by: i64) {
        match status {
            MessageStatus::Queued => self.queued += by,
            MessageStatus::Sent => self.sent += by,
            MessageStatus::Delivered => {
                self.sent += by;
                self.delivered += by;
            }
            MessageStatus::Read => {
                self.sent += by;
                self.delivered += by;
                self.read += by;
            }
            MessageStatus::Failed => self.failed += by,
            MessageStatus::Cancelled => self.cancelled += by,
            MessageStatus::Received => {}
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.planned += other.planned;
        self.queued += other.queued;
        self.sent += other.sent;
        self.delivered += other.delivered;
        self.read += other.read;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.skipped += other.skipped;
        self.made += other.made;
    }
}

impl Counters {
    /// The counters after a change.
    #[must_use]
    pub fn after(self, change: Tally) -> Self {
        let add = |count: u64, by: i64| count.saturating_add_signed(by);
        Self {
            planned: add(self.planned, change.planned),
            queued: add(self.queued, change.queued),
            sent: add(self.sent, change.sent),
            delivered: add(self.delivered, change.delivered),
            read: add(self.read, change.read),
            failed: add(self.failed, change.failed),
            cancelled: add(self.cancelled, change.cancelled),
            skipped: add(self.skipped, change.skipped),
            made: add(self.made, change.made),
        }
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use MessageStatus::{Cancelled, Delivered, Failed, Queued, Read, Sent};

    fn life(steps: &[MessageStatus]) -> Counters {
        let mut counters = Counters::default().after(Tally::plan(1, 0));
        for pair in steps.windows(2) {
            counters = counters.after(Tally::step(pair[0], pair[1]));
            let ended = counters.sent + counters.failed + counters.cancelled;
            assert_eq!(counters.planned, counters.queued + ended, "{pair:?}");
        }
        counters
    }

    #[test]
    fn what_was_read_was_delivered_and_sent() {
        for way in [&[Queued, Sent, Delivered, Read][..], &[Queued, Sent, Read]] {
            let it = life(way);
            assert_eq!((it.sent, it.delivered, it.read, it.queued), (1, 1, 1, 0));
        }
    }

    #[test]
    fn what_whatsapp_refused_afterwards_was_not_sent() {
        let it = life(&[Queued, Sent, Failed]);
        assert_eq!((it.sent, it.failed), (0, 1));
    }

    #[test]
    fn what_ended_before_it_was_sent_is_counted_once() {
        assert_eq!(life(&[Queued, Failed]).failed, 1);
        assert_eq!(life(&[Queued, Cancelled]).cancelled, 1);
    }

    #[test]
    fn who_is_left_out_is_not_planned() {
        let it = Counters::default().after(Tally::plan(5, 2));
        let it = it.after(Tally::skip(1)).after(Tally::cancel(3));
        assert_eq!(
            (it.planned, it.queued, it.cancelled, it.skipped),
            (4, 1, 3, 3)
        );
    }
}
