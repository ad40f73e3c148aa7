//! Who works on which part, and what a crash leaves.

use std::collections::BTreeSet;

use msgflash_contacts::ports::{Claimed, ImportUnit, ImportUnits, ImportWork};
use msgflash_contacts::{ImportId, ImportStatus};
use msgflash_kernel::Tick;

use super::imports::people;
use super::*;

async fn claim(unit: &mut dyn ImportUnit) -> Option<ImportWork> {
    match unit.imports().claim(NOW).await.expect("looked") {
        Some(Claimed::Work(work)) => Some(work),
        None => None,
        Some(Claimed::Broken) => panic!("it cannot be read"),
    }
}

fn contact_of(work: &ImportWork, at: usize) -> Contact {
    Contact {
        id: Id::new(RandomIds.next()),
        workspace: work.import.workspace,
        name: "Half".to_owned(),
        phone: work.rows[at].phone,
        tags: vec!["half".to_owned()],
        meta: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

/// Works on a part until just before its end.
async fn half(unit: &mut dyn ImportUnit) -> ImportWork {
    let work = claim(unit).await.expect("a part");
    let contacts: Vec<_> = (0..100).map(|at| contact_of(&work, at)).collect();
    unit.contacts().insert(&contacts).await.expect("kept");
    unit.imports()
        .finish(work.import.id, work.part, &[])
        .await
        .expect("finished");
    work
}

fn at(book: &Book, now: time::OffsetDateTime) -> Book {
    Book {
        clock: Arc::new(msgflash_kernel::FixedClock::at(now)),
        ..book.clone()
    }
}

#[tokio::test]
async fn a_part_that_was_cut_off_is_done_again_and_counted_once() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let import = book.bring(&people(0..1200), None).await.import;
    book.run_imports().tick().await.expect("work");
    // The process is killed: the server sees its connection go.
    let victim = stage.pool(1);
    let mut unit = ImportUnits::begin(&victim).await.expect("a unit");
    let work = half(&mut *unit).await;
    assert_eq!(
        (work.part, work.rows.len(), work.rows[0].line),
        (1, 500, 502)
    );
    let others = stage.pool(1);
    let mut other = ImportUnits::begin(&others).await.expect("a unit");
    assert_eq!(
        claim(&mut *other).await,
        None,
        "one part is with one process at a time"
    );
    let session = stage.session().await;
    let kill = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid() \
           AND state = 'idle in transaction'";
    session.query(kill, &[]).await.expect("killed");
    assert!(unit.commit().await.is_err());

    book.run_until_idle().await;
    let done = book.import(import.id).await;
    assert_eq!(
        (done.status, done.counters.imported),
        (ImportStatus::Done, 1200)
    );
    assert_eq!(done.tries, 0);
    let half = book
        .all(&query(Sort::Newest, None, &["half"], None), 10)
        .await;
    assert!(half.is_empty());
    require_exact(&stage, &book).await;
}

#[tokio::test]
async fn a_unit_that_was_dropped_leaves_its_part_to_others() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let import = book.bring(&people(0..600), None).await.import;
    let pool = stage.pool(1);
    let mut unit = ImportUnits::begin(&pool).await.expect("a unit");
    half(&mut *unit).await;
    drop(unit);
    // Another user of this pool's only connection comes when it was rolled back.
    pool.ping().await.expect("it answers");
    assert_eq!(book.import(import.id).await, import);
    book.through(stage.pool(1)).run_until_idle().await;
    assert_eq!(book.import(import.id).await.counters.imported, 600);
    require_exact(&stage, &book).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn workers_side_by_side_take_each_part_once() {
    let stage = Stage::new().await;
    let (one, two) = (Book::new(&stage).await, Book::new(&stage).await);
    let mut imports = Vec::new();
    for (book, first) in [(&one, 0), (&two, 0), (&one, 900)] {
        let import = book.bring(&people(first..first + 1100), None).await.import;
        imports.push((book.clone(), import.id));
    }
    // A book has one worker at a time, and another worker finds the other book.
    let (mut first, mut second) = (
        ImportUnits::begin(&stage.postgres).await.expect("a unit"),
        ImportUnits::begin(&stage.postgres).await.expect("a unit"),
    );
    let met: BTreeSet<_> = [
        claim(&mut *first)
            .await
            .expect("a part")
            .import
            .workspace
            .id,
        claim(&mut *second)
            .await
            .expect("a part")
            .import
            .workspace
            .id,
    ]
    .into();
    assert_eq!(met, [one.workspace.id, two.workspace.id].into());
    let mut third = ImportUnits::begin(&stage.postgres).await.expect("a unit");
    assert_eq!(claim(&mut *third).await, None);
    drop((first, second, third));

    let workers: Vec<_> = (0..4)
        .map(|_| {
            let (book, imports) = (one.through(stage.pool(2)), imports.clone());
            tokio::spawn(async move {
                let (run, mut parts) = (book.run_imports(), 0);
                // Whoever finds both books held looks again: the others may end before it is done.
                loop {
                    match run.tick().await.expect("work") {
                        Tick::Did(_) => parts += 1,
                        Tick::Idle if are_over(&imports).await => return parts,
                        Tick::Idle => tokio::task::yield_now().await,
                    }
                }
            })
        })
        .collect();
    let mut parts = 0;
    for worker in workers {
        parts += worker.await.expect("no panic");
    }
    assert_eq!(parts, 9);
    let mut counted = Vec::new();
    for (book, id) in &imports {
        let import = book.import(*id).await;
        assert_eq!(import.status, ImportStatus::Done);
        counted.push((import.counters.imported, import.counters.updated));
    }
    assert_eq!(counted, [(1100, 0), (1100, 0), (900, 200)]);
    require_exact(&stage, &one).await;
    require_exact(&stage, &two).await;
}

async fn are_over(imports: &[(Book, ImportId)]) -> bool {
    for (book, id) in imports {
        if !book.import(*id).await.status.is_final() {
            return false;
        }
    }
    true
}

#[tokio::test]
async fn workspaces_take_turns_and_the_imports_of_one_keep_their_order() {
    let stage = Stage::new().await;
    let (busy, other) = (Book::new(&stage).await, Book::new(&stage).await);
    let first = busy.bring(&people(0..600), None).await.import;
    let second = busy.bring(&people(1000..1600), None).await.import;
    let late = at(&other, NOW + time::Duration::SECOND);
    let third = late.bring(&people(0..600), None).await.import;
    let mut order = Vec::new();
    // Time goes on from part to part.
    for second_of in 2..8 {
        let later = at(&busy, NOW + time::Duration::seconds(second_of));
        later.run_imports().tick().await.expect("work");
        let imports = [
            busy.import(first.id).await,
            busy.import(second.id).await,
            other.import(third.id).await,
        ];
        order.push(imports.map(|it| it.processed()));
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
}

#[tokio::test]
async fn a_part_that_fails_lets_other_workspaces_go_first() {
    let stage = Stage::new().await;
    let (broken, other) = (Book::new(&stage).await, Book::new(&stage).await);
    let failing = broken.bring(&people(0..600), None).await.import;
    let fine = other.bring(&people(0..600), None).await.import;
    let session = stage.session().await;
    let refuse = format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
           'BEGIN RAISE EXCEPTION ''not today''; END'; \
         CREATE TRIGGER refuse BEFORE INSERT ON contacts FOR EACH ROW \
           WHEN (NEW.workspace_id = '{}') EXECUTE FUNCTION refuse()",
        broken.workspace.id
    );
    session.batch_execute(&refuse).await.expect("a trigger");
    other.run_until_idle().await;
    assert_eq!(other.import(fine.id).await.status, ImportStatus::Done);
    let waiting = broken.import(failing.id).await;
    assert_eq!(
        (waiting.status, waiting.processed()),
        (ImportStatus::Pending, 0)
    );
    assert_eq!(waiting.tries, 1);
    require_exact(&stage, &broken).await;

    session
        .batch_execute("DROP TRIGGER refuse ON contacts")
        .await
        .expect("no trigger");
    at(&broken, NOW + time::Duration::MINUTE)
        .run_until_idle()
        .await;
    let done = broken.import(failing.id).await;
    assert_eq!(
        (done.status, done.counters.imported),
        (ImportStatus::Done, 600)
    );
    require_exact(&stage, &broken).await;
}
