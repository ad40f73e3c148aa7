//! Adding to a list: what is written, in which order, and when it answers.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use msgflash_kernel::{
    FixedClock, Id, MockReplayStore, Outcome, Phone, ReplayStore, StoreError, Unit, Workspace,
};
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use super::ports::{
    MockSilence, MockSuppressionReader, MockSuppressionStore, SuppressionStore, SuppressionUnit,
    SuppressionUnits,
};
use super::*;
use crate::error::ContactError;
use crate::file::read_suppressions;

const NOW: OffsetDateTime = datetime!(2026-05-20 10:00 UTC);

type Steps = Arc<Mutex<Vec<&'static str>>>;

struct FakeUnit {
    replays: MockReplayStore,
    store: MockSuppressionStore,
    steps: Steps,
}

#[async_trait]
impl Unit for FakeUnit {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.steps.lock().expect("free").push("commit");
        Ok(())
    }
}

impl SuppressionUnit for FakeUnit {
    fn replays(&mut self) -> &mut dyn ReplayStore {
        &mut self.replays
    }
    fn suppressions(&mut self) -> &mut dyn SuppressionStore {
        &mut self.store
    }
}

struct One(Mutex<Option<FakeUnit>>);

#[async_trait]
impl SuppressionUnits for One {
    async fn begin(&self) -> Result<Box<dyn SuppressionUnit>, StoreError> {
        let unit = self.0.lock().expect("free").take();
        Ok(Box::new(unit.expect("one unit")))
    }
}

fn own() -> Workspace {
    Workspace::personal(Id::new(Uuid::from_u128(7)))
}

fn phone(raw: &str) -> Phone {
    Phone::parse(raw).expect("a number")
}

/// Adds over a list on which everything but `known` is new; what was done, in order.
async fn add(order: AddOrder, known: &'static [&'static str]) -> (Added, Vec<&'static str>) {
    let steps = Steps::default();
    let mut store = MockSuppressionStore::new();
    let done = Arc::clone(&steps);
    store.expect_add().returning(move |workspace, new| {
        assert_eq!(workspace, own().id);
        done.lock().expect("free").push("add");
        let mut fresh: Vec<Phone> = Vec::new();
        for it in new {
            let is_known = known.iter().any(|raw| phone(raw) == it.phone);
            if !is_known && !fresh.contains(&it.phone) {
                fresh.push(it.phone);
            }
        }
        Ok(fresh)
    });
    let done = Arc::clone(&steps);
    store.expect_hold_lanes().returning(move |account| {
        assert_eq!(account, own().account);
        done.lock().expect("free").push("hold");
        Ok(())
    });
    let mut silence = MockSilence::new();
    let done = Arc::clone(&steps);
    silence.expect_fall().returning(move |_| {
        done.lock().expect("free").push("silence");
        Ok(())
    });
    let unit = FakeUnit {
        replays: MockReplayStore::new(),
        store,
        steps: Arc::clone(&steps),
    };
    let units = Arc::new(One(Mutex::new(Some(unit))));
    let clock = Arc::new(FixedClock::at(NOW));
    let adding = AddSuppressions::new(units, Arc::new(silence), clock);
    let Outcome::Done(added) = adding.add(order, None).await.expect("added") else {
        panic!("nothing was asked before");
    };
    let steps = steps.lock().expect("free").clone();
    (added, steps)
}

#[tokio::test]
async fn lines_are_held_last_and_the_answer_waits_for_calls_that_were_marked() {
    let numbers = ["+33612345678".to_owned()];
    let (_, steps) = add(AddOrder::of_numbers(own(), &numbers, None), &[]).await;
    assert_eq!(steps, ["add", "hold", "commit", "silence"]);
}

#[tokio::test]
async fn what_is_on_the_list_waits_too_for_others_may_have_held_no_line() {
    let numbers = ["+33612345678".to_owned()];
    let order = AddOrder::of_numbers(own(), &numbers, None);
    let (added, steps) = add(order, &["+33612345678"]).await;
    assert_eq!((added.added, added.already_present), (0, 1));
    assert_eq!(steps, ["add", "hold", "commit", "silence"]);
}

#[tokio::test]
async fn every_number_given_is_counted_once() {
    let numbers = [
        "+33612345678",
        "0612",
        "+33612345679",
        "33 6 12 34 56 78",
        "+33612345670",
    ];
    let order = AddOrder::of_numbers(own(), &numbers.map(str::to_owned), Some("asked by phone"));
    assert!(
        order
            .numbers
            .iter()
            .all(|it| it.reason.as_deref() == Some("asked by phone"))
    );
    let (added, _) = add(order, &["+33612345670"]).await;
    assert_eq!((added.added, added.already_present), (2, 2));
    let refused: Vec<_> = added
        .refused
        .iter()
        .map(|it| (it.line, &*it.phone))
        .collect();
    assert_eq!(refused, [(1, "0612")]);
}

#[test]
fn what_is_written_into_a_file_reads_back() {
    let kept = [
        Suppression {
            phone: phone("+33612345678"),
            source: Source::StopWord,
            reason: Some("=cmd, \"stop\"".into()),
            instance: None,
            created_at: NOW,
        },
        Suppression {
            phone: phone("+33612345679"),
            source: Source::Manual,
            reason: None,
            instance: None,
            created_at: NOW,
        },
    ];
    let file = crate::file::Writer::default().suppressions(&kept);
    let read = read_suppressions(&*file).expect("a file");
    let rows: Vec<_> = read
        .rows
        .iter()
        .map(|it| (it.phone, it.reason.as_deref()))
        .collect();
    let expected: Vec<_> = kept
        .iter()
        .map(|it| (it.phone, it.reason.as_deref()))
        .collect();
    assert_eq!(rows, expected);
    assert!(read.report.is_empty());
}

#[test]
fn a_file_of_contacts_is_a_list_of_numbers_too() {
    let file = "name,phone\nLina,+33612345678\nAwa,0612\nLina,+33 6 12 34 56 78\n";
    let read = read_suppressions(file.as_bytes()).expect("a file");
    let numbers: Vec<_> = read.rows.iter().map(|it| it.phone.to_string()).collect();
    assert_eq!(numbers, ["+33612345678"]);
    assert_eq!((read.invalid, read.skipped), (1, 1));
    let why = read_suppressions("number\n1".as_bytes()).expect_err("no column");
    let told = "The header must name the column \"phone\"; \"reason\" is optional";
    assert_eq!(why.to_string(), told);
}

#[tokio::test]
async fn a_cursor_belongs_to_the_list_it_was_made_for() {
    let mut reader = MockSuppressionReader::new();
    reader.expect_page().returning(|_, _, after, limit| {
        let number = |n: u32| Suppression {
            phone: phone(&format!("+336123456{n:02}")),
            source: Source::Manual,
            reason: None,
            instance: None,
            created_at: NOW,
        };
        let first = after.map_or(0, |(at, phone)| {
            assert_eq!((at, phone), (NOW, number(1).phone));
            2
        });
        Ok((first..first + limit).map(number).collect())
    });
    let read = ReadSuppressions::new(Arc::new(reader));
    let all = SuppressionFilter::default();
    let page = read.page(own().id, &all, 2, None).await.expect("a page");
    assert_eq!(page.items.len(), 2);
    let cursor = page.next.expect("there are more").encode();
    let next = read.page(own().id, &all, 2, Some(&cursor)).await;
    assert!(next.is_ok());
    let manual = SuppressionFilter {
        source: Some(Source::Manual),
        ..all
    };
    for (filter, cursor) in [(&manual, &*cursor), (&all, "nonsense")] {
        let refused = read.page(own().id, filter, 2, Some(cursor)).await;
        let Err(ContactError::Invalid(problems)) = refused else {
            panic!("another list's cursor was taken");
        };
        assert_eq!(problems.0[0].field, "cursor");
    }
}
