//! Shape checks that note every problem and go on.

use msgflash_kernel::{Id, Phone, Problems};
use serde_json::Value;
use time::OffsetDateTime;
use url::Url;
use uuid::Uuid;
use validator::{ValidateLength, ValidateRange, ValidateUrl};

use super::field::Field;
use super::moment;

/// The longest address we keep.
pub const MAX_URL: u64 = 2048;
/// The longest text that may be a number.
pub(crate) const LONGEST_PHONE: usize = 64;

/// Whether a member may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It must be there.
    Must,
    /// It may be left out or `null`.
    May,
}

/// Collects what is wrong with one request. Every method answers the checked value, or nothing
/// when the member is empty or wrong.
#[derive(Debug, Default)]
pub struct Check {
    problems: Problems,
}

impl Check {
    /// Notes a problem.
    pub fn refuse(
        &mut self,
        path: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) {
        self.problems.add(path, code, message);
    }

    /// Notes what somebody else finds.
    pub fn also<T>(&mut self, find: impl FnOnce(&mut Problems) -> T) -> T {
        find(&mut self.problems)
    }

    /// `Ok` when nothing was noted.
    pub fn finish(self) -> Result<(), Problems> {
        self.problems.into_result()
    }

    /// A value of the right type.
    pub fn given<'a, T>(
        &mut self,
        path: &str,
        field: &'a Field<T>,
        need: Need,
        what: &str,
    ) -> Option<&'a T> {
        match field {
            Field::Valid(value) => return Some(value),
            Field::Wrong => self.refuse(path, "invalid_type", format!("Must be {what}")),
            Field::Absent | Field::Null if need == Need::Must => {
                self.refuse(path, "required", "Required");
            }
            Field::Absent | Field::Null => {}
        }
        None
    }

    /// Text of at most `max` characters, not empty when it must be there.
    pub fn text(
        &mut self,
        path: &str,
        field: &Field<String>,
        need: Need,
        max: u64,
    ) -> Option<String> {
        let text = self.given(path, field, need, "text")?;
        if need == Need::Must && text.trim().is_empty() {
            self.refuse(path, "too_short", "Must not be empty");
            return None;
        }
        if !text.validate_length(None, Some(max), None) {
            self.refuse(
                path,
                "too_long",
                format!("Must have at most {max} characters"),
            );
            return None;
        }
        // The database keeps every character but this one.
        if text.contains('\0') {
            self.refuse(
                path,
                "invalid_characters",
                "Must not contain the NUL character",
            );
            return None;
        }
        Some(text.clone())
    }

    /// One of some words.
    pub fn word<T>(
        &mut self,
        path: &str,
        field: &Field<String>,
        need: Need,
        words: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let word = self.given(path, field, need, "text")?;
        let parsed = parse(word);
        if parsed.is_none() {
            self.refuse(path, "invalid_enum", format!("Must be one of {words}"));
        }
        parsed
    }

    /// A hyphenated UUID.
    pub fn uuid(&mut self, path: &str, field: &Field<String>, need: Need) -> Option<Uuid> {
        let text = self.given(path, field, need, "a UUID")?;
        let id = Id::<()>::parse(text).map(Id::uuid);
        if id.is_none() {
            self.refuse(path, "invalid_uuid", "Must be a UUID");
        }
        id
    }

    /// A typed id.
    pub fn id<T>(&mut self, path: &str, field: &Field<String>, need: Need) -> Option<Id<T>> {
        self.uuid(path, field, need).map(Id::new)
    }

    /// A number between two others.
    pub fn number(&mut self, path: &str, field: &Field<f64>, need: Need, most: f64) -> Option<f64> {
        let number = *self.given(path, field, need, "a number")?;
        if !number.validate_range(Some(-most), Some(most), None, None) {
            self.refuse(
                path,
                "out_of_range",
                format!("Must be between -{most} and {most}"),
            );
            return None;
        }
        Some(number)
    }

    /// A whole number written in a query, within a range.
    pub fn count(&mut self, path: &str, field: &Field<String>, default: u32, max: u32) -> u32 {
        let Field::Valid(text) = field else {
            return default;
        };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let Some(count) = digits.then(|| text.parse::<u32>().unwrap_or(u32::MAX)) else {
            self.refuse(path, "invalid_type", "Must be a whole number");
            return default;
        };
        if !count.validate_range(Some(1), Some(max), None, None) {
            self.refuse(path, "out_of_range", format!("Must be between 1 and {max}"));
            return default;
        }
        count
    }

    /// An absolute `http` or `https` address.
    pub fn url(&mut self, path: &str, field: &Field<String>, need: Need) -> Option<Url> {
        let text = self.text(path, field, need, MAX_URL)?;
        let plain = is_plain_url(&text) && text.validate_url();
        let url = plain.then(|| Url::parse(&text).ok()).flatten();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if url.is_none() {
            self.refuse(path, "invalid_url", "Must be an absolute http or https URL");
        }
        url
    }

    /// A phone number, in the one form there is.
    pub fn phone(&mut self, path: &str, field: &Field<String>, need: Need) -> Option<Phone> {
        let text = self.given(path, field, need, "text")?;
        Phone::parse(text)
            .map_err(|why| self.refuse(path, "invalid_phone", why.message()))
            .ok()
    }

    /// 1 to `most` texts that may be numbers, as they were written: which of them are, is told by others.
    pub fn phones(&mut self, path: &str, given: &[Value], most: usize) -> Vec<String> {
        if !(1..=most).contains(&given.len()) {
            self.refuse(path, "length", format!("Give 1 to {most} numbers"));
            return Vec::new();
        }
        let mut phones = Vec::with_capacity(given.len());
        for (at, value) in given.iter().enumerate() {
            let path = || format!("{path}.{at}");
            match value.as_str() {
                None => self.refuse(path(), "invalid_type", "Must be text"),
                // It is kept and told as it was written, and the database keeps every character but
                // this one.
                Some(text) if text.contains('\0') => {
                    let message = "Must not contain the NUL character";
                    self.refuse(path(), "invalid_characters", message);
                }
                // No number is as long, in whatever dress.
                Some(text) if text.chars().count() > LONGEST_PHONE => {
                    let message = format!("Must have at most {LONGEST_PHONE} characters");
                    self.refuse(path(), "too_long", message);
                }
                Some(text) => phones.push(text.to_owned()),
            }
        }
        phones
    }

    /// A moment.
    pub fn moment(
        &mut self,
        path: &str,
        field: &Field<String>,
        need: Need,
    ) -> Option<OffsetDateTime> {
        let text = self.given(path, field, need, "an ISO 8601 date and time")?;
        let at = moment::parse(text);
        if at.is_none() {
            self.refuse(path, "invalid_date", "Must be an ISO 8601 date and time");
        }
        at
    }
}

/// Whether an address says what a lenient parser reads out of it. The parser forgives blanks, line
/// breaks, backslashes and missing or surplus slashes; what we pass on is read by others.
fn is_plain_url(text: &str) -> bool {
    let odd = |it: char| it.is_whitespace() || it.is_control() || it == '\\';
    let host = text.split_once("://").map(|(_, rest)| rest);
    !text.contains(odd) && host.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid(text: &str) -> Field<String> {
        Field::Valid(text.to_owned())
    }

    #[test]
    fn lengths_count_characters() {
        let mut check = Check::default();
        assert!(check.text("a", &valid("ééé"), Need::Must, 3).is_some());
        assert!(check.text("b", &valid("éééé"), Need::Must, 3).is_none());
        assert!(check.text("c", &valid("  "), Need::Must, 3).is_none());
        assert!(check.text("d", &valid("a\0"), Need::May, 3).is_none());
        let codes: Vec<_> = check
            .finish()
            .unwrap_err()
            .0
            .into_iter()
            .map(|p| p.code)
            .collect();
        assert_eq!(codes, ["too_long", "too_short", "invalid_characters"]);
    }

    #[test]
    fn empty_members_are_refused_only_when_needed() {
        let mut check = Check::default();
        assert_eq!(check.uuid("a", &Field::Null, Need::May), None);
        assert_eq!(check.uuid("b", &Field::Absent, Need::Must), None);
        assert_eq!(check.uuid("c", &Field::Wrong, Need::May), None);
        assert_eq!(check.uuid("d", &valid("ins-1"), Need::May), None);
        let noted = check.finish().unwrap_err().0;
        let noted: Vec<_> = noted.iter().map(|p| (p.field.as_str(), p.code)).collect();
        assert_eq!(
            noted,
            [
                ("b", "required"),
                ("c", "invalid_type"),
                ("d", "invalid_uuid")
            ]
        );
    }

    #[test]
    fn addresses_are_absolute_and_of_the_web() {
        let mut check = Check::default();
        assert!(
            check
                .url("a", &valid("https://files.example.com/a.jpg"), Need::Must)
                .is_some()
        );
        for bad in [
            "/a.jpg",
            "ftp://x.example",
            "javascript:alert(1)",
            "https://",
            "https:///files.example.com/a.jpg",
            "https:files.example.com/a.jpg",
            "https:\\\\files.example.com\\a.jpg",
            "https://files.example.com/a b.jpg",
            " https://files.example.com/a.jpg",
            "data:,x",
        ] {
            assert!(check.url("a", &valid(bad), Need::Must).is_none(), "{bad}");
        }
    }

    #[test]
    fn counts_are_whole_and_never_clamped() {
        let mut check = Check::default();
        assert_eq!(check.count("limit", &Field::Absent, 20, 100), 20);
        assert_eq!(check.count("limit", &valid("100"), 20, 100), 100);
        assert!(check.finish().is_ok());
        for bad in ["0", "101", "-1", "1.5", "ten", "99999999999"] {
            let mut check = Check::default();
            check.count("limit", &valid(bad), 20, 100);
            assert!(check.finish().is_err(), "{bad}");
        }
    }
}
