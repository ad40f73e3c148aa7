//! Telephone numbers.

use std::fmt;

mod plan;

/// A phone number in E.164 form.
///
/// One rule for what people write: blanks, dots, dashes, brackets and marks that nobody sees are
/// dropped, a leading `00` becomes `+`, a missing `+` is added. Digits never change and no country code is guessed, so
/// national forms are refused, and so are numbers that their country cannot have.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Phone(u64);

/// Why a text is no international phone number. Reads on after "because" or a colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPhone {
    /// Something else than digits and what is written between them.
    #[error("a number has digits only, and a + before them")]
    Characters,
    /// It begins with the zero of a national form.
    #[error("it begins with 0 instead of a country code such as +33")]
    NoCountry,
    /// A zero that is dialled within the country only stands behind the country code.
    #[error("the 0 behind the country code is dialled within the country only")]
    NationalZero,
    /// It is dialled within one town only.
    #[error("its country code or its area code is missing")]
    LocalOnly,
    /// No country has the code.
    #[error("no country code begins like this")]
    UnknownCountry,
    /// Fewer digits than any number of the country.
    #[error("it is too short for a number of its country")]
    TooShort,
    /// More digits than any number of the country, or of the world.
    #[error("it is too long for a number of its country")]
    TooLong,
    /// The country has shorter and longer numbers, but none of this length.
    #[error("its country has shorter and longer numbers, but none of this length")]
    OddLength,
}

impl InvalidPhone {
    /// What whoever wrote it into a field is told.
    pub fn message(self) -> String {
        format!("Must be an international phone number: {self}")
    }
}

impl Phone {
    /// Reads what a person wrote. What is no possible number is refused.
    pub fn parse(raw: &str) -> Result<Self, InvalidPhone> {
        let mut plus = false;
        let mut digits = String::with_capacity(raw.len());
        for symbol in raw.chars() {
            match symbol {
                '+' if !plus && digits.is_empty() => plus = true,
                '0'..='9' => digits.push(symbol),
                // The last three are dashes that word processors put in place of a hyphen.
                '.' | '-' | '(' | ')' | '[' | ']' | '\u{2010}' | '\u{2011}' | '\u{2013}' => {}
                blank if blank.is_whitespace() || is_unseen(blank) => {}
                _ => return Err(InvalidPhone::Characters),
            }
        }
        let digits = match digits.strip_prefix("00") {
            Some(rest) if !plus => rest,
            _ => digits.as_str(),
        };
        let phone = Self::from_e164(digits)?;
        plan::check(digits)?;
        Ok(phone)
    }

    /// Reads a number we stored, or one the provider names. Whoever is known to have a number has
    /// it, whatever this year's number plans say: only its form is looked at.
    pub fn from_e164(raw: &str) -> Result<Self, InvalidPhone> {
        let digits = raw.strip_prefix('+').unwrap_or(raw);
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidPhone::Characters);
        }
        match digits.len() {
            _ if digits.starts_with('0') => Err(InvalidPhone::NoCountry),
            ..7 => Err(InvalidPhone::TooShort),
            7..=15 => digits
                .parse()
                .map(Self)
                .map_err(|_| InvalidPhone::Characters),
            _ => Err(InvalidPhone::TooLong),
        }
    }

    /// The digits alone, country code first.
    pub fn digits(self) -> String {
        self.0.to_string()
    }

    /// The number as stored: its digits as an integer.
    pub fn to_i64(self) -> i64 {
        i64::try_from(self.0).expect("fifteen digits fit")
    }

    /// Reads the stored form, as [`Phone::from_e164`] does.
    pub fn from_i64(stored: i64) -> Result<Self, InvalidPhone> {
        Self::from_e164(&stored.to_string())
    }
}

/// What comes along unseen when a number is copied: address books and web pages put marks around
/// it that tell in which direction it is read, where it breaks and where it does not.
const fn is_unseen(symbol: char) -> bool {
    matches!(
        symbol,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
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
    fn marks_that_nobody_sees_are_dropped() {
        for mark in [
            '\u{ad}', '\u{200b}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202c}', '\u{202d}',
            '\u{202e}', '\u{2060}', '\u{2066}', '\u{2069}', '\u{feff}',
        ] {
            for raw in [
                format!("{mark}+33 6 12 34 56 78{mark}"),
                format!("00{mark}33612{mark}345678"),
            ] {
                let read = Phone::parse(&raw).map(|it| it.to_string());
                assert_eq!(read, Ok("+33612345678".into()), "{raw:?}");
            }
        }
        assert_eq!(
            Phone::parse("\u{202a}\u{202c}"),
            Err(InvalidPhone::TooShort)
        );
        assert_eq!(
            Phone::parse("\u{202a}0612345678\u{202c}"),
            Err(InvalidPhone::NoCountry)
        );
    }

    #[test]
    fn refuses_national_short_long_and_odd() {
        let odd = [
            ("0612345678", InvalidPhone::NoCountry),
            ("+0612345678", InvalidPhone::NoCountry),
            ("+0033612345678", InvalidPhone::NoCountry),
            ("12", InvalidPhone::TooShort),
            ("1234567890123456", InvalidPhone::TooLong),
            ("+33a612345678", InvalidPhone::Characters),
            ("+33612345678,+33612345679", InvalidPhone::Characters),
            ("٣٣٦١٢٣٤٥٦٧٨", InvalidPhone::Characters),
            ("", InvalidPhone::TooShort),
            ("+", InvalidPhone::TooShort),
            ("++33612345678", InvalidPhone::Characters),
            ("1+2345678", InvalidPhone::Characters),
        ];
        for (raw, why) in odd {
            assert_eq!(Phone::parse(raw), Err(why), "{raw}");
        }
    }

    #[test]
    fn whoever_wrote_something_else_is_told_what_is_wrong_with_it() {
        let told = Phone::parse("0612345678").map_err(InvalidPhone::message);
        let expected = "Must be an international phone number: it begins with 0 instead of a country \
                        code such as +33";
        assert_eq!(told, Err(expected.to_owned()));
    }

    /// A number plan that changes must not make rows unreadable or messages unheard.
    #[test]
    fn what_is_stored_or_named_by_the_provider_is_not_judged() {
        for known in ["+22507070707", "+999123456789", "+4901511234567"] {
            assert!(Phone::parse(known).is_err(), "{known}");
            let phone = Phone::from_e164(known).expect("the form is right");
            assert_eq!(phone.to_string(), known);
            assert_eq!(Phone::from_e164(&phone.digits()), Ok(phone));
        }
        for odd in ["", "+", "++33612345678", "+33 612345678", "0612345678"] {
            assert!(Phone::from_e164(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn never_prints_a_whole_number_when_debugging() {
        let phone = Phone::parse("+33612345678").expect("valid");
        assert_eq!(format!("{phone:?}"), "+33…78");
    }

    proptest::proptest! {
        #[test]
        fn the_stored_form_reads_back(n in 1_000_000_i64..=999_999_999_999_999) {
            let phone = Phone::from_i64(n).expect("seven to fifteen digits");
            proptest::prop_assert_eq!(phone.to_i64(), n);
            proptest::prop_assert_eq!(Phone::from_e164(&phone.to_string()), Ok(phone));
        }

        #[test]
        fn digits_never_change(n in 1_000_000_u64..=999_999_999_999_999) {
            if let Ok(phone) = Phone::parse(&n.to_string()) {
                proptest::prop_assert_eq!(phone.digits(), n.to_string());
            }
        }

        #[test]
        fn digits_alone_never_make_it_panic(raw in "[+0-9]{0,18}") {
            let _ = Phone::parse(&raw);
        }

        #[test]
        fn parsing_never_panics(raw in ".*") {
            let _ = Phone::parse(&raw);
        }
    }
}
