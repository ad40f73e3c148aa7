//! A folder of files, one folder per day in it, for this program's user alone.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use object_store::local::LocalFileSystem;
use time::OffsetDateTime;

use super::is_day_until;

/// Who may enter: nobody else.
const MODE: u32 = 0o700;

/// A folder that may not be there yet.
pub(super) struct Folder {
    root: PathBuf,
    store: OnceLock<LocalFileSystem>,
}

impl Folder {
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            root,
            store: OnceLock::new(),
        }
    }

    /// The files, if there ever were any.
    pub(super) fn existing(&self) -> object_store::Result<Option<&LocalFileSystem>> {
        if self.store.get().is_none() && !self.root.is_dir() {
            return Ok(None);
        }
        self.open().map(Some)
    }

    /// The files, with a folder for this key.
    pub(super) async fn ready_for(&self, key: &str) -> io::Result<&LocalFileSystem> {
        let day = key.split('/').next().unwrap_or_default();
        tokio::fs::DirBuilder::new()
            .recursive(true)
            .mode(MODE)
            .create(self.root.join(day))
            .await?;
        self.open().map_err(io::Error::other)
    }

    fn open(&self) -> object_store::Result<&LocalFileSystem> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        // A file is there under its name once its bytes are on the disk, and not before.
        let store = LocalFileSystem::new_with_prefix(&self.root)?.with_fsync(true);
        Ok(self.store.get_or_init(|| store))
    }

    /// Removes what is older than a moment, also what was half written when the program ended, which
    /// the store itself does not show.
    pub(super) async fn delete_older(&self, than: OffsetDateTime) -> io::Result<usize> {
        let root = self.root.clone();
        let done = tokio::task::spawn_blocking(move || delete_older(&root, than)).await;
        done.map_err(io::Error::other)?
    }
}

fn delete_older(root: &Path, than: OffsetDateTime) -> io::Result<usize> {
    let seconds = u64::try_from(than.unix_timestamp()).unwrap_or(0);
    let before = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let days = match fs::read_dir(root) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        days => days?,
    };
    let mut gone = 0;
    for day in days {
        let day = day?;
        let name = day.file_name();
        if !name.to_str().is_some_and(|it| is_day_until(it, than)) {
            continue;
        }
        // What cannot be looked at is left to the next time, or was removed by another process.
        let files = fs::read_dir(day.path()).into_iter().flatten().flatten();
        for file in files {
            let is_old = file
                .metadata()
                .is_ok_and(|about| about.is_file() && about.modified().is_ok_and(|at| at < before));
            if is_old && fs::remove_file(file.path()).is_ok() {
                gone += 1;
            }
        }
        // Refused while anything is in it.
        let _ = fs::remove_dir(day.path());
    }
    Ok(gone)
}
