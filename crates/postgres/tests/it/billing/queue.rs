//! Whose turn it is, and whose money came.

use msgflash_billing::{
    BillingProvider, BillingQueue as _, Origin, PaymentEvent, PaymentEventKind, PlanId,
};
use msgflash_kernel::AccountId;
use time::Duration;

use super::books::{Books, account, later, paid};
use crate::stage::{NOW, fresh};

async fn due(books: &Books, limit: u32) -> Vec<AccountId> {
    let due = books.postgres().due(NOW, limit).await;
    due.expect("looked up")
}

#[tokio::test]
async fn those_that_are_due_come_the_longest_due_first() {
    let books = Books::new().await;
    let second = account(&books.stage, "max@shop.test").await;
    let third = account(&books.stage, "ada@shop.test").await;
    let later = account(&books.stage, "eve@shop.test").await;
    account(&books.stage, "never@shop.test").await;
    for (account, minutes) in [(books.account, 1), (second, 3), (third, 0), (later, -1)] {
        books
            .run(&format!(
                "UPDATE subscriptions SET due_at = '2026-05-20 10:00Z'::timestamptz \
                   - {minutes} * interval '1 minute' WHERE account_id = '{account}'"
            ))
            .await;
    }
    assert_eq!(due(&books, 10).await, [second, books.account, third]);
    assert_eq!(due(&books, 2).await, [second, books.account]);
    let mut unit = books.unit().await;
    unit.standings().lock(second).await.expect("locked");
    assert_eq!(
        due(&books, 10).await,
        [books.account, third],
        "somebody is at it"
    );
}

#[tokio::test]
async fn an_account_on_an_older_version_is_found_when_there_is_a_newer_one() {
    let books = Books::new().await;
    let other = account(&books.stage, "max@shop.test").await;
    books.assign(other, "pro").await;
    let first = books.plan("pro").await.id;
    assert!(outdated(&books, first).await.is_empty());
    books
        .run(
            "CREATE TEMP TABLE next AS SELECT * FROM plans WHERE code = 'pro'; \
             UPDATE next SET id = gen_random_uuid(), version = 2; \
             INSERT INTO plans SELECT * FROM next",
        )
        .await;
    let next = books.plan("pro").await.id;
    assert_eq!(outdated(&books, next).await, [other]);
    books.assign(other, "pro").await;
    assert!(outdated(&books, next).await.is_empty());
}

async fn outdated(books: &Books, newest: PlanId) -> Vec<AccountId> {
    let found = books.postgres().outdated(newest, 10).await;
    found.expect("read")
}

#[tokio::test]
async fn who_could_not_be_brought_up_is_found_again_later_and_never_sooner() {
    let books = Books::new().await;
    books
        .run(&format!(
            "UPDATE subscriptions SET due_at = '-infinity' WHERE account_id = '{}'",
            books.account
        ))
        .await;
    assert_eq!(due(&books, 10).await, [books.account]);
    for minutes in [5, 1] {
        let postponed = books.postgres().postpone(books.account, later(minutes));
        postponed.await.expect("written");
    }
    assert!(due(&books, 10).await.is_empty());
    let queue = books.postgres();
    let found = queue.due(later(5), 10).await.expect("read");
    assert_eq!(found, [books.account]);
}

/// Word of Stripe about nothing that is known here.
fn stray() -> PaymentEvent {
    PaymentEvent {
        id: "evt_1".to_owned(),
        kind: PaymentEventKind::Failed,
        origin: Origin::default(),
        customer: None,
        agreement: None,
        payment: None,
        ..paid(fresh(), "sub_9", "pro", 0)
    }
}

async fn agree(books: &Books, account: AccountId, reference: &str, customer: &str) {
    let mut it = books.agreement(reference).await;
    it.account = account;
    it.customer = Some(customer.to_owned());
    books.save(&it).await;
}

async fn payer(books: &Books, event: &PaymentEvent) -> Option<AccountId> {
    let payer = books.postgres().payer(event).await;
    payer.expect("looked up")
}

#[tokio::test]
async fn money_is_whose_agreement_purchase_payment_word_or_name_it_comes_by() {
    let books = Books::new().await;
    let mut people = Vec::new();
    for name in ["agreement", "checkout", "payment", "word"] {
        people.push(account(&books.stage, &format!("{name}@shop.test")).await);
    }
    agree(&books, people[0], "sub_1", "cus_other").await;
    agree(&books, people[3], "sub_2", "cus_1").await;
    let checkout = books.begin(people[1], "pro").await;
    books
        .run(&format!(
            "INSERT INTO payments (id, account_id, provider, reference, plan_code, plan_name, \
               amount, currency, status, created_at) \
             VALUES (gen_random_uuid(), '{}', 'stripe', 'in_1', 'pro', 'Pro', 1, 'EUR', \
               'succeeded', now())",
            people[2]
        ))
        .await;

    // What says most comes first; it is taken away piece by piece.
    let mut event = PaymentEvent {
        agreement: Some("sub_1".to_owned()),
        payment: Some("in_1".to_owned()),
        customer: Some("cus_1".to_owned()),
        origin: Origin {
            account: Some(people[3]),
            plan: None,
            checkout: Some(checkout),
        },
        ..stray()
    };
    assert_eq!(payer(&books, &event).await, Some(people[0]));
    event.agreement = Some("sub_unknown".to_owned());
    assert_eq!(payer(&books, &event).await, Some(people[1]));
    event.origin.checkout = Some(fresh());
    assert_eq!(payer(&books, &event).await, Some(people[2]));
    event.payment = None;
    assert_eq!(payer(&books, &event).await, Some(people[3]));
    event.origin.account = Some(fresh());
    // They may buy other things from the same seller.
    assert_eq!(payer(&books, &event).await, None, "by the payer's name");
    assert_eq!(payer(&books, &stray()).await, None);
    // Another provider calls other things so.
    event.provider = BillingProvider::Dodo;
    event.agreement = Some("sub_1".to_owned());
    assert_eq!(payer(&books, &event).await, None);
}

#[tokio::test]
async fn the_calendar_takes_every_step_that_time_brought() {
    let books = Books::new().await;
    books.buy("sub_1", "pro").await;
    let end = books.held(books.account).await.subscription.period_end;
    books.clock.advance(Duration::days(60));
    assert_eq!(
        books.calendar().tick().await.expect("a look"),
        msgflash_kernel::Tick::Did(1)
    );
    assert_eq!(
        books.calendar().tick().await.expect("a look"),
        msgflash_kernel::Tick::Idle
    );
    let held = books.held(books.account).await;
    assert_eq!(held.plan.code, "pro", "nothing is taken away");
    assert_eq!(held.subscription.past_due_since, end);
    let told = ["plan_changed", "payment_failed", "subscription_expired"];
    assert_eq!(books.told().await, told);
    assert!(later(0) < end.expect("an end"));
}
