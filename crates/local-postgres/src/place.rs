//! Where a cluster lives: its directory, its data, its log and its socket.

use std::{
    fs::{self, DirBuilder, File},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    os::unix::{
        ffi::OsStrExt as _,
        fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown},
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::{
    error::ClusterError,
    identity::{Account, Identity},
    system,
};

/// What `PostgreSQL` appends to the directory it is given.
const SOCKET: &str = "/.s.PGSQL.5432";
/// `sun_path` has 108 bytes, and the last one is a NUL.
const LONGEST_SOCKET_PATH: usize = 107;
/// How much of the log an error message shows.
const TAIL_LINES: usize = 20;

/// The paths of one cluster; all but the socket's are below `dir`.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) dir: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) socket_dir: PathBuf,
}

impl Place {
    /// Makes the directories, private to whoever will run the server.
    pub(crate) fn open(wish: &Path, identity: &Identity) -> Result<Self, ClusterError> {
        let dir = private_directory(wish)?;
        let dir = match identity {
            Identity::Other(account) => handed_over(&dir, account)?,
            Identity::Ourselves | Identity::Namespace(_) => dir,
        };
        let socket_dir = if fits(&dir) {
            dir.clone()
        } else {
            elsewhere(&dir, identity)?
        };
        Ok(Self {
            data: dir.join("data"),
            log: dir.join("server.log"),
            socket_dir,
            dir,
        })
    }

    /// Only one process at a time decides whether this cluster needs a server.
    pub(crate) fn lock(&self, limit: Duration) -> Result<File, ClusterError> {
        let path = self.dir.join("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(ClusterError::file("open", &path))?;
        let begun = Instant::now();
        while file.try_lock().is_err() {
            if begun.elapsed() > limit {
                return Err(ClusterError::Busy {
                    data_dir: self.dir.clone(),
                    limit,
                });
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(file)
    }

    /// A new log; the one before is kept under another name, because it may tell of a crash.
    pub(crate) fn fresh_log(&self) -> Result<File, ClusterError> {
        drop(fs::rename(&self.log, self.dir.join("server.log.old")));
        File::create(&self.log).map_err(ClusterError::file("write", &self.log))
    }

    pub(crate) fn log_tail(&self) -> String {
        tail(&String::from_utf8_lossy(
            &fs::read(&self.log).unwrap_or_default(),
        ))
    }
}

/// The last lines of a text.
pub(crate) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

fn private_directory(wish: &Path) -> Result<PathBuf, ClusterError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(wish)
        .map_err(ClusterError::file("create", wish))?;
    let dir = wish
        .canonicalize()
        .map_err(ClusterError::file("resolve", wish))?;
    close_to_others(&dir)?;
    Ok(dir)
}

fn close_to_others(dir: &Path) -> Result<(), ClusterError> {
    let found = fs::metadata(dir).map_err(ClusterError::file("read", dir))?;
    if found.mode() & 0o777 != 0o700 {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
            .map_err(ClusterError::file("restrict", dir))?;
    }
    Ok(())
}

/// The directory as `account` can use it: this one, or one in `/var/lib` when the way to this
/// one is closed to other users, as it is below `/root`.
fn handed_over(dir: &Path, account: &Account) -> Result<PathBuf, ClusterError> {
    let is_reachable = dir.ancestors().skip(1).all(|ancestor| {
        fs::metadata(ancestor).is_ok_and(|found| {
            found.mode() & 0o001 != 0 || (found.uid() == account.uid && found.mode() & 0o100 != 0)
        })
    });
    let place = if is_reachable {
        dir.to_owned()
    } else {
        let open = Path::new("/var/lib/msgflash");
        fs::create_dir_all(open).map_err(ClusterError::file("create", open))?;
        let place = private_directory(&open.join(fingerprint(dir)))?;
        tracing::warn!(
            place = %place.display(),
            user = account.name,
            "the database is kept elsewhere, because its user cannot reach {}",
            dir.display()
        );
        place
    };
    chown(&place, Some(account.uid), Some(account.gid))
        .map_err(ClusterError::file("hand over", &place))?;
    Ok(place)
}

fn fits(dir: &Path) -> bool {
    dir.as_os_str().as_bytes().len() + SOCKET.len() <= LONGEST_SOCKET_PATH
}

/// A directory for the socket alone, the same one at each start. The temporary directory is
/// everybody's, so what is found there is looked at before it is trusted.
fn elsewhere(dir: &Path, identity: &Identity) -> Result<PathBuf, ClusterError> {
    let name = format!("msgflash-{}-{}", system::effective_uid(), fingerprint(dir));
    let place = std::env::temp_dir().join(name);
    if !fits(&place) {
        return Err(ClusterError::SocketPath(dir.to_owned()));
    }
    let owner = match identity {
        Identity::Ourselves | Identity::Namespace(_) => system::effective_uid(),
        Identity::Other(account) => account.uid,
    };
    match DirBuilder::new().mode(0o700).create(&place) {
        Ok(()) => {
            chown(&place, Some(owner), None).map_err(ClusterError::file("hand over", &place))?;
        }
        Err(failure) if failure.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(source) => {
            return Err(ClusterError::File {
                action: "create",
                path: place,
                source,
            });
        }
    }
    let found = fs::symlink_metadata(&place).map_err(ClusterError::file("read", &place))?;
    if found.is_dir() && found.uid() == owner && found.mode() & 0o777 == 0o700 {
        Ok(place)
    } else {
        Err(ClusterError::SocketDirectory(place))
    }
}

fn fingerprint(dir: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    dir.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_socket_with_the_data_while_the_path_is_short() {
        let root = tempfile::tempdir().unwrap();
        let place = Place::open(&root.path().join("cluster"), &Identity::Ourselves).unwrap();

        assert_eq!(place.socket_dir, place.dir);
        assert_eq!(fs::metadata(&place.dir).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn moves_the_socket_to_a_private_directory_when_the_path_is_long() {
        let root = tempfile::tempdir().unwrap();
        let long = root.path().join("x".repeat(100));

        let place = Place::open(&long, &Identity::Ourselves).unwrap();

        assert!(fits(&place.socket_dir) && place.socket_dir != place.dir);
        assert_eq!(
            fs::metadata(&place.socket_dir).unwrap().mode() & 0o777,
            0o700
        );

        fs::set_permissions(&place.socket_dir, fs::Permissions::from_mode(0o755)).unwrap();
        let refused = Place::open(&long, &Identity::Ourselves);
        fs::remove_dir(&place.socket_dir).unwrap();
        assert!(matches!(refused, Err(ClusterError::SocketDirectory(_))));
    }

    #[test]
    fn shows_the_end_of_a_long_log() {
        let log = (0..100)
            .map(|line| line.to_string())
            .collect::<Vec<_>>()
            .join("\n");
        assert!(tail(&log).starts_with("80\n") && tail(&log).ends_with("99"));
    }
}
