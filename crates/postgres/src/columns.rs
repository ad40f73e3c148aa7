//! Columns for array inserts, and ids as times.

use time::OffsetDateTime;
use uuid::{Builder, Uuid};

/// One column of `UNNEST` arrays: one prepared statement whatever the number of rows.
pub(crate) fn each<T, U>(items: &[T], column: impl Fn(&T) -> U) -> Vec<U> {
    items.iter().map(column).collect()
}

/// Behind every id.
pub(crate) const LAST_ID: Uuid = Uuid::max();

/// The first id that can be made at `at`: ids are UUIDv7, so what is older has a smaller one.
pub(crate) fn first_id(at: OffsetDateTime) -> Uuid {
    let millis = (at.unix_timestamp_nanos() / 1_000_000).max(0);
    Builder::from_unix_timestamp_millis(u64::try_from(millis).unwrap_or(u64::MAX), &[0; 10])
        .into_uuid()
}

/// When an id was made; `None` for one of another kind.
pub(crate) fn made_at(id: Uuid) -> Option<OffsetDateTime> {
    let (seconds, nanos) = id.get_timestamp()?.to_unix();
    let whole = OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()?;
    whole.replace_nanosecond(nanos).ok()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn ids_of_a_moment_lie_between_the_first_of_it_and_the_first_of_the_next() {
        let at = datetime!(2026-05-01 10:00:00.123 UTC);
        let first = first_id(at);
        assert_eq!(made_at(first), Some(at));
        let next = first_id(at + time::Duration::milliseconds(1));
        let last = Builder::from_unix_timestamp_millis(1_777_629_600_123, &[0xff; 10]).into_uuid();
        assert!(first < last && last < next, "{first} {last} {next}");
    }
}
