//! What can be wrong with a body, and where.

use std::fmt;

use super::{MAX_PLACEHOLDER, MAX_PLACEHOLDERS};

/// How many flaws of one body are told.
pub const MAX_FLAWS: usize = 20;

/// One thing wrong with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// What is wrong.
    pub mistake: Mistake,
    /// Where it is, in bytes from the beginning.
    pub offset: usize,
    /// The line, from 1.
    pub line: usize,
    /// The character in that line, from 1.
    pub column: usize,
}

/// What is wrong at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// A `{{` is not closed before the text ends or another brace opens. Stands at the `{{`.
    Unclosed,
    /// A single `}` where two belong. Stands at the brace.
    HalfClosed,
    /// Nothing between the braces. Stands at the `{{`.
    Empty,
    /// Three opening braces or more. Stands at the first.
    TooManyBraces,
    /// A character no path may have. Stands at the character.
    BadCharacter(char),
    /// A blank inside a path. Stands behind the blank.
    Split,
    /// A dot with no name before or after it. Stands at the dot.
    EmptyName,
    /// A namespace alone, or a name without one. Stands at the path.
    Bare(String),
    /// A namespace that does not exist. Stands at the path.
    UnknownNamespace(String),
    /// A path of more than [`MAX_PLACEHOLDER`] characters. Stands at the path.
    TooLong,
    /// One different placeholder more than [`MAX_PLACEHOLDERS`]. Stands at the path.
    TooMany,
}

impl Mistake {
    /// The machine-readable reason.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unclosed | Self::HalfClosed => "unclosed_placeholder",
            Self::Empty => "empty_placeholder",
            Self::TooManyBraces => "too_many_braces",
            Self::BadCharacter(_) | Self::Split => "invalid_placeholder",
            Self::EmptyName => "empty_name",
            Self::Bare(_) => "missing_namespace",
            Self::UnknownNamespace(_) => "unknown_namespace",
            Self::TooLong => "placeholder_too_long",
            Self::TooMany => "too_many_placeholders",
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclosed => f.write_str("the placeholder that begins here is not closed with }}"),
            Self::HalfClosed => f.write_str("the placeholder is closed with one brace; write }}"),
            Self::Empty => f.write_str("there is nothing between the braces"),
            Self::TooManyBraces => {
                f.write_str("too many opening braces; a placeholder begins with two")
            }
            Self::BadCharacter(symbol) => write!(
                f,
                "{symbol:?} cannot stand in a placeholder; write letters, digits, _ and dots, then }}}}"
            ),
            Self::Split => f.write_str("a placeholder has no blanks inside"),
            Self::EmptyName => f.write_str("a name is missing beside this dot"),
            Self::Bare(name) if super::Namespace::parse(name).is_some() => {
                write!(f, "say what of {name}, such as {{{{{name}.name}}}}")
            }
            Self::Bare(name) => {
                write!(
                    f,
                    "there is no {name}; write {{{{custom.{name}}}}} for a value of your own"
                )
            }
            Self::UnknownNamespace(name) => write!(
                f,
                "there is no namespace {name}; use contact, user, instance or custom"
            ),
            Self::TooLong => write!(
                f,
                "a placeholder may have {MAX_PLACEHOLDER} characters at most"
            ),
            Self::TooMany => write!(
                f,
                "a body may have {MAX_PLACEHOLDERS} different placeholders at most"
            ),
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            mistake,
            line,
            column,
            ..
        } = self;
        write!(f, "Line {line}, character {column}: {mistake}")
    }
}

/// Everything wrong with a body, in the order of the text; never empty, and at most [`MAX_FLAWS`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.first().map(ToString::to_string).unwrap_or_default())]
pub struct Flaws(pub Vec<Flaw>);
