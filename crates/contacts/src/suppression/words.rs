//! Whether somebody says that they want no more messages.
//!
//! The whole message must be the word: "stop" says it, and "we stop at the shop" does not. Letter case,
//! accents, blanks and what stands around the word do not matter.

use crate::fold::fold;

/// Longer texts are no stop word, whatever surrounds it.
const LONGEST: usize = 200;

/// Whether a text is short enough to be a stop word.
pub fn may_say_stop(text: &str) -> bool {
    text.trim().len() <= LONGEST
}

/// Whether a text is one of the words.
pub fn says_stop<T: AsRef<str>>(text: &str, words: &[T]) -> bool {
    if !may_say_stop(text) {
        return false;
    }
    let text = bare(text);
    !text.is_empty() && words.iter().any(|word| bare(word.as_ref()) == text)
}

/// A text by which words are told apart: folded, without what stands around its letters and digits.
pub(super) fn bare(text: &str) -> String {
    let folded = fold(text);
    folded
        .trim_matches(|it: char| !it.is_alphanumeric())
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suppression::settings::USUAL_WORDS;

    #[test]
    fn the_whole_message_is_the_word_however_it_is_dressed() {
        for text in [
            "stop",
            "STOP",
            "  Stop \n",
            "stop.",
            "« Stop ! »",
            "*STOP*",
            "\"stop\"",
            "Arrêt",
            "ARRE\u{302}T",
            "arret",
            "ＳＴＯＰ",
            "st\u{200b}op",
            "Unsubscribe 🛑",
            "¡Salir!",
            "sair…",
            "(parar)",
        ] {
            assert!(says_stop(text, &USUAL_WORDS), "{text:?}");
        }
    }

    #[test]
    fn other_messages_are_not() {
        for text in [
            "",
            "!",
            "🛑",
            "stop it",
            "please stop",
            "non-stop",
            "s t o p",
            "stopp",
            "st.op",
        ] {
            assert!(!says_stop(text, &USUAL_WORDS), "{text:?}");
        }
        assert!(!says_stop(
            &format!("stop{}", ".".repeat(LONGEST)),
            &USUAL_WORDS
        ));
    }

    #[test]
    fn words_of_several_words_and_of_other_scripts_are_compared_likewise() {
        let words = ["No más", "रोको", "СТОП"];
        for text in ["no mas!", "NO  MÁS", "रोको", "стоп."] {
            assert!(says_stop(text, &words), "{text:?}");
        }
        assert!(!says_stop("no", &words));
        assert!(
            !says_stop("stop", &[] as &[&str]),
            "without words nothing is one"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*", word in ".*") {
            let _ = says_stop(&text, &[word]);
        }
    }
}
