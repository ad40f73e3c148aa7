//! What operators see of purchases and events.

use msgflash_billing::{Checkout, OperatorReader as _, PendingPurchase};
use time::Duration;

use super::books::{Books, later};
use crate::stage::{NOW, fresh};

/// Begins a purchase that is paid by hand, so many minutes after tests do.
async fn begin(books: &Books, code: &str, minutes: i64) -> Checkout {
    let checkout = Checkout {
        id: fresh(),
        account: books.account,
        plan: books.plan(code).await.id,
        provider: msgflash_billing::BillingProvider::Manual,
        product: None,
        page: None,
        created_at: later(minutes),
        paid_at: None,
    };
    let mut unit = books.unit().await;
    let kept = unit.checkouts().insert(&checkout).await;
    kept.expect("recorded");
    unit.commit().await.expect("committed");
    checkout
}

async fn pending(books: &Books) -> Vec<PendingPurchase> {
    let since = NOW - Duration::days(90);
    let found = books.postgres().pending(since, 10).await;
    found.expect("read")
}

#[tokio::test]
async fn purchases_wait_until_they_or_later_ones_are_paid() {
    let books = Books::new().await;
    begin(&books, "pro", 0).await;
    let again = begin(&books, "pro", 40).await;
    begin(&books, "max", 50).await;
    let waiting = pending(&books).await;
    let plans: Vec<_> = waiting.iter().map(|it| it.plan.as_str()).collect();
    assert_eq!(plans, ["pro", "max"]);
    let pro = &waiting[0];
    assert_eq!((pro.created_at, pro.account), (later(40), books.account));
    assert_eq!(
        (pro.email.as_str(), pro.plan_name.as_str()),
        ("lea@shop.test", "Pro")
    );
    assert_eq!((pro.price, pro.currency.as_str()), (19, "EUR"));

    let mut unit = books.unit().await;
    let paid = unit.checkouts().set_paid(again.id, later(60)).await;
    paid.expect("recorded");
    unit.commit().await.expect("committed");
    assert_eq!(pending(&books).await, []);
    begin(&books, "max", 70).await;
    assert_eq!(pending(&books).await.len(), 1);
}

#[tokio::test]
async fn what_was_handled_is_told_the_newest_first() {
    let books = Books::new().await;
    books.buy("sub_1", "pro").await;
    books.clock.advance(Duration::minutes(1));
    books.buy("sub_2", "max").await;
    let postgres = books.postgres();
    let events = postgres.events(None, 10).await.expect("read");
    let ids: Vec<_> = events.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["paid-sub_2-0", "paid-sub_1-0"]);
    let it = &events[0];
    assert_eq!((it.provider.as_str(), it.kind.as_str()), ("stripe", "paid"));
    assert_eq!(
        (it.account, it.email.as_deref()),
        (books.account, Some("lea@shop.test"))
    );
    assert_eq!(it.handled_at, later(1));
    let of = |account| postgres.events(Some(account), 10);
    assert_eq!(of(books.account).await.expect("read").len(), 2);
    assert!(of(fresh()).await.expect("read").is_empty());
}

#[tokio::test]
async fn all_plans_are_shown_with_who_holds_them() {
    let books = Books::new().await;
    books.assign(books.account, "pro").await;
    books
        .run(
            "CREATE TEMP TABLE next AS SELECT * FROM plans WHERE code = 'pro'; \
             UPDATE next SET id = gen_random_uuid(), version = 2, price = 25; \
             INSERT INTO plans SELECT * FROM next",
        )
        .await;
    let plans = books.postgres().plans().await.expect("read");
    let shown: Vec<_> = plans
        .iter()
        .map(|it| {
            (
                it.plan.code.as_str(),
                it.plan.is_active,
                it.version,
                it.holders,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("free", true, 1, 0),
            ("pro", true, 2, 1),
            ("max", true, 1, 0),
            ("starter", false, 1, 0),
            ("plus", false, 1, 0),
        ]
    );
    assert_eq!(plans[1].plan.price, 25);
}
