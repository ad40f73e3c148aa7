//! Uploads on their way to the provider: addresses of our own become bytes just before the call.
//!
//! The provider never fetches them, so it does not matter whether it could. Whether a message sends
//! an upload is told by its address alone, before its call is marked; the row is asked after that, so
//! that nothing goes out whose time is over. What lies in memory is bounded twice: by the room that
//! calls under way share, and by what is remembered of the last files, which spares a campaign from
//! reading one file once per recipient.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt as _;
use msgflash_kernel::{Clock, WorkspaceId};
use tracing::warn;

use self::room::{Parked, Room};
use self::shelf::Shelf;
use super::link::{MediaLinks, Ticket};
use super::ports::{MediaFiles, MediaReader};
use super::{MAX_BYTES, Media};
use crate::provider::OutboundFile;

mod room;
mod shelf;

pub use room::Place;

/// The most bytes of files that calls under way send. Each is held about three times while its call
/// lasts: as it is, and twice in the text it is sent as.
pub const MOST_ON_THE_WAY: u64 = 2 * MAX_BYTES;
/// The most bytes of files that are remembered.
pub const MOST_REMEMBERED: u64 = 2 * MAX_BYTES;

/// Turns addresses of uploads into bytes.
pub struct SendFiles {
    reader: Arc<dyn MediaReader>,
    files: Arc<dyn MediaFiles>,
    links: Arc<MediaLinks>,
    clock: Arc<dyn Clock>,
    room: Arc<Room>,
    shelf: Shelf,
    parked: Parked,
}

/// Whether a message sends an upload.
#[derive(Debug)]
pub enum Wanted {
    /// It does not: its address, if it has one, leads elsewhere.
    Nothing,
    /// It does, and its bytes have a place.
    Upload(Place),
    /// It does, and too many bytes are under way already.
    NoRoom,
}

/// Why there are no bytes to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// The upload has expired or was deleted.
    Gone,
    /// It could not be read now.
    NotNow,
}

impl SendFiles {
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
            room: Room::of(MOST_ON_THE_WAY),
            shelf: Shelf::of(MOST_REMEMBERED),
            parked: Parked::default(),
        }
    }

    /// Whether this address is an upload of this workspace, and a place for its bytes. Nothing is
    /// waited for.
    pub fn want(&self, url: Option<&str>, workspace: WorkspaceId) -> Wanted {
        let Some(ticket) = url.and_then(|url| self.links.own(url, workspace)) else {
            return Wanted::Nothing;
        };
        if let Some(place) = self.parked.take(&ticket, self.clock.now()) {
            return Wanted::Upload(place);
        }
        match self.room.enter(ticket, workspace) {
            Some(place) => Wanted::Upload(place),
            None => Wanted::NoRoom,
        }
    }

    /// Keeps a place whose bytes came too late for their call: the next try finds both at hand, however
    /// many others want room meanwhile. So a slow store makes calls late and never hopeless.
    pub fn park(&self, place: Place, file: OutboundFile) {
        self.parked.put(place, file.bytes, self.clock.now());
    }

    /// The bytes for a place.
    pub async fn load(&self, place: &Place) -> Result<OutboundFile, Unavailable> {
        let Ticket { hash, .. } = place.ticket();
        let found = self.reader.find_by_token(&hash).await.map_err(|cause| {
            warn!(%cause, "an upload could not be looked up");
            Unavailable::NotNow
        })?;
        let now = self.clock.now();
        let ours = |it: &Media| it.workspace == place.workspace() && it.expires_at > now;
        let media = found.filter(ours).ok_or(Unavailable::Gone)?;
        let at_hand = place.bytes().or_else(|| self.shelf.find(media.id));
        let bytes = if let Some(bytes) = at_hand {
            bytes
        } else {
            let bytes = self.read(&media).await?;
            self.shelf.keep(media.id, bytes.clone());
            bytes
        };
        Ok(OutboundFile {
            name: media.file_name(),
            mime: media.kind.mime(),
            bytes,
        })
    }

    async fn read(&self, media: &Media) -> Result<Bytes, Unavailable> {
        let not_now = |cause| {
            warn!(media.id = %media.id, %cause, "an upload could not be read");
            Unavailable::NotNow
        };
        let stream = self.files.read(&media.key(), None).await.map_err(not_now)?;
        let stream = stream.ok_or(Unavailable::Gone)?;
        let size = usize::try_from(media.size).unwrap_or_default();
        let whole = BytesMut::with_capacity(size);
        let read = stream.try_fold(whole, |mut whole, part| async move {
            whole.extend_from_slice(&part);
            Ok(whole)
        });
        let whole = read.await.map_err(not_now)?.freeze();
        if whole.len() != size {
            warn!(media.id = %media.id, "an upload is not whole in the store");
            return Err(Unavailable::NotNow);
        }
        Ok(whole)
    }
}

#[cfg(test)]
mod tests;
