//! Answering a repeated request with the first answer.

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::fault::StoreError;
use crate::tenant::WorkspaceId;

/// Names one attempt of a client to do one thing once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReplayKey {
    /// The tenant; keys of different workspaces never meet.
    pub workspace: WorkspaceId,
    /// The route, such as `POST /api/v1/messages/send`.
    pub route: &'static str,
    /// Hash of the client's key.
    pub key: [u8; 32],
    /// Hash of the request body: the same key with another body is a mistake.
    pub request: [u8; 32],
}

/// An answer that was given and can be given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// HTTP status.
    pub status: u16,
    /// The body, byte for byte.
    pub body: String,
}

/// What is known about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody used it within the day.
    Fresh,
    /// The same request was answered before.
    Replay(StoredAnswer),
    /// The key was used with another body.
    Mismatch,
    /// An equal request is still at work after the waiting time.
    Busy,
}

/// Looks keys up without waiting.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait ReplayReader: Send + Sync {
    /// What is stored about `key` at `now`; never [`Claim::Busy`].
    async fn look(&self, key: &ReplayKey, now: OffsetDateTime) -> Result<Claim, StoreError>;
}

/// Keeps answers in the transaction of the write they belong to.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait ReplayStore: Send {
    /// Reserves `key` until the unit ends. An equal key in another unit waits here, ten seconds at
    /// most, and then sees what that unit stored.
    async fn claim(&mut self, key: &ReplayKey, now: OffsetDateTime) -> Result<Claim, StoreError>;
    /// Stores the answer. Kept for 24 hours.
    async fn keep(
        &mut self,
        key: &ReplayKey,
        answer: &StoredAnswer,
        now: OffsetDateTime,
    ) -> Result<(), StoreError>;
}

/// Asks a use case to do its work once per key.
///
/// The answer must be stored in the transaction of the work, and only the caller knows how an
/// answer looks, so it brings the rendering along.
#[derive(Clone, Copy)]
pub struct Once<'a, T> {
    /// The key.
    pub key: &'a ReplayKey,
    /// Turns the result into the answer to keep.
    pub render: &'a (dyn Fn(&T) -> StoredAnswer + Send + Sync),
}

/// What a use case did under [`Once`].
#[derive(Debug)]
pub enum Outcome<T> {
    /// The work was done now.
    Done(T),
    /// It had been done before; this was the answer.
    Replayed(StoredAnswer),
}
