//! Doing work once per key.

use msgflash_kernel::{Claim, Once, ReplayStore, StoreError, StoredAnswer};
use time::OffsetDateTime;

use crate::error::ContactError;

/// Claims the key of a request that is to be done once; answers what was answered before. It comes
/// before any other lock: an equal request may be waited for here.
pub(crate) async fn claim<T>(
    replays: &mut dyn ReplayStore,
    once: Option<&Once<'_, T>>,
    now: OffsetDateTime,
) -> Result<Option<StoredAnswer>, ContactError> {
    let Some(once) = once else {
        return Ok(None);
    };
    match replays.claim(once.key, now).await? {
        Claim::Fresh => Ok(None),
        Claim::Replay(answer) => Ok(Some(answer)),
        Claim::Mismatch => Err(ContactError::ReplayMismatch),
        Claim::Busy => Err(ContactError::ReplayBusy),
    }
}

/// Keeps the answer in the transaction of the work.
pub(crate) async fn keep<T>(
    replays: &mut dyn ReplayStore,
    once: Option<Once<'_, T>>,
    done: &T,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    let Some(once) = once else {
        return Ok(());
    };
    let answer = (once.render)(done);
    replays.keep(once.key, &answer, now).await
}
