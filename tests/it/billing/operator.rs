//! What operators do about payments, with commands.

use blackbox::process::Said;
use blackbox::{Brand, Person, Program, Stack, eventually};
use serde_json::{Value, json};

use super::{CHECKOUT, Shop, held, payments, plan_of, until_it_is, until_on, wants};

async fn run(stack: &Stack, words: &[&str]) -> Said {
    Program::tried(stack.settings(), words).await
}

/// Confirms that somebody paid for a plan.
async fn confirm(stack: &Stack, person: &Person, plan: &str, more: &[&str]) -> Said {
    let usual = [
        "billing",
        "confirm",
        "--user",
        person.email(),
        "--plan",
        plan,
    ];
    run(stack, &[&usual, more].concat()).await
}

/// The same, which must be taken.
async fn confirmed(stack: &Stack, person: &Person, plan: &str, more: &[&str]) {
    let said = confirm(stack, person, plan, more).await;
    assert_eq!(said.code, 0, "{said:?}");
}

/// The end of what somebody paid, as it is written.
async fn end(person: &Person) -> String {
    let held = held(&person.console).await;
    let end = held["currentPeriodEnd"].as_str();
    end.unwrap_or_else(|| panic!("no end: {held}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_waits_until_its_payment_is_confirmed() {
    let stack = Stack::for_people(&[]).await;
    let person = Person::on(&stack, "free").await;
    let other = Person::on(&stack, "free").await;
    let begun = person.console.post(CHECKOUT, &wants("pro")).await;
    assert_eq!(begun.data()["checkoutUrl"], Value::Null, "{begun:?}");
    let pending = run(&stack, &["billing", "pending"]).await;
    assert_eq!(pending.code, 0, "{pending:?}");
    assert!(pending.out.contains(person.email()), "{pending:?}");
    assert!(!pending.out.contains(other.email()), "{pending:?}");
    confirmed(&stack, &person, "pro", &["--reference", "T-1"]).await;
    let pro = until_on(&person.console, "pro").await;
    assert_eq!(
        (&pro["status"], &pro["billingProvider"]),
        (&json!("active"), &json!("manual"))
    );
    let paid = payments(&person.console).await;
    assert_eq!(paid.len(), 1);
    for (member, value) in [
        ("provider", json!("manual")),
        ("amount", json!(1900)),
        ("status", json!("succeeded")),
        ("planCode", json!("pro")),
    ] {
        assert_eq!(paid[0][member], value, "{member}");
    }
    let pending = run(&stack, &["billing", "pending"]).await;
    assert!(!pending.out.contains(person.email()), "{pending:?}");
    let events = run(&stack, &["billing", "events"]).await;
    assert!(events.out.contains("T-1"), "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_reference_counts_once() {
    let stack = Stack::for_people(&[]).await;
    let person = Person::on(&stack, "free").await;
    confirmed(&stack, &person, "pro", &["--reference", "T-1"]).await;
    until_on(&person.console, "pro").await;
    let before = held(&person.console).await;
    confirmed(&stack, &person, "pro", &["--reference", "T-1"]).await;
    assert_eq!(held(&person.console).await, before);
    assert_eq!(payments(&person.console).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_for_more_months_follows_on_what_is_paid() {
    let stack = Stack::for_people(&[]).await;
    let person = Person::on(&stack, "free").await;
    confirmed(&stack, &person, "pro", &["--reference", "T-1"]).await;
    until_on(&person.console, "pro").await;
    let first = end(&person).await;
    let more = ["--months", "3", "--amount", "57.00", "--reference", "T-2"];
    confirmed(&stack, &person, "pro", &more).await;
    eventually("the period is longer", async || {
        (end(&person).await > first).then_some(())
    })
    .await;
    let paid = payments(&person.console).await;
    let amounts: Vec<_> = paid.iter().map(|it| it["amount"].clone()).collect();
    assert_eq!(amounts, [5700, 1900]);
    assert_eq!(paid[0]["periodStart"], paid[1]["periodEnd"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_pays_late_by_hand_is_active_again() {
    let stack = Stack::for_people(&[]).await;
    let person = Person::on(&stack, "free").await;
    confirmed(&stack, &person, "pro", &["--reference", "T-1"]).await;
    until_on(&person.console, "pro").await;
    stack.age(person.account.user.uuid(), 33.0).await;
    until_it_is(&person.console, "past_due").await;
    confirmed(&stack, &person, "pro", &["--reference", "T-2"]).await;
    until_it_is(&person.console, "active").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_paid_for_is_refused() {
    let stack = Stack::for_people(&[]).await;
    let person = Person::on(&stack, "free").await;
    let cases: [(&str, &[&str]); 7] = [
        ("gold", &["--reference", "T-1"]),
        ("free", &["--reference", "T-1"]),
        ("pro", &["--reference", ""]),
        ("pro", &["--reference", "T-1", "--months", "0"]),
        ("pro", &["--reference", "T-1", "--months", "37"]),
        ("pro", &["--reference", "T-1", "--amount", "much"]),
        ("pro", &[]),
    ];
    for (plan, more) in cases {
        let said = confirm(&stack, &person, plan, more).await;
        assert_ne!(said.code, 0, "{plan} {more:?}: {said:?}");
    }
    confirmed(&stack, &person, "max", &["--reference", "T-1"]).await;
    until_on(&person.console, "max").await;
    let lower = confirm(&stack, &person, "pro", &["--reference", "T-2"]).await;
    assert_ne!(lower.code, 0, "something higher is paid: {lower:?}");
    assert_eq!(plan_of(&person.console).await, "max");
    assert_eq!(payments(&person.console).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_given_by_the_operator_ends_what_a_provider_charges_for() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let (person, sale) = shop.buyer("pro").await;
        let words = [
            "user",
            "set-plan",
            "--user",
            person.email(),
            "--plan",
            "max",
        ];
        let said = run(&shop.stack, &words).await;
        assert_eq!(said.code, 0, "{said:?}");
        let given = until_on(&person.console, "max").await;
        assert_eq!(given["billingProvider"], "manual", "{brand:?}");
        assert_eq!(given["currentPeriodEnd"], Value::Null);
        shop.stack.ring().await;
        eventually("nothing is charged any more", async || {
            shop.till.charged(&sale.agreement).is_over.then_some(())
        })
        .await;
    }
}
