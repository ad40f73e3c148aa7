//! Refusals about files.

use std::error::Error;
use std::time::Duration;

use msgflash_kernel::{Fault, Kind, StoreError};

use super::{Family, MAX_BYTES, MediaId};

/// The place where files lie failed.
#[derive(Debug, thiserror::Error)]
#[error("the files' store failed")]
pub struct FilesError(#[source] pub Box<dyn Error + Send + Sync>);

/// Why a file was not taken, or is not there.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// There is no file, or nothing in it.
    #[error("Send one file that is not empty, as the part \"file\" of a form")]
    FileMissing,
    /// Its bytes are nothing that is taken.
    #[error(
        "This type of file is not allowed: JPEG, PNG, WebP, GIF; MP4, 3GP; PDF, Word, Excel; MP3, OGG, M4A, AAC, AMR, WEBM sound"
    )]
    TypeNotAllowed,
    /// It has too many bytes for what it is; `None` for any file.
    #[error("{}", too_large(*.0))]
    TooLarge(Option<Family>),
    /// The workspace holds as much as it may.
    #[error(
        "This workspace holds as many uploads as it may: delete some, or wait until they expire"
    )]
    NoRoom(Duration),
    /// No such file in this workspace.
    #[error("Media not found")]
    NoMedia(MediaId),
    /// Its bytes could not be kept.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn too_large(family: Option<Family>) -> String {
    let limit = family.map_or(MAX_BYTES, Family::limit) >> 20;
    match family.map(Family::as_str) {
        Some(family) => format!("The file has more than {limit} MB, the most for type {family}"),
        None => format!("The file has more than {limit} MB"),
    }
}

impl Fault for MediaError {
    fn kind(&self) -> Kind {
        match self {
            Self::FileMissing | Self::TypeNotAllowed | Self::TooLarge(_) => Kind::Invalid,
            Self::NoRoom(wait) => Kind::Limited(*wait),
            Self::NoMedia(_) => Kind::Missing,
            Self::Files(_) => Kind::Internal,
            Self::Store(cause) => cause.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::FileMissing => "MEDIA_FILE_MISSING",
            Self::TypeNotAllowed => "MEDIA_TYPE_NOT_ALLOWED",
            Self::TooLarge(_) => "MEDIA_TOO_LARGE",
            Self::NoRoom(_) => "RATE_LIMIT_EXCEEDED",
            Self::NoMedia(_) => "NOT_FOUND",
            Self::Files(_) => "MEDIA_UPLOAD_FAILED",
            Self::Store(cause) => cause.code(),
        }
    }
}
