//! Refusals of templates.

use std::time::Duration;

use msgflash_kernel::{Fault, Kind, Problems, StoreError};
use serde_json::Value;

use crate::engine::{Flaws, MissingVariables, RenderError, TooLong};
use crate::template::TemplateId;

/// Why a template cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The request contradicts itself or a limit.
    #[error(transparent)]
    Invalid(#[from] Problems),
    /// The template, or the one it was to become, is none: a bad placeholder, media that are not
    /// there, a text that is too long once rendered.
    #[error("The template is not valid. {}", first(.0))]
    Unsound(Problems),
    /// Placeholders without a value.
    #[error(transparent)]
    Missing(#[from] MissingVariables),
    /// A contact or an instance that was named cannot be used.
    #[error("{}", first(.0))]
    NoContext(Problems),
    /// No such template in this workspace.
    #[error("Template not found")]
    NoTemplate(TemplateId),
    /// The same idempotency key came with another body.
    #[error("This Idempotency-Key was used with another request body")]
    ReplayMismatch,
    /// An equal request is still at work.
    #[error("A request with this Idempotency-Key is still being processed")]
    ReplayBusy,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The sentence of the first problem; the others are in the details.
fn first(problems: &Problems) -> &str {
    let first = problems.0.first();
    first.map_or("", |problem| problem.message.as_str())
}

impl TemplateError {
    /// When trying again makes sense, for refusals that pass.
    pub fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::ReplayBusy).then_some(Duration::from_secs(1))
    }

    /// A template that is none, for one reason.
    pub(crate) fn unsound(field: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self::Unsound(Problems::one(field, code, message))
    }
}

impl From<Flaws> for TemplateError {
    fn from(flaws: Flaws) -> Self {
        let mut problems = Problems::default();
        note_flaws(&mut problems, &flaws);
        Self::Unsound(problems)
    }
}

/// Notes what is wrong with a body.
pub(crate) fn note_flaws(problems: &mut Problems, flaws: &Flaws) {
    for flaw in &flaws.0 {
        problems.add("body", flaw.mistake.code(), flaw.to_string());
    }
}

impl From<TooLong> for TemplateError {
    fn from(too_long: TooLong) -> Self {
        Self::unsound("body", "too_long", too_long.to_string())
    }
}

impl From<RenderError> for TemplateError {
    fn from(error: RenderError) -> Self {
        match error {
            RenderError::Missing(missing) => missing.into(),
            RenderError::TooLong(too_long) => too_long.into(),
        }
    }
}

impl Fault for TemplateError {
    fn kind(&self) -> Kind {
        match self {
            Self::Invalid(cause) => cause.kind(),
            Self::Unsound(_) | Self::Missing(_) | Self::NoContext(_) => Kind::Invalid,
            Self::NoTemplate(_) => Kind::Missing,
            Self::ReplayMismatch | Self::ReplayBusy => Kind::Conflict,
            Self::Store(cause) => cause.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(cause) => cause.code(),
            Self::Unsound(_) => "TEMPLATE_INVALID",
            Self::Missing(_) => "TEMPLATE_VARIABLES_MISSING",
            Self::NoContext(_) => "TEMPLATE_CONTEXT_UNAVAILABLE",
            Self::NoTemplate(_) => "NOT_FOUND",
            Self::ReplayMismatch | Self::ReplayBusy => "CONFLICT",
            Self::Store(cause) => cause.code(),
        }
    }

    fn details(&self) -> Option<Value> {
        match self {
            Self::Invalid(problems) | Self::Unsound(problems) | Self::NoContext(problems) => {
                problems.details()
            }
            Self::Missing(missing) => {
                let mut problems = Problems::default();
                for path in &missing.0 {
                    problems.add(path, "missing_variable", format!("No value for {path}"));
                }
                problems.details()
            }
            _ => None,
        }
    }
}
