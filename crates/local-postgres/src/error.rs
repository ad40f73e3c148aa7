//! What can go wrong between "start" and "ready", said so that a person knows what to do next.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

/// Why the cluster could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A file or directory of the cluster could not be used.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The data was written by another major version.
    #[error(
        "the data in {} belongs to PostgreSQL {cluster}, and the programs in {} are PostgreSQL \
         {programs}. Go on with those of PostgreSQL {cluster} (Debian: package \
         postgresql-{cluster}, PG_BIN=/usr/lib/postgresql/{cluster}/bin). To move to PostgreSQL \
         {programs}: with the old programs in PG_BIN `msgflash backup FILE`, move {} away, and with \
         the new ones `msgflash restore FILE`",
        data_dir.display(),
        bin.display(),
        data_dir.display()
    )]
    OtherVersion {
        /// The cluster's directory.
        data_dir: PathBuf,
        /// The major version that wrote the data.
        cluster: u32,
        /// Where the programs are.
        bin: PathBuf,
        /// The programs' major version.
        programs: u32,
    },
    /// The database's name would need quoting everywhere it is used.
    #[error(
        "{0:?} is no name for a database: take lower-case letters, digits and underscores, a \
         letter first, 63 at most"
    )]
    DatabaseName(String),
    /// A unix socket's path may have 107 bytes.
    #[error("{} is too long for a unix socket, and so is the temporary directory", .0.display())]
    SocketPath(PathBuf),
    /// The directory for the socket belongs to somebody else or is open to others.
    #[error("{} is not a private directory of ours: remove it and start again", .0.display())]
    SocketDirectory(PathBuf),
    /// We are root, and nobody else could be found to run the server.
    #[error(
        "PostgreSQL does not run as root, and this system offers no way around it: {0}. Start as \
         an ordinary user, or set DATABASE_URL to a database of your own"
    )]
    Root(String),
    /// A program that prepares the cluster failed.
    #[error("{program} failed ({status}):\n{output}")]
    Preparation {
        /// Which program.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it said.
        output: String,
    },
    /// The server ended before it was ready.
    #[error("PostgreSQL ended while starting ({status}). The end of {}:\n{tail}", log.display())]
    Exited {
        /// How it ended.
        status: ExitStatus,
        /// Its log file.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// The server was not ready in time.
    #[error("PostgreSQL was not ready after {limit:?}. The end of {}:\n{tail}", log.display())]
    NotReady {
        /// How long it had.
        limit: Duration,
        /// Its log file.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// Another process holds the cluster and neither finishes starting nor stopping.
    #[error("another process has been starting or stopping {} for {limit:?}", data_dir.display())]
    Busy {
        /// The cluster's directory.
        data_dir: PathBuf,
        /// How long we waited.
        limit: Duration,
    },
    /// The thread that keeps the server could not be started, or died.
    #[error("cannot keep a server: {0}")]
    Keeper(String),
}

impl ClusterError {
    /// For `map_err` on file operations.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}
