use mockall::Sequence;
use mockall::predicate::{always, eq};
use msgflash_kernel::{FixedClock, Id};
use time::macros::datetime;
use uuid::Uuid;

use super::*;

const DELETED: OffsetDateTime = datetime!(2026-05-20 10:00 UTC);

fn remains() -> Remains {
    Remains {
        team: Id::new(Uuid::from_u128(1)),
        owner: Id::new(Uuid::from_u128(2)),
        deleted_at: DELETED,
    }
}

/// What a look finds of each kind: endpoints, campaigns, messages, work on contacts, look-ups.
fn endings(found: [usize; 5]) -> MockEndings {
    let mut endings = MockEndings::new();
    let [endpoints, campaigns, messages, contacts, lookups] = found;
    endings
        .expect_end_endpoints()
        .with(eq(remains()), eq(500))
        .times(1)
        .returning(move |_, _| Ok(endpoints));
    endings
        .expect_end_campaigns()
        .times(1)
        .returning(move |_, _| Ok(campaigns));
    endings
        .expect_end_messages()
        .with(eq(remains()), eq(500), always())
        .times(1)
        .returning(move |_, _, _| Ok(messages));
    endings
        .expect_end_contact_work()
        .times(1)
        .returning(move |_, _| Ok(contacts));
    endings
        .expect_end_lookups()
        .times(1)
        .returning(move |_, _| Ok(lookups));
    endings
}

/// One team is due.
fn due(now: OffsetDateTime) -> MockRemainsQueue {
    let mut queue = MockRemainsQueue::new();
    queue
        .expect_claim()
        .with(eq(now), eq(now + LEASE))
        .times(1)
        .returning(|_, _| Ok(Some(remains())));
    queue
}

fn looks_at(mut queue: MockRemainsQueue, at: OffsetDateTime) -> MockRemainsQueue {
    queue
        .expect_look_at()
        .with(eq(remains().team), eq(at))
        .times(1)
        .returning(|_, _| Ok(()));
    queue
}

async fn tick(
    queue: MockRemainsQueue,
    endings: MockEndings,
    now: OffsetDateTime,
) -> Result<Tick, StoreError> {
    let clock = Arc::new(FixedClock::at(now));
    EndRemains::new(Arc::new(queue), Arc::new(endings), clock)
        .tick()
        .await
}

#[tokio::test]
async fn nothing_is_touched_while_nothing_is_due() {
    let mut queue = MockRemainsQueue::new();
    queue.expect_claim().returning(|_, _| Ok(None));
    let done = tick(queue, MockEndings::new(), DELETED).await;
    assert_eq!(done.expect("a look"), Tick::Idle);
}

#[tokio::test]
async fn whatever_was_found_is_looked_for_again_at_once() {
    for at in 0..5 {
        let mut found = [0; 5];
        found[at] = at + 1;
        // Also after its time: a full batch says nothing about what is behind it.
        for age in [Duration::ZERO, LONGEST_LATE * 2] {
            let now = DELETED + age;
            let done = tick(looks_at(due(now), now), endings(found), now).await;
            let sum = found.iter().sum();
            assert_eq!(done.expect("a step"), Tick::Did(sum));
        }
    }
}

#[tokio::test]
async fn what_comes_late_is_looked_for_soon_and_then_seldom() {
    let looks = [
        (Duration::ZERO, OFTEN),
        (OFTEN_UNTIL - Duration::SECOND, OFTEN),
        (OFTEN_UNTIL, SELDOM),
        (LONGEST_LATE - Duration::SECOND, SELDOM),
    ];
    for (age, wait) in looks {
        let now = DELETED + age;
        let done = tick(looks_at(due(now), now + wait), endings([0; 5]), now).await;
        assert_eq!(done.expect("a look"), Tick::Did(1), "{age}");
    }
}

#[tokio::test]
async fn after_the_longest_request_it_is_forgotten() {
    let now = DELETED + LONGEST_LATE;
    let mut queue = due(now);
    queue
        .expect_forget()
        .with(eq(remains().team))
        .times(1)
        .returning(|_| Ok(()));
    let mut nothing = endings([0; 5]);
    nothing.expect_has_messages().returning(|_| Ok(false));
    tick(queue, nothing, now).await.expect("a look");
}

#[tokio::test]
async fn a_call_that_nobody_knows_about_is_waited_for() {
    let now = DELETED + LONGEST_LATE;
    let mut open = endings([0; 5]);
    open.expect_has_messages().returning(|_| Ok(true));
    tick(looks_at(due(now), now + SELDOM), open, now)
        .await
        .expect("a look");
}

#[tokio::test]
async fn a_kind_that_fails_holds_up_no_other() {
    let mut endings = MockEndings::new();
    let mut order = Sequence::new();
    endings
        .expect_end_endpoints()
        .times(1)
        .in_sequence(&mut order)
        .returning(|_, _| Err(StoreError::Stale("webhook_endpoints")));
    endings
        .expect_end_campaigns()
        .times(1)
        .in_sequence(&mut order)
        .returning(|_, _| Ok(0));
    endings
        .expect_end_messages()
        .times(1)
        .in_sequence(&mut order)
        .returning(|_, _, _| Ok(7));
    endings
        .expect_end_contact_work()
        .times(1)
        .in_sequence(&mut order)
        .returning(|_, _| Ok(0));
    endings
        .expect_end_lookups()
        .times(1)
        .in_sequence(&mut order)
        .returning(|_, _| Ok(0));
    // The others go on at once.
    let done = tick(looks_at(due(DELETED), DELETED), endings, DELETED).await;
    assert!(matches!(done, Err(StoreError::Stale("webhook_endpoints"))));
}

#[tokio::test]
async fn where_nothing_else_is_left_what_fails_is_tried_again_after_the_lease() {
    let mut endings = MockEndings::new();
    let down = || Err(StoreError::Unavailable("down".into()));
    endings.expect_end_endpoints().returning(|_, _| Ok(0));
    endings.expect_end_campaigns().returning(|_, _| Ok(0));
    endings
        .expect_end_messages()
        .returning(move |_, _, _| down());
    endings.expect_end_contact_work().returning(|_, _| Ok(0));
    endings.expect_end_lookups().returning(|_, _| Ok(0));
    // Its next look stays where the claim put it.
    let done = tick(due(DELETED), endings, DELETED).await;
    assert!(matches!(done, Err(StoreError::Unavailable(_))));
}
