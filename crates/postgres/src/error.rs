//! Database errors into store errors.

use diesel::result::{DatabaseErrorKind, Error};
use msgflash_kernel::StoreError;

/// What a failed statement means to the domain.
pub(crate) fn failed(error: Error) -> StoreError {
    // diesel-async reports a connection that broke under a statement as the second kind.
    let lost = matches!(
        error,
        Error::BrokenTransactionManager
            | Error::DatabaseError(
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
                _,
            )
    );
    if lost || is_passing(&error) {
        StoreError::Unavailable(error.into())
    } else {
        StoreError::Failed(error.into())
    }
}

/// How the server's complaint about its disk ends, whatever it wanted to write. An operator makes room;
/// nothing of the transaction was kept.
const FULL: &str = "No space left on device";

/// Whether the server ended the statement for a reason that passes, so that repeating is right.
///
/// The driver hides the error's code, so its text must do. Connections ask the server for English
/// (`connect.rs`); one that may not do so and speaks another language is not understood here, and its
/// clients are told of a failure instead.
fn is_passing(error: &Error) -> bool {
    const SAID: [&str; 5] = [
        "terminating connection",
        "canceling statement due to statement timeout",
        "canceling statement due to lock timeout",
        "the database system is",
        "deadlock detected",
    ];
    match error {
        Error::DatabaseError(DatabaseErrorKind::Unknown, told) => {
            SAID.iter().any(|said| told.message().starts_with(said))
                || told.message().ends_with(FULL)
        }
        _ => false,
    }
}

/// Refuses when a statement met another number of rows than it was about: one of them is gone, or somebody
/// else had it first.
pub(crate) fn expect_rows(
    met: usize,
    expected: usize,
    place: &'static str,
) -> Result<(), StoreError> {
    if met == expected {
        Ok(())
    } else {
        Err(StoreError::Stale(place))
    }
}

/// The name of the constraint a statement broke, if that is why it failed.
pub(crate) fn broken_constraint(error: &Error) -> Option<&str> {
    match error {
        Error::DatabaseError(_, info) => info.constraint_name(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(words: &str) -> StoreError {
        let told = Box::new(words.to_owned());
        failed(Error::DatabaseError(DatabaseErrorKind::Unknown, told))
    }

    #[test]
    fn what_passes_is_worth_repeating_and_nothing_else_is() {
        for passing in [
            "terminating connection due to administrator command",
            "the database system is in recovery mode",
            "could not extend file \"base/5/16384\": No space left on device",
            "could not write to file \"pg_wal/xlogtemp.71\": No space left on device",
        ] {
            assert!(
                matches!(told(passing), StoreError::Unavailable(_)),
                "{passing}"
            );
        }
        for lasting in ["division by zero", "relation \"messages\" does not exist"] {
            assert!(matches!(told(lasting), StoreError::Failed(_)), "{lasting}");
        }
    }
}
