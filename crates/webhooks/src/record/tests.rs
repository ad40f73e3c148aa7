use std::sync::Mutex;

use async_trait::async_trait;
use msgflash_kernel::{FixedClock, SequentialIds, Unit};
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::delivery::Next;
use crate::health::{Health, OffReason, TROUBLED_AT};
use crate::ports::{AttemptStore, HealthStore, MockAttemptStore, MockHealthStore, RecordUnit};

const NOW: OffsetDateTime = datetime!(2026-05-01 0:00 UTC);

struct FakeUnit {
    health: MockHealthStore,
    attempts: MockAttemptStore,
    commits: Arc<Mutex<usize>>,
}

#[async_trait]
impl Unit for FakeUnit {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        *self.commits.lock().unwrap() += 1;
        Ok(())
    }
}

impl RecordUnit for FakeUnit {
    fn health(&mut self) -> &mut dyn HealthStore {
        &mut self.health
    }
    fn attempts(&mut self) -> &mut dyn AttemptStore {
        &mut self.attempts
    }
}

/// Makes a unit for each transaction.
struct Units {
    commits: Arc<Mutex<usize>>,
    make: Box<dyn Fn() -> (MockHealthStore, MockAttemptStore) + Send + Sync>,
}

#[async_trait]
impl RecordUnits for Units {
    async fn begin(&self) -> Result<Box<dyn RecordUnit>, StoreError> {
        let (health, attempts) = (self.make)();
        Ok(Box::new(FakeUnit {
            health,
            attempts,
            commits: Arc::clone(&self.commits),
        }))
    }
}

fn recorder(
    make: impl Fn() -> (MockHealthStore, MockAttemptStore) + Send + Sync + 'static,
) -> (Recorder, Arc<Mutex<usize>>) {
    let commits = Arc::new(Mutex::new(0));
    let units = Units {
        commits: Arc::clone(&commits),
        make: Box::new(make),
    };
    let recorder = Recorder::new(
        Arc::new(units),
        Arc::new(FixedClock::at(NOW)),
        Arc::new(SequentialIds::default()),
        Duration::days(5),
    );
    (recorder, commits)
}

fn attempt(id: u128, next: Next) -> Attempt {
    Attempt {
        id: Id::new(Uuid::from_u128(id)),
        endpoint: Id::new(Uuid::from_u128(7)),
        attempts: 1,
        response_status: None,
        excerpt: None,
        error: None,
        asked: None,
        posted: true,
        next,
    }
}

#[tokio::test]
async fn a_bad_row_fails_alone() {
    let (recorder, commits) = recorder(|| {
        let mut health = MockHealthStore::new();
        health.expect_lock().returning(|_| Ok(vec![]));
        let mut attempts = MockAttemptStore::new();
        attempts.expect_record().returning(|attempts, _| {
            let is_bad = attempts.iter().any(|it| it.id.uuid().as_u128() == 5);
            if is_bad {
                Err(StoreError::Failed("bad".into()))
            } else {
                Ok(())
            }
        });
        (health, attempts)
    });
    let group: Vec<_> = (0..16).map(|id| attempt(id, Next::Delivered)).collect();
    let answers = recorder.record(&group).await;
    let lost: Vec<_> = answers
        .iter()
        .enumerate()
        .filter(|(_, it)| !matches!(it, Recorded::Kept))
        .map(|(at, _)| at)
        .collect();
    assert_eq!(lost, [5]);
    assert_eq!(*commits.lock().unwrap(), 4, "halves, not single rows");
}

#[tokio::test]
async fn a_database_that_is_away_is_not_asked_for_each_row() {
    let (recorder, commits) = recorder(|| {
        let mut health = MockHealthStore::new();
        health
            .expect_lock()
            .times(1)
            .returning(|_| Err(StoreError::Unavailable("away".into())));
        (health, MockAttemptStore::new())
    });
    let answers = recorder
        .record(&[attempt(1, Next::Delivered), attempt(2, Next::Failed)])
        .await;
    assert!(answers.iter().all(|it| matches!(it, Recorded::Lost(_))));
    assert_eq!(*commits.lock().unwrap(), 0);
}

#[tokio::test]
async fn the_last_straw_switches_off_and_tells_the_owner_in_the_same_transaction() {
    let (recorder, commits) = recorder(|| {
        let mut health = MockHealthStore::new();
        health.expect_lock().returning(|endpoints| {
            let ill = Health {
                failures: TROUBLED_AT,
                failing_since: Some(NOW - Duration::days(6)),
                paused_until: None,
            };
            Ok(vec![(endpoints[0], ill)])
        });
        health.expect_save().times(1).returning(|_| Ok(()));
        health
            .expect_switch_off()
            .times(1)
            .returning(|endpoints, _| {
                Ok(vec![SwitchedOff {
                    endpoint: endpoints[0].0,
                    workspace: Id::new(Uuid::from_u128(1)),
                    account: Id::new(Uuid::from_u128(1)),
                    url: "https://example.com/".into(),
                    reason: endpoints[0].1,
                }])
            });
        health
            .expect_tell()
            .withf(|notices| notices.len() == 1 && notices[0].kind == "webhook.failing")
            .times(1)
            .returning(|_| Ok(()));
        let mut attempts = MockAttemptStore::new();
        attempts.expect_record().times(1).returning(|_, _| Ok(()));
        (health, attempts)
    });
    let answers = recorder.record(&[attempt(1, Next::Failed)]).await;
    assert!(
        matches!(&answers[..], [Recorded::SwitchedOff(off)] if off.reason == OffReason::Failing),
        "{answers:?}"
    );
    assert_eq!(*commits.lock().unwrap(), 1);
}

#[tokio::test]
async fn nothing_is_written_about_an_endpoint_that_is_well() {
    let (recorder, commits) = recorder(|| {
        // Any write would be a call that nobody expects.
        let mut health = MockHealthStore::new();
        health.expect_lock().returning(|_| Ok(vec![]));
        let mut attempts = MockAttemptStore::new();
        attempts.expect_record().times(1).returning(|_, _| Ok(()));
        (health, attempts)
    });
    recorder.record(&[attempt(1, Next::Delivered)]).await;
    assert_eq!(*commits.lock().unwrap(), 1);
}
