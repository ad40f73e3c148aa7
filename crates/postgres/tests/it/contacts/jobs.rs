//! Bulk jobs: batches, turns, and what a crash leaves.

use msgflash_contacts::ports::{BulkUnit, Claimed, JobReader, JobWork};
use msgflash_contacts::{CancelJob, Counters, JobStatus};
use msgflash_kernel::Tick;

use super::*;

async fn crowd(book: &Book, count: u64) -> Vec<ContactId> {
    let people: Vec<_> = (0..count)
        .map(|at| ("Max", 33_600_000_000 + at, &["a"][..]))
        .collect();
    let people = book.fill(&people).await;
    people.into_iter().map(|it| it.id).collect()
}

async fn read(book: &Book, job: &Job) -> Job {
    let found = JobReader::find(&book.postgres, book.workspace.id, job.id).await;
    found.expect("read").expect("there")
}

async fn claim(unit: &mut dyn BulkUnit) -> Option<JobWork> {
    match unit.jobs().claim(NOW, 500).await.expect("looked") {
        Some(Claimed::Work(work)) => Some(work),
        None => None,
        Some(Claimed::Broken) => panic!("it cannot be read"),
    }
}

async fn run_until_idle(book: &Book) {
    let run = book.run_jobs();
    while run.tick().await.expect("work") != Tick::Idle {}
}

#[tokio::test]
async fn a_job_is_done_in_batches_and_its_counters_sum() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let (group, mut ids) = (book.group("VIP").await, crowd(&book, 1050).await);
    book.join(group, &ids[..60]).await;
    ids.extend([fresh(), fresh(), fresh()]);
    ids.extend_from_within(..47);
    let job = book.job(Operation::AddTo(group), &ids).await;
    assert_eq!(read(&book, &job).await, job);
    for (processed, status) in [
        (500, JobStatus::Processing),
        (1000, JobStatus::Processing),
        (1100, JobStatus::Done),
    ] {
        let did = book.run_jobs().tick().await.expect("work");
        assert!(matches!(did, Tick::Did(_)));
        let now = read(&book, &job).await;
        assert_eq!((now.processed(), now.status), (processed, status));
        require_exact(&stage, &book).await;
    }
    assert_eq!(book.run_jobs().tick().await.expect("a look"), Tick::Idle);
    let expected = Counters {
        changed: 990,
        unchanged: 107,
        not_found: 3,
    };
    assert_eq!(read(&book, &job).await.counters, expected);

    let job = book.job(Operation::RemoveFrom(group), &ids).await;
    run_until_idle(&book).await;
    let removed = read(&book, &job).await;
    assert_eq!(
        (removed.counters.changed, removed.counters.unchanged),
        (1050, 50)
    );

    let job = book.job(Operation::Delete, &ids).await;
    run_until_idle(&book).await;
    let deleted = read(&book, &job).await;
    assert_eq!(
        (deleted.counters.changed, deleted.counters.not_found),
        (1050, 50)
    );
    require_exact(&stage, &book).await;
    let kept = stage.session().await;
    let kept = kept.query("SELECT 1 FROM contact_job_ids", &[]).await;
    assert!(kept.expect("rows").is_empty(), "ended jobs keep no ids");
}

#[tokio::test]
async fn a_cancelled_job_goes_no_further_than_the_batch_at_hand() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let ids = crowd(&book, 1200).await;
    let job = book.job(Operation::Delete, &ids).await;
    book.run_jobs().tick().await.expect("work");
    let cancel = CancelJob::new(book.units(), clock());
    let cancelled = cancel.cancel(book.workspace.id, job.id).await;
    let cancelled = cancelled.expect("cancelled");
    assert_eq!(
        (cancelled.status, cancelled.processed()),
        (JobStatus::Cancelled, 500)
    );
    run_until_idle(&book).await;
    assert_eq!(read(&book, &job).await, cancelled);
    let left = book.all(&query(Sort::Newest, None, &[], None), 100).await;
    assert_eq!(left.len(), 700);
    require_exact(&stage, &book).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn cancelling_waits_for_the_batch_at_hand() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let ids = crowd(&book, 600).await;
    let job = book.job(Operation::Delete, &ids).await;

    let mut unit = BulkUnits::begin(&stage.postgres).await.expect("a unit");
    let work = claim(&mut *unit).await.expect("a job");
    let cancelling = tokio::spawn({
        let cancel = CancelJob::new(book.units(), clock());
        let (workspace, id) = (book.workspace.id, job.id);
        async move { cancel.cancel(workspace, id).await }
    });
    let mut batch = work.job.clone();
    let gone = unit
        .contacts()
        .delete(book.workspace.id, &work.ids)
        .await
        .expect("deleted");
    batch.counters.changed = u32::try_from(gone.len()).expect("few");
    batch.status = JobStatus::Processing;
    unit.jobs().update(&batch, NOW).await.expect("kept");
    assert!(!cancelling.is_finished());
    unit.commit().await.expect("committed");
    let cancelled = cancelling.await.expect("no panic").expect("cancelled");
    assert_eq!(
        (cancelled.status, cancelled.processed()),
        (JobStatus::Cancelled, 500)
    );
    require_exact(&stage, &book).await;
}

#[tokio::test]
async fn a_batch_that_was_cut_off_is_done_again_and_counted_once() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let ids = crowd(&book, 700).await;
    let job = book.job(Operation::Delete, &ids).await;
    book.run_jobs().tick().await.expect("work");
    {
        // Whoever is killed here has deleted the rest, and has not said so.
        let pool = stage.pool(1);
        let mut unit = BulkUnits::begin(&pool).await.expect("a unit");
        let work = claim(&mut *unit).await.expect("a job");
        assert_eq!(work.ids, ids[500..]);
        unit.contacts()
            .delete(book.workspace.id, &work.ids)
            .await
            .expect("deleted");
        let other = stage.postgres.clone();
        let mut other = BulkUnits::begin(&other).await.expect("a unit");
        let leased = claim(&mut *other).await;
        assert!(leased.is_none(), "one batch is with one process at a time");
        drop(unit);
        // Another user of this pool's only connection comes when it was rolled back.
        pool.ping().await.expect("it answers");
    }
    run_until_idle(&book).await;
    let done = read(&book, &job).await;
    assert_eq!((done.status, done.counters.changed), (JobStatus::Done, 700));
    require_exact(&stage, &book).await;
}

#[tokio::test]
async fn a_job_whose_group_is_gone_fails_with_the_reason() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let (group, ids) = (book.group("VIP").await, crowd(&book, 700).await);
    let job = book.job(Operation::AddTo(group), &ids).await;
    book.run_jobs().tick().await.expect("work");
    book.delete_group(group).await.expect("deleted");
    run_until_idle(&book).await;
    let failed = read(&book, &job).await;
    assert_eq!(
        (failed.status, failed.processed()),
        (JobStatus::Failed, 500)
    );
    assert_eq!(failed.error.as_deref(), Some("The group was deleted"));
    assert_eq!(failed.counters.sum(), failed.processed());
    require_exact(&stage, &book).await;
}

#[tokio::test]
async fn workspaces_take_turns_and_the_jobs_of_one_keep_their_order() {
    let stage = Stage::new().await;
    let (busy, other) = (Book::new(&stage).await, Book::new(&stage).await);
    let group = busy.group("VIP").await;
    let ids = crowd(&busy, 600).await;
    let first = busy.job(Operation::AddTo(group), &ids).await;
    let second = busy.job(Operation::RemoveFrom(group), &ids).await;
    let late = Book {
        clock: Arc::new(msgflash_kernel::FixedClock::at(
            NOW + time::Duration::SECOND,
        )),
        ..other.clone()
    };
    let third = late.job(Operation::Delete, &vec![fresh(); 600]).await;
    // Time goes on from batch to batch.
    let mut order = Vec::new();
    for second_of in 2..8 {
        let now = NOW + time::Duration::seconds(second_of);
        let later = Book {
            clock: Arc::new(msgflash_kernel::FixedClock::at(now)),
            ..busy.clone()
        };
        later.run_jobs().tick().await.expect("work");
        let jobs = [
            read(&busy, &first).await,
            read(&busy, &second).await,
            read(&other, &third).await,
        ];
        order.push(jobs.map(|it| it.processed()));
    }
    assert_eq!(
        order,
        [
            [500, 0, 0],
            [500, 0, 500],
            [600, 0, 500],
            [600, 0, 600],
            [600, 500, 600],
            [600, 600, 600],
        ]
    );
    let group = busy.read_groups().find(busy.workspace.id, group).await;
    assert_eq!(group.expect("found").contact_count, 0);
}

#[tokio::test]
async fn a_batch_that_fails_lets_other_workspaces_go_first() {
    let stage = Stage::new().await;
    let (broken, other) = (Book::new(&stage).await, Book::new(&stage).await);
    let ids = crowd(&broken, 150).await;
    let failing = broken.job(Operation::Delete, &ids).await;
    let fine = other.job(Operation::Delete, &vec![fresh(); 150]).await;
    let session = stage.session().await;
    let refuse = format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
           'BEGIN RAISE EXCEPTION ''not today''; END'; \
         CREATE TRIGGER refuse BEFORE DELETE ON contacts FOR EACH ROW \
           WHEN (OLD.workspace_id = '{}') EXECUTE FUNCTION refuse()",
        broken.workspace.id
    );
    session.batch_execute(&refuse).await.expect("a trigger");
    run_until_idle(&other).await;
    assert_eq!(read(&other, &fine).await.status, JobStatus::Done);
    let waiting = read(&broken, &failing).await;
    assert_eq!(
        (waiting.status, waiting.processed()),
        (JobStatus::Pending, 0)
    );
    assert_eq!(waiting.tries, 1);

    session
        .batch_execute("DROP TRIGGER refuse ON contacts")
        .await
        .expect("no trigger");
    let now = NOW + time::Duration::MINUTE;
    let later = Book {
        clock: Arc::new(msgflash_kernel::FixedClock::at(now)),
        ..broken.clone()
    };
    run_until_idle(&later).await;
    let done = read(&broken, &failing).await;
    assert_eq!((done.status, done.counters.changed), (JobStatus::Done, 150));
    require_exact(&stage, &broken).await;
}

#[tokio::test]
async fn jobs_are_listed_newest_first() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(book.job(Operation::Delete, &vec![fresh(); 100]).await.id);
    }
    made.reverse();
    let (mut met, mut after) = (Vec::new(), None);
    loop {
        let page = JobReader::page(&book.postgres, book.workspace.id, 2, after).await;
        let page = page.expect("a page");
        met.extend(page.jobs.iter().map(|it| it.id));
        after = page.next;
        if after.is_none() {
            break;
        }
        book.job(Operation::Delete, &vec![fresh(); 100]).await;
    }
    assert_eq!(met, made);
}
