//! The file of plans: what it changes, and for whom.

mod check;

use blackbox::calendar::now;
use blackbox::till::Period;
use blackbox::{Brand, Person, PlansFile};
use serde_json::{Value, json};

use super::{CANCEL, CHECKOUT, Shop, held, payments, plan_of, until_held, wants};

const PLANS: &str = "/api/billing/plans";

/// The codes of all plans on offer.
async fn offered(shop: &Shop) -> Vec<Value> {
    let plans = shop.stack.anonymous().get(PLANS).await;
    let plans = plans.data().as_array().cloned().expect("a list");
    plans.iter().map(|it| it["code"].clone()).collect()
}

/// How many instances somebody may have.
async fn places(person: &Person) -> Value {
    held(&person.console).await["plan"]["limits"]["maxInstances"].clone()
}

fn three(plans: &mut PlansFile) {
    plans.set("plans.pro.limits", "max_instances", "3");
    plans.set("plans.pro", "price", "25");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_bought_before_a_change_keeps_what_they_bought() {
    let mut shop = Shop::at(Brand::Dodo).await;
    let (old, _) = shop.buyer("pro").await;
    three(&mut shop.plans);
    shop.restart().await;
    let (new, _) = shop.buyer("pro").await;
    assert_eq!(
        (places(&old).await, places(&new).await),
        (json!(5), json!(3))
    );
    let kept = held(&old.console).await;
    assert_eq!(kept["plan"]["priceEur"], 19);
    let listed = shop.stack.anonymous().get(PLANS).await;
    let pro = &listed.data()[1];
    assert_eq!(
        (
            &pro["code"],
            &pro["priceEur"],
            &pro["limits"]["maxInstances"]
        ),
        (&json!("pro"), &json!(25), &json!(3))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_bought_is_renewed_as_it_was_bought() {
    let mut shop = Shop::at(Brand::Stripe).await;
    let (person, sale) = shop.buyer("pro").await;
    three(&mut shop.plans);
    shop.restart().await;
    shop.age(&person, 29.9).await;
    shop.renews(&sale, 2, Period::days(0.1, 30.1)).await;
    assert_eq!(places(&person).await, 5);
    assert_eq!(payments(&person.console).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_that_was_begun_before_a_change_is_of_what_was_on_offer_then() {
    let mut shop = Shop::at(Brand::Dodo).await;
    let person = shop.visitor().await;
    let sale = shop.pays(&person, "pro").await;
    three(&mut shop.plans);
    shop.restart().await;
    shop.tells(&sale.paid(1, Period::days(0.0, 30.0), now()))
        .await;
    assert_eq!(places(&person).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_who_says_so_moves_everybody() {
    let mut shop = Shop::at(Brand::Dodo).await;
    let (person, _) = shop.buyer("pro").await;
    for _ in 0..4 {
        person.account.instance(&shop.stack).await;
    }
    shop.plans.set("", "existing_subscribers", "\"moved\"");
    three(&mut shop.plans);
    shop.restart().await;
    let moved = until_held(&person.console, "they have the new version", |it| {
        it["plan"]["limits"]["maxInstances"] == 3
    })
    .await;
    assert_eq!(moved["plan"]["code"], "pro");
    assert_eq!(moved["status"], "active");
    let suspended = "instances WHERE status = 'suspended' AND suspended_for = 'plan'";
    assert_eq!(shop.stored(suspended).await, 1, "what no longer fits");
    let told = person.console.get("/api/notifications").await;
    let newest = &told.data()["notifications"][0];
    assert_eq!(newest["type"], "plan_changed", "{newest}");
    let body = "The plan pro has other terms now. One instance was suspended.";
    assert_eq!(newest["body"], body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_the_same_file_changes_nothing() {
    let mut shop = Shop::at(Brand::Dodo).await;
    let before = shop.stack.anonymous().get(PLANS).await;
    let stored = shop.stored("plans").await;
    shop.restart().await;
    assert_eq!(shop.stored("plans").await, stored);
    let after = shop.stack.anonymous().get(PLANS).await;
    assert_eq!(after.data(), before.data());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_longer_sold_stays_with_whoever_has_it() {
    for is_dropped in [false, true] {
        let mut shop = Shop::at(Brand::Dodo).await;
        let (person, sale) = shop.buyer("pro").await;
        if is_dropped {
            shop.plans.drop_plan("pro");
        } else {
            shop.plans.retire("pro");
        }
        shop.restart().await;
        assert_eq!(offered(&shop).await, ["free", "max"]);
        let kept = held(&person.console).await;
        assert_eq!(
            (&kept["plan"]["code"], &kept["status"]),
            (&json!("pro"), &json!("active"))
        );
        let program = person.account.client.get("/api/v1/billing/usage").await;
        assert_eq!(program.data()["plan"]["code"], "pro");
        let other = shop.visitor().await;
        let refused = other.console.post(CHECKOUT, &wants("pro")).await;
        assert_eq!(
            refused.outcome(),
            (400, "BAD_REQUEST"),
            "dropped: {is_dropped}"
        );
        shop.age(&person, 29.9).await;
        shop.renews(&sale, 2, Period::days(0.1, 30.1)).await;
        assert_eq!(plan_of(&person.console).await, "pro");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sold_again_can_be_bought_again() {
    let mut plans = PlansFile::copied();
    plans.retire("pro");
    let mut shop = Shop::with(Brand::Dodo, plans, &[]).await;
    assert_eq!(offered(&shop).await, ["free", "max"]);
    shop.plans.set("plans.pro", "retired", "false");
    shop.restart().await;
    assert_eq!(offered(&shop).await, ["free", "pro", "max"]);
    shop.buyer("pro").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_the_provider_does_not_know_is_on_offer_and_cannot_be_bought() {
    let mut shop = Shop::at(Brand::Dodo).await;
    shop.plans.set("plans.starter", "rank", "7");
    shop.plans.set("plans.starter", "retired", "false");
    shop.restart().await;
    assert_eq!(offered(&shop).await, ["free", "pro", "max", "starter"]);
    let person = Person::on(&shop.stack, "max").await;
    let begun = person.console.post(CHECKOUT, &wants("starter")).await;
    // It ranks above all others, and has no product at this provider.
    assert_eq!(begun.outcome(), (500, "INTERNAL_ERROR"));
}

/// Somebody on a plan that was retired long ago.
async fn old_hand(shop: &Shop, plan: &str) -> Person {
    let person = shop.visitor().await;
    let hold = "UPDATE subscriptions SET provider = 'dodo', plan_id = ( \
         SELECT id FROM plans WHERE code = $2 ORDER BY version DESC LIMIT 1) WHERE account_id = $1";
    let account = person.account.user.uuid();
    assert_eq!(shop.stack.sql(hold, &[&account, &plan]).await, 1);
    person
}

#[tokio::test(flavor = "multi_thread")]
async fn retired_plans_are_read_and_rank_as_those_after_them() {
    let shop = Shop::at(Brand::Dodo).await;
    let starter = old_hand(&shop, "starter").await;
    let shown = held(&starter.console).await;
    assert_eq!(shown["plan"]["name"], "Starter");
    assert_eq!(shown["plan"]["isActive"], false);
    assert_eq!(shown["plan"]["limits"]["maxInstances"], 2);
    let same = starter.console.post(CHECKOUT, &wants("pro")).await;
    assert_eq!(same.outcome(), (400, "INVALID_PLAN_CHANGE"));
    let higher = starter.console.post(CHECKOUT, &wants("max")).await;
    assert_eq!(higher.status, 200, "{higher:?}");
    let plus = old_hand(&shop, "plus").await;
    let lower = json!({ "plan": "pro" });
    let lowered = plus.console.post(super::DOWNGRADE, &lower).await;
    assert_eq!(lowered.status, 200, "{lowered:?}");
    let cancelled = starter.console.post_empty(CANCEL).await;
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
}
