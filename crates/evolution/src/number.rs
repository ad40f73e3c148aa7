//! Addresses as the gateway writes them, and the spellings of one number.

use msgflash_kernel::Phone;
use msgflash_messaging::provider::Address;

/// Where statuses go.
pub(crate) const STATUSES: &str = "status@broadcast";

/// Reads an address of the gateway, such as `5511987654321@s.whatsapp.net`.
///
/// An opaque address keeps its whole form without the device, so that it reads the same wherever
/// it comes from.
pub(crate) fn address_of(jid: &str) -> Address {
    let Some((user, server)) = jid.split_once('@') else {
        return Address::Other;
    };
    let user = user.split([':', '_']).next().unwrap_or(user);
    match server {
        "s.whatsapp.net" | "c.us" => phone_of(user).map_or(Address::Other, Address::Phone),
        "lid" if !user.is_empty() => Address::Lid(format!("{user}@lid")),
        _ => Address::Other,
    }
}

/// The number in an address, if it is one of a person known by number.
pub(crate) fn phone_in(jid: &str) -> Option<Phone> {
    match address_of(jid) {
        Address::Phone(phone) => Some(phone),
        Address::Lid(_) | Address::Other => None,
    }
}

/// An address as the gateway writes it; `None` for what we do not speak to.
pub(crate) fn jid_of(address: &Address) -> Option<String> {
    match address {
        Address::Phone(phone) => Some(format!("{}@s.whatsapp.net", phone.digits())),
        Address::Lid(lid) => Some(lid.clone()),
        Address::Other => None,
    }
}

/// How the gateway or the network may spell `phone`, as asked first.
///
/// Brazil drops or keeps the ninth digit, Mexico and Argentina the digit of mobiles; a send to one
/// spelling is stored under the other.
pub(crate) fn spellings(phone: Phone) -> Vec<Phone> {
    let digits = phone.digits();
    let other = match (&digits[..2], digits.len()) {
        ("55", 13) if digits[4..].starts_with('9') => {
            Some(format!("{}{}", &digits[..4], &digits[5..]))
        }
        ("55", 12) if digits[4..].starts_with(['6', '7', '8', '9']) => {
            Some(format!("{}9{}", &digits[..4], &digits[4..]))
        }
        ("52", 13) if digits[2..].starts_with('1') => Some(format!("52{}", &digits[3..])),
        ("52", 12) => Some(format!("521{}", &digits[2..])),
        ("54", 13) if digits[2..].starts_with('9') => Some(format!("54{}", &digits[3..])),
        ("54", 12) => Some(format!("549{}", &digits[2..])),
        _ => None,
    };
    let other = other.and_then(|digits| phone_of(&digits));
    std::iter::once(phone).chain(other).collect()
}

/// The network knows who it serves, so the number plans are not asked.
fn phone_of(digits: &str) -> Option<Phone> {
    Phone::from_e164(digits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone(digits: &str) -> Phone {
        Phone::from_e164(digits).expect("valid")
    }

    #[test]
    fn reads_people_and_nobody_else() {
        let maria = Address::Phone(phone("5511987654321"));
        for jid in [
            "5511987654321@s.whatsapp.net",
            "5511987654321:7@s.whatsapp.net",
            "5511987654321@c.us",
        ] {
            assert_eq!(address_of(jid), maria, "{jid}");
        }
        // Eight digits since 2021 are two too few for Ivory Coast, but old accounts live on.
        let old = Address::Phone(phone("22507070707"));
        assert_eq!(address_of("22507070707@s.whatsapp.net"), old);
        assert_eq!(
            address_of("123456789012345:3@lid"),
            Address::Lid("123456789012345@lid".into())
        );
        for jid in [
            "120363@g.us",
            "status@broadcast",
            "1@newsletter",
            "@s.whatsapp.net",
            "@lid",
            "",
            "abc@s.whatsapp.net",
            "00551198765@c.us",
        ] {
            assert_eq!(address_of(jid), Address::Other, "{jid}");
        }
    }

    #[test]
    fn knows_both_spellings_in_either_direction() {
        let pairs = [
            ("5531987654321", "553187654321"),
            ("5215512345678", "525512345678"),
            ("5491112345678", "541112345678"),
        ];
        for (long, short) in pairs {
            assert_eq!(spellings(phone(long)), [phone(long), phone(short)]);
            assert_eq!(spellings(phone(short)), [phone(short), phone(long)]);
        }
        assert_eq!(spellings(phone("351912345678")), [phone("351912345678")]);
        assert_eq!(spellings(phone("551132654321")), [phone("551132654321")]);
    }
}
