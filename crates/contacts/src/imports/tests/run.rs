//! Parts of large files.

use msgflash_kernel::{StoreError, Tick};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::*;
use crate::ports::{Claimed, ImportWork, Joined};
use crate::testing::{NOW, Units, away, clock, group_id, ids};

fn import(group: Option<GroupId>, total: u32) -> Import {
    Import {
        id: Id::new(Uuid::from_u128(0x4000)),
        workspace: own(),
        user: own().owner(),
        group,
        status: ImportStatus::Pending,
        total,
        counters: ImportCounters {
            invalid: 100,
            ..ImportCounters::default()
        },
        tries: 0,
        error: None,
        created_at: NOW,
        updated_at: NOW,
        completed_at: None,
    }
}

/// A unit that hands out part 3 of an import.
fn handing(import: &Import, rows: Vec<ImportRow>) -> FakeUnit {
    let mut unit = FakeUnit::holding();
    let import = import.clone();
    unit.imports.expect_claim().times(1).returning(move |_| {
        Ok(Some(Claimed::Work(ImportWork {
            import: import.clone(),
            part: 3,
            rows: rows.clone(),
        })))
    });
    unit
}

/// What an import was left as, and when its book's next turn is.
type Left = Arc<Mutex<Option<(Import, OffsetDateTime)>>>;

fn left(unit: &mut FakeUnit) -> Left {
    let left = Left::default();
    let noted = Arc::clone(&left);
    unit.imports
        .expect_update()
        .times(1)
        .returning(move |import, turn| {
            *noted.lock().unwrap() = Some((import.clone(), turn));
            Ok(())
        });
    left
}

fn taken(left: &Left) -> (Import, OffsetDateTime) {
    left.lock().unwrap().take().expect("it was stored")
}

async fn tick(units: impl IntoIterator<Item = FakeUnit>) -> Result<Tick, StoreError> {
    RunImports::new(Units::of(units), clock(), ids())
        .tick()
        .await
}

#[tokio::test]
async fn without_an_import_there_is_nothing_to_do_and_a_broken_one_makes_room() {
    let mut unit = FakeUnit::new();
    unit.imports.expect_claim().returning(|_| Ok(None));
    assert_eq!(tick([unit]).await.expect("a look"), Tick::Idle);

    let mut unit = FakeUnit::holding();
    unit.imports
        .expect_claim()
        .returning(|_| Ok(Some(Claimed::Broken)));
    let committed = unit.outcome();
    assert_eq!(tick([unit]).await.expect("a look"), Tick::Did(1));
    assert!(committed.yes());
}

#[tokio::test]
async fn a_part_its_counters_and_its_report_are_kept_together() {
    let rows: Vec<_> = (2..502).map(|line| row(line, None, &["a"])).collect();
    let many: Vec<_> = (0..50).map(|n| n.to_string()).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let unit = handing(&import(Some(group_id()), 1200), rows);
    let (mut unit, kept) = knowing(unit, vec![known(2, &many), known(3, &[])]);
    unit.groups
        .expect_find()
        .returning(|_, _| Ok(Some(crate::testing::group())));
    unit.groups
        .expect_add()
        .times(1)
        .returning(|_, _, members, _| {
            assert_eq!(members.len(), 499);
            Ok(Joined::default())
        });
    unit.imports
        .expect_finish()
        .times(1)
        .returning(|_, part, report| {
            let lines: Vec<_> = report.iter().map(|it| it.line).collect();
            assert_eq!((part, lines), (3, vec![2]));
            Ok(())
        });
    let (left, committed) = (left(&mut unit), unit.outcome());
    assert_eq!(tick([unit]).await.expect("work"), Tick::Did(500));
    let (import, turn) = taken(&left);
    assert_eq!(
        (import.status, import.progress()),
        (ImportStatus::Processing, 50)
    );
    assert_eq!((kept.made().len(), kept.changed().len()), (498, 1));
    let counters = import.counters;
    assert_eq!(
        (counters.imported, counters.updated, counters.invalid),
        (498, 1, 101)
    );
    assert_eq!(turn, NOW, "others go first, and then it goes on");
    assert!(committed.yes());
}

#[tokio::test]
async fn a_file_of_which_nothing_can_be_taken_is_done() {
    let (mut unit, kept) = knowing(handing(&import(None, 100), vec![]), vec![]);
    unit.imports.expect_finish().returning(|_, _, _| Ok(()));
    let left = left(&mut unit);
    assert_eq!(tick([unit]).await.expect("work"), Tick::Did(1));
    assert_eq!(taken(&left).0.status, ImportStatus::Done);
    assert_eq!(kept.made(), []);
}

#[tokio::test]
async fn a_group_that_was_deleted_meanwhile_fails_the_import() {
    let mut unit = handing(&import(Some(group_id()), 700), vec![row(2, None, &[])]);
    unit.groups.expect_find().returning(|_, _| Ok(None));
    let (left, committed) = (left(&mut unit), unit.outcome());
    tick([unit]).await.expect("work");
    let (import, _) = taken(&left);
    assert_eq!(import.status, ImportStatus::Failed);
    assert_eq!(import.error.as_deref(), Some("The group was deleted"));
    assert_eq!((import.processed(), import.completed_at), (100, Some(NOW)));
    assert!(committed.yes());
}

fn failing(import: &Import, with: fn() -> StoreError) -> FakeUnit {
    let mut unit = handing(import, vec![row(2, None, &[])]);
    unit.contacts
        .expect_find_by_phone()
        .returning(move |_, _| Err(with()));
    unit
}

fn full() -> StoreError {
    StoreError::Failed("the disk is full".into())
}

fn finding(import: &Import) -> FakeUnit {
    let mut unit = FakeUnit::new();
    let import = import.clone();
    unit.imports
        .expect_find()
        .returning(move |_, _| Ok(Some(import.clone())));
    unit
}

/// A statement that takes too long looks like a database that is away.
#[tokio::test]
async fn a_part_that_fails_again_and_again_ends_its_import() {
    for cause in [full, away] {
        let mut before = import(None, 700);
        let mut waited = Duration::ZERO;
        for tries in 1..100 {
            let (broken, mut noting) = (failing(&before, cause), finding(&before));
            let (left, committed) = (left(&mut noting), broken.outcome());
            assert_eq!(tick([broken, noting]).await.expect("noted"), Tick::Did(1));
            let (after, turn) = taken(&left);
            assert!(!committed.yes(), "nothing of a failed part is kept");
            assert_eq!(after.tries, tries);
            waited += turn - NOW;
            before = after;
            if before.status.is_final() {
                break;
            }
        }
        assert_eq!(
            (before.status, before.processed()),
            (ImportStatus::Failed, 100)
        );
        assert!(before.error.is_some());
        assert!(
            waited > Duration::minutes(10),
            "it was given up after {waited}"
        );
    }
}

#[tokio::test]
async fn an_import_that_somebody_else_got_on_with_is_left_alone() {
    let before = import(None, 700);
    let mut other = before.clone();
    other.advance(ImportCounters::default(), NOW);
    let noting = finding(&other);
    let committed = noting.outcome();
    tick([failing(&before, full), noting]).await.expect("noted");
    assert!(!committed.yes());
}

#[tokio::test]
async fn a_database_that_is_away_is_nobodys_fault() {
    let before = import(None, 700);
    // There is no second unit: beginning it fails.
    let failed = tick([failing(&before, full)]).await;
    assert!(matches!(failed, Err(StoreError::Failed(_))));

    // It goes away again before the try is counted.
    let mut noting = finding(&before);
    noting.imports.expect_update().returning(|_, _| Err(away()));
    let committed = noting.outcome();
    let failed = tick([failing(&before, away), noting]).await;
    assert!(matches!(failed, Err(StoreError::Unavailable(_))));
    assert!(!committed.yes());
}
