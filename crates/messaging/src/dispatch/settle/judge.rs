//! The decision, pure: what a verdict means for an entry, and how long is waited for what.

use time::{Duration, OffsetDateTime};

use super::verdict::{Failure, Verdict};
use crate::dispatch::entry::{Class, QueueEntry};
use crate::instance::connection::RECONNECT_PATIENCE;
use crate::provider::Address;

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long a single or scheduled message waits for a gateway that is away.
    pub gateway: Duration,
    /// How often a call that proved to have had no effect is made again.
    pub misses: u32,
    /// The wait before the first repetition; each further one waits three times longer.
    pub back_off: Duration,
    /// How long an unknown outcome is looked up before the message counts as failed.
    pub unknown: Duration,
    /// Whether a message that provably did not leave is sent once more.
    pub resend: bool,
    /// How long a link that broke may take to come back.
    pub reconnect: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            gateway: Duration::minutes(15),
            misses: 3,
            back_off: Duration::seconds(5),
            unknown: Duration::minutes(10),
            resend: true,
            reconnect: RECONNECT_PATIENCE,
        }
    }
}

/// What is done with an entry.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    Sent {
        key_id: Option<String>,
        other: Option<Address>,
    },
    Fail(Failure),
    LaneWaits,
    Resend,
    Again(u32, OffsetDateTime),
    LookUp(OffsetDateTime),
    AwaitId(OffsetDateTime),
}

impl Patience {
    /// What is done with an entry for which this verdict came in. The lane cannot call since
    /// `down_since`.
    pub(super) fn judge(
        self,
        entry: &QueueEntry,
        verdict: &Verdict,
        down_since: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Step {
        match verdict {
            Verdict::Sent { key_id, other } => Step::Sent {
                key_id: key_id.clone(),
                other: other.clone(),
            },
            Verdict::Failed(failure) => Step::Fail(*failure),
            Verdict::Unknown => Step::LookUp(now + Duration::seconds(5)),
            Verdict::Left => Step::AwaitId(now + Duration::seconds(2)),
            Verdict::LaneDown => {
                // Waiting for its turn in a long lane is not waiting for the gateway.
                let since = entry.ready_since.unwrap_or(entry.due_at).max(down_since);
                // A campaign never loses a recipient because its sender was ill.
                if entry.class != Class::Campaign && now - since >= self.gateway {
                    return Step::Fail(Failure::UNAVAILABLE);
                }
                Step::LaneWaits
            }
            Verdict::NotLeft => Step::Resend,
            Verdict::NotCalled => Step::Again(entry.misses, now),
            Verdict::Missed => {
                let misses = entry.misses + 1;
                if misses > self.misses {
                    return Step::Fail(Failure::REFUSED);
                }
                let factor = 3u32.saturating_pow(entry.misses);
                Step::Again(misses, now + self.back_off * factor)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, entry};

    #[test]
    fn a_gateway_that_is_away_is_waited_for_fifteen_minutes() {
        let patience = Patience::default();
        let waited = |minutes| QueueEntry {
            ready_since: Some(NOW - Duration::minutes(minutes)),
            ..entry()
        };
        let judge = |minutes| {
            let since = NOW - Duration::minutes(minutes);
            patience.judge(&waited(minutes), &Verdict::LaneDown, since, NOW)
        };
        let step = judge(14);
        assert_eq!(step, Step::LaneWaits);
        let campaign = QueueEntry {
            class: Class::Campaign,
            ..waited(600)
        };
        let since = NOW - Duration::HOUR;
        let step = patience.judge(&campaign, &Verdict::LaneDown, since, NOW);
        assert_eq!(step, Step::LaneWaits, "a campaign waits for ever");
        let step = judge(15);
        assert_eq!(step, Step::Fail(Failure::UNAVAILABLE));
    }

    #[test]
    fn three_misses_are_repeated_with_growing_waits_and_the_fourth_is_final() {
        let patience = Patience::default();
        let missed = |misses| QueueEntry { misses, ..entry() };
        let waits = [5, 15, 45];
        for (misses, seconds) in (0u32..).zip(waits) {
            let step = patience.judge(&missed(misses), &Verdict::Missed, NOW, NOW);
            assert_eq!(
                step,
                Step::Again(misses + 1, NOW + Duration::seconds(seconds))
            );
        }
        assert_eq!(
            patience.judge(&missed(3), &Verdict::Missed, NOW, NOW),
            Step::Fail(Failure::REFUSED)
        );
    }

    #[test]
    fn an_unknown_outcome_is_looked_up_and_never_repeated() {
        let step = Patience::default().judge(&entry(), &Verdict::Unknown, NOW, NOW);
        assert_eq!(step, Step::LookUp(NOW + Duration::seconds(5)));
    }

    #[test]
    fn waiting_for_its_turn_is_not_waiting_for_the_gateway() {
        let old = QueueEntry {
            ready_since: Some(NOW - Duration::hours(1)),
            ..entry()
        };
        let step = Patience::default().judge(&old, &Verdict::LaneDown, NOW, NOW);
        assert_eq!(step, Step::LaneWaits);
    }

    #[test]
    fn a_message_that_left_without_an_id_keeps_its_recipient_until_the_id_is_found() {
        let step = Patience::default().judge(&entry(), &Verdict::Left, NOW, NOW);
        assert!(matches!(step, Step::AwaitId(_)));
    }

    #[test]
    fn what_was_marked_and_not_called_is_ready_again_and_missed_nothing() {
        let step = Patience::default().judge(&entry(), &Verdict::NotCalled, NOW, NOW);
        assert_eq!(step, Step::Again(0, NOW));
    }

    #[test]
    fn what_provably_did_not_leave_is_sent_once_more() {
        let step = Patience::default().judge(&entry(), &Verdict::NotLeft, NOW, NOW);
        assert_eq!(step, Step::Resend);
    }
}
