//! What payment providers tell: proven, once, and in any order.

mod forged;
mod order;
mod sold;
mod switched;
mod twice;

use blackbox::calendar::now;
use blackbox::till::Period;
use blackbox::{Brand, eventually};
use serde_json::{Value, json};

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
        let end = |held: &Value| held["currentPeriodEnd"].as_str().map(str::to_owned);
        assert!(end(&after) > end(&before), "{before} {after}");
        assert_eq!(after["status"], "active");
        assert_eq!(payments(&person.console).await.len(), 2, "{brand:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_goes_back_changes_nothing() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let (person, sale) = shop.buyer("pro").await;
        let before = (held(&person.console).await, payments(&person.console).await);
        let part = sale.partly_refunded(&shop.till, 1, now());
        shop.tells(&[part]).await;
        let after = (held(&person.console).await, payments(&person.console).await);
        assert_eq!(after, before, "{brand:?}");
        assert_eq!(after.1[0]["status"], "succeeded");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_is_under_way_is_shown_and_gives_nothing_yet() {
    let shop = Shop::at(Brand::Dodo).await;
    let person = shop.visitor().await;
    let sale = shop.pays(&person, "pro").await;
    shop.tells(&[sale.pending(1, now())]).await;
    let shown = payments(&person.console).await;
    assert_eq!(shown.len(), 1, "{shown:?}");
    for (member, value) in [
        ("status", json!("pending")),
        ("amount", json!(1900)),
        ("planCode", json!("pro")),
        ("periodEnd", Value::Null),
    ] {
        assert_eq!(shown[0][member], value, "{member}");
    }
    assert_eq!(plan_of(&person.console).await, "free");
    let month = Period::days(0.0, 30.0);
    shop.tells(&sale.paid(1, month, now())).await;
    let shown = payments(&person.console).await;
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert_eq!(shown[0]["status"], "succeeded");
    assert_eq!(plan_of(&person.console).await, "pro");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_payment_that_fails_is_shown_and_can_still_be_made() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let person = shop.visitor().await;
        let sale = shop.pays(&person, "pro").await;
        let month = Period::days(0.0, 30.0);
        shop.tells(&sale.failed(1, month, now())).await;
        let shown = payments(&person.console).await;
        assert_eq!(shown.len(), 1, "{brand:?}: {shown:?}");
        assert_eq!(shown[0]["status"], "failed");
        assert_eq!(shown[0]["planCode"], "pro");
        let free = held(&person.console).await;
        assert_eq!(
            (&free["plan"]["code"], &free["status"]),
            (&json!("free"), &json!("active"))
        );
        shop.tells(&sale.paid(1, month, now())).await;
        let shown = payments(&person.console).await;
        assert_eq!(shown.len(), 1, "{brand:?}: {shown:?}");
        assert_eq!(shown[0]["status"], "succeeded");
        assert_eq!(plan_of(&person.console).await, "pro");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beginning_that_is_told_beside_its_payment_counts_once() {
    for is_first in [true, false] {
        let shop = Shop::at(Brand::Dodo).await;
        let person = shop.visitor().await;
        let sale = shop.pays(&person, "pro").await;
        let month = Period::days(0.0, 30.0);
        let (began, paid) = (vec![sale.began(month, now())], sale.paid(1, month, now()));
        let (sooner, later) = if is_first {
            (began, paid)
        } else {
            (paid, began)
        };
        shop.tells(&sooner).await;
        let before = held(&person.console).await;
        assert_eq!(before["plan"]["code"], "pro", "first: {is_first}");
        shop.tells(&later).await;
        assert_eq!(held(&person.console).await, before);
        assert_eq!(payments(&person.console).await.len(), 1);
        for once in ["billing_agreements", "notices"] {
            assert_eq!(shop.stored(once).await, 1, "{once}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_end_leaves_what_is_paid_and_nothing_after_it() {
    for how in ["expired", "failed"] {
        let shop = Shop::at(Brand::Dodo).await;
        let (person, sale) = shop.buyer("pro").await;
        let before = held(&person.console).await;
        shop.tells(&[sale.over(how, now())]).await;
        let after = held(&person.console).await;
        assert_eq!(after["plan"]["code"], "pro", "{how}");
        assert_eq!(after["status"], "active");
        assert_eq!(after["currentPeriodEnd"], before["currentPeriodEnd"]);
        assert_eq!(after["cancelAtPeriodEnd"], true);
        assert_eq!(after["scheduledPlan"], "free");
        // One that never began takes nothing from anybody.
        let visitor = shop.visitor().await;
        let unpaid = shop.pays(&visitor, "pro").await;
        shop.tells(&[unpaid.over(how, now())]).await;
        assert_eq!(plan_of(&visitor.console).await, "free");
        assert!(payments(&visitor.console).await.is_empty());
        let current = "billing_agreements WHERE is_current";
        assert_eq!(shop.stored(current).await, 1, "{how}");
    }
}
