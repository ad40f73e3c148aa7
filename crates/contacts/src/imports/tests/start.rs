//! Files as they come.

use std::sync::atomic::{AtomicBool, Ordering};

use uuid::Uuid;

use super::*;
use crate::ports::{Joined, MockImportReader};
use crate::rules::MAX_TAGS;
use crate::testing::{NOW, Units, actor, clock, group, group_id, ids};

/// Whether somebody was woken.
#[derive(Default)]
struct Rung(AtomicBool);

impl Nudge for Rung {
    fn nudge(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// What was stored of an import.
type Stored = Arc<Mutex<Option<(Import, Vec<ImportRow>, Vec<ReportEntry>)>>>;

fn storing(unit: &mut FakeUnit) -> Stored {
    let stored = Stored::default();
    let noted = Arc::clone(&stored);
    unit.imports
        .expect_insert()
        .times(1)
        .returning(move |import, rows, size, report| {
            assert_eq!(size, 500);
            *noted.lock().unwrap() = Some((import.clone(), rows.to_vec(), report.to_vec()));
            Ok(())
        });
    stored
}

fn order(group: Option<GroupId>) -> ImportOrder {
    ImportOrder {
        actor: actor(),
        group,
    }
}

/// A file of good rows, from line 2 on, and of bad ones behind them.
fn read(good: u64, invalid: u32) -> ReadFile {
    let rows: Vec<_> = (2..good + 2).map(|line| row(line, None, &[])).collect();
    let bad = (0..u64::from(invalid)).map(|at| ReportEntry {
        line: good + 2 + at,
        phone: "x".into(),
        reason: "phone: Must be an international phone number".into(),
    });
    ReadFile {
        rows,
        report: bad.collect(),
        skipped: 0,
        invalid,
    }
}

async fn start(
    unit: FakeUnit,
    order: ImportOrder,
    file: ReadFile,
) -> (Result<Started, ImportError>, bool) {
    let rung = Arc::new(Rung::default());
    let start = StartImport::new(Units::of([unit]), clock(), ids(), Arc::clone(&rung) as _);
    let started = start.start(order, file).await;
    (started, rung.0.load(Ordering::SeqCst))
}

#[tokio::test]
async fn rows_become_contacts_and_known_ones_get_what_is_new() {
    let (mut unit, kept) = knowing(
        FakeUnit::new(),
        vec![known(4, &["vip"]), known(5, &["vip"]), known(6, &["a"])],
    );
    let (stored, committed) = (storing(&mut unit), unit.outcome());
    let file = ReadFile {
        rows: vec![
            row(2, Some("Zoe"), &["a", "b"]),
            row(3, None, &[]),
            row(4, Some("Max"), &["shop", "vip"]),
            row(5, None, &["vip"]),
            row(6, None, &["b"]),
        ],
        report: vec![ReportEntry {
            line: 7,
            phone: "+33 6".into(),
            reason: "Same number as line 2".into(),
        }],
        skipped: 1,
        invalid: 0,
    };
    let (started, rung) = start(unit, order(None), file).await;
    let started = started.expect("taken");
    assert!(committed.yes() && !rung, "nothing is left to do");
    assert_eq!(started.import.status, ImportStatus::Done);
    assert_eq!(
        started.import.counters,
        ImportCounters {
            imported: 2,
            updated: 3,
            skipped: 1,
            invalid: 0
        }
    );
    let new = kept.made();
    let names: Vec<_> = new.iter().map(|it| it.name.clone()).collect();
    assert_eq!(names, ["Zoe".to_owned(), phone(3).to_string()]);
    assert_eq!(new[0].tags, ["a", "b"]);
    assert_eq!(new[0].workspace, own());

    let changed = kept.changed();
    assert_eq!(changed.len(), 2, "what stays as it is is not written");
    assert_eq!((&*changed[0].name, changed[0].updated_at), ("Max", NOW));
    assert_eq!(changed[0].tags, ["vip", "shop"]);
    assert_eq!(
        changed[1].name,
        contact().name,
        "a name is replaced by a name"
    );
    assert_eq!(changed[1].meta, contact().meta);

    let (import, rows, report) = stored.lock().unwrap().take().expect("stored");
    assert_eq!((import, report), (started.import, started.report));
    assert_eq!(rows, []);
}

#[tokio::test]
async fn a_contact_that_would_have_too_many_tags_is_refused_alone() {
    let many: Vec<_> = (0..MAX_TAGS).map(|n| n.to_string()).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let (mut unit, kept) = knowing(FakeUnit::new(), vec![known(2, &many), known(3, &many)]);
    unit.groups
        .expect_find()
        .returning(|_, _| Ok(Some(group())));
    let new = kept.new.clone();
    unit.groups
        .expect_add()
        .times(1)
        .returning(move |_, id, members, at| {
            assert_eq!((id, at), (group_id(), NOW));
            let new = new.lock().unwrap()[0].id;
            assert_eq!(members, [contact().id, new], "line 2 is not taken");
            Ok(Joined::default())
        });
    storing(&mut unit);
    let file = ReadFile {
        rows: vec![
            row(2, None, &["one more"]),
            row(3, None, &["7"]),
            row(4, None, &[]),
        ],
        ..ReadFile::default()
    };
    let (started, _) = start(unit, order(Some(group_id())), file).await;
    let started = started.expect("taken");
    let reasons: Vec<_> = started
        .report
        .iter()
        .map(|it| (it.line, &*it.reason))
        .collect();
    assert_eq!(
        reasons,
        [(2, "tags: The contact would have more than 50 tags")]
    );
    let counters = started.import.counters;
    assert_eq!(
        (counters.imported, counters.updated, counters.invalid),
        (1, 1, 1)
    );
}

#[tokio::test]
async fn all_rows_of_a_file_decide_whether_it_is_small() {
    let (mut unit, _) = knowing(FakeUnit::new(), vec![]);
    storing(&mut unit);
    let (small, rung) = start(unit, order(None), read(400, 100)).await;
    assert_eq!(small.expect("taken").import.status, ImportStatus::Done);
    assert!(!rung);

    let mut unit = FakeUnit::new();
    let (stored, committed) = (storing(&mut unit), unit.outcome());
    let (large, rung) = start(unit, order(None), read(1, 500)).await;
    let large = large.expect("accepted").import;
    assert!(rung && committed.yes());
    assert_eq!(
        (large.status, large.total, large.processed()),
        (ImportStatus::Pending, 501, 500)
    );
    let (import, rows, report) = stored.lock().unwrap().take().expect("stored");
    assert_eq!((import, rows.len(), report.len()), (large, 1, 500));
}

#[tokio::test]
async fn an_unknown_group_leaves_nothing() {
    let mut unit = FakeUnit::new();
    unit.groups.expect_find().returning(|_, _| Ok(None));
    let committed = unit.outcome();
    let (refused, rung) = start(unit, order(Some(group_id())), read(600, 0)).await;
    assert_eq!(refused.expect_err("refused").code(), "NOT_FOUND");
    assert!(!committed.yes() && !rung);
}

#[tokio::test]
async fn an_import_of_another_workspace_is_not_found() {
    let mut reader = MockImportReader::new();
    reader.expect_find().returning(|_, _| Ok(None));
    let read = ReadImports::new(Arc::new(reader));
    let id = Id::new(Uuid::from_u128(1));
    let refused = read.find(own().id, id).await.expect_err("not there");
    assert_eq!(
        (refused.kind(), refused.code()),
        (Kind::Missing, "IMPORT_NOT_FOUND")
    );
    let refused = read.page(own().id, 10, Some("first")).await;
    assert_eq!(refused.expect_err("no id").code(), "VALIDATION_ERROR");
}
