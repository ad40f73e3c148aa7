//! Another provider sells from now on: what was bought goes on where it was bought.

use blackbox::calendar::now;
use blackbox::till::Period;
use blackbox::{Brand, PlansFile, Till, eventually};

use crate::billing::{CANCEL, CHECKOUT, Shop, held, payments, wants};

#[tokio::test(flavor = "multi_thread")]
async fn after_a_switch_both_are_heard_and_told() {
    let stripe = Till::open(Brand::Stripe).await;
    let settings = stripe.settings();
    // All but who sells.
    let mut shop = Shop::with(Brand::Dodo, PlansFile::copied(), &settings[1..]).await;
    let (person, sale) = shop.buyer("pro").await;
    shop.stack.restart_with("billing_provider", "stripe").await;

    shop.renews(&sale, 2, Period::days(30.0, 60.0)).await;
    let renewed = held(&person.console).await;
    assert_eq!(renewed["billingProvider"], "dodo", "{renewed}");
    assert_eq!(payments(&person.console).await.len(), 2);
    let cancelled = person.console.post_empty(CANCEL).await;
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    eventually("Dodo is told to stop", async || {
        shop.till.charged(&sale.agreement).stops.then_some(())
    })
    .await;

    let begun = person.console.post(CHECKOUT, &wants("max")).await;
    let url = begun.data()["checkoutUrl"].as_str().expect("a page");
    let upgrade = stripe.pays(url);
    shop.tells(&upgrade.paid(1, Period::days(0.0, 30.0), now()))
        .await;
    let higher = held(&person.console).await;
    assert_eq!(higher["plan"]["code"], "max", "{higher}");
    assert_eq!(higher["billingProvider"], "stripe");
    eventually("what Dodo charged for is over", async || {
        shop.till.charged(&sale.agreement).is_over.then_some(())
    })
    .await;
    assert!(!stripe.charged(&upgrade.agreement).is_over);
}
