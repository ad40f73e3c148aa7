//! What files need from stores.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use msgflash_kernel::{StoreError, Unit, WorkspaceId};
use time::OffsetDateTime;

use super::error::FilesError;
use super::kind::Sniffed;
use super::link::LinkKey;
use super::{Media, MediaId};

/// The bytes of a file, bit by bit.
pub type ByteStream = BoxStream<'static, Result<Bytes, FilesError>>;

/// Where bytes lie, by key. Keys are ours: see [`Media::key`].
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait MediaFiles: Send + Sync {
    /// Keeps bytes. Nobody ever finds a part of them.
    async fn store(&self, key: &str, bytes: Bytes) -> Result<(), FilesError>;
    /// Reads bytes, all or a range that lies within them. `None` when there are none.
    async fn read(
        &self,
        key: &str,
        range: Option<Range<u64>>,
    ) -> Result<Option<ByteStream>, FilesError>;
    /// Removes bytes. Their absence is success.
    async fn delete(&self, key: &str) -> Result<(), FilesError>;
    /// Removes whatever was kept, or half kept, before a moment; answers how much that was.
    async fn delete_older(&self, than: OffsetDateTime) -> Result<usize, FilesError>;
}

/// Looks into files.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait Sniffer: Send + Sync {
    /// What the bytes look like. It never panics.
    fn sniff(&self, bytes: &[u8]) -> Sniffed;
}

/// Looks rows up.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait MediaReader: Send + Sync {
    /// The file whose token has this hash, once its bytes are kept. The one query without a
    /// workspace: the token is what opens it.
    async fn find_by_token(&self, hash: &[u8; 32]) -> Result<Option<Media>, StoreError>;
    /// The key that signs addresses; `fresh` becomes it when there is none yet.
    async fn link_key(&self, fresh: &LinkKey) -> Result<LinkKey, StoreError>;
}

/// What a workspace holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Files, also those on their way.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the first of them goes.
    pub next_expiry: Option<OffsetDateTime>,
}

/// Records files. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait MediaStore: Send {
    /// What a workspace holds. Until the unit ends, nobody else asks for the same one.
    async fn lock_held(&mut self, workspace: WorkspaceId) -> Result<Held, StoreError>;
    /// Records a file whose bytes are on their way, and gives it up at `until`.
    async fn insert(
        &mut self,
        media: &Media,
        token: &[u8; 32],
        until: OffsetDateTime,
    ) -> Result<(), StoreError>;
    /// Notes that the bytes are kept; `false` when the row is gone.
    async fn mark_stored(&mut self, media: &Media) -> Result<bool, StoreError>;
    /// Removes a row and answers it; `None` when the workspace has no such file.
    async fn delete(
        &mut self,
        workspace: WorkspaceId,
        id: MediaId,
    ) -> Result<Option<Media>, StoreError>;
    /// Removes rows whose time is over, up to `limit`, and answers them.
    async fn take_expired(
        &mut self,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<Media>, StoreError>;
}

/// Records files.
pub trait MediaUnit: Unit {
    /// The files.
    fn media(&mut self) -> &mut dyn MediaStore;
}

/// Begins such transactions.
#[async_trait]
pub trait MediaUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn MediaUnit>, StoreError>;
}
