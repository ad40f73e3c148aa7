//! Database errors into store errors.

use diesel::result::{DatabaseErrorKind, Error};
use msgflash_kernel::StoreError;

/// What a failed statement means to the domain.
pub(crate) fn failed(error: Error) -> StoreError {
    match error {
        // diesel-async reports a connection that broke under a statement as the second kind.
        Error::DatabaseError(
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
            _,
        ) => StoreError::Unavailable(error.into()),
        Error::BrokenTransactionManager => StoreError::Unavailable(error.into()),
        other => StoreError::Failed(other.into()),
    }
}

/// The name of the constraint a statement broke, if that is why it failed.
pub(crate) fn broken_constraint(error: &Error) -> Option<&str> {
    match error {
        Error::DatabaseError(_, info) => info.constraint_name(),
        _ => None,
    }
}
