//! What time makes of a subscription.

use blackbox::calendar::now;
use blackbox::till::{Period, Sale};
use blackbox::{Brand, Person, Program, eventually, id_of, moment_in, text};
use serde_json::{Value, json};

use super::{
    CANCEL, CHECKOUT, DOWNGRADE, KEEP, PAYMENTS, SUBSCRIPTION, Shop, held, payments, plan_of,
    until_held, until_it_is, until_on, wants, writes,
};

const INACTIVE: (u16, &str) = (403, "SUBSCRIPTION_INACTIVE");

/// Somebody whose second payment has failed, half a day after the first period.
async fn in_arrears(brand: Brand) -> (Shop, Person, Sale) {
    let shop = Shop::at(brand).await;
    let (person, sale) = shop.buyer("pro").await;
    shop.age(&person, 30.5).await;
    let failed = sale.failed(2, Period::days(-0.5, 29.5), now());
    shop.tells(&failed).await;
    (shop, person, sale)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_failed_leaves_seven_days_in_which_everything_works() {
    for brand in Brand::ALL {
        let (shop, person, _) = in_arrears(brand).await;
        let owing = held(&person.console).await;
        assert_eq!(owing["status"], "past_due", "{brand:?}");
        assert_eq!(owing["plan"]["code"], "pro");
        let failed = payments(&person.console).await;
        assert_eq!(failed[0]["status"], "failed", "{failed:?}");
        // Six days and twenty-three hours after the end of what is paid.
        shop.age(&person, 6.45).await;
        assert_eq!(writes(&person.console).await.status, 201);
        assert_eq!(held(&person.console).await["status"], "past_due");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_owes_and_cancels_is_on_the_free_plan_at_once() {
    for brand in Brand::ALL {
        let (shop, person, sale) = in_arrears(brand).await;
        let cancelled = person.console.post_empty(CANCEL).await;
        assert_eq!(cancelled.status, 200, "{brand:?}: {cancelled:?}");
        assert_eq!(cancelled.data()["message"], "The subscription has ended");
        let free = held(&person.console).await;
        assert_eq!(free["plan"]["code"], "free");
        assert_eq!(free["status"], "active");
        assert_eq!(free["billingProvider"], "none");
        until_over(&shop, &sale).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_owes_and_lowers_owes_for_the_lower_plan() {
    let shop = Shop::at(Brand::Stripe).await;
    let (person, sale) = shop.buyer("max").await;
    shop.age(&person, 30.5).await;
    shop.tells(&sale.failed(2, Period::days(-0.5, 29.5), now()))
        .await;
    let lower = json!({ "plan": "pro" });
    let lowered = person.console.post(DOWNGRADE, &lower).await;
    assert_eq!(lowered.status, 200, "{lowered:?}");
    assert_eq!(lowered.data()["message"], "The lower plan holds now");
    let owing = held(&person.console).await;
    assert_eq!(owing["plan"]["code"], "pro");
    assert_eq!(owing["status"], "past_due");
    assert_eq!(owing["scheduledAction"], Value::Null);
    eventually("the lower plan is charged for", async || {
        let charged = shop.till.charged(&sale.agreement);
        let price = Brand::Stripe.product("pro");
        [Some(charged.product), charged.next]
            .contains(&Some(price))
            .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_owes_and_buys_the_same_again_rests_on_the_new_purchase() {
    for brand in Brand::ALL {
        let (shop, person, old) = in_arrears(brand).await;
        let anew = shop.sells(&person, "pro").await;
        let paid = held(&person.console).await;
        assert_eq!(paid["status"], "active", "{brand:?}");
        assert_eq!(paid["plan"]["code"], "pro");
        until_over(&shop, &old).await;
        assert!(!shop.till.charged(&anew.agreement).is_over);
    }
}

async fn until_over(shop: &Shop, sale: &Sale) {
    eventually("what nothing rests on is ended", async || {
        shop.till.charged(&sale.agreement).is_over.then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_after_the_end_fails_and_costs_nothing() {
    let (shop, person, _) = in_arrears(Brand::Dodo).await;
    let program = &person.account.client;
    let instance = person.account.connected(&shop.stack).await;
    let at = moment_in(std::time::Duration::from_secs(6));
    let body = text(&instance, "+33698765432", "Your table is ready");
    let later = program.schedule(&body, &at).await;
    shop.age(&person, 7.0).await;
    until_it_is(&person.console, "expired").await;
    let failed = program.wait_message(&id_of(&later), "failed").await;
    assert_eq!(failed["meta"]["code"], "SUBSCRIPTION_INACTIVE", "{failed}");
    let used = person.console.get("/api/usage").await;
    assert_eq!(used.data()["effectiveOutboundUsage"], 0, "{used:?}");
    let reserved = "usage_holds WHERE reserved_total <> 0";
    assert_eq!(shop.stored(reserved).await, 0, "nothing was reserved");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_seven_days_nothing_is_written_and_everything_read() {
    for brand in Brand::ALL {
        let (shop, person, _) = in_arrears(brand).await;
        shop.age(&person, 6.6).await;
        assert_eq!(writes(&person.console).await.outcome(), INACTIVE);
        until_it_is(&person.console, "expired").await;
        assert_eq!(writes(&person.console).await.outcome(), INACTIVE);
        let program = &person.account.client;
        let made = program.post("/api/v1/templates", &json!({})).await;
        assert_eq!(made.outcome(), INACTIVE);
        for path in [
            SUBSCRIPTION,
            PAYMENTS,
            "/api/billing/usage",
            "/api/contacts",
            "/api/instances",
            "/api/api-keys",
            "/api/notifications",
        ] {
            assert_eq!(person.console.get(path).await.status, 200, "{path}");
        }
        for path in [DOWNGRADE, CANCEL] {
            let refused = person.console.post(path, &json!({ "plan": "pro" })).await;
            assert_eq!(refused.outcome(), INACTIVE, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_owes_has_what_they_had_and_may_buy_again() {
    let (shop, person, _) = in_arrears(Brand::Dodo).await;
    let instance = person.account.instance(&shop.stack).await;
    shop.age(&person, 8.0).await;
    until_it_is(&person.console, "expired").await;
    let path = format!("/api/instances/{}", instance.id);
    let kept = person.console.get(&path).await;
    assert_eq!(
        kept.data()["status"],
        "disconnected",
        "nothing is suspended"
    );
    assert_eq!(person.account.client.get("/api/v1/me").await.status, 200);
    shop.sells(&person, "pro").await;
    let again = held(&person.console).await;
    assert_eq!(again["status"], "active");
    assert_eq!(writes(&person.console).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_pays_after_all_is_active_again() {
    for days in [0.1, 8.0] {
        for brand in Brand::ALL {
            let (shop, person, sale) = in_arrears(brand).await;
            shop.age(&person, days).await;
            shop.renews(&sale, 3, Period::days(-0.5 - days, 29.5 - days))
                .await;
            let held = held(&person.console).await;
            assert_eq!(held["status"], "active", "{brand:?} after {days} days");
            assert_eq!(writes(&person.console).await.status, 201);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_nobody_tells_of_is_waited_for_a_day() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let (person, _) = shop.buyer("pro").await;
        let (other, _) = shop.buyer("pro").await;
        shop.age(&person, 30.9).await;
        // Whoever is due is found, and the other one was looked at by then.
        shop.age(&other, 31.1).await;
        until_it_is(&other.console, "past_due").await;
        assert_eq!(held(&person.console).await["status"], "active", "{brand:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_by_hand_that_does_not_come_is_missing_at_once() {
    let stack = blackbox::Stack::for_people(&[]).await;
    let person = Person::on(&stack, "free").await;
    let words = ["billing", "confirm", "--plan", "pro", "--reference", "T-1"];
    let words = [&words[..], &["--user", person.email()]].concat();
    Program::command(stack.settings(), &words).await;
    until_on(&person.console, "pro").await;
    // A month has 31 days at most.
    stack.age(person.account.user.uuid(), 31.1).await;
    until_it_is(&person.console, "past_due").await;
    assert_eq!(writes(&person.console).await.status, 201);
    stack.age(person.account.user.uuid(), 10.0).await;
    until_it_is(&person.console, "expired").await;
    assert_eq!(writes(&person.console).await.outcome(), INACTIVE);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cancelled_pays_nothing_from_the_end_on() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let (person, sale) = shop.buyer("pro").await;
        assert_eq!(person.console.post_empty(CANCEL).await.status, 200);
        shop.age(&person, 29.9).await;
        assert_eq!(held(&person.console).await["plan"]["code"], "pro");
        shop.age(&person, 0.2).await;
        let free = until_on(&person.console, "free").await;
        for (member, value) in [
            ("status", json!("active")),
            ("billingProvider", json!("none")),
            ("cancelAtPeriodEnd", json!(false)),
            ("currentPeriodEnd", Value::Null),
            ("scheduledAction", Value::Null),
        ] {
            assert_eq!(free[member], value, "{brand:?} {member}");
        }
        let refused = person.console.post_empty(CANCEL).await;
        assert_eq!(refused.outcome(), (400, "ALREADY_ON_FREE_PLAN"));
        eventually("the provider ends it, too", async || {
            let it = shop.till.charged(&sale.agreement);
            it.is_over.then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lower_plan_takes_over_at_the_end_and_is_what_is_paid_next() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let (person, mut sale) = shop.buyer("max").await;
        let lower = json!({ "plan": "pro" });
        assert_eq!(person.console.post(DOWNGRADE, &lower).await.status, 200);
        shop.age(&person, 30.1).await;
        let pro = until_on(&person.console, "pro").await;
        assert_eq!(pro["status"], "active", "the renewal is on its way");
        assert_eq!(pro["scheduledAction"], Value::Null);
        assert_eq!(pro["billingProvider"], brand.name());
        sale.product = brand.product("pro");
        sale.amount = 1900;
        shop.renews(&sale, 2, Period::days(-0.1, 29.9)).await;
        let renewed = held(&person.console).await;
        assert_eq!(renewed["plan"]["code"], "pro", "{brand:?}");
        assert!(renewed["currentPeriodEnd"].as_str() > pro["currentPeriodEnd"].as_str());
        let paid = payments(&person.console).await;
        assert_eq!(
            (&paid[0]["planCode"], &paid[0]["amount"]),
            (&json!("pro"), &json!(1900))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_for_the_lower_plan_that_comes_before_it_is_due_does_not_put_it_off() {
    let shop = Shop::at(Brand::Stripe).await;
    let (person, mut sale) = shop.buyer("max").await;
    let lower = json!({ "plan": "pro" });
    assert_eq!(person.console.post(DOWNGRADE, &lower).await.status, 200);
    shop.age(&person, 29.9).await;
    sale.product = Brand::Stripe.product("pro");
    shop.renews(&sale, 2, Period::days(0.1, 30.1)).await;
    assert_eq!(held(&person.console).await["plan"]["code"], "max");
    shop.age(&person, 0.2).await;
    let pro = until_on(&person.console, "pro").await;
    assert_eq!(pro["status"], "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_of_the_higher_plan_that_was_charged_all_the_same_is_had() {
    let shop = Shop::at(Brand::Stripe).await;
    let (person, sale) = shop.buyer("max").await;
    let lower = json!({ "plan": "pro" });
    assert_eq!(person.console.post(DOWNGRADE, &lower).await.status, 200);
    shop.renews(&sale, 2, Period::days(30.0, 60.0)).await;
    let held = held(&person.console).await;
    assert_eq!(held["scheduledPlanAt"], held["currentPeriodEnd"]);
    shop.age(&person, 30.1).await;
    assert_eq!(plan_of(&person.console).await, "max");
    shop.age(&person, 30.0).await;
    until_on(&person.console, "pro").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_its_provider_ended_is_used_up_and_cannot_be_kept() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let (person, sale) = shop.buyer("pro").await;
        shop.tells(&[sale.ended(now())]).await;
        let ending = held(&person.console).await;
        assert_eq!(ending["cancelAtPeriodEnd"], true, "{brand:?}");
        assert_eq!(ending["scheduledAction"], "cancel");
        let kept = person.console.post_empty(KEEP).await;
        assert_eq!(kept.outcome(), (400, "INVALID_PLAN_CHANGE"));
        // There is a way to stay all the same.
        let anew = person.console.post(CHECKOUT, &wants("pro")).await;
        assert_eq!(anew.status, 200, "{anew:?}");
        shop.age(&person, 30.1).await;
        until_on(&person.console, "free").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_payment_is_told_once_in_the_console_and_once_by_mail() {
    let (shop, person, _) = in_arrears(Brand::Stripe).await;
    let letter = super::quota::letter_to(&shop.stack, person.email(), "payment").await;
    assert!(
        letter["text"]
            .as_str()
            .is_some_and(|it| it.contains("/billing"))
    );
    shop.age(&person, 8.0).await;
    until_held(&person.console, "it is over", |it| {
        it["status"] == "expired"
    })
    .await;
    let told = "notices WHERE kind = 'payment_failed'";
    assert_eq!(shop.stored(told).await, 1);
    let over = "notices WHERE kind = 'subscription_expired'";
    assert_eq!(shop.stored(over).await, 1);
}
