//! Background work that cannot be read any more: it ends, and stops nobody.

use msgflash_contacts::ports::{ImportReader, JobReader};
use msgflash_contacts::{Import, ImportId, ImportStatus, JobId, JobStatus};
use msgflash_kernel::Tick;

use super::imports::people;
use super::*;

async fn job(book: &Book, id: JobId) -> Job {
    let found = JobReader::find(&book.postgres, book.workspace.id, id).await;
    found.expect("read").expect("there")
}

async fn import(book: &Book, id: ImportId) -> Import {
    let found = ImportReader::find(&book.postgres, book.workspace.id, id).await;
    found.expect("read").expect("there")
}

#[tokio::test]
async fn jobs_that_cannot_be_read_stop_nobody() {
    let stage = Stage::new().await;
    let (broken, other) = (Book::new(&stage).await, Book::new(&stage).await);
    let group = broken.group("VIP").await;
    let lost = broken.job(Operation::Delete, &vec![fresh(); 150]).await;
    let odd = broken
        .job(Operation::AddTo(group), &vec![fresh(); 150])
        .await;
    let behind = broken.job(Operation::Delete, &vec![fresh(); 150]).await;
    let fine = other.job(Operation::Delete, &vec![fresh(); 150]).await;
    let spoil = format!(
        "DELETE FROM contact_job_ids WHERE job_id = '{}'; \
         UPDATE contact_jobs SET group_id = NULL WHERE id = '{}'",
        lost.id, odd.id
    );
    let session = stage.session().await;
    session.batch_execute(&spoil).await.expect("spoilt");

    let run = other.run_jobs();
    while run.tick().await.expect("work") != Tick::Idle {}
    assert_eq!(job(&other, fine.id).await.status, JobStatus::Done);
    assert_eq!(job(&broken, behind.id).await.status, JobStatus::Done);
    let lost = job(&broken, lost.id).await;
    assert_eq!(
        (lost.status, lost.completed_at),
        (JobStatus::Failed, Some(NOW))
    );
    assert!(lost.error.is_some_and(|it| it.contains("cannot be read")));
    let left = "SELECT status FROM contact_jobs WHERE group_id IS NULL \
         AND operation = 'add_to_group'";
    let left = session.query_one(left, &[]).await.expect("the odd one");
    assert_eq!(left.get::<_, &str>(0), "failed");
    require_exact(&stage, &broken).await;
}

#[tokio::test]
async fn imports_that_cannot_be_read_stop_nobody() {
    let stage = Stage::new().await;
    let (broken, other) = (Book::new(&stage).await, Book::new(&stage).await);
    let gone = broken.bring(&people(0..1100), None).await.import;
    let odd = broken.bring(&people(1000..1600), None).await.import;
    let behind = broken.bring(&people(2000..2600), None).await.import;
    let fine = other.bring(&people(0..600), None).await.import;
    // The first part is taken; then one is lost, and one is nonsense.
    broken.run_imports().tick().await.expect("work");
    let spoil = format!(
        "DELETE FROM contact_import_chunks WHERE import_id = '{}' AND no > 0; \
         UPDATE contact_import_chunks SET rows = '[{{\"line\": \"x\"}}]' WHERE import_id = '{}'",
        gone.id, odd.id
    );
    let session = stage.session().await;
    session.batch_execute(&spoil).await.expect("spoilt");

    other.run_until_idle().await;
    assert_eq!(import(&other, fine.id).await.status, ImportStatus::Done);
    assert_eq!(import(&broken, behind.id).await.status, ImportStatus::Done);
    for (spoilt, imported) in [(gone, 500), (odd, 0)] {
        let left = import(&broken, spoilt.id).await;
        assert_eq!(
            (left.status, left.counters.imported),
            (ImportStatus::Failed, imported)
        );
        assert_eq!(left.completed_at, Some(NOW));
        assert!(left.error.is_some_and(|it| it.contains("cannot be read")));
    }
    require_exact(&stage, &broken).await;
    require_exact(&stage, &other).await;
}
