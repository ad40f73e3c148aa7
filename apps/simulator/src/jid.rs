//! Addresses: what the gateway makes of the number it is given, and what `WhatsApp` makes of that.

/// The address the gateway derives from a number, rewriting included.
pub(crate) fn from_number(number: &str) -> String {
    if is_jid(number) {
        return number.to_owned();
    }
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    if digits.len() >= 18 {
        return format!("{digits}@g.us");
    }
    format!("{}@s.whatsapp.net", rewritten(&digits))
}

fn is_jid(text: &str) -> bool {
    [
        "@s.whatsapp.net",
        "@g.us",
        "@lid",
        "@broadcast",
        "@newsletter",
    ]
    .iter()
    .any(|suffix| text.ends_with(suffix))
}

/// Brazil drops the ninth digit outside the old areas, Mexico and Argentina their mobile prefix.
fn rewritten(digits: &str) -> String {
    let drop_at = match digits.len() {
        13 if digits.starts_with("521") || digits.starts_with("549") => Some(2),
        13 if digits.starts_with("55") && &digits[2..4] >= "31" && &digits[5..6] >= "7" => Some(4),
        _ => None,
    };
    match drop_at {
        Some(at) => format!("{}{}", &digits[..at], &digits[at + 1..]),
        None => digits.to_owned(),
    }
}

/// The address `WhatsApp` answers with: the old Brazilian areas have the ninth digit, asked or not.
pub(crate) fn as_registered(jid: &str) -> String {
    let Some(digits) = jid.strip_suffix("@s.whatsapp.net") else {
        return jid.to_owned();
    };
    let is_short_mobile = digits.is_ascii()
        && digits.len() == 12
        && digits.starts_with("55")
        && &digits[2..4] < "31"
        && &digits[4..5] >= "6";
    if is_short_mobile {
        return format!("{}9{}@s.whatsapp.net", &digits[..4], &digits[4..]);
    }
    jid.to_owned()
}

/// The part before the `@`.
pub(crate) fn user(jid: &str) -> &str {
    jid.split('@').next().unwrap_or_default()
}

pub(crate) fn is_group(jid: &str) -> bool {
    jid.ends_with("@g.us")
}

pub(crate) fn is_lid(jid: &str) -> bool {
    jid.ends_with("@lid")
}

/// A made-up opaque address that always belongs to the same number.
pub(crate) fn lid_of(jid: &str) -> String {
    let digits: String = user(jid)
        .chars()
        .filter(char::is_ascii_digit)
        .rev()
        .collect();
    format!("1{digits:0>14}@lid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rewrites_the_countries_that_changed_their_numbering() {
        for (number, jid) in [
            ("5531987654321", "553187654321@s.whatsapp.net"),
            ("5511987654321", "5511987654321@s.whatsapp.net"),
            ("5215512345678", "525512345678@s.whatsapp.net"),
            ("5491112345678", "541112345678@s.whatsapp.net"),
            ("+1 (415) 555-0100", "14155550100@s.whatsapp.net"),
            ("abc", "@s.whatsapp.net"),
            ("120363000000000000", "120363000000000000@g.us"),
        ] {
            assert_eq!(from_number(number), jid);
        }
    }

    #[test]
    fn whatsapp_knows_old_brazilian_areas_with_the_ninth_digit() {
        assert_eq!(
            as_registered("551187654321@s.whatsapp.net"),
            "5511987654321@s.whatsapp.net"
        );
        assert_eq!(
            as_registered("553187654321@s.whatsapp.net"),
            "553187654321@s.whatsapp.net"
        );
    }
}
