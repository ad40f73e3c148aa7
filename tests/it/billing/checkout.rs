//! Beginning to buy a plan.

use blackbox::till::API_KEY;
use blackbox::{Brand, Person, Stack};
use serde_json::{Value, json};

use super::{CHECKOUT, PAYMENTS, Shop, held, payments, plan_of, wants};

/// Where the browser goes after paying.
const SUCCESS: &str = "https://app.shop.test/billing?success=true";

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_bought_is_refused_with_its_reason() {
    let stack = Stack::for_people(&[]).await;
    let person = Person::on(&stack, "pro").await;
    for (plan, outcome) in [
        ("gold", (404, "NOT_FOUND")),
        ("free", (400, "BAD_REQUEST")),
        ("starter", (400, "BAD_REQUEST")),
        ("plus", (400, "BAD_REQUEST")),
        ("pro", (400, "INVALID_PLAN_CHANGE")),
    ] {
        let refused = person.console.post(CHECKOUT, &wants(plan)).await;
        assert_eq!(refused.outcome(), outcome, "{plan:?}");
    }
    let above = Person::on(&stack, "max").await;
    let lower = above.console.post(CHECKOUT, &wants("pro")).await;
    assert_eq!(lower.outcome(), (400, "INVALID_PLAN_CHANGE"));
    let begun = "SELECT count(*) FROM billing_checkouts";
    assert_eq!(stack.count(begun, &[]).await, 0, "nothing was begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_a_plan_says_what_is_missing() {
    let stack = Stack::for_people(&[]).await;
    let person = Person::on(&stack, "free").await;
    for body in [
        json!({}),
        json!({ "planCode": 7 }),
        json!({ "planCode": null }),
    ] {
        let refused = person.console.post(CHECKOUT, &body).await;
        assert_eq!(refused.outcome(), (400, "VALIDATION_ERROR"), "{body}");
        assert_eq!(refused.fields(), ["planCode"], "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn paid_by_hand_there_is_no_page_and_the_plan_waits_for_the_operator() {
    let stack = Stack::for_people(&[]).await;
    let person = Person::on(&stack, "free").await;
    for body in [wants("pro"), json!({ "plan": "pro" })] {
        let begun = person.console.post(CHECKOUT, &body).await;
        assert_eq!(begun.status, 200, "{begun:?}");
        assert_eq!(begun.data()["checkoutUrl"], Value::Null);
        assert_eq!(begun.data()["planCode"], "pro");
        assert!(
            begun.data()["message"]
                .as_str()
                .is_some_and(|it| !it.is_empty())
        );
    }
    assert_eq!(plan_of(&person.console).await, "free");
    assert!(payments(&person.console).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_made_at_dodo_that_knows_who_pays_and_what_for() {
    let shop = Shop::at(Brand::Dodo).await;
    let person = shop.visitor().await;
    let begun = person.console.post(CHECKOUT, &wants("max")).await;
    assert_eq!(begun.status, 200, "{begun:?}");
    let url = begun.data()["checkoutUrl"].as_str().expect("a page");
    assert_eq!(shop.till.page(url).product, "pdt_max");
    let asked = shop.till.asked("POST", "/checkouts");
    assert_eq!(asked.len(), 1);
    let body = &asked[0].body;
    assert_eq!(body["customer"]["email"], person.email());
    assert_eq!(body["return_url"], SUCCESS);
    assert_eq!(body["metadata"]["msgflash_account"], person.id());
    assert_eq!(
        plan_of(&person.console).await,
        "free",
        "nothing is paid yet"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_made_at_stripe_that_knows_who_pays_and_what_for() {
    let shop = Shop::at(Brand::Stripe).await;
    let person = shop.visitor().await;
    let begun = person.console.post(CHECKOUT, &wants("pro")).await;
    assert_eq!(begun.status, 200, "{begun:?}");
    let url = begun.data()["checkoutUrl"].as_str().expect("a page");
    let page = shop.till.page(url);
    assert_eq!(page.product, "price_pro");
    assert_eq!(page.metadata["msgflash_account"], person.id());
    let asked = shop.till.asked("POST", "/v1/checkout/sessions");
    assert_eq!(asked.len(), 1);
    let (form, once) = (&asked[0].body, &asked[0].once);
    assert_eq!(form["mode"], "subscription");
    assert_eq!(form["customer_email"], person.email());
    assert_eq!(form["success_url"], SUCCESS);
    let cancelled = "https://app.shop.test/billing?cancelled=true";
    assert_eq!(form["cancel_url"], cancelled);
    let purchase = form["metadata[msgflash_checkout]"].as_str();
    assert!(
        purchase.is_some_and(|it| once.starts_with(it)),
        "{purchase:?}: {once}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_twice_is_shown_the_same_page() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let person = shop.visitor().await;
        let first = person.console.post(CHECKOUT, &wants("pro")).await;
        let second = person.console.post(CHECKOUT, &wants("pro")).await;
        assert_eq!(first.status, 200, "{first:?}");
        assert_eq!(first.data(), second.data());
        assert_eq!(shop.till.asked("POST", "checkout").len(), 1, "{brand:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_at_the_provider_has_its_code_and_leaves_everything_as_it_was() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        for (status, outcome) in [
            (503, (502, "PROVIDER_UNAVAILABLE")),
            (429, (502, "PROVIDER_UNAVAILABLE")),
            (504, (502, "PROVIDER_TIMEOUT")),
            (422, (502, "PROVIDER_ERROR")),
            (401, (500, "INTERNAL_ERROR")),
        ] {
            let person = shop.visitor().await;
            let before = held(&person.console).await;
            shop.till.answers(Some(status));
            let refused = person.console.post(CHECKOUT, &wants("pro")).await;
            assert_eq!(refused.outcome(), outcome, "{brand:?} {status}");
            for secret in ["told@nobody.test", API_KEY] {
                assert!(!refused.text.contains(secret), "{refused:?}");
            }
            assert_eq!(held(&person.console).await, before);
            assert_eq!(payments(&person.console).await, Vec::<Value>::new());
        }
        let sold = "billing_checkouts WHERE url IS NOT NULL";
        assert_eq!(shop.stored(sold).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_trouble_the_same_purchase_goes_on() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let person = shop.visitor().await;
        shop.till.answers(Some(503));
        let refused = person.console.post(CHECKOUT, &wants("pro")).await;
        assert_eq!(refused.outcome(), (502, "PROVIDER_UNAVAILABLE"));
        shop.till.answers(None);
        let begun = person.console.post(CHECKOUT, &wants("pro")).await;
        assert_eq!(begun.status, 200, "{begun:?}");
        let asked = shop.till.asked("POST", "checkout");
        assert_eq!(asked.len(), 2, "{brand:?}");
        assert_eq!(asked[0].body, asked[1].body, "they could be told apart");
        assert_eq!(asked[0].once, asked[1].once, "{brand:?}");
        assert_eq!(shop.stored("billing_checkouts").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_a_subscription_that_is_over_may_buy_any_plan() {
    let shop = Shop::at(Brand::Dodo).await;
    let over = "UPDATE subscriptions SET status = 'expired' WHERE account_id = $1";
    for plan in ["pro", "max"] {
        let person = Person::on(&shop.stack, "max").await;
        let account = person.account.user.uuid();
        assert_eq!(shop.stack.sql(over, &[&account]).await, 1);
        let reads = person.console.get(PAYMENTS).await;
        assert_eq!(reads.status, 200, "{reads:?}");
        let begun = person.console.post(CHECKOUT, &wants(plan)).await;
        assert_eq!(begun.status, 200, "{plan}: {begun:?}");
    }
}
