//! Changes of many contacts, as background work that can be watched and stopped.

use msgflash_kernel::{AccountId, Id, WorkspaceId};
use time::OffsetDateTime;

use crate::group::GroupId;

/// Marker of [`JobId`].
pub enum JobMark {}
/// The id of a bulk job.
pub type JobId = Id<JobMark>;

/// What is done with many contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// They are deleted.
    Delete,
    /// They become members of a group.
    AddTo(GroupId),
    /// They leave a group.
    RemoveFrom(GroupId),
}

impl Operation {
    /// The published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "bulk_delete_contacts",
            Self::AddTo(_) => "add_to_group",
            Self::RemoveFrom(_) => "remove_from_group",
        }
    }

    /// Reads the published word; a group is needed where it says so.
    pub fn parse(word: &str, group: Option<GroupId>) -> Option<Self> {
        match (word, group) {
            ("bulk_delete_contacts", _) => Some(Self::Delete),
            ("add_to_group", Some(group)) => Some(Self::AddTo(group)),
            ("remove_from_group", Some(group)) => Some(Self::RemoveFrom(group)),
            _ => None,
        }
    }

    /// The group it is about.
    pub const fn group(self) -> Option<GroupId> {
        match self {
            Self::Delete => None,
            Self::AddTo(group) | Self::RemoveFrom(group) => Some(group),
        }
    }
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobStatus {
    /// Nothing was done yet.
    Pending,
    /// Some of it is done.
    Processing,
    /// All of it is done.
    Done,
    /// It could not go on.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

impl JobStatus {
    const ALL: [Self; 5] = [
        Self::Pending,
        Self::Processing,
        Self::Done,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the published word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }

    /// Whether nothing more will happen.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// What became of the ids of a bulk change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Deleted, added or removed.
    pub changed: u32,
    /// In the group already, or not in it.
    pub unchanged: u32,
    /// Not of this workspace.
    pub not_found: u32,
}

impl Counters {
    /// All of them.
    pub const fn sum(self) -> u32 {
        self.changed + self.unchanged + self.not_found
    }

    fn plus(self, more: Self) -> Self {
        Self {
            changed: self.changed + more.changed,
            unchanged: self.unchanged + more.unchanged,
            not_found: self.not_found + more.not_found,
        }
    }
}

/// A bulk change in the background. Its counters always sum to what was processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Whose contacts it is about.
    pub workspace: WorkspaceId,
    /// Who pays for that workspace.
    pub account: AccountId,
    /// What it does.
    pub operation: Operation,
    /// Where it stands.
    pub status: JobStatus,
    /// How many ids it was given, repetitions included.
    pub requested: u32,
    /// What became of those that were processed.
    pub counters: Counters,
    /// How often the batch at hand has failed.
    pub tries: u32,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was asked for.
    pub created_at: OffsetDateTime,
    /// When it last got on.
    pub updated_at: OffsetDateTime,
    /// When it ended.
    pub completed_at: Option<OffsetDateTime>,
}

impl Job {
    /// How many ids were processed.
    pub const fn processed(&self) -> u32 {
        self.counters.sum()
    }

    /// How much is done, in per cent.
    pub fn progress(&self) -> u32 {
        let (processed, requested) = (u64::from(self.processed()), u64::from(self.requested));
        let percent = (processed * 100 + requested / 2).checked_div(requested);
        percent.map_or(100, |it| u32::try_from(it).unwrap_or(100))
    }

    /// Notes a finished batch; the last one ends the job.
    pub(crate) fn advance(&mut self, batch: Counters, now: OffsetDateTime) {
        self.counters = self.counters.plus(batch);
        self.tries = 0;
        self.updated_at = now;
        self.status = JobStatus::Processing;
        if self.processed() >= self.requested {
            self.end(JobStatus::Done, now);
        }
    }

    /// Notes that it cannot go on.
    pub(crate) fn fail(&mut self, reason: &str, now: OffsetDateTime) {
        self.error = Some(reason.to_owned());
        self.end(JobStatus::Failed, now);
    }

    /// Stops it; `false` when it was stopped before. What is done stays done.
    pub(crate) fn cancel(&mut self, now: OffsetDateTime) -> Result<bool, JobStatus> {
        match self.status {
            JobStatus::Cancelled => Ok(false),
            JobStatus::Done | JobStatus::Failed => Err(self.status),
            JobStatus::Pending | JobStatus::Processing => {
                self.end(JobStatus::Cancelled, now);
                Ok(true)
            }
        }
    }

    fn end(&mut self, status: JobStatus, now: OffsetDateTime) {
        self.status = status;
        self.updated_at = now;
        self.completed_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-05-20 10:00 UTC);

    fn job(requested: u32) -> Job {
        Job {
            id: Id::new(Uuid::from_u128(1)),
            workspace: Id::new(Uuid::from_u128(2)),
            account: Id::new(Uuid::from_u128(2)),
            operation: Operation::Delete,
            status: JobStatus::Pending,
            requested,
            counters: Counters::default(),
            tries: 3,
            error: None,
            created_at: NOW,
            updated_at: NOW,
            completed_at: None,
        }
    }

    fn changed(changed: u32) -> Counters {
        Counters {
            changed,
            ..Counters::default()
        }
    }

    #[test]
    fn progress_is_rounded_and_full_at_the_end() {
        let mut job = job(1200);
        assert_eq!(job.progress(), 0);
        for (batch, progress) in [(500, 42), (500, 83), (199, 100), (1, 100)] {
            job.advance(changed(batch), NOW);
            assert_eq!(job.progress(), progress);
        }
        assert_eq!((job.status, job.tries), (JobStatus::Done, 0));
        assert_eq!(job.completed_at, Some(NOW));
    }

    #[test]
    fn only_what_has_not_ended_is_cancelled() {
        let mut stopped = job(1000);
        stopped.advance(changed(500), NOW);
        assert_eq!(stopped.cancel(NOW), Ok(true));
        assert_eq!(stopped.cancel(NOW), Ok(false));
        assert_eq!(
            (stopped.status, stopped.progress()),
            (JobStatus::Cancelled, 50)
        );
        let mut failed = job(1000);
        failed.fail("The group was deleted", NOW);
        assert_eq!(failed.cancel(NOW), Err(JobStatus::Failed));
        let mut done = job(1);
        done.advance(changed(1), NOW);
        assert_eq!(done.cancel(NOW), Err(JobStatus::Done));
    }

    #[test]
    fn words_read_back() {
        for status in JobStatus::ALL {
            assert_eq!(JobStatus::parse(status.as_str()), Some(status));
        }
        let group = Id::new(Uuid::from_u128(5));
        for operation in [
            Operation::Delete,
            Operation::AddTo(group),
            Operation::RemoveFrom(group),
        ] {
            let read = Operation::parse(operation.as_str(), operation.group());
            assert_eq!(read, Some(operation));
        }
        assert_eq!(Operation::parse("add_to_group", None), None);
    }
}
