//! Everything in one file, and back.
//!
//! [`back_up`] copies one snapshot of all tables over an ordinary connection, while others go on
//! working. [`restore`] makes an empty database of it, in one transaction: the schema the copy was
//! made with, its rows, what migrations came later, and last what must not be taken for the present
//! any more (`aftermath.rs`). `archive.rs` says what the file looks like.

use std::io;

use diesel::result::ConnectionError;
use time::OffsetDateTime;

use crate::connect::why;

mod aftermath;
mod archive;
mod load;
mod steps;
mod take;

pub use load::restore;
pub use take::back_up;

/// What was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackedUp {
    /// The moment the copy shows, by the database's clock.
    pub at: OffsetDateTime,
    /// How many tables it has.
    pub tables: usize,
    /// How many rows they have.
    pub rows: u64,
}

/// What became of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The moment the backup shows.
    pub at: OffsetDateTime,
    /// The version of the program that made it.
    pub made_by: String,
    /// How many tables were loaded.
    pub tables: usize,
    /// How many rows they have.
    pub rows: u64,
    /// Migrations that came after the backup and were applied to it.
    pub migrated: Vec<String>,
    /// Tables of the backup that are not ours and were left out.
    pub left_out: Vec<String>,
    /// Queued messages that may have been sent since the backup: the server looks them up.
    pub doubtful: u64,
    /// Queued messages whose time has not come.
    pub waiting: u64,
}

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database cannot be reached, or went away.
    #[error("the database is away: {0}")]
    Away(String),
    /// The database refused something.
    #[error("the database refused: {0}")]
    Refused(String),
    /// There is nothing of ours in the database.
    #[error("there is nothing to back up: the database has no tables of MsgFlash")]
    Nothing,
    /// Something is in the database that was to be filled.
    #[error(
        "the database is not empty, it has {0}: a backup is restored into an empty one. \
         `msgflash migrate --revert-all` empties this one and deletes all its data"
    )]
    NotEmpty(String),
    /// The file is something else.
    #[error("this is not a backup of MsgFlash")]
    NotABackup,
    /// The file was made by a program that knew more.
    #[error(
        "the backup was made by MsgFlash {made_by}, which is newer than this program ({why}): \
         restore it with that version"
    )]
    Newer {
        /// The version that made it.
        made_by: String,
        /// What this program does not know.
        why: String,
    },
    /// The file is not whole.
    #[error("the backup is damaged or incomplete ({0}): nothing was restored")]
    Damaged(String),
    /// The file could not be read or written.
    #[error("cannot {action} the backup: {cause}")]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// What the system answered.
        cause: io::Error,
    },
}

impl BackupError {
    fn write(cause: io::Error) -> Self {
        let action = "write";
        Self::File { action, cause }
    }

    fn read(cause: io::Error) -> Self {
        match cause.kind() {
            io::ErrorKind::UnexpectedEof => Self::Damaged("it ends early".to_owned()),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                Self::Damaged(cause.to_string())
            }
            _ => {
                let action = "read";
                Self::File { action, cause }
            }
        }
    }
}

impl From<tokio_postgres::Error> for BackupError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(told) => Self::Refused(told.message().to_owned()),
            None => Self::Away(why(&error)),
        }
    }
}

impl From<ConnectionError> for BackupError {
    fn from(error: ConnectionError) -> Self {
        Self::Away(error.to_string())
    }
}

/// A name as it stands in a statement.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
