//! `backup` and `restore`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use msgflash_kernel::{Ids as _, RandomIds};
use msgflash_messaging::events::timestamp;
use msgflash_postgres::{BackupError, Restored};
use serde_json::json;

use super::exit;
use super::output::{Failure, Output};
use crate::config::Config;
use crate::database::Database;

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The file's name for standard input and output.
const STANDARD: &str = "-";
/// It holds secrets.
const OURS_ALONE: u32 = 0o600;

/// `backup`.
pub(super) async fn back_up(config: &Config, file: &Path, out: Output) -> Result<(), Failure> {
    if file == Path::new(STANDARD) && io::stdout().is_terminal() {
        let why = "a backup is no text for a terminal: name a file, or send it into a pipe";
        return Err(Failure::new(exit::USAGE, "BAD_REQUEST", why));
    }
    let database = Database::open(config).await?;
    database.reach(config).await?;
    if file == Path::new(STANDARD) {
        let stdout = io::stdout();
        let (_, mut stdout) = msgflash_postgres::back_up(database.url(), VERSION, stdout).await?;
        return stdout.flush().map_err(Failure::from_error);
    }
    let unfinished = Unfinished::beside(file)?;
    let written = unfinished.file.try_clone().map_err(Failure::from_error)?;
    let (done, _) = tokio::select! {
        done = msgflash_postgres::back_up(database.url(), VERSION, written) => done?,
        // Leaving here removes what was written.
        _ = tokio::signal::ctrl_c() => {
            return Err(Failure::new(exit::FAILED, "INTERNAL_ERROR", "stopped; there is no backup"));
        }
    };
    let bytes = unfinished.finish(file)?;
    let text = format!(
        "Backed up {} tables with {} rows into {} ({bytes} bytes). It holds secrets.",
        done.tables,
        done.rows,
        file.display()
    );
    let value = json!({
        "file": file.display().to_string(), "bytes": bytes, "at": timestamp(done.at),
        "tables": done.tables, "rows": done.rows,
    });
    out.result(&value, text)
}

/// `restore`.
pub(super) async fn restore(
    config: &Config,
    file: &Path,
    gateway_is_intact: bool,
    out: Output,
) -> Result<(), Failure> {
    // Looked at first: a private database is not made for a file that is not there.
    let input: Box<dyn io::Read + Send> = if file == Path::new(STANDARD) {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(file).map_err(|cause| unusable("open", file, &cause))?)
    };
    let database = Database::open(config).await?;
    database.reach(config).await?;
    let url = database.url();
    let done = msgflash_postgres::restore(url, VERSION, input, gateway_is_intact).await?;
    let value = json!({
        "at": timestamp(done.at), "madeBy": done.made_by, "tables": done.tables, "rows": done.rows,
        "migrated": done.migrated, "leftOut": done.left_out,
        "queue": { "doubtful": done.doubtful, "waiting": done.waiting },
    });
    out.result(&value, told(&done, gateway_is_intact))
}

/// What somebody who restored should know.
fn told(done: &Restored, gateway_is_intact: bool) -> String {
    let mut lines = vec![format!(
        "Restored {} tables with {} rows, as they were at {} (MsgFlash {}).",
        done.tables,
        done.rows,
        timestamp(done.at),
        done.made_by
    )];
    if !done.migrated.is_empty() {
        lines.push(format!("Migrated: {}.", done.migrated.join(", ")));
    }
    if !done.left_out.is_empty() {
        let names = done.left_out.join(", ");
        lines.push(format!("Left out, for they are not MsgFlash's: {names}."));
    }
    if done.doubtful > 0 {
        let absent = if gateway_is_intact {
            "is sent"
        } else {
            "fails with PROVIDER_TIMEOUT"
        };
        lines.push(format!(
            "{} queued messages may have been sent since. The server looks them up at the gateway; \
             what it does not show {absent}.",
            done.doubtful
        ));
    }
    if done.waiting > 0 {
        lines.push(format!("{} scheduled messages wait.", done.waiting));
    }
    lines.join("\n")
}

/// A file under a name of its own until it is whole; removed when it never is.
struct Unfinished {
    path: Option<PathBuf>,
    file: File,
}

impl Unfinished {
    fn beside(wanted: &Path) -> Result<Self, Failure> {
        let mut path = wanted.as_os_str().to_owned();
        path.push(format!(".{}.unfinished", RandomIds.next().simple()));
        let path = PathBuf::from(path);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(OURS_ALONE)
            .open(&path)
            .map_err(|cause| unusable("write", &path, &cause))?;
        let path = Some(path);
        Ok(Self { path, file })
    }

    /// Gives it its name when it is on the disk; answers its size.
    fn finish(mut self, wanted: &Path) -> Result<u64, Failure> {
        let failed = |cause| unusable("write", wanted, &cause);
        self.file.sync_all().map_err(failed)?;
        let bytes = self.file.metadata().map_err(failed)?.len();
        if let Some(path) = &self.path {
            fs::rename(path, wanted).map_err(failed)?;
        }
        self.path = None;
        // The name is on the disk when the directory is.
        let directory = match wanted.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(failed)?;
        Ok(bytes)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            drop(fs::remove_file(path));
        }
    }
}

fn unusable(action: &str, path: &Path, cause: &io::Error) -> Failure {
    let message = format!("cannot {action} {}: {cause}", path.display());
    Failure::new(exit::FAILED, "INTERNAL_ERROR", message)
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        let (exit, code) = match &error {
            BackupError::Away(_) => (exit::UNAVAILABLE, "SERVICE_UNAVAILABLE"),
            BackupError::Nothing => (exit::NOT_FOUND, "NOT_FOUND"),
            BackupError::NotEmpty(_) => (exit::FAILED, "CONFLICT"),
            BackupError::NotABackup | BackupError::Newer { .. } | BackupError::Damaged(_) => {
                (exit::FAILED, "BAD_REQUEST")
            }
            BackupError::Refused(_) | BackupError::File { .. } => (exit::FAILED, "INTERNAL_ERROR"),
        };
        Self::new(exit, code, error.to_string())
    }
}
