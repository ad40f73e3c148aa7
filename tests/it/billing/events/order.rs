//! Events come in any order.

use blackbox::calendar::{in_days, now};
use blackbox::till::Period;
use blackbox::{Brand, eventually};
use serde_json::Value;

use crate::billing::{Shop, held, payments, plan_of};

/// A second, in days.
const SECOND: f64 = 1.0 / 86_400.0;

#[tokio::test(flavor = "multi_thread")]
async fn the_events_of_one_payment_may_come_last_first() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let person = shop.visitor().await;
        let sale = shop.pays(&person, "pro").await;
        let mut events = sale.paid(1, Period::days(0.0, 30.0), now());
        events.reverse();
        shop.tells(&events).await;
        assert_eq!(plan_of(&person.console).await, "pro", "{brand:?}");
        let paid = payments(&person.console).await;
        assert_eq!(paid.len(), 1, "{paid:?}");
        assert_eq!(paid[0]["status"], "succeeded");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_is_older_than_the_payment_after_it_changes_nothing() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let (person, sale) = shop.buyer("pro").await;
        shop.age(&person, 29.5).await;
        let period = Period::days(0.5, 30.5);
        let failed = sale.failed(2, period, in_days(-90.0 * SECOND));
        shop.renews(&sale, 3, period).await;
        let before = held(&person.console).await;
        shop.tells(&failed).await;
        assert_eq!(held(&person.console).await, before, "{brand:?}");
        assert_eq!(before["status"], "active");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_failed_first_and_was_made_then_has_succeeded_in_any_order() {
    for brand in Brand::ALL {
        for is_late in [false, true] {
            let shop = Shop::at(brand).await;
            let (person, sale) = shop.buyer("pro").await;
            shop.age(&person, 29.5).await;
            let period = Period::days(0.5, 30.5);
            let failed = sale.failed(2, period, in_days(-90.0 * SECOND));
            let paid = sale.paid(2, period, now());
            let all = if is_late {
                [paid, failed]
            } else {
                [failed, paid]
            };
            shop.tells(&all.concat()).await;
            let listed = payments(&person.console).await;
            assert_eq!(listed.len(), 2, "{listed:?}");
            let failures = listed.iter().filter(|it| it["status"] != "succeeded");
            assert_eq!(failures.count(), 0, "{listed:?}");
            assert_eq!(held(&person.console).await["status"], "active");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_is_told_before_its_payment_stays_a_refund() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let (person, sale) = shop.buyer("pro").await;
        shop.age(&person, 29.5).await;
        shop.tells(&[sale.refunded(&shop.till, 2, now())]).await;
        shop.renews(&sale, 2, Period::days(0.5, 30.5)).await;
        let listed = payments(&person.console).await;
        let states: Vec<_> = listed.iter().map(|it| it["status"].clone()).collect();
        assert_eq!(states.len(), 2, "{brand:?}: {listed:?}");
        assert!(states.contains(&Value::from("refunded")), "{listed:?}");
        assert!(states.contains(&Value::from("succeeded")), "{listed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_that_is_told_late_never_moves_the_end_back() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let (person, sale) = shop.buyer("pro").await;
        shop.renews(&sale, 3, Period::days(60.0, 90.0)).await;
        let before = held(&person.console).await;
        shop.renews(&sale, 2, Period::days(30.0, 60.0)).await;
        assert_eq!(held(&person.console).await, before, "{brand:?}");
        assert_eq!(payments(&person.console).await.len(), 3, "all are shown");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lower_plan_that_was_paid_before_and_told_later_takes_nothing_away() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let person = shop.visitor().await;
        let pro = shop.pays(&person, "pro").await;
        shop.sells(&person, "max").await;
        shop.tells(&pro.paid(1, Period::days(0.0, 30.0), now()))
            .await;
        assert_eq!(plan_of(&person.console).await, "max", "{brand:?}");
        eventually("what nothing rests on is ended", async || {
            shop.till.charged(&pro.agreement).is_over.then_some(())
        })
        .await;
        let current = "billing_agreements WHERE is_current";
        assert_eq!(shop.stored(current).await, 1);
    }
}
