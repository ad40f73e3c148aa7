//! What a deleted team leaves behind: messages that wait, work in many steps, webhooks.
//!
//! The deletion itself is short: it closes the team and notes that something may be left. From
//! then on nothing of the team is begun; what waits is ended here, in small steps. Requests that
//! were under way may still bring something in, so it is looked for again until none of them can
//! live any more.

use std::sync::Arc;

use async_trait::async_trait;
use msgflash_kernel::{Clock, StoreError, TeamId, Tick, UserId, Workspace};
use time::{Duration, OffsetDateTime};

/// The most messages, or deliveries, that end in one step.
const BATCH: u32 = 500;
/// How long nobody else takes up remains that are being worked on.
const LEASE: Duration = Duration::MINUTE;
/// Longer than any request or transaction lives that began before the team was deleted.
const LONGEST_LATE: Duration = Duration::minutes(10);
/// What came late came within seconds, nearly always.
const OFTEN_UNTIL: Duration = Duration::MINUTE;
/// The time between two looks at first.
const OFTEN: Duration = Duration::seconds(5);
/// The time between two looks later.
const SELDOM: Duration = Duration::seconds(30);

/// A team that is gone while something of it may be left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remains {
    /// The team.
    pub team: TeamId,
    /// Who owned it and paid for it.
    pub owner: UserId,
    /// When it was deleted.
    pub deleted_at: OffsetDateTime,
}

impl Remains {
    /// The space that its members shared.
    pub fn workspace(&self) -> Workspace {
        Workspace::team(self.team, self.owner)
    }

    /// When to look again, after a look that found nothing.
    fn next_look(&self, now: OffsetDateTime) -> OffsetDateTime {
        let is_fresh = now - self.deleted_at < OFTEN_UNTIL;
        now + if is_fresh { OFTEN } else { SELDOM }
    }
}

/// Which deleted teams are to be looked at. Each call is its own short transaction.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait RemainsQueue: Send + Sync {
    /// The one that has been due for longest, and puts its next look off to `until`, so that nobody
    /// else takes it meanwhile. Those that somebody else is taking are left out.
    async fn claim(
        &self,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<Option<Remains>, StoreError>;
    /// Settles when to look next.
    async fn look_at(&self, team: TeamId, at: OffsetDateTime) -> Result<(), StoreError>;
    /// Nothing can be left: it is not looked at any more.
    async fn forget(&self, team: TeamId) -> Result<(), StoreError>;
}

/// Ends what a deleted team left. Each call is as many short transactions as it needs, and answers
/// how much it ended.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait Endings: Send + Sync {
    /// Removes up to `limit` deliveries that wait for its webhook endpoints, and the endpoints for
    /// which nothing waits any more.
    async fn end_endpoints(&self, remains: &Remains, limit: u32) -> Result<usize, StoreError>;
    /// Withdraws up to `limit` of its messages whose calls were not started, and gives what was
    /// reserved for them back. Those that somebody else is changing are left out.
    async fn end_messages(
        &self,
        remains: &Remains,
        limit: u32,
        now: OffsetDateTime,
    ) -> Result<usize, StoreError>;
    /// Ends its bulk changes and imports of contacts.
    async fn end_contact_work(
        &self,
        remains: &Remains,
        now: OffsetDateTime,
    ) -> Result<usize, StoreError>;
    /// Cancels its campaigns: nobody they were still to write to is written to.
    async fn end_campaigns(
        &self,
        remains: &Remains,
        now: OffsetDateTime,
    ) -> Result<usize, StoreError>;
    /// Ends its look-ups of numbers.
    async fn end_lookups(
        &self,
        remains: &Remains,
        now: OffsetDateTime,
    ) -> Result<usize, StoreError>;
    /// Whether a message of it is still queued, however far it is: one whose call was started may
    /// prove not to have left, and waits again then.
    async fn has_messages(&self, remains: &Remains) -> Result<bool, StoreError>;
}

/// Ends what deleted teams left behind.
pub struct EndRemains {
    queue: Arc<dyn RemainsQueue>,
    endings: Arc<dyn Endings>,
    clock: Arc<dyn Clock>,
}

impl EndRemains {
    /// Wires the use case.
    pub fn new(
        queue: Arc<dyn RemainsQueue>,
        endings: Arc<dyn Endings>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            queue,
            endings,
            clock,
        }
    }

    /// Looks at one deleted team, and ends a batch of each kind. Whoever is killed in the middle
    /// leaves remains that are due again when the lease is over.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let now = self.clock.now();
        let Some(remains) = self.queue.claim(now, now + LEASE).await? else {
            return Ok(Tick::Idle);
        };
        let (ended, failure) = self.end(&remains, now).await;
        let team = remains.team;
        if ended > 0 {
            self.queue.look_at(team, now).await?;
        } else if failure.is_some() {
            // Looked at again when the lease is over.
        } else if now - remains.deleted_at < LONGEST_LATE
            || self.endings.has_messages(&remains).await?
        {
            self.queue.look_at(team, remains.next_look(now)).await?;
        } else {
            self.queue.forget(team).await?;
        }
        match failure {
            // Somebody should hear of it; the next batches of the others are due at once all the same.
            Some(cause) => Err(cause),
            // What was looked at is not due any more: there may be another one, and it is no loop.
            None => Ok(Tick::Did(ended.max(1))),
        }
    }

    /// One batch of each kind: how much ended, and what failed. One that fails holds up none of the
    /// others.
    async fn end(&self, remains: &Remains, now: OffsetDateTime) -> (usize, Option<StoreError>) {
        let endings = &self.endings;
        let ended = [
            endings.end_endpoints(remains, BATCH).await,
            endings.end_campaigns(remains, now).await,
            endings.end_messages(remains, BATCH, now).await,
            endings.end_contact_work(remains, now).await,
            endings.end_lookups(remains, now).await,
        ];
        let mut count = 0;
        let mut failure = None;
        for outcome in ended {
            match outcome {
                Ok(some) => count += some,
                Err(cause) => failure = failure.or(Some(cause)),
            }
        }
        (count, failure)
    }
}

#[cfg(test)]
mod tests;
