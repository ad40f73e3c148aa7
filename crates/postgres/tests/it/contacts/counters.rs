//! Counters are what they count, whatever was done.

use std::fmt::Write as _;

use super::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    Create,
    Change,
    Retag,
    Delete,
    Group,
    DropGroup,
    Add,
    Remove,
    BulkDelete,
    Job,
    Import,
}

const STEPS: [Step; 11] = [
    Step::Create,
    Step::Change,
    Step::Retag,
    Step::Delete,
    Step::Group,
    Step::DropGroup,
    Step::Add,
    Step::Remove,
    Step::BulkDelete,
    Step::Job,
    Step::Import,
];

const TAGS: [&[&str]; 6] = [&[], &["a"], &["b"], &["a", "b"], &["b", "c", "a"], &["d"]];

struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }

    fn phone(&mut self) -> u64 {
        33_600_000_000 + self.below(60) as u64
    }

    /// Some ids, with repetitions and a stranger.
    fn some(&mut self, ids: &[ContactId]) -> Vec<ContactId> {
        let mut some = vec![fresh()];
        for _ in 0..self.below(8) {
            if !ids.is_empty() {
                some.push(ids[self.below(ids.len())]);
            }
        }
        some
    }
}

async fn stored(stage: &Stage, table: &str, book: &Book) -> Vec<uuid::Uuid> {
    let rows = format!("SELECT id::text FROM {table} WHERE workspace_id = $1::text::uuid");
    let id = book.workspace.id.to_string();
    let rows = stage.session().await.query(&rows, &[&id]).await;
    let id = |row: &tokio_postgres::Row| row.get::<_, String>(0).parse().expect("an id");
    rows.expect("rows").iter().map(id).collect()
}

/// Does something; what is refused leaves everything as it was.
async fn take(stage: &Stage, book: &Book, step: Step, dice: &mut Dice) {
    let contacts = stored(stage, "contacts", book).await;
    let contacts: Vec<ContactId> = contacts.into_iter().map(Id::new).collect();
    let groups = stored(stage, "contact_groups", book).await;
    let groups: Vec<GroupId> = groups.into_iter().map(Id::new).collect();
    let contact = *contacts
        .get(dice.below(contacts.len().max(1)))
        .unwrap_or(&fresh());
    let group = *groups
        .get(dice.below(groups.len().max(1)))
        .unwrap_or(&fresh());
    let some = dice.some(&contacts);
    let tags = TAGS[dice.below(TAGS.len())];
    match step {
        Step::Create => drop(book.try_create("Max", dice.phone(), tags).await),
        Step::Change => {
            let change = ContactChange {
                phone: Some(dice.phone().to_string()),
                name: Some("Moritz".to_owned()),
                ..ContactChange::default()
            };
            drop(book.change(contact, change).await);
        }
        Step::Retag => {
            let change = ContactChange {
                tags: Some(tags.iter().map(|it| (*it).to_owned()).collect()),
                ..ContactChange::default()
            };
            drop(book.change(contact, change).await);
        }
        Step::Delete => drop(book.delete(contact).await),
        Step::Group => drop(
            book.try_group(&format!("G{}", dice.below(4)), Some(3))
                .await,
        ),
        Step::DropGroup => drop(book.delete_group(group).await),
        Step::Add => drop(book.bulk(Operation::AddTo(group), &some).await),
        Step::Remove => drop(book.bulk(Operation::RemoveFrom(group), &some).await),
        Step::BulkDelete => drop(book.bulk(Operation::Delete, &some).await),
        Step::Job => {
            let operations = [
                Operation::Delete,
                Operation::AddTo(group),
                Operation::RemoveFrom(group),
            ];
            let many: Vec<_> = some.iter().cycle().take(150).copied().collect();
            drop(book.bulk(operations[dice.below(3)], &many).await);
            if dice.below(2) == 0 {
                book.run_jobs().tick().await.expect("work");
            }
        }
        Step::Import => {
            let mut text = String::from("phone,name,tags\n");
            for _ in 0..dice.below(8) {
                let tags = TAGS[dice.below(TAGS.len())].join("|");
                let _ = writeln!(text, "{},Moritz,{tags}", dice.phone());
            }
            if dice.below(2) == 0 {
                // Large enough for the background.
                text.push_str(&"nobody\n".repeat(501));
            }
            let into = (dice.below(2) == 0).then_some(group);
            drop(book.try_bring(&text, into).await);
            if dice.below(2) == 0 {
                book.run_imports().tick().await.expect("work");
            }
        }
    }
}

#[tokio::test]
async fn counters_equal_a_recount_after_whatever_was_done() {
    let stage = Stage::new().await;
    for seed in 0..4 {
        let (book, mut dice) = (Book::new(&stage).await, Dice(seed));
        for at in 0..120 {
            // Books are to grow before they shrink.
            let kinds = if at < 40 { 7 } else { STEPS.len() };
            let step = STEPS[dice.below(kinds)];
            take(&stage, &book, step, &mut dice).await;
            if at % 10 == 9 {
                require_exact(&stage, &book).await;
            }
        }
        while book.run_jobs().tick().await.expect("work") != msgflash_kernel::Tick::Idle {}
        require_exact(&stage, &book).await;
    }
}
