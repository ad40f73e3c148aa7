use std::sync::Mutex;

use msgflash_kernel::{Fault as _, Id, Kind, StoreError, Tick};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::*;
use crate::contact::ContactId;
use crate::job::{Counters, JobStatus, Operation};
use crate::ports::{Claimed, JobWork, MockJobReader};
use crate::testing::{FakeUnit, NOW, Units, away, clock, contact_id, group_id, own};

fn job(operation: Operation, requested: u32) -> Job {
    Job {
        id: Id::new(Uuid::from_u128(0x3000)),
        workspace: own().id,
        account: own().account,
        operation,
        status: JobStatus::Pending,
        requested,
        counters: Counters::default(),
        tries: 0,
        error: None,
        created_at: NOW,
        updated_at: NOW,
        completed_at: None,
    }
}

fn ids(count: u128) -> Vec<ContactId> {
    (0..count).map(contact_id).collect()
}

/// What a job was left as, and when its book's next turn is.
type Left = Arc<Mutex<Option<(Job, OffsetDateTime)>>>;

fn left(unit: &mut FakeUnit) -> Left {
    let left = Left::default();
    let noted = Arc::clone(&left);
    unit.jobs
        .expect_update()
        .times(1)
        .returning(move |job, turn| {
            *noted.lock().unwrap() = Some((job.clone(), turn));
            Ok(())
        });
    left
}

fn taken(left: &Left) -> (Job, OffsetDateTime) {
    left.lock().unwrap().take().expect("it was stored")
}

/// A unit that hands this job out.
fn handing(job: &Job, ids: Vec<ContactId>) -> FakeUnit {
    let mut unit = FakeUnit::holding();
    let job = job.clone();
    unit.jobs.expect_claim().times(1).returning(move |_, most| {
        assert_eq!(most, 500);
        let (job, ids) = (job.clone(), ids.clone());
        Ok(Some(Claimed::Work(JobWork { job, ids })))
    });
    unit
}

fn run(units: impl IntoIterator<Item = FakeUnit>) -> RunJobs {
    RunJobs::new(Units::of(units), clock())
}

#[tokio::test]
async fn without_a_job_there_is_nothing_to_do() {
    let mut unit = FakeUnit::new();
    unit.jobs.expect_claim().returning(|_, _| Ok(None));
    assert_eq!(run([unit]).tick().await.expect("a look"), Tick::Idle);
}

#[tokio::test]
async fn what_cannot_be_read_ends_and_makes_room() {
    let mut unit = FakeUnit::holding();
    unit.jobs
        .expect_claim()
        .returning(|_, _| Ok(Some(Claimed::Broken)));
    let committed = unit.outcome();
    assert_eq!(run([unit]).tick().await.expect("a look"), Tick::Did(1));
    assert!(committed.yes());
}

#[tokio::test]
async fn a_batch_its_counters_and_its_progress_are_kept_together() {
    let mut unit = handing(&job(Operation::Delete, 700), ids(500));
    unit.contacts
        .expect_delete()
        .returning(|_, ids| Ok(ids[..450].to_vec()));
    let (left, committed) = (left(&mut unit), unit.outcome());
    assert_eq!(run([unit]).tick().await.expect("work"), Tick::Did(500));
    let (job, turn) = taken(&left);
    assert_eq!((job.status, job.progress()), (JobStatus::Processing, 71));
    assert_eq!(job.counters.sum(), 500);
    assert_eq!((job.counters.changed, job.counters.not_found), (450, 50));
    assert_eq!(turn, NOW, "others go first, and then it goes on");
    assert!(committed.yes());
}

#[tokio::test]
async fn a_group_that_was_deleted_meanwhile_fails_the_job() {
    let mut unit = handing(&job(Operation::AddTo(group_id()), 700), ids(500));
    unit.groups.expect_find().returning(|_, _| Ok(None));
    let (left, committed) = (left(&mut unit), unit.outcome());
    run([unit]).tick().await.expect("work");
    let (job, _) = taken(&left);
    assert_eq!(job.status, JobStatus::Failed);
    assert_eq!(job.error.as_deref(), Some("The group was deleted"));
    assert_eq!((job.processed(), job.completed_at), (0, Some(NOW)));
    assert!(committed.yes());
}

fn failing(job: &Job, with: fn() -> StoreError) -> FakeUnit {
    let mut unit = handing(job, ids(500));
    unit.contacts
        .expect_delete()
        .returning(move |_, _| Err(with()));
    unit
}

fn full() -> StoreError {
    StoreError::Failed("the disk is full".into())
}

fn finding(job: &Job) -> FakeUnit {
    let mut unit = FakeUnit::new();
    let job = job.clone();
    unit.jobs
        .expect_find()
        .returning(move |_, _| Ok(Some(job.clone())));
    unit
}

#[tokio::test]
async fn a_batch_that_fails_is_put_off_and_nothing_of_it_is_kept() {
    let before = job(Operation::Delete, 700);
    let broken = failing(&before, full);
    let committed = broken.outcome();
    let mut noting = finding(&before);
    let left = left(&mut noting);
    assert_eq!(
        run([broken, noting]).tick().await.expect("noted"),
        Tick::Did(1)
    );
    let (job, turn) = taken(&left);
    assert!(!committed.yes());
    assert_eq!(
        (job.status, job.processed(), job.tries),
        (JobStatus::Pending, 0, 1)
    );
    assert_eq!(turn, NOW + Duration::SECOND);
}

/// A statement that takes too long looks like a database that is away.
#[tokio::test]
async fn a_batch_that_fails_again_and_again_ends_its_job() {
    for cause in [full, away] {
        let mut before = job(Operation::Delete, 700);
        let mut waited = Duration::ZERO;
        for _ in 0..100 {
            let mut noting = finding(&before);
            let left = left(&mut noting);
            let ticked = run([failing(&before, cause), noting]).tick().await;
            assert_eq!(ticked.expect("noted"), Tick::Did(1));
            let (after, turn) = taken(&left);
            waited += turn - NOW;
            before = after;
            if before.status.is_final() {
                break;
            }
        }
        assert_eq!(before.status, JobStatus::Failed);
        assert!(before.error.is_some());
        assert!(
            waited > Duration::minutes(10),
            "it was given up after {waited}"
        );
    }
}

#[tokio::test]
async fn a_job_that_somebody_else_got_on_with_is_left_alone() {
    let before = job(Operation::Delete, 700);
    let mut other = before.clone();
    other.cancel(NOW).expect("it had not ended");
    let noting = finding(&other);
    let committed = noting.outcome();
    run([failing(&before, full), noting])
        .tick()
        .await
        .expect("noted");
    assert!(!committed.yes());
}

#[tokio::test]
async fn a_database_that_is_away_is_nobodys_fault() {
    let before = job(Operation::Delete, 700);
    // There is no second unit: beginning it fails.
    let failed = run([failing(&before, full)]).tick().await;
    assert!(matches!(failed, Err(StoreError::Failed(_))));

    // It goes away again before the try is counted.
    let mut noting = finding(&before);
    noting.jobs.expect_update().returning(|_, _| Err(away()));
    let committed = noting.outcome();
    let failed = run([failing(&before, away), noting]).tick().await;
    assert!(matches!(failed, Err(StoreError::Unavailable(_))));
    assert!(!committed.yes());
}

#[tokio::test]
async fn a_living_job_is_cancelled_and_an_ended_one_is_not() {
    let alive = job(Operation::Delete, 700);
    let mut unit = finding(&alive);
    let left = left(&mut unit);
    let committed = unit.outcome();
    let cancel = CancelJob::new(Units::of([unit]), clock());
    let cancelled = cancel.cancel(own().id, alive.id).await.expect("cancelled");
    assert_eq!(cancelled.status, JobStatus::Cancelled);
    assert_eq!(taken(&left).0, cancelled);
    assert!(committed.yes());

    let cancel = CancelJob::new(Units::of([finding(&cancelled)]), clock());
    let again = cancel.cancel(own().id, alive.id).await.expect("the same");
    assert_eq!(again, cancelled);

    let mut failed = alive.clone();
    failed.fail("The group was deleted", NOW);
    let cancel = CancelJob::new(Units::of([finding(&failed)]), clock());
    let refused = cancel.cancel(own().id, alive.id).await.expect_err("ended");
    assert_eq!(
        (refused.kind(), refused.code()),
        (Kind::Conflict, "CONFLICT")
    );
    assert_eq!(refused.to_string(), "The job is already failed");
}

#[tokio::test]
async fn a_job_of_another_workspace_is_not_found() {
    let mut unit = FakeUnit::new();
    unit.jobs.expect_find().returning(|_, _| Ok(None));
    let cancel = CancelJob::new(Units::of([unit]), clock());
    let id = Id::new(Uuid::from_u128(1));
    let refused = cancel.cancel(own().id, id).await;
    assert!(matches!(refused, Err(ContactError::NoJob(_))));
    let mut reader = MockJobReader::new();
    reader.expect_find().returning(|_, _| Ok(None));
    let read = ReadJobs::new(Arc::new(reader));
    assert!(matches!(
        read.find(own().id, id).await,
        Err(ContactError::NoJob(_))
    ));
}

#[tokio::test]
async fn the_cursor_of_jobs_is_an_id() {
    let read = ReadJobs::new(Arc::new(MockJobReader::new()));
    let refused = read
        .page(own().id, 20, Some("first"))
        .await
        .expect_err("no id");
    assert_eq!(refused.code(), "VALIDATION_ERROR");
}
