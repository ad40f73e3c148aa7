//! Lowering a plan, cancelling it, and keeping it after all.

use blackbox::{Brand, Person, Stack, eventually};
use serde_json::{Value, json};

use super::{CANCEL, DOWNGRADE, KEEP, Shop, held, plan_of, until_on};

fn to(plan: &str) -> Value {
    json!({ "plan": plan })
}

fn says_something(message: &Value) -> bool {
    message.as_str().is_some_and(|it| !it.is_empty())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lower_plan_waits_for_the_end_of_what_is_paid() {
    let shop = Shop::at(Brand::Dodo).await;
    let (person, _) = shop.buyer("max").await;
    let before = held(&person.console).await;
    let lowered = person.console.post(DOWNGRADE, &to("pro")).await;
    assert_eq!(lowered.status, 200, "{lowered:?}");
    let answer = lowered.data();
    assert!(says_something(&answer["message"]), "{answer}");
    assert_eq!(answer["scheduledPlan"], "pro");
    assert_eq!(answer["effectiveAt"], before["currentPeriodEnd"]);
    let after = held(&person.console).await;
    assert_eq!(after["plan"], before["plan"], "all limits stay");
    for (member, value) in [
        ("status", json!("active")),
        ("cancelAtPeriodEnd", json!(false)),
        ("scheduledAction", json!("downgrade")),
        ("scheduledPlan", json!("pro")),
        ("scheduledPlanAt", before["currentPeriodEnd"].clone()),
    ] {
        assert_eq!(after[member], value, "{member}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_to_come_may_be_named_as_at_checkout() {
    let shop = Shop::at(Brand::Dodo).await;
    let (person, _) = shop.buyer("max").await;
    let lowered = person.console.post(DOWNGRADE, &super::wants("pro")).await;
    assert_eq!(lowered.data()["scheduledPlan"], "pro", "{lowered:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_lower_plan_is_refused_with_its_reason() {
    let shop = Shop::at(Brand::Dodo).await;
    let (person, _) = shop.buyer("pro").await;
    for (plan, outcome) in [
        ("pro", (400, "INVALID_PLAN_CHANGE")),
        ("max", (400, "INVALID_PLAN_CHANGE")),
        ("free", (400, "INVALID_PLAN_CHANGE")),
        ("starter", (400, "INVALID_PLAN_CHANGE")),
        ("gold", (404, "NOT_FOUND")),
    ] {
        let refused = person.console.post(DOWNGRADE, &to(plan)).await;
        assert_eq!(refused.outcome(), outcome, "{plan}");
    }
    let missing = person.console.post(DOWNGRADE, &json!({})).await;
    assert_eq!(missing.outcome(), (400, "VALIDATION_ERROR"));
    assert_eq!(missing.fields(), ["plan"]);
    assert_eq!(held(&person.console).await["scheduledAction"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_downgrade_is_told_of_the_first() {
    let shop = Shop::at(Brand::Dodo).await;
    let (person, _) = shop.buyer("max").await;
    assert_eq!(person.console.post(DOWNGRADE, &to("pro")).await.status, 200);
    let again = person.console.post(DOWNGRADE, &to("pro")).await;
    assert_eq!(again.outcome(), (400, "DOWNGRADE_ALREADY_SCHEDULED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_nothing_usable_lowers_and_cancels_nothing() {
    let stack = Stack::for_people(&[]).await;
    let person = Person::on(&stack, "max").await;
    let over = "UPDATE subscriptions SET status = 'expired' WHERE account_id = $1";
    stack.sql(over, &[&person.account.user.uuid()]).await;
    let inactive = (403, "SUBSCRIPTION_INACTIVE");
    for plan in ["pro", "gold"] {
        let refused = person.console.post(DOWNGRADE, &to(plan)).await;
        assert_eq!(refused.outcome(), inactive, "{plan}");
    }
    let refused = person.console.post_empty(CANCEL).await;
    assert_eq!(refused.outcome(), inactive);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_an_end_is_lowered_at_once() {
    let stack = Stack::for_people(&[]).await;
    let person = Person::on(&stack, "max").await;
    let lowered = person.console.post(DOWNGRADE, &to("pro")).await;
    assert_eq!(lowered.status, 200, "{lowered:?}");
    let after = held(&person.console).await;
    assert_eq!(after["plan"]["code"], "pro");
    assert_eq!(after["scheduledAction"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_it_stays_usable_to_the_end_and_again_is_the_same() {
    let shop = Shop::at(Brand::Stripe).await;
    let (person, _) = shop.buyer("pro").await;
    let before = held(&person.console).await;
    let first = person.console.post_empty(CANCEL).await;
    assert_eq!(first.status, 200, "{first:?}");
    assert!(says_something(&first.data()["message"]));
    assert_eq!(first.data()["effectiveAt"], before["currentPeriodEnd"]);
    let second = person.console.post_empty(CANCEL).await;
    assert_eq!((second.status, second.data()), (200, first.data()));
    let after = held(&person.console).await;
    for (member, value) in [
        ("status", json!("active")),
        ("cancelAtPeriodEnd", json!(true)),
        ("scheduledAction", json!("cancel")),
        ("scheduledPlanAt", before["currentPeriodEnd"].clone()),
    ] {
        assert_eq!(after[member], value, "{member}");
    }
    assert_eq!(super::writes(&person.console).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_takes_the_place_of_a_downgrade() {
    let shop = Shop::at(Brand::Dodo).await;
    let (person, _) = shop.buyer("max").await;
    assert_eq!(person.console.post(DOWNGRADE, &to("pro")).await.status, 200);
    assert_eq!(person.console.post_empty(CANCEL).await.status, 200);
    let after = held(&person.console).await;
    assert_eq!(after["scheduledAction"], "cancel");
    let refused = person.console.post(DOWNGRADE, &to("pro")).await;
    assert_eq!(refused.outcome(), (400, "DOWNGRADE_ALREADY_SCHEDULED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_pays_nothing_has_nothing_to_cancel() {
    let stack = Stack::for_people(&[]).await;
    let person = Person::on(&stack, "free").await;
    let refused = person.console.post_empty(CANCEL).await;
    assert_eq!(refused.outcome(), (400, "ALREADY_ON_FREE_PLAN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_taken_back_at_once_and_only_once() {
    let shop = Shop::at(Brand::Dodo).await;
    let (person, _) = shop.buyer("max").await;
    let before = held(&person.console).await;
    let lower = person.console.post(DOWNGRADE, &to("pro")).await;
    assert_eq!(lower.status, 200, "{lower:?}");
    for change in 0..2 {
        let kept = person.console.post_empty(KEEP).await;
        assert_eq!(kept.status, 200, "{kept:?}");
        assert!(says_something(&kept.data()["message"]));
        assert_eq!(kept.data()["currentPlan"], "max");
        assert_eq!(held(&person.console).await, before);
        let again = person.console.post_empty(KEEP).await;
        assert_eq!(again.outcome(), (400, "NO_SCHEDULED_CHANGE"));
        if change == 0 {
            assert_eq!(person.console.post_empty(CANCEL).await.status, 200);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_higher_plan_drops_what_was_to_come() {
    let shop = Shop::at(Brand::Dodo).await;
    let (person, _) = shop.buyer("pro").await;
    assert_eq!(person.console.post_empty(CANCEL).await.status, 200);
    shop.sells(&person, "max").await;
    let after = held(&person.console).await;
    assert_eq!(after["plan"]["code"], "max");
    assert_eq!(after["cancelAtPeriodEnd"], false);
    for member in ["scheduledAction", "scheduledPlan", "scheduledPlanAt"] {
        assert_eq!(after[member], Value::Null, "{member}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_is_told_of_every_change_of_mind() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let (person, sale) = shop.buyer("max").await;
        let charged = || shop.till.charged(&sale.agreement);
        assert_eq!(person.console.post_empty(CANCEL).await.status, 200);
        eventually("it stops", async || charged().stops.then_some(())).await;
        assert_eq!(person.console.post_empty(KEEP).await.status, 200);
        eventually("it goes on", async || (!charged().stops).then_some(())).await;
        let lower = person.console.post(DOWNGRADE, &to("pro")).await;
        assert_eq!(lower.status, 200, "{lower:?}");
        let product = brand.product("pro");
        eventually("it charges less from then on", async || {
            (charged().next.as_ref() == Some(&product)).then_some(())
        })
        .await;
        assert_eq!(charged().product, brand.product("max"), "not before");
        assert_eq!(person.console.post_empty(KEEP).await.status, 200);
        eventually("all is as before", async || {
            charged().next.is_none().then_some(())
        })
        .await;
        assert!(!charged().is_over);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_was_away_is_told_later() {
    let shop = Shop::at(Brand::Dodo).await;
    let (person, sale) = shop.buyer("pro").await;
    shop.till.answers(Some(503));
    let cancelled = person.console.post_empty(CANCEL).await;
    assert_eq!(cancelled.status, 200, "nobody waits for it: {cancelled:?}");
    eventually("it was asked in vain", async || {
        let failed = "billing_agreements WHERE tell_failures > 0";
        (shop.stored(failed).await == 1).then_some(())
    })
    .await;
    shop.till.answers(None);
    let again = "UPDATE billing_agreements SET tell_at = now()";
    assert_eq!(shop.stack.sql(again, &[]).await, 1);
    shop.stack.ring().await;
    eventually("it stops", async || {
        shop.till.charged(&sale.agreement).stops.then_some(())
    })
    .await;
    shop.age(&person, 30.5).await;
    until_on(&person.console, "free").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_change_that_was_refused_is_kept() {
    let shop = Shop::at(Brand::Dodo).await;
    let (person, _) = shop.buyer("pro").await;
    let before = held(&person.console).await;
    for plan in ["max", "free", "gold"] {
        person.console.post(DOWNGRADE, &to(plan)).await;
    }
    person.console.post_empty(KEEP).await;
    assert_eq!(held(&person.console).await, before);
    assert_eq!(plan_of(&person.console).await, "pro");
}
