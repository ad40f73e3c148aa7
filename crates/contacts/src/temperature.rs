//! How well messages to a contact go down.

use time::{Duration, OffsetDateTime};

/// Who wrote within this time is warm.
const RECENT: Duration = Duration::days(30);
/// So many failed messages in a row mean that nothing arrives any more.
pub const LAST_SENDS: usize = 2;

/// What is known of the messages to and from a number, in one workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// When it last wrote.
    pub heard_at: Option<OffsetDateTime>,
    /// The last messages that went out or failed to, newest first; [`LAST_SENDS`] at most.
    pub sends: Vec<Send>,
}

/// One message that is no longer waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Send {
    /// Whether it failed.
    pub failed: bool,
    /// When it was accepted.
    pub at: OffsetDateTime,
}

/// How well messages to a contact go down. Unknown until one went or came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temperature {
    /// It wrote lately.
    Warm,
    /// It was written to, or wrote long ago.
    Cold,
    /// The last messages failed, and it has not written since.
    Blocked,
}

impl Temperature {
    /// What the traces say at `now`.
    pub fn of(traces: &Traces, now: OffsetDateTime) -> Option<Self> {
        if traces.sends.len() >= LAST_SENDS && traces.sends.iter().all(|send| send.failed) {
            let first = traces.sends.iter().map(|send| send.at).min();
            if traces.heard_at < first {
                return Some(Self::Blocked);
            }
        }
        if traces.heard_at.is_some_and(|at| at > now - RECENT) {
            return Some(Self::Warm);
        }
        let met = traces.heard_at.is_some() || traces.sends.iter().any(|send| !send.failed);
        met.then_some(Self::Cold)
    }

    /// The published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warm => "warm",
            Self::Cold => "cold",
            Self::Blocked => "blocked",
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-05-20 10:00 UTC);

    fn at(days: i64) -> OffsetDateTime {
        NOW - Duration::days(days)
    }

    fn of(heard: Option<i64>, sends: &[(bool, i64)]) -> Option<Temperature> {
        let sends = sends.iter().map(|&(failed, days)| Send {
            failed,
            at: at(days),
        });
        let traces = Traces {
            heard_at: heard.map(at),
            sends: sends.collect(),
        };
        Temperature::of(&traces, NOW)
    }

    #[test]
    fn nothing_is_known_of_whom_no_message_reached() {
        assert_eq!(of(None, &[]), None);
        assert_eq!(of(None, &[(true, 1)]), None);
    }

    #[test]
    fn who_wrote_within_thirty_days_is_warm_and_grows_cold() {
        assert_eq!(of(Some(29), &[]), Some(Temperature::Warm));
        assert_eq!(of(Some(30), &[]), Some(Temperature::Cold));
        assert_eq!(of(None, &[(false, 1)]), Some(Temperature::Cold));
    }

    #[test]
    fn two_failures_in_a_row_block_until_the_person_writes() {
        let failures = [(true, 1), (true, 2)];
        assert_eq!(of(None, &failures), Some(Temperature::Blocked));
        assert_eq!(of(Some(3), &failures), Some(Temperature::Blocked));
        assert_eq!(of(Some(0), &failures), Some(Temperature::Warm));
        assert_eq!(of(Some(2), &failures), Some(Temperature::Warm));
        assert_eq!(of(None, &[(true, 1), (false, 2)]), Some(Temperature::Cold));
    }
}
