//! Paid periods, and amounts in the units that providers count in.

use time::util::days_in_month;
use time::{Date, Month, OffsetDateTime};

/// The time a payment is for: from its start, up to its end and without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaidPeriod {
    /// First moment.
    pub start: OffsetDateTime,
    /// The moment after the last.
    pub end: OffsetDateTime,
}

impl PaidPeriod {
    /// As many calendar months from `start`; a day that the last month lacks becomes its last.
    pub fn months(start: OffsetDateTime, months: u32) -> Self {
        let end = months_after(start, months);
        Self { start, end }
    }
}

fn months_after(start: OffsetDateTime, months: u32) -> OffsetDateTime {
    let index = i64::from(u8::from(start.month()) - 1) + i64::from(months);
    let year = start.year() + i32::try_from(index / 12).unwrap_or(0);
    let month = u8::try_from(index % 12 + 1).unwrap_or(1);
    let month = Month::try_from(month).unwrap_or(Month::January);
    let day = start.day().min(days_in_month(month, year));
    let date = Date::from_calendar_date(year, month, day);
    date.map_or(start, |date| start.replace_date(date))
}

/// The digits after the point in amounts of a currency.
const fn decimals(currency: &[u8]) -> u32 {
    match currency {
        b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"JPY" | b"KMF" | b"KRW" | b"MGA" | b"PYG" | b"RWF"
        | b"UGX" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
        b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
        _ => 2,
    }
}

/// Whole units of a currency in its smallest: 19 EUR are 1900.
pub fn minor_units(whole: u32, currency: &str) -> i64 {
    i64::from(whole) * 10_i64.pow(decimals(currency.as_bytes()))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn months_end_on_the_same_day_or_on_the_last() {
        let end = |start, months| PaidPeriod::months(start, months).end;
        assert_eq!(
            end(datetime!(2026-05-03 9:00 UTC), 1),
            datetime!(2026-06-03 9:00 UTC)
        );
        assert_eq!(
            end(datetime!(2027-01-31 9:00 UTC), 1),
            datetime!(2027-02-28 9:00 UTC)
        );
        assert_eq!(
            end(datetime!(2027-11-30 9:00 UTC), 3),
            datetime!(2028-02-29 9:00 UTC)
        );
        assert_eq!(
            end(datetime!(2026-12-01 9:00 UTC), 12),
            datetime!(2027-12-01 9:00 UTC)
        );
    }

    #[test]
    fn amounts_follow_the_currency() {
        assert_eq!(minor_units(19, "EUR"), 1900);
        assert_eq!(minor_units(7200, "XOF"), 7200);
        assert_eq!(minor_units(5, "KWD"), 5000);
    }
}
