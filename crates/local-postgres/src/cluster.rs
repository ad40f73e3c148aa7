//! A running cluster, seen from its user's side.

use std::{
    fmt::Write as _,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    process::Child,
    sync::mpsc::{self, Receiver, Sender},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{
    boot::{self, Booted},
    error::ClusterError,
    programs::Programs,
    system::{self, Signal},
};

/// The superuser of every cluster we make.
pub(crate) const USER: &str = "msgflash";

/// How a server is to be started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which programs run it.
    pub programs: Programs,
    /// The cluster's own directory, made when absent and closed to other users.
    pub data_dir: PathBuf,
    /// The database to have, made when absent.
    pub database: String,
    /// Whether data survives a power cut. `false` is for data nobody will miss.
    pub durable: bool,
    /// How many connections the server takes.
    pub max_connections: u32,
    /// Further settings of `postgresql.conf`; they win over ours.
    pub settings: Vec<(String, String)>,
    /// How long a start may take. Recovery after a crash is part of it.
    pub start_limit: Duration,
}

impl Options {
    /// A durable cluster with a database `msgflash`.
    pub fn new(programs: Programs, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            programs,
            data_dir: data_dir.into(),
            database: "msgflash".to_owned(),
            durable: true,
            max_connections: 100,
            settings: Vec::new(),
            start_limit: Duration::from_mins(1),
        }
    }
}

/// A server that is ready for connections.
///
/// Whoever started it owns it and stops it with [`Cluster::stop`] or by dropping this. A second
/// start on the same directory attaches to the first one's server, which then ends with its
/// owner, not with the guest. When the owner is killed the kernel stops the server.
#[derive(Debug)]
#[must_use = "dropping the cluster stops it"]
pub struct Cluster {
    url: String,
    keeper: Option<Keeper>,
}

/// The thread that spawned the server. The kernel's promise to stop an orphan follows the
/// spawning thread, not the process, so this one lives exactly as long as the server.
#[derive(Debug)]
struct Keeper {
    leave: Sender<()>,
    thread: JoinHandle<()>,
}

impl Cluster {
    /// Starts the server, making the cluster first when the directory holds none, or attaches to
    /// the one that is already running there. Blocks until it is ready; any thread may call it.
    pub fn start(options: &Options) -> Result<Self, ClusterError> {
        let options = options.clone();
        let (report, reported) = mpsc::channel();
        let (leave, left) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("postgres-keeper".to_owned())
            .spawn(move || keep(&options, &report, &left))
            .map_err(|cause| ClusterError::Keeper(cause.to_string()))?;
        let Ok(outcome) = reported.recv() else {
            return Err(ClusterError::Keeper("its thread panicked".to_owned()));
        };
        let ready = outcome?;
        let url = url(&ready.socket_dir, &ready.database);
        Ok(Self {
            url,
            keeper: ready.is_ours.then_some(Keeper { leave, thread }),
        })
    }

    /// Where to connect: a libpq URL over the unix socket, for the superuser `msgflash`.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Whether this value stops the server at its end.
    pub fn is_owner(&self) -> bool {
        self.keeper.is_some()
    }

    /// Stops the server when it is ours and waits until it is gone; leaves another's running.
    pub fn stop(mut self) {
        self.leave();
    }

    fn leave(&mut self) {
        if let Some(keeper) = self.keeper.take() {
            // A keeper that is gone already has stopped its server.
            let _gone = keeper.leave.send(());
            if keeper.thread.join().is_err() {
                tracing::error!("the thread that keeps PostgreSQL panicked");
            }
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.leave();
    }
}

/// What the keeper tells whoever waits for the start.
struct Ready {
    socket_dir: PathBuf,
    database: String,
    is_ours: bool,
}

fn keep(options: &Options, report: &Sender<Result<Ready, ClusterError>>, left: &Receiver<()>) {
    let database = options.database.clone();
    match boot::boot(options) {
        Err(failure) => drop(report.send(Err(failure))),
        Ok(Booted::Theirs { socket_dir }) => {
            drop(report.send(Ok(Ready {
                socket_dir,
                database,
                is_ours: false,
            })));
        }
        Ok(Booted::Ours { child, socket_dir }) => {
            if report
                .send(Ok(Ready {
                    socket_dir,
                    database,
                    is_ours: true,
                }))
                .is_ok()
            {
                // Ends with a word or with the sender's end; both mean the same.
                let _ended = left.recv();
            }
            end(child);
        }
    }
}

/// Stops a server of ours, politely at first.
pub(crate) fn end(mut child: Child) {
    for (signal, patience) in [
        (Signal::Fast, 20),
        (Signal::Immediate, 10),
        (Signal::Kill, 10),
    ] {
        system::signal(&child, signal);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(patience) {
            match child.try_wait() {
                Ok(None) => thread::sleep(Duration::from_millis(5)),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        tracing::warn!(
            ?signal,
            process.id = child.id(),
            "PostgreSQL has not stopped yet"
        );
    }
}

fn url(socket_dir: &Path, database: &str) -> String {
    let mut host = String::new();
    for &byte in socket_dir.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') {
            host.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _infallible = write!(host, "%{byte:02X}");
        }
    }
    format!("postgresql://{USER}@{host}/{database}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_escapes_the_path_of_the_socket() {
        assert_eq!(
            url(Path::new("/tmp/ä b/c"), "msgflash"),
            "postgresql://msgflash@%2Ftmp%2F%C3%A4%20b%2Fc/msgflash"
        );
    }
}
