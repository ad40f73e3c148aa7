//! Files that people upload, to be sent within a day.
//!
//! What a file is, its bytes say ([`kind`]); where it may be had, a signed address says ([`link`]). A
//! row keeps whose it is and until when, the bytes lie elsewhere ([`ports::MediaFiles`]) and live no
//! longer than the row. Messages carry the address like any other; [`send`] turns it into bytes.

pub mod delete;
pub mod error;
pub mod forget;
pub mod kind;
pub mod link;
mod name;
pub mod ports;
pub mod read;
pub mod send;
pub mod upload;

#[cfg(test)]
pub(crate) mod testing;

use msgflash_kernel::{Id, UserId, WorkspaceId};
use time::{Duration, OffsetDateTime};

pub use error::MediaError;
pub use kind::{Family, MediaType};

use crate::message::MessageKind;

/// How long a file may be had.
pub const LIFETIME: Duration = Duration::DAY;
/// The largest file of any kind.
pub const MAX_BYTES: u64 = 16 << 20;

/// Names a file.
pub type MediaId = Id<Media>;

/// An uploaded file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// Its id.
    pub id: MediaId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// Who uploaded it.
    pub created_by: UserId,
    /// What its bytes are.
    pub kind: MediaType,
    /// How many there are.
    pub size: u64,
    /// What it was called, without folders and characters nobody sees.
    pub original_name: String,
    /// When it came.
    pub created_at: OffsetDateTime,
    /// When it goes.
    pub expires_at: OffsetDateTime,
}

impl Media {
    /// Under which key its bytes lie: the day, so that old ones are found together, and the id.
    pub fn key(&self) -> String {
        format!("{}/{}", self.created_at.date(), self.id)
    }

    /// What it is called where its ending counts: the name it came with, ended as its kind is.
    pub fn file_name(&self) -> String {
        name::with_ending(&self.original_name, self.kind)
    }

    /// As what it is usually sent.
    pub fn suggested_message_type(&self) -> MessageKind {
        let name = self.original_name.to_lowercase();
        match self.kind.family() {
            Family::Image => MessageKind::Image,
            Family::Video => MessageKind::Video,
            Family::Document => MessageKind::Document,
            Family::Audio if self.kind.is_spoken() || name.starts_with("voice-note") => {
                MessageKind::VoiceNote
            }
            Family::Audio => MessageKind::Audio,
        }
    }
}
