//! Working on bulk jobs, batch by batch.

use std::sync::Arc;

use msgflash_kernel::{Clock, StoreError, Tick};
use time::{Duration, OffsetDateTime};
use tracing::{error, warn};

use crate::bulk;
use crate::job::Job;
use crate::ports::{BulkUnit, BulkUnits, Claimed, JobWork};

/// Ids of one batch, which is one transaction.
const BATCH: usize = 500;
/// So often a batch is tried before its job fails. The pauses between the tries sum to about a
/// quarter of an hour.
pub(crate) const TRIES: u32 = 20;
/// The longest pause before a batch is tried again.
const LONGEST_PAUSE: Duration = Duration::seconds(60);

/// Works on the jobs of all workspaces, in turns.
pub struct RunJobs {
    units: Arc<dyn BulkUnits>,
    clock: Arc<dyn Clock>,
}

impl RunJobs {
    /// Wires the use case.
    pub fn new(units: Arc<dyn BulkUnits>, clock: Arc<dyn Clock>) -> Self {
        Self { units, clock }
    }

    /// Works on one batch of the job whose turn it is, as one transaction: whoever is killed in the
    /// middle leaves nothing, and anybody goes on behind the last finished batch.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let now = self.clock.now();
        let mut unit = self.units.begin().await?;
        let work = match unit.jobs().claim(now, BATCH).await? {
            Some(Claimed::Work(work)) => work,
            Some(Claimed::Broken) => {
                unit.commit().await?;
                return Ok(Tick::Did(1));
            }
            None => return Ok(Tick::Idle),
        };
        let (job, size) = (work.job.clone(), work.ids.len());
        match step(unit, work, now).await {
            Ok(()) => Ok(Tick::Did(size)),
            Err(cause) => self.put_off(&job, cause, now).await,
        }
    }

    /// Lets other books go first after a batch failed. A job that fails again and again ends: the
    /// jobs behind it would wait for ever.
    async fn put_off(
        &self,
        failed: &Job,
        cause: StoreError,
        now: OffsetDateTime,
    ) -> Result<Tick, StoreError> {
        let source = std::error::Error::source(&cause).map(ToString::to_string);
        let told = match self.note(failed, now).await {
            Ok(()) => Ok(Tick::Did(1)),
            // Nothing can be noted while the database is away; everybody waits then.
            Err(_) => Err(cause),
        };
        if told.is_ok() {
            error!(job.id = %failed.id, source, "a batch of a bulk job failed; it is tried again later");
        }
        told
    }

    /// Notes that a batch failed, whatever the cause was called: a database that takes the note is
    /// not away, and one that was too slow for a batch once may be so for ever.
    async fn note(&self, failed: &Job, now: OffsetDateTime) -> Result<(), StoreError> {
        let mut unit = self.units.begin().await?;
        unit.books().lock(failed.workspace).await?;
        let found = unit.jobs().find(failed.workspace, failed.id).await?;
        // Somebody else may have got on with it, or stopped it, meanwhile.
        let Some(mut job) = found.filter(|it| it == failed) else {
            return Ok(());
        };
        let mut turn = now + pause(job.tries);
        job.tries += 1;
        if job.tries >= TRIES {
            warn!(job.id = %job.id, "a bulk job was given up");
            job.fail("A batch failed again and again; none of it was kept", now);
            turn = now;
        }
        unit.jobs().update(&job, turn).await?;
        unit.commit().await
    }
}

/// Works on a batch and notes what became of it.
async fn step(
    mut unit: Box<dyn BulkUnit>,
    work: JobWork,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    let JobWork { mut job, ids } = work;
    let (workspace, operation) = (job.workspace, job.operation);
    let gone = match operation.group() {
        Some(group) => unit.groups().find(workspace, group).await?.is_none(),
        None => false,
    };
    if gone {
        job.fail("The group was deleted", now);
    } else {
        let fates = bulk::apply(&mut *unit, workspace, operation, &ids, now).await?;
        job.advance(fates.count(operation, &ids), now);
    }
    unit.jobs().update(&job, now).await?;
    unit.commit().await
}

/// How long a batch rests after so many failures.
pub(crate) fn pause(tries: u32) -> Duration {
    let seconds = 1i64 << tries.min(6);
    Duration::seconds(seconds).min(LONGEST_PAUSE)
}
