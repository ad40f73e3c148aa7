//! Clearing away what is past its time.

use std::sync::{Arc, Mutex, PoisonError};

use msgflash_kernel::{Clock, StoreError, Tick};
use time::{Duration, OffsetDateTime};
use tracing::{info, warn};

use super::ports::{MediaFiles, MediaUnits};
use super::{LIFETIME, Media};

/// Rows of one step.
const AT_ONCE: u32 = 100;
/// Files that are removed side by side.
const ABREAST: usize = 8;
/// How often is looked for files that no row knows.
const LOOK_EVERY: Duration = Duration::HOUR;
/// Clocks of stores of files may be wrong by less than this.
const SLACK: Duration = Duration::HOUR;

/// Removes files whose time is over.
pub struct ForgetMedia {
    units: Arc<dyn MediaUnits>,
    files: Arc<dyn MediaFiles>,
    clock: Arc<dyn Clock>,
    next_look: Mutex<Option<OffsetDateTime>>,
}

impl ForgetMedia {
    /// Wires it.
    pub fn new(
        units: Arc<dyn MediaUnits>,
        files: Arc<dyn MediaFiles>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            units,
            files,
            clock,
            next_look: Mutex::default(),
        }
    }

    /// Removes some of what has expired, rows first: nobody finds a file that is being removed. Now
    /// and then also whatever is older than any row lives: files whose row went while they could not
    /// be removed, and what uploads left that never ended. That needs no look at the rows, so it
    /// removes nothing that somebody else's rows still know.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let now = self.clock.now();
        let mut unit = self.units.begin().await?;
        let gone = unit.media().take_expired(now, AT_ONCE).await?;
        unit.commit().await?;
        for some in gone.chunks(ABREAST) {
            let removals = some.iter().map(|media| self.remove(media));
            futures_util::future::join_all(removals).await;
        }
        if gone.is_empty() && self.is_time_to_look(now) {
            match self.files.delete_older(now - LIFETIME - SLACK).await {
                Ok(0) => {}
                Ok(count) => info!(count, "files that no row knew were removed"),
                Err(cause) => warn!(%cause, "old files could not be looked for"),
            }
        }
        Ok(Tick::of(gone.len()))
    }

    async fn remove(&self, media: &Media) {
        if let Err(cause) = self.files.delete(&media.key()).await {
            warn!(media.id = %media.id, %cause, "a file could not be removed yet");
        }
    }

    fn is_time_to_look(&self, now: OffsetDateTime) -> bool {
        let mut next = self
            .next_look
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_time = next.is_none_or(|at| at <= now);
        if is_time {
            *next = Some(now + LOOK_EVERY);
        }
        is_time
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::FilesError;
    use super::super::ports::{MockMediaFiles, MockMediaStore};
    use super::super::testing::{Units, clock, media};
    use super::*;
    use crate::testing::NOW;

    fn store(expired: usize) -> MockMediaStore {
        let mut store = MockMediaStore::new();
        store
            .expect_take_expired()
            .returning(move |_, _| Ok(vec![media(); expired]));
        store
    }

    #[tokio::test]
    async fn rows_go_first_and_then_their_files_and_what_no_row_knows() {
        let mut files = MockMediaFiles::new();
        let fails = || Err(FilesError("away".into()));
        files.expect_delete().times(20).returning(move |_| fails());
        let older = NOW - LIFETIME - SLACK;
        files
            .expect_delete_older()
            .times(1)
            .withf(move |than| *than == older)
            .returning(|_| Ok(1));
        let units = Units::of(vec![store(20), store(0), store(0)]);
        let forget = ForgetMedia::new(units.clone(), Arc::new(files), clock());
        assert_eq!(forget.tick().await.expect("done"), Tick::Did(20));
        assert_eq!(forget.tick().await.expect("done"), Tick::Idle);
        assert_eq!(forget.tick().await.expect("done"), Tick::Idle);
        assert_eq!(units.commits(), 3);
    }
}
