//! What commands print, and how they fail.

use std::io::Write as _;

use msgflash_accounts::AccountsError;
use msgflash_billing::{BillingError, PlanChangeError};
use msgflash_kernel::{Fault, Kind, StoreError};
use msgflash_messaging::MessagingError;
use msgflash_teams::TeamError;
use serde_json::{Value, json};

use super::exit;

/// Prints results: for people, or as JSON.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    json: bool,
}

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: u8,
    /// The published code, when the failure has one.
    pub code: &'static str,
    /// What went wrong, for people.
    pub message: String,
}

impl Output {
    /// Prints JSON when asked to.
    pub const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether JSON was asked for.
    pub const fn is_json(self) -> bool {
        self.json
    }

    /// A line for people; nothing under `--json`.
    pub fn say(self, line: impl std::fmt::Display) {
        if !self.json {
            // A closed pipe is no reason to fail: whoever read has what they wanted.
            let _ = writeln!(std::io::stdout(), "{line}");
        }
    }

    /// One result: `text` for people, `value` under `--json`.
    pub fn result(self, value: &Value, text: impl std::fmt::Display) -> Result<(), Failure> {
        if self.json {
            let pretty = serde_json::to_string_pretty(value).map_err(Failure::from_error)?;
            let _ = writeln!(std::io::stdout(), "{pretty}");
        } else {
            self.say(text);
        }
        Ok(())
    }

    /// A document that is JSON either way.
    pub fn document(self, value: &impl serde::Serialize) -> Result<(), Failure> {
        let pretty = serde_json::to_string_pretty(value).map_err(Failure::from_error)?;
        let _ = writeln!(std::io::stdout(), "{pretty}");
        Ok(())
    }

    /// Rows under headings; under `--json` the values as an array.
    pub fn table(
        self,
        headings: &[&str],
        rows: &[Vec<String>],
        values: &[Value],
    ) -> Result<(), Failure> {
        if self.json {
            return self.document(&values);
        }
        let width = |column: usize| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.chain([headings[column].len()]).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..headings.len()).map(width).collect();
        let line = |cells: Vec<&str>| {
            let padded = cells
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:width$}"));
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        self.say(line(headings.to_vec()));
        for row in rows {
            self.say(line(row.iter().map(String::as_str).collect()));
        }
        Ok(())
    }

    /// Reports a failure on standard error.
    pub fn failure(self, failure: &Failure) {
        let line = if self.json {
            json!({ "error": { "code": failure.code, "message": failure.message } }).to_string()
        } else {
            format!("error: {}", failure.message)
        };
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}

impl Failure {
    /// A failure with a message of its own.
    pub fn new(exit: u8, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            exit,
            code,
            message: message.into(),
        }
    }

    /// A setting is wrong.
    pub fn config(error: &anyhow::Error) -> Self {
        Self::new(exit::CONFIG, "CONFIG_INVALID", format!("{error:#}"))
    }

    /// The thing named does not exist.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(exit::NOT_FOUND, "NOT_FOUND", what)
    }

    /// Anything that has no code of its own.
    pub fn from_error(error: impl std::fmt::Display) -> Self {
        Self::new(exit::FAILED, "INTERNAL_ERROR", error.to_string())
    }
}

impl From<anyhow::Error> for Failure {
    /// A store that is away keeps its own exit code, whoever noticed it.
    fn from(error: anyhow::Error) -> Self {
        if let Some(fault) = error.downcast_ref::<StoreError>() {
            return Self::fault(fault);
        }
        Self::new(exit::FAILED, "INTERNAL_ERROR", format!("{error:#}"))
    }
}

impl Failure {
    /// A refusal of a use case.
    fn fault(fault: &dyn Fault) -> Self {
        let exit = match fault.kind() {
            Kind::Missing => exit::NOT_FOUND,
            Kind::Unavailable | Kind::Upstream => exit::UNAVAILABLE,
            _ => exit::FAILED,
        };
        let mut message = fault.to_string();
        if let Some(Value::Array(problems)) = fault.details() {
            for problem in problems {
                if let Some(text) = problem["message"].as_str() {
                    message = format!("{message}: {text}");
                }
            }
        }
        // The operator may see causes; users of the API never do.
        let mut cause = fault.source();
        while let Some(inner) = cause {
            message = format!("{message}: {inner}");
            cause = inner.source();
        }
        Self::new(exit, fault.code(), message)
    }
}

impl From<AccountsError> for Failure {
    fn from(error: AccountsError) -> Self {
        Self::fault(&error)
    }
}

impl From<BillingError> for Failure {
    fn from(error: BillingError) -> Self {
        Self::fault(&error)
    }
}

impl From<PlanChangeError> for Failure {
    fn from(error: PlanChangeError) -> Self {
        Self::fault(&error)
    }
}

impl From<TeamError> for Failure {
    fn from(error: TeamError) -> Self {
        Self::fault(&error)
    }
}

impl From<MessagingError> for Failure {
    fn from(error: MessagingError) -> Self {
        Self::fault(&error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::fault(&error)
    }
}
