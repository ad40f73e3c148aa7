//! Handing a file out to whoever has its address.

use std::ops::Range;
use std::sync::Arc;

use msgflash_kernel::Clock;

use super::link::MediaLinks;
use super::ports::{ByteStream, MediaFiles, MediaReader};
use super::{Media, MediaError};

/// Finds files by their addresses.
pub struct ReadMedia {
    reader: Arc<dyn MediaReader>,
    files: Arc<dyn MediaFiles>,
    links: Arc<MediaLinks>,
    clock: Arc<dyn Clock>,
}

impl ReadMedia {
    /// Wires it.
    pub fn new(
        reader: Arc<dyn MediaReader>,
        files: Arc<dyn MediaFiles>,
        links: Arc<MediaLinks>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            reader,
            files,
            links,
            clock,
        }
    }

    /// The file behind a token; `None` when there is none any more, or never was.
    pub async fn find(&self, token: &str) -> Result<Option<Media>, MediaError> {
        let now = self.clock.now();
        let Some(ticket) = self.links.read(token).filter(|it| it.expires_at > now) else {
            return Ok(None);
        };
        let media = self.reader.find_by_token(&ticket.hash).await?;
        Ok(media.filter(|it| it.expires_at > now))
    }

    /// Its bytes, all or some; `None` when they are gone.
    pub async fn open(
        &self,
        media: &Media,
        range: Option<Range<u64>>,
    ) -> Result<Option<ByteStream>, MediaError> {
        Ok(self.files.read(&media.key(), range).await?)
    }
}
