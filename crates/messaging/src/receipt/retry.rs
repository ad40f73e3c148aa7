//! How long what cannot be applied yet waits.

use time::{Duration, OffsetDateTime};

/// What belongs to nothing we know is tried again after this wait, doubled each time …
const RETRY: Duration = Duration::seconds(2);
/// … up to this one …
const LONGEST_RETRY: Duration = Duration::seconds(30);
/// … for this long: the row it belongs to may be committing beside it.
pub(super) const PATIENCE: Duration = Duration::minutes(15);

/// So often it is looked at before it is given up, however old it is: nobody may have been there to
/// look for hours.
const ENOUGH: u32 = 20;

/// Whether what came at `received` and was tried `tries` times is tried again.
pub(super) fn may_still_fit(received: OffsetDateTime, tries: u32, now: OffsetDateTime) -> bool {
    now - received < PATIENCE || tries < ENOUGH
}

/// The wait before something that was tried `tries` times is tried again.
pub(super) fn retry(tries: u32) -> Duration {
    (RETRY * 2i32.saturating_pow(tries.min(8))).min(LONGEST_RETRY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute() {
        let seconds: Vec<_> = (0..6).map(|tries| retry(tries).whole_seconds()).collect();
        assert_eq!(seconds, [2, 4, 8, 16, 30, 30]);
        assert_eq!(retry(u32::MAX), LONGEST_RETRY);
    }
}
