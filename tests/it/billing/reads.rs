//! What is on offer, what somebody holds, and what they paid.

use blackbox::{Brand, Stack};
use serde_json::{Value, json};

use super::{PAYMENTS, SUBSCRIPTION, Shop, payments};

/// The names of an object's members, sorted.
fn members(object: &Value) -> Vec<&str> {
    let mut names: Vec<_> = object.as_object().expect("an object").keys().collect();
    names.sort();
    names.into_iter().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn anybody_reads_what_is_on_offer_and_nobody_what_is_not() {
    let stack = Stack::for_people(&[]).await;
    let offered = stack.anonymous().get("/api/billing/plans").await;
    let offered = offered.data().as_array().expect("a list").clone();
    let codes: Vec<_> = offered.iter().map(|it| it["code"].clone()).collect();
    assert_eq!(codes, ["free", "pro", "max"], "no retired ones");
    let hosts = offered
        .iter()
        .map(|it| json!([it["limits"]["maxTeams"], it["limits"]["maxSeatsPerTeam"]]));
    let hosts: Vec<_> = hosts.collect();
    assert_eq!(hosts, [json!([0, 0]), json!([2, 4]), json!([4, 8])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_bought_is_read_alike_everywhere() {
    let shop = Shop::at(Brand::Dodo).await;
    let (person, _) = shop.buyer("pro").await;
    let here = person.console.get(SUBSCRIPTION).await;
    let it = &here.data()["subscription"];
    let published = [
        "billingProvider",
        "cancelAtPeriodEnd",
        "currentPeriodEnd",
        "currentPeriodStart",
        "id",
        "plan",
        "planId",
        "scheduledAction",
        "scheduledPlan",
        "scheduledPlanAt",
        "status",
    ];
    assert_eq!(members(it), published);
    assert_eq!(members(here.data()), ["period", "subscription", "usage"]);
    assert_eq!(it["billingProvider"], "dodo");
    assert_eq!(it["plan"]["limits"]["maxInstances"], 5);
    let usage = person.console.get("/api/billing/usage").await;
    assert_eq!(usage.data()["plan"]["code"], "pro");
    assert_eq!(usage.data()["limits"], it["plan"]["limits"]);
    let counters = person.console.get("/api/usage").await;
    assert_eq!(counters.data(), &usage.data()["usage"]);
    let old = person.console.get("/api/subscriptions/me").await;
    let program = &person.account.client;
    let public = program.get("/api/v1/billing/subscription").await;
    for other in [old, public] {
        assert_eq!(&other.data()["subscription"], it);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_read_with_all_its_members_on_both_surfaces() {
    let shop = Shop::at(Brand::Stripe).await;
    let (person, _) = shop.buyer("max").await;
    let paid = payments(&person.console).await;
    assert_eq!(paid.len(), 1);
    let published = [
        "amount",
        "createdAt",
        "currency",
        "id",
        "periodEnd",
        "periodStart",
        "planCode",
        "planName",
        "provider",
        "status",
    ];
    assert_eq!(members(&paid[0]), published);
    for (member, value) in [
        ("amount", json!(3900)),
        ("currency", json!("EUR")),
        ("planCode", json!("max")),
        ("planName", json!("MAX")),
        ("provider", json!("stripe")),
        ("status", json!("succeeded")),
    ] {
        assert_eq!(paid[0][member], value, "{member}");
    }
    assert!(paid[0]["periodEnd"].is_string(), "{}", paid[0]);
    let program = &person.account.client;
    let public = program.get("/api/v1/billing/payments").await;
    assert_eq!(public.data()["payments"], json!(paid));
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_are_paged_newest_first_and_a_page_too_far_is_empty() {
    let stack = Stack::for_people(&[]).await;
    let person = blackbox::Person::on(&stack, "pro").await;
    let add = "INSERT INTO payments (id, account_id, provider, plan_code, plan_name, amount, \
         currency, status, created_at) SELECT gen_random_uuid(), $1, 'dodo', 'plus', 'Plus', n, \
         'EUR', 'succeeded', now() - n * interval '1 day' FROM generate_series(1, 45) n";
    stack.sql(add, &[&person.account.user.uuid()]).await;
    let mut amounts = Vec::new();
    for page in 1..=6_usize {
        let reply = person
            .console
            .get(&format!("{PAYMENTS}?page={page}&limit=10"))
            .await;
        let data = reply.data();
        assert_eq!(
            (&data["total"], &data["page"], &data["totalPages"]),
            (&json!(45), &json!(page), &json!(5))
        );
        let listed = data["payments"].as_array().expect("a list");
        amounts.extend(
            listed
                .iter()
                .map(|it| it["amount"].as_u64().expect("cents")),
        );
    }
    assert_eq!(amounts, (1..=45).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_too_long_or_before_the_first_is_refused() {
    let stack = Stack::for_people(&[]).await;
    let person = blackbox::Person::on(&stack, "pro").await;
    for (query, field) in [
        ("limit=101", "limit"),
        ("limit=0", "limit"),
        ("page=0", "page"),
    ] {
        let refused = person.console.get(&format!("{PAYMENTS}?{query}")).await;
        assert_eq!(refused.outcome(), (400, "VALIDATION_ERROR"), "{query}");
        assert_eq!(refused.fields(), [field], "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_without_a_session() {
    let stack = Stack::for_people(&[]).await;
    for path in [
        SUBSCRIPTION,
        PAYMENTS,
        "/api/billing/usage",
        "/api/subscriptions/me",
        "/api/usage",
        "/api/notifications",
    ] {
        let refused = stack.anonymous().get(path).await;
        assert_eq!(refused.outcome(), (401, "UNAUTHORIZED"), "{path}");
    }
}
