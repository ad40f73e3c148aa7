//! Working on imports, part by part.

use std::sync::Arc;

use msgflash_kernel::{Clock, Ids, StoreError, Tick};
use time::OffsetDateTime;
use tracing::{error, warn};

use super::take;
use crate::import::Import;
use crate::jobs::{TRIES, pause};
use crate::ports::{Claimed, ImportUnit, ImportUnits, ImportWork};

/// Works on the imports of all workspaces, in turns.
pub struct RunImports {
    units: Arc<dyn ImportUnits>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl RunImports {
    /// Wires the use case.
    pub fn new(units: Arc<dyn ImportUnits>, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self { units, clock, ids }
    }

    /// Works on one part of the import whose turn it is, as one transaction: whoever is killed in
    /// the middle leaves nothing, and anybody goes on behind the last finished part.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let now = self.clock.now();
        let mut unit = self.units.begin().await?;
        let work = match unit.imports().claim(now).await? {
            Some(Claimed::Work(work)) => work,
            Some(Claimed::Broken) => {
                unit.commit().await?;
                return Ok(Tick::Did(1));
            }
            None => return Ok(Tick::Idle),
        };
        let (import, size) = (work.import.clone(), work.rows.len().max(1));
        match self.step(unit, work, now).await {
            Ok(()) => Ok(Tick::Did(size)),
            Err(cause) => self.put_off(&import, cause, now).await,
        }
    }

    async fn step(
        &self,
        mut unit: Box<dyn ImportUnit>,
        work: ImportWork,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let ImportWork {
            mut import,
            part,
            rows,
        } = work;
        let workspace = import.workspace.id;
        let gone = match import.group {
            Some(group) => unit.groups().find(workspace, group).await?.is_none(),
            None => false,
        };
        if gone {
            import.fail("The group was deleted", now);
        } else {
            let taken = take::take(&mut *unit, &*self.ids, &import, &rows, now).await?;
            import.advance(taken.counters, now);
            unit.imports()
                .finish(import.id, part, &taken.refused)
                .await?;
        }
        unit.imports().update(&import, now).await?;
        unit.commit().await
    }

    /// Lets other books go first after a part failed. An import that fails again and again ends:
    /// those behind it would wait for ever.
    async fn put_off(
        &self,
        failed: &Import,
        cause: StoreError,
        now: OffsetDateTime,
    ) -> Result<Tick, StoreError> {
        // Nothing can be noted while the database is away; everybody waits then.
        if self.note(failed, now).await.is_err() {
            return Err(cause);
        }
        let source = std::error::Error::source(&cause).map(ToString::to_string);
        error!(import.id = %failed.id, source, "a part of an import failed; it is tried again later");
        Ok(Tick::Did(1))
    }

    /// Notes that a part failed, whatever the cause was called: a database that takes the note is
    /// not away, and one that was too slow for a part once may be so for ever.
    async fn note(&self, failed: &Import, now: OffsetDateTime) -> Result<(), StoreError> {
        let mut unit = self.units.begin().await?;
        let workspace = failed.workspace.id;
        unit.books().lock(workspace).await?;
        let found = unit.imports().find(workspace, failed.id).await?;
        // Somebody else may have got on with it meanwhile.
        let Some(mut import) = found.filter(|it| it == failed) else {
            return Ok(());
        };
        let mut turn = now + pause(import.tries);
        import.tries += 1;
        if import.tries >= TRIES {
            warn!(import.id = %import.id, "an import was given up");
            import.fail("A part failed again and again; none of it was kept", now);
            turn = now;
        }
        unit.imports().update(&import, turn).await?;
        unit.commit().await
    }
}
