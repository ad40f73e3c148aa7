//! Moments as clients write them.

use time::format_description::well_known::{Iso8601, Rfc3339};
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

/// Reads an ISO 8601 moment. Other offsets are converted to UTC; none means UTC.
///
/// In a query a plus sign arrives as a blank, so a blank where the offset begins counts as one.
pub fn parse(raw: &str) -> Option<OffsetDateTime> {
    let raw = raw.trim();
    if raw.len() > 40 {
        return None;
    }
    let plus = raw
        .rfind(' ')
        .filter(|at| raw[..*at].contains(['T', 't']))
        .map(|at| {
            let mut repaired = raw.to_owned();
            repaired.replace_range(at..=at, "+");
            repaired
        });
    let text = plus.as_deref().unwrap_or(raw);
    let at = OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(text, &Iso8601::PARSING))
        .or_else(|_| {
            PrimitiveDateTime::parse(text, &Iso8601::PARSING).map(PrimitiveDateTime::assume_utc)
        })
        .ok()?
        .checked_to_offset(UtcOffset::UTC)?;
    // What the database and four digits of a year can hold.
    let whole = at.nanosecond() / 1_000 * 1_000;
    (1..=9999)
        .contains(&at.year())
        .then(|| at.replace_nanosecond(whole).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn offsets_are_converted_and_none_means_utc() {
        let ten = Some(datetime!(2026-04-02 10:00 UTC));
        for raw in [
            "2026-04-02T10:00:00.000Z",
            "2026-04-02T12:00:00+02:00",
            "2026-04-02T12:00:00 02:00",
            "2026-04-02T10:00:00",
            "2026-04-02T10:00",
            " 2026-04-02T10:00:00Z ",
        ] {
            assert_eq!(parse(raw), ten, "{raw}");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for raw in [
            "",
            "tomorrow",
            "2026-13-01T00:00:00Z",
            "1775124000",
            "2026-02-30T00:00:00Z",
        ] {
            assert_eq!(parse(raw), None, "{raw}");
        }
        assert_eq!(parse("0001-01-01T00:00:00+14:00"), None);
        assert_eq!(parse("9999-12-31T23:59:59-14:00"), None);
    }

    #[test]
    fn fractions_end_at_microseconds() {
        let at = parse("2026-04-02T10:00:00.123456789Z").unwrap();
        assert_eq!(at.nanosecond(), 123_456_000);
    }
}
