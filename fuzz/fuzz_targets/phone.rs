//! Phone numbers as people write them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use msgflash_kernel::{InvalidPhone, Phone};

fuzz_target!(|raw: &str| {
    let read = Phone::parse(raw);
    // What is dropped inside is dropped around it, too.
    assert_eq!(Phone::parse(raw.trim()), read);
    assert_eq!(Phone::parse(&format!("\u{202a} {raw} \u{202c}")), read);
    match read {
        Ok(phone) => check_accepted(raw, phone),
        Err(why) => assert!(!why.to_string().is_empty()),
    }
    if let Ok(phone) = Phone::from_e164(raw) {
        check_form(phone);
        assert_eq!(phone.digits(), raw.strip_prefix('+').unwrap_or(raw));
        // The plans may refuse it; its form is right by any rule.
        assert!(!matches!(
            read,
            Err(InvalidPhone::Characters | InvalidPhone::NoCountry)
        ));
    }
});

fn check_accepted(raw: &str, phone: Phone) {
    check_form(phone);
    let digits = phone.digits();
    for spelling in [phone.to_string(), digits.clone(), format!("00{digits}")] {
        assert_eq!(Phone::parse(&spelling), Ok(phone));
    }
    let written: String = raw.chars().filter(char::is_ascii_digit).collect();
    assert!(written == digits || written.strip_prefix("00") == Some(digits.as_str()));
}

fn check_form(phone: Phone) {
    let digits = phone.digits();
    assert!((7..=15).contains(&digits.len()) && !digits.starts_with('0'));
    assert!(digits.bytes().all(|it| it.is_ascii_digit()));
    assert_eq!(phone.to_string(), format!("+{digits}"));
    assert_eq!(Phone::from_e164(&phone.to_string()), Ok(phone));
    assert_eq!(Phone::from_i64(phone.to_i64()), Ok(phone));
    assert!(!format!("{phone:?}").contains(&digits));
}
