use std::sync::atomic::{AtomicBool, Ordering};

use msgflash_kernel::{Claim, NoNudge, StoredAnswer};

use super::*;
use crate::ports::Joined;
use crate::testing::{
    FakeUnit, NOW, Units, actor, answer, clock, contact_id, group, group_id, ids, key, meeting,
};

/// The ids with these numbers.
fn those(numbers: &[u128]) -> Vec<ContactId> {
    numbers.iter().map(|n| contact_id(*n)).collect()
}

fn order(operation: Operation, numbers: &[u128]) -> BulkOrder {
    BulkOrder {
        actor: actor(),
        operation,
        ids: those(numbers),
    }
}

async fn start(unit: FakeUnit, order: BulkOrder) -> Result<BulkOutcome, ContactError> {
    let bulk = BulkContacts::new(Units::of([unit]), clock(), ids(), Arc::new(NoNudge));
    match bulk.start(order, None).await? {
        Outcome::Done(outcome) => Ok(outcome),
        Outcome::Replayed(_) => panic!("there was no key"),
    }
}

async fn done(unit: FakeUnit, order: BulkOrder) -> BulkResult {
    match start(unit, order).await {
        Ok(BulkOutcome::Done(result)) => result,
        other => panic!("{other:?}"),
    }
}

fn having_group() -> FakeUnit {
    let mut unit = FakeUnit::new();
    unit.groups
        .expect_find()
        .returning(|_, _| Ok(Some(group())));
    unit
}

fn counters(changed: u32, unchanged: u32, not_found: u32) -> Counters {
    Counters {
        changed,
        unchanged,
        not_found,
    }
}

#[tokio::test]
async fn a_contact_named_twice_is_deleted_once_and_is_no_unknown_one() {
    let mut unit = FakeUnit::new();
    unit.contacts
        .expect_delete()
        .withf(|_, ids| ids == those(&[1, 9, 2, 8]))
        .times(1)
        .returning(|_, _| Ok(those(&[2, 1])));
    let committed = unit.outcome();
    let result = done(unit, order(Operation::Delete, &[1, 9, 2, 1, 9, 8])).await;
    assert_eq!(result.requested, 6);
    assert_eq!(result.counters, counters(2, 0, 2));
    assert_eq!(result.not_found, those(&[9, 8]));
    assert!(committed.yes());
}

#[tokio::test]
async fn adding_tells_new_members_old_ones_and_strangers_apart() {
    let mut unit = having_group();
    unit.groups.expect_add().returning(|_, _, _, _| {
        Ok(Joined {
            known: those(&[1, 2, 3]),
            added: those(&[1, 2]),
        })
    });
    let result = done(unit, order(Operation::AddTo(group_id()), &[1, 2, 3, 9])).await;
    assert_eq!(result.counters, counters(2, 1, 1));
    assert_eq!(result.not_found, those(&[9]));
}

#[tokio::test]
async fn whoever_is_no_member_is_not_in_the_group_known_or_not() {
    let mut unit = having_group();
    unit.groups
        .expect_remove()
        .returning(|_, _, _| Ok(those(&[1])));
    let result = done(unit, order(Operation::RemoveFrom(group_id()), &[1, 9])).await;
    assert_eq!(result.counters, counters(1, 1, 0));
    assert!(result.not_found.is_empty());
}

#[tokio::test]
async fn a_group_that_is_not_there_changes_nobody() {
    let mut unit = FakeUnit::new();
    unit.groups.expect_find().returning(|_, _| Ok(None));
    let committed = unit.outcome();
    let refused = start(unit, order(Operation::AddTo(group_id()), &[1])).await;
    assert!(matches!(refused, Err(ContactError::NoGroup(_))));
    assert!(!committed.yes());
}

#[tokio::test]
async fn no_ids_and_too_many_are_refused() {
    for count in [0, MOST_IDS + 1] {
        let order = BulkOrder {
            ids: vec![contact_id(1); count],
            ..order(Operation::Delete, &[])
        };
        let refused = start(FakeUnit::new(), order).await;
        assert!(matches!(refused, Err(ContactError::Invalid(_))), "{count}");
    }
}

struct Heard(AtomicBool);

impl Nudge for Heard {
    fn nudge(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_hundred_ids_as_sent_are_a_job_and_ninety_nine_are_not() {
    let many = |count: usize| BulkOrder {
        ids: vec![contact_id(1); count],
        ..order(Operation::Delete, &[])
    };
    let mut unit = FakeUnit::new();
    unit.contacts
        .expect_delete()
        .returning(|_, ids| Ok(ids.to_vec()));
    assert_eq!(done(unit, many(99)).await.requested, 99);

    let mut unit = FakeUnit::new();
    unit.jobs
        .expect_insert()
        .withf(|job, ids| job.requested == 100 && ids.len() == 100)
        .times(1)
        .returning(|_, _| Ok(()));
    let committed = unit.outcome();
    let heard = Arc::new(Heard(AtomicBool::new(false)));
    let bulk = BulkContacts::new(Units::of([unit]), clock(), ids(), Arc::clone(&heard) as _);
    let accepted = bulk.start(many(100), None).await;
    let Ok(Outcome::Done(BulkOutcome::Accepted(job))) = accepted else {
        panic!("{accepted:?}")
    };
    assert_eq!((job.status, job.progress()), (JobStatus::Pending, 0));
    assert!(committed.yes() && heard.0.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_known_key_is_answered_again_and_changes_nobody() {
    let unit = meeting(Claim::Replay(answer("before")));
    let bulk = BulkContacts::new(Units::of([unit]), clock(), ids(), Arc::new(NoNudge));
    let key = key();
    let render = |_: &BulkOutcome| -> StoredAnswer { unreachable!("nothing was done") };
    let once = Once {
        key: &key,
        render: &render,
    };
    let again = bulk.start(order(Operation::Delete, &[1]), Some(once)).await;
    assert!(matches!(again, Ok(Outcome::Replayed(kept)) if kept == answer("before")));
}

/// Counting as if ids were worked on one after the other, literally.
fn one_by_one(operation: Operation, book: &[u128], members: &[u128], ids: &[u128]) -> Counters {
    let (mut book, mut members) = (book.to_vec(), members.to_vec());
    let mut counters = Counters::default();
    for id in ids {
        let (known, member) = (book.contains(id), members.contains(id));
        match operation {
            Operation::Delete if known => {
                book.retain(|it| it != id);
                counters.changed += 1;
            }
            Operation::AddTo(_) if known && !member => {
                members.push(*id);
                counters.changed += 1;
            }
            Operation::RemoveFrom(_) if member => {
                members.retain(|it| it != id);
                counters.changed += 1;
            }
            Operation::AddTo(_) if known => counters.unchanged += 1,
            Operation::RemoveFrom(_) => counters.unchanged += 1,
            Operation::Delete | Operation::AddTo(_) => counters.not_found += 1,
        }
    }
    counters
}

proptest::proptest! {
    #[test]
    fn a_batch_counts_as_if_its_ids_came_one_by_one(
        raw in proptest::collection::vec(0u128..12, 0..40), which in 0..3,
    ) {
        // Of the contacts 0 to 7, those below 4 are members.
        let (book, members): (Vec<u128>, Vec<u128>) = ((0..8).collect(), (0..4).collect());
        let operation = match which {
            0 => Operation::Delete,
            1 => Operation::AddTo(group_id()),
            _ => Operation::RemoveFrom(group_id()),
        };
        let mut unit = FakeUnit::holding();
        let known: HashSet<_> = those(&book).into_iter().collect();
        let inside: HashSet<_> = those(&members).into_iter().collect();
        let gone = known.clone();
        unit.contacts.expect_delete().returning(move |_, ids| {
            Ok(ids.iter().copied().filter(|id| gone.contains(id)).collect())
        });
        let (all, were) = (known.clone(), inside.clone());
        unit.groups.expect_add().returning(move |_, _, ids, _| {
            let known: Vec<_> = ids.iter().copied().filter(|id| all.contains(id)).collect();
            let added = known.iter().copied().filter(|id| !were.contains(id)).collect();
            Ok(Joined { known, added })
        });
        unit.groups.expect_remove().returning(move |_, _, ids| {
            Ok(ids.iter().copied().filter(|id| inside.contains(id)).collect())
        });
        let batch = those(&raw);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let fates = runtime.block_on(apply(&mut unit, actor().workspace.id, operation, &batch, NOW));
        let counted = fates.expect("applied").count(operation, &batch);
        proptest::prop_assert_eq!(counted, one_by_one(operation, &book, &members, &raw));
        proptest::prop_assert_eq!(counted.sum() as usize, raw.len());
    }
}
