//! Processes that do the same at the same time.

use std::sync::Arc;

use msgflash_accounts::AccountsError;
use msgflash_billing::{
    Catalogue, ChangePlan, HandleEvent, Outcome, SubscriptionStatus, TurnCalendar,
};
use time::Duration;
use tokio::task::JoinSet;

use super::books::{Books, account, month, paid};
use crate::messaging::sample::instance_of;

/// What handles events in a process of its own.
fn events(books: &Books) -> HandleEvent {
    let pool = books.stage.pool(2);
    let ports = books.ports_on(&pool, Catalogue::default());
    HandleEvent::new(ports, Arc::new(pool))
}

fn calendar(books: &Books) -> TurnCalendar {
    let pool = books.stage.pool(2);
    let ports = books.ports_on(&pool, Catalogue::default());
    TurnCalendar::new(ports, Arc::new(pool))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_comes_to_many_is_applied_once() {
    let books = Books::new().await;
    let mut deliveries = JoinSet::new();
    let sale = books.sale("sub_1", "pro").await;
    for _ in 0..8 {
        let events = events(&books);
        let event = sale.clone();
        deliveries.spawn(async move { events.handle(&event).await });
    }
    let answers = deliveries.join_all().await.into_iter();
    let answers: Vec<_> = answers.map(|it| it.expect("handled")).collect();
    let of = |outcome| answers.iter().filter(|it| **it == outcome).count();
    assert_eq!((of(Outcome::Applied), of(Outcome::Seen)), (1, 7));
    assert_eq!(books.told().await, ["plan_changed"]);
    assert_eq!(books.count("payments").await, 1);
    assert_eq!(books.count("billing_agreements").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_purchases_that_are_paid_at_once_leave_one_agreement() {
    let books = Books::new().await;
    let mut deliveries = JoinSet::new();
    for (agreement, plan) in [("sub_1", "pro"), ("sub_2", "max"), ("sub_3", "pro")] {
        let events = events(&books);
        let event = books.sale(agreement, plan).await;
        deliveries.spawn(async move { events.handle(&event).await });
    }
    for answer in deliveries.join_all().await {
        answer.expect("handled");
    }
    let standing = books.standing().await;
    assert_eq!(standing.plan.code, "max", "in whatever order they came");
    let current = books.count("billing_agreements WHERE is_current").await;
    let ending = books.count("billing_agreements WHERE wish = 'end' AND tell_at IS NOT NULL");
    assert_eq!((current, ending.await), (1, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_calendars_take_each_step_once() {
    let books = Books::new().await;
    let other = account(&books.stage, "max@shop.test").await;
    let before = books.held(other).await;
    books.buy("sub_1", "pro").await;
    books.clock.advance(month(1).end - month(0).start);
    let mut looks = JoinSet::new();
    for _ in 0..4 {
        let calendar = calendar(&books);
        looks.spawn(async move { calendar.tick().await });
    }
    for look in looks.join_all().await {
        look.expect("a look");
    }
    let held = books.held(books.account).await;
    assert_eq!(held.subscription.status, SubscriptionStatus::Expired);
    let told = ["plan_changed", "payment_failed", "subscription_expired"];
    assert_eq!(books.told().await, told);
    assert_eq!(books.held(other).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_calendar_a_purchase_a_change_and_new_instances_do_not_stand_in_each_others_way() {
    let books = Books::new().await;
    let workspace =
        msgflash_kernel::Workspace::personal(msgflash_kernel::Id::new(books.account.uuid()));
    books.buy("sub_1", "max").await;
    for _ in 0..3 {
        instance_of(&books.stage, workspace).await;
    }
    ChangePlan::new(books.ports())
        .cancel(books.account)
        .await
        .expect("cancelled");
    books
        .clock
        .advance(month(0).end - month(0).start + Duration::HOUR);
    let mut work = JoinSet::new();
    for n in 0..3 {
        let (calendar, events) = (calendar(&books), events(&books));
        let event = paid(books.account, "sub_1", "max", n + 1);
        let change = ChangePlan::new(books.ports());
        let account = books.account;
        let create = books.stage.create_key();
        let order = crate::stage::key_order(workspace, Some(10));
        work.spawn(async move {
            calendar.tick().await.expect("a look");
            events.handle(&event).await.expect("handled");
            // What it finds depends on who was first.
            drop(change.cancel(account).await);
            let made = create.create(order).await;
            let refused = matches!(made, Err(AccountsError::KeyCapReached));
            assert!(made.is_ok() || refused, "{made:?}");
        });
    }
    work.join_all().await;
    let standing = books.standing().await;
    let plan = &standing.plan.code;
    let usable = books
        .count("instances WHERE status <> 'suspended' AND deleted_at IS NULL")
        .await;
    let expected = if plan == "free" { 1 } else { 3 };
    assert_eq!(usable, expected, "on {plan}");
    let keys = books.count("api_keys WHERE revoked_at IS NULL").await;
    assert!((1..=expected).contains(&keys), "{keys} on {plan}");
}
