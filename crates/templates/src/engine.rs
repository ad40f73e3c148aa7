//! The placeholders: parsed once, rendered as often as wanted.
//!
//! Text is what it is, except between `{{` and `}}`, where a path such as `contact.firstName` names
//! a value; blanks may stand around it. There is no way to compute, to choose or to repeat. A single
//! `{` is text, and so is a `}` or a `}}` that closes nothing; three opening braces are a mistake,
//! because it cannot be told which of them are meant as text. A value is copied and never looked at
//! again, so what it contains is not read as a placeholder.
//!
//! Lengths are counted in characters (Unicode scalar values), as everywhere in the product.

mod flaw;
mod json;
mod parse;
mod program;
mod source;
mod values;

pub use flaw::{Flaw, Flaws, MAX_FLAWS, Mistake};
pub use program::{MissingVariables, Program, RenderError, TooLong};
pub use source::Namespace;
pub use values::{ContactValues, InstanceValues, UserValues, Values};

/// The most different placeholders of one body.
pub const MAX_PLACEHOLDERS: usize = 20;
/// The longest placeholder, without braces and blanks, in characters.
pub const MAX_PLACEHOLDER: usize = 50;

#[cfg(test)]
mod tests;
