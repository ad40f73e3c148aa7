//! How refusals travel: the domain names them, the server prices them.

use std::error::Error;
use std::time::Duration;

use serde_json::Value;

/// What the caller can do next. It is about the caller's move, not about HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The request is wrong and will stay wrong.
    Invalid,
    /// Nobody is known behind this request.
    Unauthenticated,
    /// The caller is known and may not do this.
    Forbidden,
    /// There is no such thing, or it belongs to somebody else.
    Missing,
    /// The state of things contradicts the request.
    Conflict,
    /// Well-formed, and impossible to act on.
    Unprocessable,
    /// Too much; it works again after the given time.
    Limited(Duration),
    /// Somebody we depend on does not answer as they should.
    Upstream,
    /// We cannot serve right now; trying again later is right.
    Unavailable,
    /// Our own fault.
    Internal,
}

/// A refusal with a published code.
pub trait Fault: Error + Send + Sync {
    /// What the caller can do next.
    fn kind(&self) -> Kind;
    /// The published code, upper snake case.
    fn code(&self) -> &'static str;
    /// Machine-readable details, when the code has any.
    fn details(&self) -> Option<Value> {
        None
    }
}

/// One thing wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Dotted path into the body or the query; empty for the request as a whole.
    pub field: String,
    /// Machine-readable reason, lower snake case.
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
}

/// Everything wrong with one request, collected before it is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("Invalid request data")]
pub struct Problems(pub Vec<Problem>);

/// How many problems of one request are told.
const MOST_PROBLEMS: usize = 100;
/// How much of a field's name or of a message is told, in characters.
const LONGEST_TEXT: usize = 200;

impl Problems {
    /// Notes one more problem.
    pub fn add(
        &mut self,
        field: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) {
        self.0.push(Problem {
            field: field.into(),
            code,
            message: message.into(),
        });
    }

    /// A refusal with a single problem.
    pub fn one(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        let mut problems = Self::default();
        problems.add(field, code, message);
        problems
    }

    /// `Ok` when nothing was noted.
    pub fn into_result(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl Fault for Problems {
    fn kind(&self) -> Kind {
        Kind::Invalid
    }
    fn code(&self) -> &'static str {
        "VALIDATION_ERROR"
    }
    fn details(&self) -> Option<Value> {
        // An answer must not be many times the size of what was asked.
        let short = |text: &str| text.chars().take(LONGEST_TEXT).collect::<String>();
        let items = self.0.iter().take(MOST_PROBLEMS).map(|problem| {
            serde_json::json!({
                "field": short(&problem.field), "code": problem.code,
                "message": short(&problem.message),
            })
        });
        Some(Value::Array(items.collect()))
    }
}

/// The store failed, or holds something the domain refuses.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, or is overloaded.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// A statement failed.
    #[error("the store failed")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
    /// A stored value does not fit the domain.
    #[error("corrupt value in {place}: {value}")]
    Corrupt {
        /// Table and column.
        place: &'static str,
        /// What was found, without personal data.
        value: String,
    },
    /// A row that must exist is gone, or was changed by somebody else.
    #[error("the row changed underneath: {0}")]
    Stale(&'static str),
}

impl StoreError {
    /// A stored value that the domain refuses.
    pub fn corrupt(place: &'static str, value: impl Into<String>) -> Self {
        Self::Corrupt {
            place,
            value: value.into(),
        }
    }
}

impl Fault for StoreError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unavailable(_) => Kind::Unavailable,
            Self::Failed(_) | Self::Corrupt { .. } | Self::Stale(_) => Kind::Internal,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "SERVICE_UNAVAILABLE",
            _ => "INTERNAL_ERROR",
        }
    }
}
