//! What a person looks for in an address book.

use crate::fold::fold;
use crate::rules::Wrong;

/// How long a search may be, in characters.
pub const MAX_SEARCH: usize = 100;

/// A search that can find something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search(Vec<String>);

impl Search {
    /// Reads what a person wrote: 1 to 100 characters.
    pub fn parse(raw: &str) -> Result<Self, Wrong> {
        let raw = raw.trim();
        if raw.chars().count() > MAX_SEARCH {
            return Err(Wrong::new(
                "too_long",
                format!("Must have at most {MAX_SEARCH} characters"),
            ));
        }
        let term = fold(raw);
        // A term of nothing but accents would find everybody.
        let term = term.trim_end();
        if term.is_empty() {
            return Err(Wrong::new("too_short", "Must not be empty"));
        }
        let mut terms = vec![term.to_owned()];
        terms.extend(as_numbers(term).filter(|number| number != term));
        Ok(Self(terms))
    }

    /// What is looked for, folded; one of them has to be found. None has a line break in it, which
    /// parts the texts that are looked into.
    pub fn terms(&self) -> &[String] {
        &self.0
    }
}

/// The term as numbers are kept, for one that looks like a piece of a number as people write it:
/// its digits, and what `00` before digits stands for abroad. Alone it would find everybody.
fn as_numbers(term: &str) -> impl Iterator<Item = String> {
    let written = |it: char| it.is_ascii_digit() || " .-()[]".contains(it);
    let (plus, rest) = match term.strip_prefix('+') {
        Some(rest) => ("+", rest),
        None => ("", term),
    };
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    let is_number = !digits.is_empty() && rest.chars().all(written);
    let abroad = digits
        .strip_prefix("00")
        .filter(|rest| plus.is_empty() && !rest.is_empty())
        .map(|rest| format!("+{rest}"));
    let readings = is_number.then(|| abroad.into_iter().chain([format!("{plus}{digits}")]));
    readings.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(raw: &str) -> Vec<String> {
        Search::parse(raw).expect("a search").0
    }

    #[test]
    fn pieces_of_numbers_are_found_however_they_are_written() {
        assert_eq!(terms("+33 6 98"), ["+33 6 98", "+33698"]);
        assert_eq!(terms("0033698"), ["0033698", "+33698"]);
        assert_eq!(terms("00 33"), ["00 33", "+33", "0033"]);
        assert_eq!(terms("00.3"), ["00.3", "+3", "003"]);
        assert_eq!(terms("(698) 76"), ["(698) 76", "69876"]);
        assert_eq!(terms("698"), ["698"]);
        assert_eq!(terms("Agent 007"), ["agent 007"]);
        assert_eq!(terms("1+2"), ["1+2"]);
        assert_eq!(terms("..."), ["..."]);
    }

    #[test]
    fn two_zeros_alone_are_digits_and_not_everybodys_plus() {
        assert_eq!(terms("00"), ["00"]);
        assert_eq!(terms("(00)"), ["(00)", "00"]);
        assert_eq!(terms("0 0"), ["0 0", "00"]);
        assert_eq!(terms("+00 3"), ["+00 3", "+003"]);
    }

    #[test]
    fn a_search_for_nothing_or_for_too_much_is_refused() {
        let code = |raw: &str| Search::parse(raw).map_err(|wrong| wrong.code);
        assert_eq!(code(" \t"), Err("too_short"));
        assert_eq!(code("\u{301}"), Err("too_short"));
        assert_eq!(code(&"é".repeat(101)), Err("too_long"));
        assert!(code(&"é".repeat(100)).is_ok());
    }
}
