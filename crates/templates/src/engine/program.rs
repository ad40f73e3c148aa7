//! A parsed body, and its rendering.

use std::fmt::{self, Display, Write as _};

use super::MAX_PLACEHOLDERS;
use super::flaw::Flaws;
use super::parse::parse;
use super::source::{Namespace, Source};
use super::values::Values;

/// A body that was parsed: what is text, and what is a value. Made once, rendered many times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    text: String,
    pieces: Vec<Piece>,
    variables: Vec<Variable>,
}

/// A piece of a body, by its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text as it is.
    Text { from: usize, to: usize },
    /// A placeholder as written, braces included, and which of the variables it names.
    Value {
        from: usize,
        to: usize,
        variable: usize,
    },
}

/// A placeholder's path and where its value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) path: String,
    pub(super) source: Source,
}

/// The paths without a value, each once, in the order of the text.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("Missing template variables: {}", .0.join(", "))]
pub struct MissingVariables(pub Vec<String>);

/// The rendered text has more characters than a message may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The rendered text has more than {0} characters")]
pub struct TooLong(pub usize);

// Missing variables are noted as bits.
const _: () = assert!(MAX_PLACEHOLDERS <= u32::BITS as usize);

/// Why a body did not become a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// Values are missing.
    #[error(transparent)]
    Missing(#[from] MissingVariables),
    /// The result is too long.
    #[error(transparent)]
    TooLong(#[from] TooLong),
}

impl Program {
    /// Parses a body. Looks at each character once, and tells everything that is wrong.
    pub fn parse(text: impl Into<String>) -> Result<Self, Flaws> {
        let text = text.into();
        let (pieces, variables) = parse(text.chars())?;
        Ok(Self {
            text,
            pieces,
            variables,
        })
    }

    /// The body as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The different placeholders by their paths, in the order of their first appearance.
    pub fn variables(&self) -> impl ExactSizeIterator<Item = &str> {
        self.variables.iter().map(|it| it.path.as_str())
    }

    /// Whether any placeholder is of this namespace.
    pub fn uses(&self, namespace: Namespace) -> bool {
        let mut all = self.variables.iter();
        all.any(|it| it.source.namespace() == namespace)
    }

    /// Whether any placeholder needs more of the recipient than the number.
    pub fn needs_contact(&self) -> bool {
        let needs = |source: &Source| {
            matches!(
                source,
                Source::ContactName
                    | Source::ContactFirstName
                    | Source::ContactTags
                    | Source::ContactMeta(_)
            )
        };
        self.variables.iter().any(|it| needs(&it.source))
    }

    /// Puts the rendered text into `into`, in place of what it held, so that one `String` serves
    /// many messages. After a refusal it is empty. `limit` counts characters; values are cut short
    /// as soon as they cannot fit, so a huge one costs no memory.
    pub fn render(
        &self,
        values: &Values<'_>,
        limit: usize,
        into: &mut String,
    ) -> Result<(), RenderError> {
        let (missing, rendered) = self.run(values, limit, into, false);
        if missing != 0 {
            into.clear();
            return Err(self.named(missing).into());
        }
        Ok(rendered?)
    }

    /// The same, but a placeholder without a value stays as it is written, and is told.
    pub fn preview(
        &self,
        values: &Values<'_>,
        limit: usize,
        into: &mut String,
    ) -> Result<MissingVariables, TooLong> {
        let (missing, rendered) = self.run(values, limit, into, true);
        rendered.map(|()| self.named(missing))
    }

    /// Renders; also answers which variables are missing, one bit for each.
    fn run(
        &self,
        values: &Values<'_>,
        limit: usize,
        into: &mut String,
        keep: bool,
    ) -> (u32, Result<(), TooLong>) {
        into.clear();
        let mut missing = 0;
        let mut sink = Sink {
            into,
            room: limit.saturating_mul(char::MAX.len_utf8()),
            is_full: false,
        };
        for piece in &self.pieces {
            match *piece {
                Piece::Text { from, to } => sink.push(&self.text[from..to]),
                Piece::Value { from, to, variable } => {
                    let source = &self.variables[variable].source;
                    if source.write(values, &mut sink).is_none() {
                        missing |= 1 << variable;
                        if keep {
                            sink.push(&self.text[from..to]);
                        }
                    }
                }
            }
        }
        let is_full = sink.is_full;
        // Fewer bytes than the limit are fewer characters: most texts need no count.
        if is_full || (into.len() > limit && into.chars().count() > limit) {
            into.clear();
            return (missing, Err(TooLong(limit)));
        }
        (missing, Ok(()))
    }

    fn named(&self, missing: u32) -> MissingVariables {
        let all = self.variables.iter().enumerate();
        let named = all.filter(|(place, _)| missing & (1 << place) != 0);
        MissingVariables(named.map(|(_, it)| it.path.clone()).collect())
    }
}

/// Where rendered text goes. It takes no more bytes than the characters that are allowed can have.
pub(super) struct Sink<'a> {
    into: &'a mut String,
    /// Bytes it may hold.
    room: usize,
    /// Something did not fit. From then on nothing does.
    is_full: bool,
}

impl Sink<'_> {
    /// Appends text.
    pub(super) fn push(&mut self, text: &str) {
        self.is_full |= self.into.len() + text.len() > self.room;
        if !self.is_full {
            self.into.push_str(text);
        }
    }

    /// Appends something that shows itself as text.
    pub(super) fn display(&mut self, value: impl Display) {
        // Writing to a text does not fail.
        let _ = write!(self, "{value}");
    }

    /// Appends texts with commas between them.
    pub(super) fn join<'t>(&mut self, texts: impl Iterator<Item = &'t str>) {
        let mut between = "";
        for text in texts {
            self.push(between);
            self.push(text);
            between = ", ";
        }
    }
}

impl fmt::Write for Sink<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
