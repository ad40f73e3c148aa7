//! Contacts from files.

use std::fmt::Write as _;
use std::ops::Range;

use msgflash_contacts::file::{self, ReportEntry};
use msgflash_contacts::import::ImportCounters;
use msgflash_contacts::imports::Started;
use msgflash_contacts::ports::ImportReader;
use msgflash_contacts::{
    Import, ImportError, ImportId, ImportOrder, ImportStatus, RunImports, StartImport,
};
use msgflash_kernel::{Fault as _, Tick};

use super::*;

const FIRST: u64 = 33_612_000_000;

/// A file of people with numbers that follow each other.
pub(crate) fn people(numbers: Range<u64>) -> String {
    let mut text = String::from("phone,name,tags\r\n");
    for at in numbers {
        let _ = write!(text, "+{},Max {at},a|t{}\r\n", FIRST + at, at % 3);
    }
    text
}

impl Book {
    pub(super) async fn try_bring(
        &self,
        text: &str,
        group: Option<GroupId>,
    ) -> Result<Started, ImportError> {
        let (units, clock) = (self.units(), Arc::clone(&self.clock));
        let start = StartImport::new(units, clock, Arc::new(RandomIds), Arc::new(NoNudge));
        let order = ImportOrder {
            actor: self.actor(),
            group,
        };
        start.start(order, file::read(text.as_bytes())?).await
    }

    pub(crate) async fn bring(&self, text: &str, group: Option<GroupId>) -> Started {
        self.try_bring(text, group).await.expect("taken")
    }

    pub(crate) fn run_imports(&self) -> RunImports {
        let clock = Arc::clone(&self.clock);
        RunImports::new(self.units(), clock, Arc::new(RandomIds))
    }

    pub(super) async fn run_until_idle(&self) {
        let run = self.run_imports();
        while run.tick().await.expect("work") != Tick::Idle {}
    }

    pub(crate) async fn import(&self, id: ImportId) -> Import {
        let found = ImportReader::find(&self.postgres, self.workspace.id, id).await;
        found.expect("read").expect("there")
    }

    pub(super) async fn report(&self, id: ImportId) -> Vec<ReportEntry> {
        let report = ImportReader::report(&self.postgres, self.workspace.id, id).await;
        report.expect("read")
    }

    async fn known(&self, at: u64) -> Contact {
        let phone = Phone::parse(&(FIRST + at).to_string()).expect("a number");
        let mut unit = ContactUnits::begin(&self.postgres).await.expect("a unit");
        let found = unit
            .contacts()
            .find_by_phone(self.workspace.id, &[phone])
            .await;
        found.expect("read").pop().expect("known")
    }
}

fn counters(imported: u32, updated: u32, skipped: u32, invalid: u32) -> ImportCounters {
    ImportCounters {
        imported,
        updated,
        skipped,
        invalid,
    }
}

#[tokio::test]
async fn a_small_file_is_taken_at_once() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let group = book.group("VIP").await;
    book.create("Lina", FIRST, &["old"]).await;
    let many: Vec<_> = (0..50).map(|n| format!("tag {n}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    book.create("Full", FIRST + 9, &many).await;
    let text = "phone,name,tags\n\
         +33 6 12 00 00 00,,new|old\n\
         +33612000001,\"Moreau, Zo\u{eb}\",\n\
         +33612000002,,'=1+1\n\
         +33612000009,Fuller,one more\n\
         0612000003,Nobody,\n\
         33612000001,Again,\n";
    let started = book.bring(text, Some(group)).await;
    assert_eq!(started.import.status, ImportStatus::Done);
    assert_eq!(started.import.counters, counters(2, 1, 1, 2));
    assert_eq!(book.import(started.import.id).await, started.import);
    assert_eq!(book.report(started.import.id).await, started.report);
    let lines: Vec<_> = started.report.iter().map(|it| it.line).collect();
    assert_eq!(lines, [5, 6, 7]);

    let lina = book.known(0).await;
    assert_eq!(
        (&*lina.name, lina.tags),
        ("Lina", vec!["old".into(), "new".into()])
    );
    assert_eq!(book.known(1).await.name, "Moreau, Zo\u{eb}");
    let nameless = book.known(2).await;
    assert_eq!(
        (&*nameless.name, nameless.tags),
        ("+33612000002", vec!["=1+1".into()])
    );
    assert_eq!(book.known(9).await.name, "Full");
    let members = book
        .all(&query(Sort::Newest, None, &[], Some(group)), 10)
        .await;
    assert_eq!(members.len(), 3);
    assert_eq!(
        book.all(&query(Sort::Newest, None, &["new"], None), 10)
            .await,
        [lina.id]
    );
    require_exact(&stage, &book).await;
    assert_eq!(book.run_imports().tick().await.expect("a look"), Tick::Idle);
}

#[tokio::test]
async fn a_large_file_is_taken_in_parts_and_its_counters_sum() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let group = book.group("VIP").await;
    book.bring(&people(100..200), None).await;
    let mut text = people(0..1100);
    text.push_str("nobody,x,\r\n+33612000007,again,\r\n");
    let import = book.bring(&text, Some(group)).await.import;
    assert_eq!((import.status, import.total), (ImportStatus::Pending, 1102));
    assert_eq!(book.import(import.id).await, import);
    assert_eq!(
        book.report(import.id).await.len(),
        2,
        "what is known is told at once"
    );
    for (processed, status) in [
        (502, ImportStatus::Processing),
        (1002, ImportStatus::Processing),
        (1102, ImportStatus::Done),
    ] {
        let did = book.run_imports().tick().await.expect("work");
        assert!(matches!(did, Tick::Did(_)));
        let now = book.import(import.id).await;
        assert_eq!((now.processed(), now.status), (processed, status));
        require_exact(&stage, &book).await;
    }
    assert_eq!(book.run_imports().tick().await.expect("a look"), Tick::Idle);
    let done = book.import(import.id).await;
    assert_eq!(done.counters, counters(1000, 100, 1, 1));
    assert_eq!((done.progress(), done.completed_at), (100, Some(NOW)));
    let members = book.read_groups().find(book.workspace.id, group).await;
    assert_eq!(members.expect("found").contact_count, 1100);
    assert_eq!(book.report(import.id).await.len(), 2);
}

#[tokio::test]
async fn rows_that_turn_out_bad_in_a_part_are_told_by_line() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let many: Vec<_> = (0..50).map(|n| format!("tag {n}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    for at in [3, 550] {
        book.create("Full", FIRST + at, &many).await;
    }
    let text = format!("{}0612,x,\r\n", people(0..600));
    let import = book.bring(&text, None).await.import;
    book.run_until_idle().await;
    let lines: Vec<_> = book
        .report(import.id)
        .await
        .iter()
        .map(|it| it.line)
        .collect();
    assert_eq!(lines, [5, 552, 602]);
    let done = book.import(import.id).await;
    assert_eq!(
        (done.status, done.counters),
        (ImportStatus::Done, counters(598, 0, 0, 3))
    );
    require_exact(&stage, &book).await;
}

#[tokio::test]
async fn a_large_file_of_which_nothing_can_be_taken_is_done() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let text = format!("phone\n{}", "nobody\n".repeat(600));
    let import = book.bring(&text, None).await.import;
    assert_eq!(
        (import.status, import.progress()),
        (ImportStatus::Pending, 100)
    );
    book.run_until_idle().await;
    let done = book.import(import.id).await;
    assert_eq!(
        (done.status, done.counters),
        (ImportStatus::Done, counters(0, 0, 0, 600))
    );
    assert_eq!(book.report(import.id).await.len(), 600);
    require_exact(&stage, &book).await;
}

#[tokio::test]
async fn an_unknown_group_leaves_nothing_and_one_that_goes_later_ends_the_import() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let refused = book.try_bring(&people(0..3), Some(fresh())).await;
    assert_eq!(refused.expect_err("refused").code(), "NOT_FOUND");
    let page = ImportReader::page(&book.postgres, book.workspace.id, 10, None).await;
    assert_eq!(page.expect("read").total, 0);

    let group = book.group("VIP").await;
    let import = book.bring(&people(0..700), Some(group)).await.import;
    book.run_imports().tick().await.expect("work");
    book.delete_group(group).await.expect("deleted");
    book.run_until_idle().await;
    let failed = book.import(import.id).await;
    assert_eq!(
        (failed.status, failed.processed()),
        (ImportStatus::Failed, 500)
    );
    assert_eq!(failed.error.as_deref(), Some("The group was deleted"));
    require_exact(&stage, &book).await;
}

#[tokio::test]
async fn imports_are_listed_newest_first() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let mut made = Vec::new();
    for at in 0..5 {
        made.push(book.bring(&people(at..at + 1), None).await.import.id);
    }
    made.reverse();
    let (mut met, mut after) = (Vec::new(), None);
    loop {
        let page = ImportReader::page(&book.postgres, book.workspace.id, 2, after).await;
        let page = page.expect("a page");
        assert!(page.total >= 5);
        met.extend(page.imports.iter().map(|it| it.id));
        after = page.next;
        if after.is_none() {
            break;
        }
        book.bring(&people(7..8), None).await;
    }
    assert_eq!(met, made);
}
