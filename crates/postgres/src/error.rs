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
    if lost {
        StoreError::Unavailable(error.into())
    } else {
        StoreError::Failed(error.into())
    }
}

/// The name of the constraint a statement broke, if that is why it failed.
pub(crate) fn broken_constraint(error: &Error) -> Option<&str> {
    match error {
        Error::DatabaseError(_, info) => info.constraint_name(),
        _ => None,
    }
}
