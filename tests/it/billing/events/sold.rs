//! A plan is had for a purchase that was begun here and paid with its product, whatever an event names.

use blackbox::calendar::now;
use blackbox::till::{Period, Sale};
use blackbox::{Brand, eventually};
use serde_json::json;

use crate::billing::{CHECKOUT, DOWNGRADE, Shop, held, payments, plan_of, wants};

/// Half an hour and a little more, in days.
const PAGE: f64 = 31.0 / 24.0 / 60.0;

fn month() -> Period {
    Period::days(0.0, 30.0)
}

/// It bought nothing, and nobody is charged for it again.
async fn assert_ended(shop: &Shop, sale: &Sale) {
    eventually("what nothing rests on is ended", async || {
        let charged = shop.till.charged(&sale.agreement);
        charged.is_over.then_some(())
    })
    .await;
    let current = format!(
        "billing_agreements WHERE is_current AND reference = '{}'",
        sale.agreement
    );
    assert_eq!(shop.stored(&current).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_names_an_account_and_a_plan_and_began_nothing_here_buys_nothing() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let person = shop.visitor().await;
        let mut sale = shop.pays(&person, "max").await;
        // A link of the provider takes whatever metadata somebody puts into it.
        sale.metadata = json!({ "msgflash_account": person.id(), "msgflash_plan": "max" });
        shop.tells(&sale.paid(1, month(), now())).await;
        assert_eq!(plan_of(&person.console).await, "free", "{brand:?}");
        assert!(payments(&person.console).await.is_empty());
        assert_ended(&shop, &sale).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pays_for_another_product_does_not_get_the_plan_that_is_named() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let person = shop.visitor().await;
        let mut sale = shop.pays(&person, "max").await;
        sale.product = brand.product("pro");
        shop.tells(&sale.paid(1, month(), now())).await;
        assert_eq!(plan_of(&person.console).await, "free", "{brand:?}");
        assert_ended(&shop, &sale).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pays_for_a_purchase_of_somebody_else_changes_nothing_for_either() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let (person, paid) = shop.buyer("pro").await;
        let before = held(&person.console).await;
        let stranger = shop.visitor().await;
        let mut sale = shop.pays(&stranger, "max").await;
        sale.metadata["msgflash_account"] = json!(person.id());
        shop.tells(&sale.paid(1, month(), now())).await;
        assert_eq!(held(&person.console).await, before, "{brand:?}");
        assert!(!shop.till.charged(&paid.agreement).is_over);
        // The purchase says whose it is, not whoever pays.
        assert_eq!(plan_of(&stranger.console).await, "max");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pages_of_one_purchase_that_are_both_paid_leave_one_that_charges() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let person = shop.visitor().await;
        let first = shop.pays(&person, "pro").await;
        shop.age(&person, PAGE).await;
        let second = shop.pays(&person, "pro").await;
        assert_ne!(first.metadata, second.metadata, "the page was out of date");
        shop.tells(&first.paid(1, month(), now())).await;
        let later = Period::days(0.01, 30.01);
        shop.tells(&second.paid(1, later, now())).await;
        assert_ended(&shop, &second).await;
        assert!(!shop.till.charged(&first.agreement).is_over);
        assert_eq!(payments(&person.console).await.len(), 2, "one goes back");
        assert_eq!(plan_of(&person.console).await, "pro");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_is_told_before_the_payment_is_the_end_of_the_month_that_was_paid() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let person = shop.visitor().await;
        let sale = shop.pays(&person, "pro").await;
        shop.tells(&[sale.ended(now())]).await;
        assert_eq!(plan_of(&person.console).await, "free", "{brand:?}");
        shop.tells(&sale.paid(1, month(), now())).await;
        let held = held(&person.console).await;
        assert_eq!(held["plan"]["code"], "pro");
        assert_eq!(held["cancelAtPeriodEnd"], true);
        assert_eq!(held["scheduledPlan"], "free");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_downgrade_to_what_the_provider_does_not_sell_is_refused() {
    let mut shop = Shop::at(Brand::Stripe).await;
    let (person, _) = shop.buyer("max").await;
    shop.plans.unsell("price_pro");
    shop.restart().await;
    let lower = json!({ "plan": "pro" });
    let refused = person.console.post(DOWNGRADE, &lower).await;
    assert_eq!(refused.outcome(), (500, "INTERNAL_ERROR"));
    assert_eq!(held(&person.console).await["scheduledAction"], json!(null));
    let visitor = shop.visitor().await;
    let refused = visitor.console.post(CHECKOUT, &wants("pro")).await;
    assert_eq!(refused.outcome(), (500, "INTERNAL_ERROR"));
    assert_eq!(
        shop.stored("billing_checkouts WHERE paid_at IS NULL").await,
        0
    );
}
