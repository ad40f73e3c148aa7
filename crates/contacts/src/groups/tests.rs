use msgflash_kernel::{Claim, Cursor, Fault as _, Kind, Places, StoredAnswer};

use super::*;
use crate::list::Part;
use crate::ports::MockGroupReader;
use crate::testing::{
    FakeUnit, NOW, Units, actor, answer, clock, contact_id, group, group_id, ids, key, meeting, own,
};

fn order() -> GroupOrder {
    GroupOrder {
        actor: actor(),
        name: " Wholesale ".into(),
        description: Some(" ".into()),
        color: Some("#1A2b3C".into()),
        cap: Some(10),
    }
}

fn create(unit: FakeUnit) -> CreateGroup {
    CreateGroup::new(Units::of([unit]), clock(), ids())
}

fn change(unit: FakeUnit) -> ChangeGroup {
    ChangeGroup::new(Units::of([unit]), clock())
}

/// A unit of an account that has so many groups, and may have as many as it thinks.
fn counting(taken: u32) -> FakeUnit {
    let mut unit = FakeUnit::new();
    unit.groups
        .expect_count_locked()
        .returning(move |_, cap| Ok(Places { taken, cap }));
    unit
}

fn named(mut unit: FakeUnit, other: Option<GroupId>) -> FakeUnit {
    unit.groups
        .expect_named()
        .withf(|_, key| key == "wholesale")
        .returning(move |_, _| Ok(other));
    unit
}

fn having() -> FakeUnit {
    let mut unit = FakeUnit::new();
    unit.groups
        .expect_find()
        .returning(|_, _| Ok(Some(group())));
    unit
}

#[tokio::test]
async fn a_new_group_is_tidy_and_has_no_members() {
    let mut unit = named(counting(9), None);
    unit.groups.expect_insert().times(1).returning(|_| Ok(()));
    let committed = unit.outcome();
    let made = create(unit).create(order(), None).await;
    let Ok(Outcome::Done(made)) = made else {
        panic!("{made:?}")
    };
    assert_eq!((made.name.as_str(), made.contact_count), ("Wholesale", 0));
    assert_eq!(
        (made.description, made.color.as_deref()),
        (None, Some("#1A2b3C"))
    );
    assert!(committed.yes());
}

#[tokio::test]
async fn the_plan_caps_the_number_of_groups_before_names_are_compared() {
    let unit = counting(10);
    let committed = unit.outcome();
    let refused = create(unit).create(order(), None).await.expect_err("full");
    assert_eq!(refused.code(), "MAX_CONTACT_GROUPS_REACHED");
    assert_eq!(refused.kind(), Kind::Forbidden);
    assert!(!committed.yes());
}

#[tokio::test]
async fn whoever_had_no_cap_has_the_one_of_a_lower_plan_that_holds_by_now() {
    for (cap, fits) in [(None, true), (Some(50), false)] {
        let mut unit = named(FakeUnit::new(), None);
        let places = Places { taken: 50, cap };
        unit.groups
            .expect_count_locked()
            .withf(|_, cap| cap.is_none())
            .returning(move |_, _| Ok(places));
        unit.groups.expect_insert().returning(|_| Ok(()));
        let committed = unit.outcome();
        let order = GroupOrder {
            cap: None,
            ..order()
        };
        let made = create(unit).create(order, None).await;
        assert_eq!((made.is_ok(), committed.yes()), (fits, fits), "{cap:?}");
    }
}

#[tokio::test]
async fn a_name_in_use_is_a_conflict() {
    let unit = named(counting(0), Some(group_id()));
    let refused = create(unit).create(order(), None).await.expect_err("taken");
    assert_eq!(
        (refused.kind(), refused.code()),
        (Kind::Conflict, "CONFLICT")
    );
}

#[tokio::test]
async fn everything_wrong_with_a_group_is_told_at_once() {
    let order = GroupOrder {
        name: "a\nb".into(),
        description: Some("x".repeat(256)),
        color: Some("red".into()),
        ..order()
    };
    let refused = create(FakeUnit::new()).create(order, None).await;
    let Err(ContactError::Invalid(problems)) = refused else {
        panic!("{refused:?}")
    };
    let fields: Vec<_> = problems.0.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(fields, ["name", "description", "color"]);
}

#[tokio::test]
async fn a_known_key_is_answered_again() {
    let unit = meeting(Claim::Replay(answer("before")));
    let key = key();
    let render = |_: &Group| -> StoredAnswer { unreachable!("nothing was made") };
    let once = Once {
        key: &key,
        render: &render,
    };
    let again = create(unit).create(order(), Some(once)).await;
    assert!(matches!(again, Ok(Outcome::Replayed(kept)) if kept == answer("before")));
}

#[tokio::test]
async fn a_group_may_keep_its_name_in_another_spelling() {
    let mut unit = named(having(), Some(group_id()));
    unit.groups
        .expect_update()
        .withf(|it| it.name == "WHOLESALE" && it.updated_at == NOW && it.description.is_none())
        .times(1)
        .returning(|_| Ok(()));
    let committed = unit.outcome();
    let wanted = GroupChange {
        name: Some("WHOLESALE".into()),
        description: Some(None),
        color: None,
    };
    let changed = change(unit).change(own().id, group_id(), wanted).await;
    assert_eq!(changed.expect("changed").contact_count, 3);
    assert!(committed.yes());
}

#[tokio::test]
async fn a_change_of_nothing_is_refused_and_one_to_the_same_writes_nothing() {
    let nothing = GroupChange::default();
    let refused = change(FakeUnit::new())
        .change(own().id, group_id(), nothing)
        .await;
    assert!(matches!(refused, Err(ContactError::Invalid(_))));
    let same = GroupChange {
        name: Some("Wholesale".into()),
        ..GroupChange::default()
    };
    let kept = change(having()).change(own().id, group_id(), same).await;
    assert_eq!(kept.expect("found"), group());
}

#[tokio::test]
async fn a_group_of_another_workspace_is_not_found() {
    let mut unit = FakeUnit::new();
    unit.groups.expect_delete().returning(|_, _| Ok(false));
    let committed = unit.outcome();
    let delete = DeleteGroup::new(Units::of([unit]));
    let refused = delete.delete(own().id, group_id()).await;
    assert!(matches!(refused, Err(ContactError::NoGroup(_))));
    assert!(!committed.yes());

    let mut reader = MockGroupReader::new();
    reader.expect_find().returning(|_, _| Ok(None));
    reader.expect_of_contact().returning(|_, _| Ok(None));
    let read = ReadGroups::new(Arc::new(reader));
    let members = read.members(own().id, group_id(), None, 10, None).await;
    assert!(matches!(members, Err(ContactError::NoGroup(_))));
    let groups = read.of_contact(own().id, contact_id(1)).await;
    assert!(matches!(groups, Err(ContactError::NoContact(_))));
}

#[tokio::test]
async fn cursors_belong_to_one_list() {
    let mut reader = MockGroupReader::new();
    reader.expect_page().returning(|_, _, _| {
        Ok(Part {
            next: Some(group_id()),
            ..Part::empty()
        })
    });
    let read = ReadGroups::new(Arc::new(reader));
    let first = read.page(own().id, None, 10, None).await.expect("a page");
    let cursor = first.next.as_ref().map(Cursor::encode).expect("it goes on");
    assert!(read.page(own().id, None, 10, Some(&cursor)).await.is_ok());
    let search = crate::search::Search::parse("a").ok();
    let other = read.page(own().id, search, 10, Some(&cursor)).await;
    assert_eq!(other.expect_err("refused").code(), "VALIDATION_ERROR");
    let members = read
        .members(own().id, group_id(), None, 10, Some(&cursor))
        .await;
    assert_eq!(members.expect_err("refused").code(), "VALIDATION_ERROR");
}
