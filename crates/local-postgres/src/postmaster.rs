//! What `postmaster.pid` says about the server that wrote it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::system;

/// A server that is running on the data directory right now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Postmaster {
    pub(crate) pid: u32,
    pub(crate) socket_dir: PathBuf,
    pub(crate) is_ready: bool,
}

impl Postmaster {
    /// `None` when there is no file, when it is being written, or when its process is gone.
    pub(crate) fn running(data: &Path) -> Option<Self> {
        let found = Self::parse(&fs::read_to_string(data.join("postmaster.pid")).ok()?)?;
        (system::is_alive(found.pid) && works_in(found.pid, data)).then_some(found)
    }

    /// Removes the file of a dead server whose process id now belongs to somebody else:
    /// `PostgreSQL` would take the stranger for its predecessor and refuse to start. A file whose
    /// process is gone stays, because `PostgreSQL` also finds the dead server's memory through it.
    pub(crate) fn remove_mistakable(data: &Path) {
        let file = data.join("postmaster.pid");
        let stale = fs::read_to_string(&file).ok();
        let pid = stale
            .as_deref()
            .and_then(|text| text.lines().next()?.trim().parse().ok());
        if pid.is_some_and(|pid| system::is_alive(pid) && !works_in(pid, data)) {
            drop(fs::remove_file(file));
        }
    }

    /// Line 1 is the process, 5 the socket's directory, 8 the state.
    fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().collect();
        Some(Self {
            pid: lines.first()?.trim().parse().ok()?,
            socket_dir: PathBuf::from(lines.get(4).copied().unwrap_or_default()),
            is_ready: lines.get(7).is_some_and(|state| state.trim() == "ready"),
        })
    }
}

/// A server's working directory is its data; nobody else's is. A process whose directory we may
/// not see runs as another user, and a server of ours never does that.
fn works_in(pid: u32, data: &Path) -> bool {
    match (
        fs::read_link(format!("/proc/{pid}/cwd")),
        data.canonicalize(),
    ) {
        (Ok(place), Ok(data)) => place == data,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: &str = "4711\n/data\n1700000000\n5432\n/run/here\n\n  1234  5\nready   \n";

    #[test]
    fn reads_the_lines_that_matter() {
        let found = Postmaster::parse(READY).unwrap();
        assert_eq!(
            found,
            Postmaster {
                pid: 4711,
                socket_dir: "/run/here".into(),
                is_ready: true
            }
        );
    }

    #[test]
    fn a_server_that_is_starting_or_whose_file_is_half_written_is_not_ready() {
        assert!(
            !Postmaster::parse(&READY.replace("ready", "starting"))
                .unwrap()
                .is_ready
        );
        assert!(!Postmaster::parse("4711\n/data\n").unwrap().is_ready);
        assert!(Postmaster::parse("").is_none());
    }

    #[test]
    fn takes_no_stranger_for_a_server_and_removes_the_file_that_names_one() {
        let data = tempfile::tempdir().unwrap();
        let file = data.path().join("postmaster.pid");
        fs::write(
            &file,
            READY.replace("4711", &std::process::id().to_string()),
        )
        .unwrap();

        assert_eq!(Postmaster::running(data.path()), None);
        Postmaster::remove_mistakable(data.path());
        assert!(!file.exists());
    }
}
