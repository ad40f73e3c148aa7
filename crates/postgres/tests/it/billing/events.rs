//! What providers told: events count once, payments only move on.

use msgflash_billing::{
    BillingProvider, BillingReader as _, BillingUnits, Money, Outcome, Payment, PaymentNews,
    PaymentStatus,
};
use msgflash_kernel::AccountId;
use tokio::time::timeout;

use super::books::{Books, account, month, paid};
use crate::stage::{NOW, SOON, fresh};

const STATUSES: [PaymentStatus; 4] = [
    PaymentStatus::Pending,
    PaymentStatus::Failed,
    PaymentStatus::Succeeded,
    PaymentStatus::Refunded,
];

fn news(account: AccountId, reference: &str, status: PaymentStatus) -> PaymentNews {
    PaymentNews {
        id: fresh(),
        account,
        provider: BillingProvider::Stripe,
        reference: reference.to_owned(),
        plan_code: "pro".to_owned(),
        plan_name: "Pro".to_owned(),
        money: Some(Money {
            amount: 1900,
            currency: "USD".to_owned(),
        }),
        status,
        period: Some(month(0)),
        at: NOW,
    }
}

async fn note(books: &Books, news: &[PaymentNews]) {
    let mut unit = books.unit().await;
    for it in news {
        unit.events().note_payment(it).await.expect("noted");
    }
    unit.commit().await.expect("committed");
}

async fn payments(books: &Books, account: AccountId) -> Vec<Payment> {
    let page = books.postgres().payments(account, 1, 100).await;
    page.expect("read").payments
}

#[tokio::test]
async fn an_event_is_recorded_once_per_provider() {
    let books = Books::new().await;
    let event = paid(books.account, "sub_1", "pro", 0);
    let mut unit = books.unit().await;
    for expected in [true, false] {
        let recorded = unit.events().record(&event, books.account, NOW).await;
        assert_eq!(recorded.expect("recorded"), expected);
    }
    let mut other = event.clone();
    other.provider = BillingProvider::Dodo;
    let recorded = unit.events().record(&other, books.account, NOW).await;
    assert!(recorded.expect("recorded"));
    drop(unit);
    assert_eq!(books.count("billing_events").await, 0, "never committed");
}

#[tokio::test]
async fn whoever_handles_the_same_event_is_waited_for() {
    for is_kept in [true, false] {
        let books = Books::new().await;
        let event = paid(books.account, "sub_1", "pro", 0);
        let mut first = books.unit().await;
        let recorded = first.events().record(&event, books.account, NOW).await;
        assert!(recorded.expect("recorded"));
        let (pool, account) = (books.stage.pool(1), books.account);
        let second = tokio::spawn(async move {
            let mut unit = BillingUnits::begin(&pool).await.expect("a unit");
            unit.events().record(&event, account, NOW).await
        });
        books.stage.until_somebody_waits().await;
        if is_kept {
            first.commit().await.expect("committed");
        } else {
            drop(first);
        }
        let recorded = timeout(SOON, second).await.expect("soon");
        let recorded = recorded.expect("no panic").expect("recorded");
        assert_eq!(recorded, !is_kept);
    }
}

#[tokio::test]
async fn a_payment_moves_on_as_the_rule_says_and_never_back() {
    let books = Books::new().await;
    for first in STATUSES {
        for second in STATUSES {
            let reference = format!("{first:?}-{second:?}");
            let both = [first, second].map(|status| news(books.account, &reference, status));
            note(&books, &both).await;
            let all = payments(&books, books.account).await;
            let found = all.iter().find(|it| it.id == both[0].id);
            let expected = if first.may_become(second) {
                second
            } else {
                first
            };
            let found = found.map(|it| it.status);
            assert_eq!(found, Some(expected), "{reference}");
        }
    }
    let count = payments(&books, books.account).await.len();
    assert_eq!(count, STATUSES.len() * STATUSES.len(), "one row each");
}

#[tokio::test]
async fn money_that_went_back_is_shown_so_whichever_was_told_first() {
    let books = Books::new().await;
    let stripe = BillingProvider::Stripe;
    let paid = |reference| news(books.account, reference, PaymentStatus::Succeeded);
    note(&books, &[paid("in_1")]).await;
    let mut unit = books.unit().await;
    for reference in ["in_1", "in_2", "in_2"] {
        let noted = unit.events().note_refund(stripe, reference, NOW).await;
        noted.expect("noted");
    }
    let dodo = BillingProvider::Dodo;
    let noted = unit.events().note_refund(dodo, "in_3", NOW).await;
    noted.expect("noted");
    unit.commit().await.expect("committed");
    note(&books, &[paid("in_2"), paid("in_3")]).await;
    let listed = "SELECT reference || ' ' || status FROM payments ORDER BY reference";
    let expected = ["in_1 refunded", "in_2 refunded", "in_3 succeeded"];
    assert_eq!(books.texts(listed).await, expected);
}

#[tokio::test]
async fn word_of_a_payment_waits_for_word_of_its_refund() {
    let books = Books::new().await;
    let mut refund = books.unit().await;
    let stripe = BillingProvider::Stripe;
    let noted = refund.events().note_refund(stripe, "in_1", NOW).await;
    noted.expect("noted");
    let pool = books.stage.pool(1);
    let paid = news(books.account, "in_1", PaymentStatus::Succeeded);
    let payment = tokio::spawn(async move {
        let mut unit = BillingUnits::begin(&pool).await.expect("a unit");
        unit.events().note_payment(&paid).await.expect("noted");
        unit.commit().await
    });
    books.stage.until_somebody_waits().await;
    refund.commit().await.expect("committed");
    let kept = timeout(SOON, payment).await.expect("soon");
    kept.expect("no panic").expect("committed");
    let all = payments(&books, books.account).await;
    assert_eq!(all[0].status, PaymentStatus::Refunded);
}

#[tokio::test]
async fn what_is_known_of_a_payment_stays_and_what_is_not_is_filled_in() {
    let books = Books::new().await;
    let known = news(books.account, "in_1", PaymentStatus::Succeeded);
    let bare = |reference: &str| PaymentNews {
        money: None,
        period: None,
        ..news(books.account, reference, PaymentStatus::Pending)
    };
    let mut wrong = news(books.account, "in_1", PaymentStatus::Refunded);
    wrong.money = None;
    wrong.period = Some(month(7));
    note(&books, &[known.clone(), wrong]).await;
    let [it] = &payments(&books, books.account).await[..] else {
        panic!("one payment");
    };
    assert_eq!((it.amount, it.currency.as_str()), (1900, "USD"));
    assert_eq!(it.period_end, Some(month(0).end));
    assert_eq!(it.created_at, NOW);

    note(&books, &[bare("in_2")]).await;
    let all = payments(&books, books.account).await;
    let it = all.iter().find(|it| it.id != known.id).expect("another");
    assert_eq!((it.amount, it.currency.as_str()), (0, "EUR"));
    note(
        &books,
        &[news(books.account, "in_2", PaymentStatus::Failed)],
    )
    .await;
    let all = payments(&books, books.account).await;
    let it = all.iter().find(|it| it.id != known.id).expect("another");
    assert_eq!((it.amount, it.currency.as_str()), (1900, "USD"));
    assert_eq!(it.period_start, Some(month(0).start));
}

#[tokio::test]
async fn the_payment_of_somebody_else_is_left_alone() {
    let books = Books::new().await;
    let other = account(&books.stage, "max@shop.test").await;
    note(&books, &[news(other, "in_1", PaymentStatus::Pending)]).await;
    let before = payments(&books, other).await;
    let mine = news(books.account, "in_1", PaymentStatus::Refunded);
    note(&books, &[mine]).await;
    assert_eq!(payments(&books, other).await, before);
    assert!(payments(&books, books.account).await.is_empty());
}

#[tokio::test]
async fn a_purchase_that_is_paid_changes_the_plan_of_its_account_alone() {
    let books = Books::new().await;
    let other = account(&books.stage, "max@shop.test").await;
    let before = books.held(other).await;
    let event = books.sale("sub_1", "pro").await;
    let events = books.events();
    assert_eq!(
        events.handle(&event).await.expect("handled"),
        Outcome::Applied
    );
    assert_eq!(events.handle(&event).await.expect("handled"), Outcome::Seen);
    let standing = books.standing().await;
    assert_eq!(standing.plan.code, "pro");
    assert_eq!(standing.subscription.period_end, Some(month(0).end));
    let agreement = standing.agreement.expect("an agreement");
    assert_eq!(agreement.reference, "sub_1");
    assert_eq!(payments(&books, books.account).await.len(), 1);
    assert_eq!(books.told().await, ["plan_changed"]);
    assert_eq!(books.held(other).await, before);
    let renewal = paid(books.account, "sub_1", "pro", 1);
    assert_eq!(
        events.handle(&renewal).await.expect("handled"),
        Outcome::Applied
    );
    let end = books.held(books.account).await.subscription.period_end;
    assert_eq!(end, Some(month(1).end));
}
