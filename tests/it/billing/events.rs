//! What payment providers tell: proven, once, and in any order.

mod forged;
mod order;
mod sold;
mod twice;

use blackbox::calendar::now;
use blackbox::till::Period;
use blackbox::{Brand, eventually};
use serde_json::json;

use super::{Shop, held, payments, plan_of};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paid_is_had_at_once() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let (person, sale) = shop.buyer("max").await;
        let held = held(&person.console).await;
        assert_eq!(held["plan"]["code"], "max", "{brand:?}");
        assert_eq!(held["status"], "active");
        assert_eq!(held["billingProvider"], brand.name());
        assert!(held["currentPeriodEnd"].is_string(), "{held}");
        let paid = payments(&person.console).await;
        assert_eq!(paid.len(), 1, "{paid:?}");
        assert_eq!(
            (&paid[0]["amount"], &paid[0]["status"]),
            (&json!(sale.amount), &json!("succeeded"))
        );
        let open = "billing_checkouts WHERE paid_at IS NULL";
        assert_eq!(shop.stored(open).await, 0, "the purchase is closed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_replaces_what_was_bought_before_and_ends_it_there() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let (person, pro) = shop.buyer("pro").await;
        let max = shop.sells(&person, "max").await;
        assert_eq!(plan_of(&person.console).await, "max", "{brand:?}");
        eventually("nobody pays twice", async || {
            shop.till.charged(&pro.agreement).is_over.then_some(())
        })
        .await;
        assert!(!shop.till.charged(&max.agreement).is_over);
        assert_eq!(payments(&person.console).await.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_what_an_upgrade_replaced_changes_nothing() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let (person, pro) = shop.buyer("pro").await;
        shop.sells(&person, "max").await;
        let before = held(&person.console).await;
        shop.tells(&[pro.ended(now())]).await;
        assert_eq!(held(&person.console).await, before, "{brand:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_is_shown_and_takes_no_plan_away() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let (person, sale) = shop.buyer("pro").await;
        let before = held(&person.console).await;
        shop.tells(&[sale.refunded(&shop.till, 1, now())]).await;
        let paid = payments(&person.console).await;
        assert_eq!(paid.len(), 1, "{brand:?}: {paid:?}");
        assert_eq!(paid[0]["status"], "refunded");
        assert_eq!(held(&person.console).await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_moves_the_period_on_and_is_one_more_payment() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let (person, sale) = shop.buyer("pro").await;
        shop.age(&person, 29.5).await;
        let before = held(&person.console).await;
        shop.renews(&sale, 2, Period::days(0.5, 30.5)).await;
        let after = held(&person.console).await;
        let end = |held: &serde_json::Value| held["currentPeriodEnd"].as_str().map(str::to_owned);
        assert!(end(&after) > end(&before), "{before} {after}");
        assert_eq!(after["status"], "active");
        assert_eq!(payments(&person.console).await.len(), 2, "{brand:?}");
    }
}
