//! Watching, stopping and working on bulk jobs.

use std::sync::Arc;

use msgflash_kernel::{Clock, WorkspaceId};

use crate::error::ContactError;
use crate::job::{Job, JobId};
use crate::ports::{BulkUnits, JobPage, JobReader};

mod run;

pub use run::RunJobs;
pub(crate) use run::{TRIES, pause};

/// Reads the jobs of a workspace.
pub struct ReadJobs {
    jobs: Arc<dyn JobReader>,
}

impl ReadJobs {
    /// Wires the use case.
    pub fn new(jobs: Arc<dyn JobReader>) -> Self {
        Self { jobs }
    }

    /// One job.
    pub async fn find(&self, workspace: WorkspaceId, id: JobId) -> Result<Job, ContactError> {
        let found = self.jobs.find(workspace, id).await?;
        found.ok_or(ContactError::NoJob(id))
    }

    /// A page, the newest first. The cursor is the id of the last job of the page before.
    pub async fn page(
        &self,
        workspace: WorkspaceId,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<JobPage, ContactError> {
        let after = cursor
            .map(|text| JobId::parse(text).ok_or_else(crate::list::foreign_cursor))
            .transpose()?;
        Ok(self.jobs.page(workspace, limit, after).await?)
    }
}

/// Stops jobs.
pub struct CancelJob {
    units: Arc<dyn BulkUnits>,
    clock: Arc<dyn Clock>,
}

impl CancelJob {
    /// Wires the use case.
    pub fn new(units: Arc<dyn BulkUnits>, clock: Arc<dyn Clock>) -> Self {
        Self { units, clock }
    }

    /// Stops a job that has not ended, behind the batch at hand. What is done stays done.
    pub async fn cancel(&self, workspace: WorkspaceId, id: JobId) -> Result<Job, ContactError> {
        let now = self.clock.now();
        let mut unit = self.units.begin().await?;
        unit.books().lock(workspace).await?;
        let found = unit.jobs().find(workspace, id).await?;
        let mut job = found.ok_or(ContactError::NoJob(id))?;
        if job.cancel(now).map_err(ContactError::Ended)? {
            unit.jobs().update(&job, now).await?;
            unit.commit().await?;
        }
        Ok(job)
    }
}

#[cfg(test)]
mod tests;
