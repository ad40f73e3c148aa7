//! Taking a file in.

use std::sync::Arc;
use std::time::Duration as Wait;

use bytes::Bytes;
use msgflash_kernel::{Actor, Clock, Id, Ids, Random};
use time::{Duration, OffsetDateTime};
use tracing::warn;

use super::error::FilesError;
use super::kind::MediaType;
use super::link::{MediaLinks, NONCE_BYTES};
use super::ports::{Held, MediaFiles, MediaUnits, Sniffer};
use super::{LIFETIME, MAX_BYTES, Media, MediaError, name};

/// The most files of one workspace at a time, however small.
const MOST_FILES: u64 = 10_000;
/// Bytes that are not kept after so long never will be.
const ON_THE_WAY: Duration = Duration::HOUR;

/// The ports it needs.
#[derive(Clone)]
pub struct UploadPorts {
    /// Transactions.
    pub units: Arc<dyn MediaUnits>,
    /// Where bytes lie.
    pub files: Arc<dyn MediaFiles>,
    /// Tells what they are.
    pub sniffer: Arc<dyn Sniffer>,
    /// Writes addresses.
    pub links: Arc<MediaLinks>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn Ids>,
    /// Chance, for addresses nobody guesses.
    pub random: Arc<dyn Random>,
}

/// A file to take in.
#[derive(Clone, Debug)]
pub struct UploadOrder {
    /// Who uploads, and where to.
    pub actor: Actor,
    /// What they say it is.
    pub declared: Option<String>,
    /// What they call it.
    pub name: Option<String>,
    /// What it is.
    pub bytes: Bytes,
}

/// A file that was taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// The file.
    pub media: Media,
    /// Where it may be had.
    pub url: String,
}

/// Takes files in.
pub struct UploadMedia {
    ports: UploadPorts,
    space: u64,
}

impl UploadMedia {
    /// Wires it. No workspace holds more than `space` bytes at a time.
    pub fn new(ports: UploadPorts, space: u64) -> Self {
        Self { ports, space }
    }

    /// Takes a file in. Its row is there before its bytes are, so that what many bring at once is
    /// counted before it is kept; nobody sees it until they are.
    pub async fn upload(&self, order: UploadOrder) -> Result<Uploaded, MediaError> {
        let ports = &self.ports;
        let kind = self.judge(&order)?;
        let now = ports.clock.now();
        let expires_at = now + LIFETIME;
        let media = Media {
            id: Id::new(ports.ids.next()),
            workspace: order.actor.workspace.id,
            created_by: order.actor.user,
            kind,
            size: order.bytes.len() as u64,
            original_name: name::clean(order.name.as_deref(), kind),
            created_at: now,
            // Tokens count in whole seconds.
            expires_at: expires_at.replace_nanosecond(0).unwrap_or(expires_at),
        };
        let mut nonce = [0; NONCE_BYTES];
        ports.random.fill(&mut nonce);
        let (url, token) = ports.links.issue(&media, nonce);

        let mut unit = ports.units.begin().await?;
        let held = unit.media().lock_held(media.workspace).await?;
        self.admit(held, media.size, now)?;
        let until = now + ON_THE_WAY;
        unit.media().insert(&media, &token, until).await?;
        unit.commit().await?;

        if let Err(cause) = ports.files.store(&media.key(), order.bytes).await {
            self.give_up(&media).await;
            return Err(cause.into());
        }
        let mut unit = ports.units.begin().await?;
        if !unit.media().mark_stored(&media).await? {
            // Whoever cleared it away meanwhile may have come before the bytes did.
            self.remove(&media).await;
            return Err(FilesError("the upload took too long".into()).into());
        }
        unit.commit().await?;
        Ok(Uploaded { media, url })
    }

    fn judge(&self, order: &UploadOrder) -> Result<MediaType, MediaError> {
        let size = order.bytes.len() as u64;
        if size == 0 {
            return Err(MediaError::FileMissing);
        }
        if size > MAX_BYTES {
            return Err(MediaError::TooLarge(None));
        }
        let sniffed = self.ports.sniffer.sniff(&order.bytes);
        let (declared, name) = (order.declared.as_deref(), order.name.as_deref());
        let kind = MediaType::judge(&sniffed, declared, name).ok_or(MediaError::TypeNotAllowed)?;
        if size > kind.family().limit() {
            return Err(MediaError::TooLarge(Some(kind.family())));
        }
        Ok(kind)
    }

    /// Whether there is room for `size` bytes more.
    fn admit(&self, held: Held, size: u64, now: OffsetDateTime) -> Result<(), MediaError> {
        if held.files < MOST_FILES && held.bytes.saturating_add(size) <= self.space {
            return Ok(());
        }
        let until = held.next_expiry.map_or(LIFETIME, |at| at - now);
        let wait = Wait::try_from(until).unwrap_or_default();
        Err(MediaError::NoRoom(wait.max(Wait::from_secs(1))))
    }

    /// Takes back what was recorded of a file that is not kept. What stays of it goes by its age.
    async fn give_up(&self, media: &Media) {
        self.remove(media).await;
        let removed = async {
            let mut unit = self.ports.units.begin().await?;
            unit.media().delete(media.workspace, media.id).await?;
            unit.commit().await
        };
        if let Err(cause) = removed.await {
            warn!(media.id = %media.id, %cause, "an upload that failed is counted for a while");
        }
    }

    async fn remove(&self, media: &Media) {
        if let Err(cause) = self.ports.files.delete(&media.key()).await {
            warn!(media.id = %media.id, %cause, "a file could not be removed yet");
        }
    }
}

#[cfg(test)]
mod tests;
