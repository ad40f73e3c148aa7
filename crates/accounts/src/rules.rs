//! What people may say about themselves.

use email_address::{EmailAddress, Options};
use msgflash_kernel::{Phone, Problems, Secret};

use crate::password::{MAX_LENGTH, MIN_LENGTH};

/// Longest address that mail can be sent to.
pub const MAX_EMAIL: usize = 254;
/// Longest full name, in characters.
pub(crate) const MAX_NAME: usize = 100;
/// Shortest full name, in characters.
pub(crate) const MIN_NAME: usize = 2;
/// Longest display name, in characters.
const MAX_DISPLAY_NAME: usize = 60;

/// The address as it is kept.
pub(crate) fn email(raw: &str, problems: &mut Problems) -> String {
    let email = raw.trim();
    if !is_address(email) {
        problems.add("email", "invalid_email", "Not an e-mail address");
    }
    email.to_owned()
}

/// An e-mail address as it is kept; `None` when no mail could be sent there.
pub fn email_address(raw: &str) -> Option<String> {
    let email = raw.trim();
    is_address(email).then(|| email.to_owned())
}

/// The full name as it is kept.
pub(crate) fn full_name(raw: &str, problems: &mut Problems) -> String {
    let name = raw.trim();
    if !(MIN_NAME..=MAX_NAME).contains(&name.chars().count()) {
        let message = "The name must have 2 to 100 characters";
        problems.add("fullName", "length", message);
    } else if name.chars().any(char::is_control) {
        let message = "The name must be one line of text";
        problems.add("fullName", "invalid_text", message);
    }
    name.to_owned()
}

/// The name to be shown by; nothing and blanks are none.
pub(crate) fn display_name(raw: Option<&str>, problems: &mut Problems) -> Option<String> {
    let name = raw.map(str::trim).filter(|it| !it.is_empty())?;
    if name.chars().count() > MAX_DISPLAY_NAME {
        let message = "The display name must have at most 60 characters";
        problems.add("displayName", "length", message);
    } else if name.chars().any(char::is_control) {
        let message = "The display name must be one line of text";
        problems.add("displayName", "invalid_text", message);
    }
    Some(name.to_owned())
}

/// Whether a new password has a length that is accepted.
pub(crate) fn new_password(field: &str, password: &Secret<String>, problems: &mut Problems) {
    if !(MIN_LENGTH..=MAX_LENGTH).contains(&password.reveal().chars().count()) {
        let message = "The password must have 8 to 128 characters";
        problems.add(field, "length", message);
    }
}

/// Whether a password that somebody claims to have can be one.
pub(crate) fn claimed_password(field: &str, password: &Secret<String>, problems: &mut Problems) {
    let length = password.reveal().chars().count();
    if length == 0 {
        problems.add(field, "required", "The password is missing");
    } else if length > MAX_LENGTH {
        let message = "The password must have at most 128 characters";
        problems.add(field, "length", message);
    }
}

/// The number as it is kept.
pub(crate) fn phone(raw: &str, problems: &mut Problems) -> Option<Phone> {
    match Phone::parse(raw) {
        Ok(phone) => Some(phone),
        Err(cause) => {
            problems.add("phone", "invalid_phone", cause.message());
            None
        }
    }
}

/// Whether mail could be sent there over the public network.
///
/// ASCII alone: two addresses are one whatever their capitals, and outside of ASCII nobody agrees on
/// what a capital is. `İ` is an `i` to some and another letter to others, who would be taken for each
/// other.
pub(crate) fn is_address(raw: &str) -> bool {
    let options = Options::default()
        .with_required_tld()
        .without_display_text()
        .without_domain_literal();
    // A quoted name may hold blanks and whole sentences, which mails would carry to others.
    raw.is_ascii()
        && !raw.contains('"')
        && raw.len() <= MAX_EMAIL
        && EmailAddress::parse_with_options(raw, options).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_addresses() {
        let long = format!("{}@shop.test", "a".repeat(250));
        for good in [
            "lea@shop.test",
            "lea+news@mail.shop.test",
            "o'neil@shop.test",
        ] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            "lea",
            "@shop.test",
            "lea@",
            "a b@shop.test",
            "Lea <lea@shop.test>",
            "lea@[127.0.0.1]",
            "m\u{130}ke@shop.test",
            "mike@gma\u{130}l.test",
            "lea@shop.test\r\nBcc: x@y.test",
            "\"call 112 now\"@shop.test",
            long.as_str(),
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }

    #[test]
    fn passwords_are_counted_in_characters() {
        for (length, fits) in [(7, false), (8, true), (128, true), (129, false)] {
            let mut problems = Problems::default();
            let password = Secret::new("é".repeat(length));
            new_password("password", &password, &mut problems);
            assert_eq!(problems.0.is_empty(), fits, "{length}");
        }
    }

    #[test]
    fn any_password_that_was_ever_accepted_may_be_claimed() {
        for (length, fits) in [(0, false), (1, true), (128, true), (129, false)] {
            let mut problems = Problems::default();
            let password = Secret::new("a".repeat(length));
            claimed_password("password", &password, &mut problems);
            assert_eq!(problems.0.is_empty(), fits, "{length}");
        }
    }

    #[test]
    fn a_display_name_is_up_to_sixty_characters_or_none() {
        let long = "é".repeat(60);
        let longer = "é".repeat(61);
        for (raw, kept, fits) in [
            (None, None, true),
            (Some("  "), None, true),
            (Some(" Lea "), Some("Lea"), true),
            (Some(long.as_str()), Some(long.as_str()), true),
            (Some(longer.as_str()), Some(longer.as_str()), false),
            (Some("Lea\nRoy"), Some("Lea\nRoy"), false),
        ] {
            let mut problems = Problems::default();
            assert_eq!(display_name(raw, &mut problems).as_deref(), kept);
            assert_eq!(problems.0.is_empty(), fits, "{raw:?}");
        }
    }
}
