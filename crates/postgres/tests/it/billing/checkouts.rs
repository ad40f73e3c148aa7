//! Purchases that were begun.

use msgflash_billing::{BillingProvider, Checkout, CheckoutPage};
use time::Duration;

use super::books::{Books, account};
use crate::stage::{NOW, fresh};

async fn begun(books: &Books, minutes: i64) -> Checkout {
    let checkout = Checkout {
        id: fresh(),
        account: books.account,
        plan: books.plan("pro").await.id,
        provider: BillingProvider::Stripe,
        product: Some("price_pro".to_owned()),
        page: None,
        created_at: NOW + Duration::minutes(minutes),
        paid_at: None,
    };
    let mut unit = books.unit().await;
    unit.checkouts().insert(&checkout).await.expect("recorded");
    unit.commit().await.expect("committed");
    checkout
}

#[tokio::test]
async fn a_purchase_is_found_with_its_page_and_when_it_was_first_paid() {
    let books = Books::new().await;
    let mut it = begun(&books, 0).await;
    let mut unit = books.unit().await;
    let store = unit.checkouts();
    assert_eq!(store.find(it.id).await.expect("read").as_ref(), Some(&it));
    let page = CheckoutPage {
        reference: "cs_1".to_owned(),
        url: "https://pay.example/cs_1".to_owned(),
    };
    let shown = store.set_page(it.id, &page).await;
    assert_eq!(shown.expect("recorded"), page);
    let another = CheckoutPage {
        reference: "cs_2".to_owned(),
        url: "https://pay.example/cs_2".to_owned(),
    };
    let shown = store.set_page(it.id, &another).await;
    assert_eq!(shown.expect("recorded"), page, "the first one");
    for minutes in [1, 2] {
        let at = NOW + Duration::minutes(minutes);
        store.set_paid(it.id, at).await.expect("recorded");
    }
    it.page = Some(page);
    it.paid_at = Some(NOW + Duration::MINUTE);
    assert_eq!(store.find(it.id).await.expect("read"), Some(it));
    assert_eq!(store.find(fresh()).await.expect("read"), None);
}

#[tokio::test]
async fn the_newest_open_one_of_the_same_kind_is_shown_again() {
    let books = Books::new().await;
    let other = account(&books.stage, "max@shop.test").await;
    let old = begun(&books, -30).await;
    let it = begun(&books, -10).await;
    let newer = begun(&books, -5).await;
    let (stripe, dodo) = (BillingProvider::Stripe, BillingProvider::Dodo);
    let since = old.created_at;
    let mut unit = books.unit().await;
    let store = unit.checkouts();
    let found = store.open(books.account, "pro", stripe, since).await;
    assert_eq!(found.expect("read"), Some(newer.clone()));
    store.set_paid(newer.id, NOW).await.expect("recorded");
    let found = store.open(books.account, "pro", stripe, since).await;
    assert_eq!(found.expect("read"), Some(it.clone()));
    for (account, plan, provider, since) in [
        (other, "pro", stripe, since),
        (books.account, "max", stripe, since),
        (books.account, "pro", dodo, since),
        (books.account, "pro", stripe, it.created_at),
    ] {
        let found = store.open(account, plan, provider, since).await;
        assert_eq!(found.expect("read"), None);
    }
}

#[tokio::test]
async fn one_that_nobody_paid_is_forgotten_after_a_year_and_what_was_paid_is_not() {
    let books = Books::new().await;
    let years = Duration::days(-500).whole_minutes();
    begun(&books, years).await;
    let paid = begun(&books, years).await;
    let recent = begun(&books, 0).await;
    let mut unit = books.unit().await;
    unit.checkouts().set_paid(paid.id, NOW).await.expect("paid");
    unit.commit().await.expect("committed");
    books.postgres().sweep(NOW).await.expect("swept");
    let mut unit = books.unit().await;
    for id in [paid.id, recent.id] {
        let found = unit.checkouts().find(id).await.expect("read");
        assert!(found.is_some());
    }
    assert_eq!(books.count("billing_checkouts").await, 2);
}
