//! Telephone numbers.

use std::fmt;

/// A phone number in E.164 form.
///
/// One rule everywhere: blanks, dots, dashes and brackets are dropped, a leading `00` becomes `+`,
/// a missing `+` is added. Digits never change, and no country code is guessed, so national forms
/// (a leading zero) are refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Phone(u64);

/// Not a possible international number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an international phone number (E.164, such as +33612345678)")]
pub struct InvalidPhone;

impl Phone {
    /// Reads what a person wrote.
    pub fn parse(raw: &str) -> Result<Self, InvalidPhone> {
        let mut plus = false;
        let mut digits = String::with_capacity(raw.len());
        for symbol in raw.chars() {
            match symbol {
                '+' if !plus && digits.is_empty() => plus = true,
                '0'..='9' => digits.push(symbol),
                // The last three are dashes that word processors put in place of a hyphen.
                '.' | '-' | '(' | ')' | '[' | ']' | '\u{2010}' | '\u{2011}' | '\u{2013}' => {}
                blank if blank.is_whitespace() => {}
                _ => return Err(InvalidPhone),
            }
        }
        let digits = match digits.strip_prefix("00") {
            Some(rest) if !plus => rest,
            _ => digits.as_str(),
        };
        if !(7..=15).contains(&digits.len()) || digits.starts_with('0') {
            return Err(InvalidPhone);
        }
        digits.parse().map(Self).map_err(|_| InvalidPhone)
    }

    /// The digits alone, country code first.
    pub fn digits(self) -> String {
        self.0.to_string()
    }

    /// The number as stored: its digits as an integer.
    pub fn to_i64(self) -> i64 {
        i64::try_from(self.0).expect("fifteen digits fit")
    }

    /// Reads the stored form.
    pub fn from_i64(stored: i64) -> Result<Self, InvalidPhone> {
        Self::parse(&stored.to_string())
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

impl fmt::Debug for Phone {
    /// Hides all but the ends: numbers of people do not belong into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.digits();
        write!(f, "+{}…{}", &digits[..2], &digits[digits.len() - 2..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleans_what_people_write() {
        for raw in [
            "+33612345678",
            "33612345678",
            "0033612345678",
            " +33 (6) 12.34-56 78 ",
        ] {
            assert_eq!(
                Phone::parse(raw).map(|p| p.to_string()),
                Ok("+33612345678".into()),
                "{raw}"
            );
        }
    }

    #[test]
    fn refuses_national_short_long_and_odd() {
        let odd = [
            "0612345678",
            "+0612345678",
            "12",
            "1234567890123456",
            "+33a612345678",
            "",
            "+",
            "1+2345678",
        ];
        for raw in odd {
            assert_eq!(Phone::parse(raw), Err(InvalidPhone), "{raw}");
        }
    }

    #[test]
    fn never_prints_a_whole_number_when_debugging() {
        let phone = Phone::parse("+33612345678").expect("valid");
        assert_eq!(format!("{phone:?}"), "+33…78");
    }

    proptest::proptest! {
        #[test]
        fn the_stored_form_reads_back(n in 1_000_000u64..999_999_999_999_999) {
            let phone = Phone::parse(&n.to_string()).expect("plausible");
            proptest::prop_assert_eq!(Phone::from_i64(phone.to_i64()), Ok(phone));
        }

        #[test]
        fn parsing_never_panics(raw in ".*") {
            let _ = Phone::parse(&raw);
        }
    }
}
