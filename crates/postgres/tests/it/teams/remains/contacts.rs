//! Bulk changes and imports.

use msgflash_contacts::imports::Started;
use msgflash_contacts::ports::{BulkUnits, Claimed, JobReader};
use msgflash_contacts::{ImportStatus, Job, JobStatus, Operation};
use msgflash_teams::remains::Endings as _;

use super::*;
use crate::contacts::Book;
use crate::contacts::imports::people;

/// A job over so many contacts of a workspace.
async fn job(scene: &Scene, workspace: Workspace, count: u64) -> Job {
    let book = Book::of(scene.postgres(), workspace);
    let people: Vec<_> = (0..count)
        .map(|at| ("Max", 33_600_000_000 + at, &[][..]))
        .collect();
    let ids: Vec<_> = book.fill(&people).await.iter().map(|it| it.id).collect();
    book.job(Operation::Delete, &ids).await
}

async fn import(scene: &Scene, workspace: Workspace) -> Started {
    let book = Book::of(scene.postgres(), workspace);
    let started = book.bring(&people(0..3000), None).await;
    assert_eq!(started.import.status, ImportStatus::Pending);
    started
}

async fn stored(scene: &Scene, job: &Job) -> Job {
    let found = JobReader::find(scene.postgres(), job.workspace, job.id).await;
    found.expect("read").expect("there")
}

#[tokio::test]
async fn they_end_and_are_not_worked_on_meanwhile() {
    let scene = Scene::new().await;
    let book = Book::of(scene.postgres(), scene.team);
    let begun = job(&scene, scene.team, 600).await;
    book.run_jobs().tick().await.expect("work");
    let waiting = job(&scene, scene.team, 120).await;
    let file = import(&scene, scene.team).await;
    scene.delete().await;
    // Whatever was not looked at yet, nobody takes it up.
    let jobs = book.run_jobs().tick().await;
    assert_eq!(jobs.expect("a look"), Tick::Idle);
    let imports = book.run_imports().tick().await;
    assert_eq!(imports.expect("a look"), Tick::Idle);

    assert_eq!(scene.end().await, 3 + 1);
    let (begun, waiting) = (stored(&scene, &begun).await, stored(&scene, &waiting).await);
    assert_eq!(
        (begun.status, begun.processed()),
        (JobStatus::Cancelled, 500)
    );
    assert_eq!(
        (waiting.status, waiting.processed()),
        (JobStatus::Cancelled, 0)
    );
    assert_eq!(waiting.completed_at, Some(NOW));
    let file = book.import(file.import.id).await;
    assert_eq!(
        (file.status, file.error.as_deref()),
        (ImportStatus::Failed, Some("Team deleted"))
    );
    assert_eq!(scene.count("contact_job_ids").await, 0);
    assert_eq!(
        scene
            .count("contact_import_chunks WHERE rows <> '[]'")
            .await,
        0
    );
    let turns = "address_books WHERE job_turn_at IS NOT NULL OR import_turn_at IS NOT NULL";
    assert_eq!(scene.count(turns).await, 0);
    // The contacts stay, with the team that is marked as deleted.
    assert_eq!(scene.count("contacts").await, 100 + 120);
}

#[tokio::test]
async fn those_of_other_workspaces_go_on() {
    let scene = Scene::new().await;
    job(&scene, scene.team, 120).await;
    import(&scene, scene.team).await;
    let (ours, file) = (
        job(&scene, scene.personal, 120).await,
        import(&scene, scene.personal).await,
    );
    scene.delete().await;
    scene.end().await;
    let book = Book::of(scene.postgres(), scene.personal);
    while book.run_jobs().tick().await.expect("work") != Tick::Idle {}
    while book.run_imports().tick().await.expect("work") != Tick::Idle {}
    assert_eq!(stored(&scene, &ours).await.status, JobStatus::Done);
    let file = book.import(file.import.id).await;
    assert_eq!(file.status, ImportStatus::Done);
}

#[tokio::test]
async fn the_batch_at_hand_is_waited_for() {
    let scene = Arc::new(Scene::new().await);
    let job = job(&scene, scene.team, 600).await;
    let mut unit = BulkUnits::begin(scene.postgres()).await.expect("a unit");
    let claimed = unit.jobs().claim(NOW, 500).await.expect("looked");
    let Some(Claimed::Work(work)) = claimed else {
        panic!("no work")
    };
    let remains = scene.delete().await;
    let ending = tokio::spawn({
        let scene = Arc::clone(&scene);
        async move { scene.postgres().end_contact_work(&remains, NOW).await }
    });
    scene.until_somebody_waits().await;
    let mut batch = work.job.clone();
    batch.counters.unchanged = 500;
    batch.status = JobStatus::Processing;
    unit.jobs().update(&batch, NOW).await.expect("kept");
    unit.commit().await.expect("committed");
    let ended = ending.await.expect("no panic");
    assert_eq!(ended.expect("ended"), 1);
    let job = stored(&scene, &job).await;
    assert_eq!((job.status, job.processed()), (JobStatus::Cancelled, 500));
}

#[tokio::test]
async fn a_job_that_comes_late_is_ended_by_the_next_look() {
    let scene = Scene::new().await;
    scene.delete().await;
    assert_eq!(scene.end().await, 1);
    let late = job(&scene, scene.team, 120).await;
    scene.clock.advance(Duration::seconds(5));
    assert_eq!(scene.end().await, 1 + 1);
    assert_eq!(stored(&scene, &late).await.status, JobStatus::Cancelled);
}
