//! Being sure that no call begins any more.
//!
//! Whoever stops something locks the lanes it may go out from, and commits. What is marked later sees
//! that it is stopped. What was marked before is called within a second, or taken back: that second is
//! waited for here, as far as anything was marked.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use msgflash_contacts::suppression::ports::Silence;
use msgflash_kernel::{StoreError, Workspace};

use super::dispatcher::WIRE;
use crate::instance::InstanceId;
use crate::message::CampaignId;

/// The wait between two looks.
const STEP: Duration = Duration::from_millis(50);
/// What a call may need between the last look at its age and its first byte.
const MARGIN: Duration = Duration::from_millis(100);

/// What no call is to begin for any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Everybody on the opt-out list of a workspace.
    OptedOut(Workspace),
    /// What a campaign sends through its number.
    Campaign(InstanceId, CampaignId),
}

/// Looks for calls that were marked and not settled.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait MarkReader: Send + Sync {
    /// Whether a call to somebody of these is marked as started now. It may be under way, or not
    /// have begun.
    async fn has_marks(&self, stopped: &Stopped) -> Result<bool, StoreError>;
}

/// Lets time pass.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait Pauses: Send + Sync {
    /// Returns after at least so long.
    async fn pause(&self, length: Duration);
}

/// Waits until what was stopped has come to rest.
#[derive(Clone)]
pub struct AwaitMarks {
    marks: Arc<dyn MarkReader>,
    pauses: Arc<dyn Pauses>,
}

impl AwaitMarks {
    /// Wires it.
    pub fn new(marks: Arc<dyn MarkReader>, pauses: Arc<dyn Pauses>) -> Self {
        Self { marks, pauses }
    }

    /// Returns when no call of what was stopped can begin any more: when every mark is settled, or is
    /// too old to be called. To be asked after the commit that stopped it, which held the lanes.
    pub async fn rest(&self, stopped: &Stopped) -> Result<(), StoreError> {
        let mut waited = Duration::ZERO;
        // Marks carry the time at which they were picked, which says too little about when they were
        // made; all of them were made before this began.
        while waited < WIRE + MARGIN && self.marks.has_marks(stopped).await? {
            self.pauses.pause(STEP).await;
            waited += STEP;
        }
        Ok(())
    }
}

#[async_trait]
impl Silence for AwaitMarks {
    async fn fall(&self, workspace: Workspace) -> Result<(), StoreError> {
        self.rest(&Stopped::OptedOut(workspace)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::workspace;

    fn waiting(marked: usize) -> (AwaitMarks, Arc<std::sync::Mutex<Duration>>) {
        let waited = Arc::new(std::sync::Mutex::new(Duration::ZERO));
        let mut marks = MockMarkReader::new();
        let mut left = marked;
        marks.expect_has_marks().returning(move |_| {
            let is_marked = left > 0;
            left = left.saturating_sub(1);
            Ok(is_marked)
        });
        let mut pauses = MockPauses::new();
        let total = Arc::clone(&waited);
        pauses
            .expect_pause()
            .returning(move |length| *total.lock().expect("free") += length);
        (AwaitMarks::new(Arc::new(marks), Arc::new(pauses)), waited)
    }

    #[tokio::test]
    async fn nobody_waits_when_nothing_is_marked() {
        let (marks, waited) = waiting(0);
        marks
            .rest(&Stopped::OptedOut(workspace()))
            .await
            .expect("rests");
        assert_eq!(*waited.lock().expect("free"), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_mark_is_waited_for_until_it_is_settled() {
        let (marks, waited) = waiting(3);
        marks
            .rest(&Stopped::OptedOut(workspace()))
            .await
            .expect("rests");
        assert_eq!(*waited.lock().expect("free"), STEP * 3);
    }

    #[tokio::test]
    async fn a_call_under_way_is_not_waited_for_longer_than_one_may_take_to_begin() {
        let (marks, waited) = waiting(usize::MAX);
        marks
            .rest(&Stopped::OptedOut(workspace()))
            .await
            .expect("rests");
        let waited = *waited.lock().expect("free");
        assert!(waited > WIRE && waited < WIRE * 2, "{waited:?}");
    }
}
