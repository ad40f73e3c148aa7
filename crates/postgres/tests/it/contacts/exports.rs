//! Books that are taken away.

use msgflash_contacts::export::Export;
use msgflash_contacts::{ExportContacts, ImportStatus};
use msgflash_kernel::Fault as _;

use super::imports::people;
use super::*;

impl Book {
    fn export(&self) -> ExportContacts {
        ExportContacts::new(self.units(), Arc::clone(&self.clock))
    }

    /// The whole file, and how many parts it came in.
    async fn exported(&self, group: Option<GroupId>) -> (String, usize) {
        let export = self.export().begin(self.workspace.id, group).await;
        rest(&mut export.expect("begun")).await
    }
}

async fn rest(export: &mut Export) -> (String, usize) {
    let (mut text, mut parts) = (String::new(), 0);
    while let Some(part) = export.next().await.expect("a part") {
        text.push_str(&String::from_utf8(part).expect("text"));
        parts += 1;
    }
    (text, parts)
}

/// The first cell of each row.
fn phones(text: &str) -> Vec<&str> {
    let cells = text.lines().skip(1).filter_map(|row| row.split(',').next());
    cells.collect()
}

#[tokio::test]
async fn a_book_comes_in_parts_and_every_contact_once() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    book.bring(&people(0..2100), None).await;
    book.run_until_idle().await;
    let (text, parts) = book.exported(None).await;
    assert_eq!(parts, 11);
    let phones = phones(&text);
    let distinct: HashSet<_> = phones.iter().collect();
    assert_eq!((phones.len(), distinct.len()), (2100, 2100));
    assert_eq!(phones[0], "+33612000000", "in the order they were made");

    // What is made or deleted on the way changes nothing about the others.
    let mut export = book
        .export()
        .begin(book.workspace.id, None)
        .await
        .expect("begun");
    let begun = export.next().await.expect("a part").expect("a part");
    let begun = String::from_utf8(begun).expect("text");
    let ids = book.all(&query(Sort::Newest, None, &[], None), 100).await;
    for gone in [ids[0], ids[2099]] {
        book.delete(gone).await.expect("deleted");
    }
    book.create("New", 33_613_000_000, &[]).await;
    let (text, _) = rest(&mut export).await;
    assert_eq!(begun.lines().count() + text.lines().count(), 1 + 2100);
}

#[tokio::test]
async fn a_row_names_the_groups_and_a_group_has_its_members_alone() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let lina = book
        .create("=Lina, \"L\"", 33_612_000_000, &["vip", "a|b"])
        .await;
    let max = book.create("Max", 33_612_000_001, &[]).await;
    let (big, all) = (book.group("Wholesale | big").await, book.group("all").await);
    book.join(big, &[lina]).await;
    book.join(all, &[lina, max]).await;
    let header = "phone,name,tags,groups,createdAt\n";
    let day = "\"2026-05-20T10:00:00.000Z\"\n";
    let first = "+33612000000,\"'=Lina, \"\"L\"\"\",\"vip|a\\|b\",\"all|Wholesale \\| big\"";
    let (first, second) = (
        format!("{first},{day}"),
        format!("+33612000001,\"Max\",\"\",\"all\",{day}"),
    );
    assert_eq!(
        book.exported(None).await.0,
        format!("{header}{first}{second}")
    );
    assert_eq!(book.exported(Some(big)).await.0, format!("{header}{first}"));
    book.delete(max).await.expect("deleted");
    assert_eq!(book.exported(Some(all)).await.0, format!("{header}{first}"));
}

#[tokio::test]
async fn a_group_of_another_workspace_is_not_there() {
    let stage = Stage::new().await;
    let (owner, other) = (Book::new(&stage).await, Book::new(&stage).await);
    let group = owner.group("VIP").await;
    let contact = owner.create("Max", 33_612_345_678, &[]).await;
    owner.join(group, &[contact]).await;
    let refused = other.export().begin(other.workspace.id, Some(group)).await;
    assert_eq!(refused.map(drop).expect_err("refused").code(), "NOT_FOUND");
    assert_eq!(phones(&other.exported(None).await.0), Vec::<&str>::new());
    // Use cases ask for the group first; the store does not rely on that.
    let rows = msgflash_contacts::ports::ExportReader::rows(
        &stage.postgres,
        other.workspace.id,
        Some(group),
        None,
        10,
    );
    assert_eq!(rows.await.expect("read"), []);
}

#[tokio::test]
async fn what_was_taken_away_comes_back_as_it_was() {
    let stage = Stage::new().await;
    let (from, into) = (Book::new(&stage).await, Book::new(&stage).await);
    let odd: [(&str, &[&str]); 8] = [
        ("=1+1", &["=a", "b"]),
        ("'=1", &["'", "''=x"]),
        ("@home, \"quoted\"", &["a|b", "c\\", "\\|"]),
        ("-5; +7", &["x,y", "\"z\""]),
        ("+33612000004", &[]),
        (
            "\u{ff1d}Zo\u{eb}\u{301}\u{1f600}",
            &["\u{ff0b}", "VIP", "vip"],
        ),
        ("\\", &["|"]),
        ("'", &["'|'"]),
    ];
    for (at, (name, tags)) in (0..).zip(odd) {
        from.create(name, 33_612_000_000 + at, tags).await;
    }
    from.bring(&people(100..700), None).await;
    from.run_until_idle().await;
    let (text, _) = from.exported(None).await;
    let started = into.bring(&text, None).await;
    assert_eq!(started.report, []);
    into.run_until_idle().await;
    let import = into.import(started.import.id).await;
    assert_eq!(
        (import.status, import.counters.imported),
        (ImportStatus::Done, 608)
    );
    let (again, _) = into.exported(None).await;
    assert_eq!(
        again, text,
        "all was made at the same moment, in the same order"
    );
    // And into the book it came from, where it changes nothing.
    let before = contacts(&from).await;
    let back = from.bring(&text, None).await.import;
    from.run_until_idle().await;
    assert_eq!(from.import(back.id).await.counters.updated, 608);
    assert_eq!(contacts(&from).await, before);
    require_exact(&stage, &from).await;
    require_exact(&stage, &into).await;
}

async fn contacts(book: &Book) -> Vec<Contact> {
    let ids = book.all(&query(Sort::Newest, None, &[], None), 100).await;
    let mut unit = ContactUnits::begin(&book.postgres).await.expect("a unit");
    let mut found = unit
        .contacts()
        .find(book.workspace.id, &ids)
        .await
        .expect("read");
    found.sort_by_key(|it| it.id);
    found
}
