//! What countries allow, as the library `rlibphonenumber` knows it.

use rlibphonenumber::{
    NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, ValidationError,
};

use super::InvalidPhone;

/// Whether `digits`, country code first, can be a number that is reached from abroad: the country
/// code exists, and numbers of this length exist behind it. Whether a range was given out is not
/// asked, because that changes every month.
///
/// The library only judges. Its own reading of a number may lack digits, so it is never kept.
pub(super) fn check(digits: &str) -> Result<(), InvalidPhone> {
    let (code, rest) = split(digits).ok_or(InvalidPhone::UnknownCountry)?;
    if rest.starts_with('0') && drops_digits(digits) {
        return Err(InvalidPhone::NationalZero);
    }
    match possible(code, rest) {
        // Mexico took the 1 of its mobiles back in 2019. WhatsApp still knows accounts by it.
        Err(InvalidPhone::TooLong) if code == 52 && rest.starts_with('1') => {
            possible(code, &rest[1..])
        }
        other => other,
    }
}

/// The country code and what follows it. No code is the beginning of another.
fn split(digits: &str) -> Option<(i32, &str)> {
    (1..=3).find_map(|length| {
        let (code, rest) = digits.split_at_checked(length)?;
        let code = code.parse().ok()?;
        PHONE_NUMBER_UTIL
            .get_region_for_country_code(code)
            .map(|_| (code, rest))
    })
}

/// Whether the library takes the zero behind the country code for what is dialled within a
/// country: so in `+49 (0) 151…`, but not in Italy, where it is part of the number.
///
/// Costs some forty microseconds, and few numbers have such a zero.
fn drops_digits(digits: &str) -> bool {
    let written = format!("+{digits}");
    PHONE_NUMBER_UTIL.parse(&written, None).is_ok_and(|read| {
        PHONE_NUMBER_UTIL.format(&read, PhoneNumberFormat::E164) != written.as_str()
    })
}

fn possible(code: i32, rest: &str) -> Result<(), InvalidPhone> {
    // A number of zeros has one leading zero less than digits.
    let zeros = rest.bytes().take_while(|&digit| digit == b'0').count();
    let zeros = zeros.min(rest.len().saturating_sub(1));
    let number = PhoneNumber {
        country_code: code,
        national_number: rest.parse().map_err(|_| InvalidPhone::TooShort)?,
        italian_leading_zero: (zeros > 0).then_some(true),
        number_of_leading_zeros: i32::try_from(zeros).ok().filter(|&zeros| zeros > 0),
        ..PhoneNumber::default()
    };
    match PHONE_NUMBER_UTIL.is_possible_number_with_reason(&number) {
        Ok(NumberLengthType::IsPossible) => Ok(()),
        Ok(NumberLengthType::IsPossibleLocalOnly) => Err(InvalidPhone::LocalOnly),
        Err(ValidationError::InvalidCountryCode) => Err(InvalidPhone::UnknownCountry),
        Err(ValidationError::TooShort) => Err(InvalidPhone::TooShort),
        Err(ValidationError::TooLong) => Err(InvalidPhone::TooLong),
        Err(ValidationError::InvalidLength) => Err(InvalidPhone::OddLength),
    }
}

#[cfg(test)]
mod tests;
