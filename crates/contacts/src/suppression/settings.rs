//! What a workspace may set about stop words.

use msgflash_kernel::Problems;

use super::words;
use crate::rules::{self, Wrong};

/// How many stop words there may be.
pub const MAX_WORDS: usize = 50;
/// How long one may be, in characters.
pub const MAX_WORD: usize = 40;
/// How long the confirmation may be, in characters.
pub const MAX_CONFIRMATION: usize = 1024;

/// The words that everybody has who set none.
pub const USUAL_WORDS: [&str; 7] = [
    "stop",
    "unsubscribe",
    "arret",
    "arrêt",
    "salir",
    "sair",
    "parar",
];

/// What is done about messages that come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptOutSettings {
    /// What puts the number of whoever writes it on the list.
    pub stop_words: Vec<String>,
    /// What is answered then; nothing when absent.
    pub confirmation: Option<String>,
}

/// What changes about it; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OptOutChange {
    /// The words.
    pub stop_words: Option<Vec<String>>,
    /// What is answered; the inner `None` clears it.
    pub confirmation: Option<Option<String>>,
}

impl OptOutSettings {
    /// These settings with what changes.
    #[must_use]
    pub fn with(self, change: &OptOutChange) -> Self {
        let OptOutChange {
            stop_words,
            confirmation,
        } = change.clone();
        Self {
            stop_words: stop_words.unwrap_or(self.stop_words),
            confirmation: confirmation.unwrap_or(self.confirmation),
        }
    }
}

impl Default for OptOutSettings {
    fn default() -> Self {
        Self {
            stop_words: USUAL_WORDS.map(str::to_owned).to_vec(),
            confirmation: None,
        }
    }
}

/// Stop words without repetitions, in the order they came. What is wrong is noted under `field`.
pub fn stop_words<T: AsRef<str>>(problems: &mut Problems, field: &str, raw: &[T]) -> Vec<String> {
    if raw.len() > MAX_WORDS {
        problems.add(field, "length", format!("Give at most {MAX_WORDS} words"));
        return Vec::new();
    }
    let mut kept: Vec<String> = Vec::new();
    for (index, raw) in raw.iter().enumerate() {
        let path = format!("{field}.{index}");
        if let Some(word) = rules::noted(problems, path, stop_word(raw.as_ref()))
            && !kept.contains(&word)
        {
            kept.push(word);
        }
    }
    kept
}

fn stop_word(raw: &str) -> Result<String, Wrong> {
    let word = rules::text(raw, MAX_WORD)?;
    if words::bare(&word).is_empty() {
        return Err(Wrong::new(
            "invalid_characters",
            "Must have a letter or a digit",
        ));
    }
    Ok(word)
}

/// What is answered: 1 to 1024 characters, in as many lines as wanted.
pub fn confirmation(raw: &str) -> Result<String, Wrong> {
    if raw.trim().is_empty() {
        return Err(Wrong::new("too_short", "Must not be empty"));
    }
    if raw.chars().count() > MAX_CONFIRMATION {
        let message = format!("Must have at most {MAX_CONFIRMATION} characters");
        return Err(Wrong::new("too_long", message));
    }
    if raw.contains('\0') {
        let message = "Must not contain the NUL character";
        return Err(Wrong::new("invalid_characters", message));
    }
    Ok(raw.to_owned())
}

/// Why a number is on the list, for people: up to 200 characters in one line.
pub fn reason(raw: &str) -> Result<String, Wrong> {
    rules::text(raw, super::MAX_REASON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_trimmed_kept_in_order_and_come_once() {
        let mut problems = Problems::default();
        let kept = stop_words(&mut problems, "stopWords", &["STOP", " arrêt ", "STOP"]);
        assert_eq!(kept, ["STOP", "arrêt"]);
        assert!(problems.0.is_empty());
    }

    #[test]
    fn each_word_that_cannot_be_is_told_by_its_place() {
        let long = "x".repeat(MAX_WORD + 1);
        let mut problems = Problems::default();
        stop_words(
            &mut problems,
            "stopWords",
            &["stop", " ", &long, "!?", "a\nb"],
        );
        let told: Vec<_> = problems.0.iter().map(|it| (&*it.field, it.code)).collect();
        assert_eq!(
            told,
            [
                ("stopWords.1", "too_short"),
                ("stopWords.2", "too_long"),
                ("stopWords.3", "invalid_characters"),
                ("stopWords.4", "invalid_characters"),
            ]
        );
        let many = vec!["stop"; MAX_WORDS + 1];
        let mut problems = Problems::default();
        assert!(stop_words(&mut problems, "stopWords", &many).is_empty());
        assert_eq!(problems.0[0].code, "length");
    }

    #[test]
    fn a_confirmation_may_have_lines_and_says_something() {
        assert_eq!(confirmation("Bye.\nSee you"), Ok("Bye.\nSee you".into()));
        assert!(confirmation(&"é".repeat(1024)).is_ok());
        for (raw, code) in [
            (" \n".to_owned(), "too_short"),
            ("é".repeat(1025), "too_long"),
            ("a\0".to_owned(), "invalid_characters"),
        ] {
            assert_eq!(confirmation(&raw).map_err(|it| it.code), Err(code));
        }
    }
}
