//! Each event counts once, however often and by however many it is told.

use blackbox::Brand;
use blackbox::calendar::now;
use blackbox::till::Period;
use futures_util::future::join_all;

use crate::billing::{Shop, held, payments, plan_of};

#[tokio::test(flavor = "multi_thread")]
async fn told_again_it_changes_nothing() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let person = shop.visitor().await;
        let sale = shop.pays(&person, "pro").await;
        let events = sale.paid(1, Period::days(0.0, 30.0), now());
        shop.tells(&events).await;
        let before = (held(&person.console).await, payments(&person.console).await);
        for _ in 0..3 {
            shop.tells(&events).await;
        }
        let after = (held(&person.console).await, payments(&person.console).await);
        assert_eq!(after, before, "{brand:?}");
        let kept = i64::try_from(events.len()).expect("a small number");
        assert_eq!(shop.stored("billing_events").await, kept);
        assert_eq!(shop.stored("notices").await, 1, "one word of the new plan");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn told_again_after_another_change_it_does_not_undo_that() {
    let shop = Shop::at(Brand::Dodo).await;
    let person = shop.visitor().await;
    let sale = shop.pays(&person, "pro").await;
    let events = sale.paid(1, Period::days(0.0, 30.0), now());
    shop.tells(&events).await;
    let cancelled = person.console.post_empty(crate::billing::CANCEL).await;
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    let before = held(&person.console).await;
    shop.tells(&events).await;
    assert_eq!(held(&person.console).await, before);
    assert_eq!(before["cancelAtPeriodEnd"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn told_by_many_at_once_it_counts_once() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let person = shop.visitor().await;
        let sale = shop.pays(&person, "pro").await;
        let events = sale.paid(1, Period::days(0.0, 30.0), now());
        let server = shop.stack.anonymous();
        let calls = (0..12).map(|n| events[n % events.len()].tell(&server));
        for heard in join_all(calls).await {
            assert_eq!(heard.status, 200, "{heard:?}");
        }
        assert_eq!(plan_of(&person.console).await, "pro", "{brand:?}");
        assert_eq!(payments(&person.console).await.len(), 1);
        let kept = i64::try_from(events.len()).expect("a small number");
        assert_eq!(shop.stored("billing_events").await, kept);
        for once in ["billing_agreements", "notices"] {
            assert_eq!(shop.stored(once).await, 1, "{once}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_purchases_that_are_told_at_once_are_one_plan() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let person = shop.visitor().await;
        let pro = shop.pays(&person, "pro").await;
        let max = shop.pays(&person, "max").await;
        let period = Period::days(0.0, 30.0);
        let server = shop.stack.anonymous();
        let events = [pro.paid(1, period, now()), max.paid(1, period, now())].concat();
        for heard in join_all(events.iter().map(|it| it.tell(&server))).await {
            assert_eq!(heard.status, 200, "{heard:?}");
        }
        assert_eq!(plan_of(&person.console).await, "max", "{brand:?}");
        assert_eq!(payments(&person.console).await.len(), 2);
        let current = "billing_agreements WHERE is_current";
        assert_eq!(shop.stored(current).await, 1);
    }
}
