//! The only place that looks at the wall clock.

use time::OffsetDateTime;
use time::macros::format_description;

/// The present moment.
#[expect(
    clippy::disallowed_methods,
    reason = "the simulator imitates a program that lives in real time; everything reads it here"
)]
pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// The date form the gateway writes, with milliseconds and a `Z`.
pub(crate) fn iso(at: OffsetDateTime) -> String {
    let form =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    at.format(form).unwrap_or_default()
}

/// Reads a date as a query may write it.
pub(crate) fn parse(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).ok()
}
