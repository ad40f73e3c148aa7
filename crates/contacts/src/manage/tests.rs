use msgflash_kernel::{Claim, Fault as _, Kind, StoredAnswer};
use serde_json::json;

use super::*;
use crate::temperature::{Temperature, Traces};
use crate::testing::{
    FakeUnit, NOW, Units, actor, answer, away, clock, contact, contact_id, ids, key, meeting, own,
};

fn order() -> ContactOrder {
    ContactOrder {
        actor: actor(),
        name: " Lina Moreau ".into(),
        phone: "+33 6 98 76 54 32".into(),
        tags: vec!["vip".into(), " vip".into(), "shop".into()],
        meta: Some(json!({ "city": "Lyon" })),
    }
}

fn create(unit: FakeUnit) -> CreateContact {
    CreateContact::new(Units::of([unit]), clock(), ids())
}

fn change(unit: FakeUnit) -> ChangeContact {
    ChangeContact::new(Units::of([unit]), clock())
}

/// A unit whose book is empty, and that takes one contact.
fn taking() -> FakeUnit {
    let mut unit = FakeUnit::new();
    unit.contacts
        .expect_find_by_phone()
        .returning(|_, _| Ok(vec![]));
    unit.contacts.expect_insert().times(1).returning(|_| Ok(()));
    unit.contacts.expect_traces().returning(|_, _| {
        Ok(Traces {
            heard_at: Some(NOW),
            sends: vec![],
        })
    });
    unit
}

/// A unit whose book has [`contact`].
fn having() -> FakeUnit {
    let mut unit = FakeUnit::new();
    unit.contacts
        .expect_find()
        .returning(|_, _| Ok(vec![contact()]));
    unit.contacts
        .expect_traces()
        .returning(|_, _| Ok(Traces::default()));
    unit
}

fn problems<T: std::fmt::Debug>(refused: Result<T, ContactError>) -> Vec<(String, &'static str)> {
    let Err(ContactError::Invalid(problems)) = refused else {
        panic!("{refused:?}")
    };
    problems
        .0
        .into_iter()
        .map(|it| (it.field, it.code))
        .collect()
}

#[tokio::test]
async fn what_was_written_is_kept_tidily() {
    let unit = taking();
    let committed = unit.outcome();
    let made = create(unit).create(order(), None).await;
    let Ok(Outcome::Done(entry)) = made else {
        panic!("{made:?}")
    };
    assert_eq!(entry.contact.name, "Lina Moreau");
    assert_eq!(entry.contact.phone, contact().phone);
    assert_eq!(entry.contact.tags, ["vip", "shop"]);
    assert_eq!(entry.contact.created_at, NOW);
    // Whoever wrote before is known at once.
    assert_eq!(entry.temperature, Some(Temperature::Warm));
    assert!(committed.yes());
}

#[tokio::test]
async fn a_number_that_is_taken_is_a_conflict_and_changes_nothing() {
    let mut unit = FakeUnit::new();
    unit.contacts
        .expect_find_by_phone()
        .returning(|_, _| Ok(vec![contact()]));
    let committed = unit.outcome();
    let refused = create(unit).create(order(), None).await.expect_err("taken");
    assert_eq!(
        (refused.kind(), refused.code()),
        (Kind::Conflict, "CONFLICT")
    );
    assert!(!committed.yes());
}

#[tokio::test]
async fn everything_wrong_with_an_order_is_told_at_once() {
    let order = ContactOrder {
        name: " ".into(),
        phone: "0612".into(),
        tags: vec![String::new()],
        meta: Some(json!("Lyon")),
        ..order()
    };
    let told = problems(create(FakeUnit::new()).create(order, None).await);
    let fields: Vec<_> = told.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["name", "phone", "tags.0", "meta"]);
}

fn render(entry: &ContactEntry) -> StoredAnswer {
    answer(&entry.contact.name)
}

async fn create_once(unit: FakeUnit) -> Result<Outcome<ContactEntry>, ContactError> {
    let key = key();
    let once = Once {
        key: &key,
        render: &render,
    };
    create(unit).create(order(), Some(once)).await
}

#[tokio::test]
async fn a_fresh_key_keeps_the_answer_with_the_contact() {
    let mut unit = taking();
    unit.replays
        .expect_claim()
        .returning(|_, _| Ok(Claim::Fresh));
    unit.replays
        .expect_keep()
        .withf(|_, kept, _| *kept == answer("Lina Moreau"))
        .times(1)
        .returning(|_, _, _| Ok(()));
    let committed = unit.outcome();
    assert!(matches!(create_once(unit).await, Ok(Outcome::Done(_))));
    assert!(committed.yes());
}

#[tokio::test]
async fn a_known_key_is_answered_again_and_makes_nothing() {
    let unit = meeting(Claim::Replay(answer("before")));
    let committed = unit.outcome();
    let again = create_once(unit).await;
    assert!(matches!(again, Ok(Outcome::Replayed(kept)) if kept == answer("before")));
    assert!(!committed.yes());
}

#[tokio::test]
async fn a_key_in_use_is_a_conflict_that_passes_and_a_misused_one_is_not() {
    for (claim, wait) in [(Claim::Busy, Some(1)), (Claim::Mismatch, None)] {
        let refused = create_once(meeting(claim)).await.expect_err("a conflict");
        assert_eq!(refused.code(), "CONFLICT");
        assert_eq!(refused.retry_after().map(|it| it.as_secs()), wait);
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_kept_keeps_the_contact_out() {
    let mut unit = taking();
    unit.replays
        .expect_claim()
        .returning(|_, _| Ok(Claim::Fresh));
    unit.replays.expect_keep().returning(|_, _, _| Err(away()));
    let committed = unit.outcome();
    assert!(create_once(unit).await.is_err());
    assert!(!committed.yes());
}

#[tokio::test]
async fn a_change_replaces_what_is_given_and_leaves_the_rest() {
    let mut unit = having();
    unit.contacts
        .expect_update()
        .withf(|changed| {
            let [(before, after)] = changed else {
                return false;
            };
            *before == contact() && after.tags == ["new"] && after.meta.is_none()
        })
        .times(1)
        .returning(|_| Ok(()));
    let committed = unit.outcome();
    let wanted = ContactChange {
        tags: Some(vec!["new".into()]),
        meta: Some(None),
        ..ContactChange::default()
    };
    let changed = change(unit).change(own().id, contact_id(1), wanted).await;
    let entry = changed.expect("changed");
    assert_eq!(entry.contact.name, contact().name);
    assert_eq!(entry.contact.phone, contact().phone);
    assert_eq!(entry.contact.updated_at, NOW);
    assert!(committed.yes());
}

#[tokio::test]
async fn a_change_to_what_is_there_already_writes_nothing() {
    let wanted = ContactChange {
        name: Some("Lina Moreau ".into()),
        phone: Some("33698765432".into()),
        ..ContactChange::default()
    };
    let same = change(having())
        .change(own().id, contact_id(1), wanted)
        .await;
    assert_eq!(same.expect("found").contact, contact());
}

#[tokio::test]
async fn a_change_to_a_number_of_another_contact_is_a_conflict() {
    let mut unit = having();
    unit.contacts
        .expect_find_by_phone()
        .returning(|_, _| Ok(vec![contact()]));
    let committed = unit.outcome();
    let wanted = ContactChange {
        phone: Some("+33611111111".into()),
        ..ContactChange::default()
    };
    let refused = change(unit).change(own().id, contact_id(1), wanted).await;
    assert!(matches!(refused, Err(ContactError::PhoneTaken)));
    assert!(!committed.yes());
}

#[tokio::test]
async fn a_change_of_nothing_and_a_wrong_one_are_refused_before_anything_is_read() {
    let nothing = ContactChange::default();
    let refused = change(FakeUnit::new())
        .change(own().id, contact_id(1), nothing)
        .await;
    assert_eq!(problems(refused), [(String::new(), "empty")]);
    let wrong = ContactChange {
        name: Some(String::new()),
        phone: Some("x".into()),
        tags: Some(vec!["a\n".into(), "a\nb".into()]),
        meta: Some(Some(json!(1))),
    };
    let refused = change(FakeUnit::new())
        .change(own().id, contact_id(1), wrong)
        .await;
    let told = problems(refused);
    let fields: Vec<_> = told.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["name", "phone", "tags.1", "meta"]);
}

#[tokio::test]
async fn a_contact_of_another_workspace_is_not_found() {
    let mut unit = FakeUnit::new();
    unit.contacts.expect_find().returning(|_, _| Ok(vec![]));
    let wanted = ContactChange {
        name: Some("A".into()),
        ..ContactChange::default()
    };
    let refused = change(unit).change(own().id, contact_id(1), wanted).await;
    assert!(matches!(refused, Err(ContactError::NoContact(_))));

    let mut unit = FakeUnit::new();
    unit.contacts.expect_delete().returning(|_, _| Ok(vec![]));
    let committed = unit.outcome();
    let delete = DeleteContact::new(Units::of([unit]));
    let refused = delete.delete(own().id, contact_id(1)).await;
    assert!(matches!(refused, Err(ContactError::NoContact(_))));
    assert!(!committed.yes());
}
