//! Nothing is lost, and nothing happens twice, whoever is there to do it.

use std::time::Duration;

use blackbox::calendar::now;
use blackbox::till::{Event, Period, Sale};
use blackbox::{Brand, Client, Fleet, Person, Program, eventually, within};
use serde_json::json;

use super::{CANCEL, DOWNGRADE, Shop, held, payments, plan_of, until_it_is, until_on, writes};

#[tokio::test(flavor = "multi_thread")]
async fn what_fell_due_while_the_server_was_down_is_done_when_it_is_back() {
    let mut shop = Shop::at(Brand::Dodo).await;
    let (leaver, _) = shop.buyer("pro").await;
    assert_eq!(leaver.console.post_empty(CANCEL).await.status, 200);
    let (saver, _) = shop.buyer("max").await;
    let lower = json!({ "plan": "pro" });
    assert_eq!(saver.console.post(DOWNGRADE, &lower).await.status, 200);
    let (debtor, _) = shop.buyer("pro").await;
    shop.stack.stop_server().await;
    for person in [&leaver, &saver, &debtor] {
        shop.age(person, 30.5).await;
    }
    shop.age(&debtor, 20.0).await;
    shop.stack.start_server().await;
    until_on(&leaver.console, "free").await;
    until_on(&saver.console, "pro").await;
    let over = until_it_is(&debtor.console, "expired").await;
    assert_eq!(over["plan"]["code"], "pro");
    assert_eq!(writes(&leaver.console).await.status, 201);
    // Each step that was missed is told of, in its order.
    let missed = "SELECT kind FROM notices WHERE account_id = $1 AND kind <> 'plan_changed' \
         ORDER BY id";
    let account = debtor.account.user.uuid();
    let told = shop.stack.rows(missed, &[&account]).await;
    let told: Vec<String> = told.iter().map(|row| row.get(0)).collect();
    assert_eq!(told, ["payment_failed", "subscription_expired"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_was_told_after_the_server_was_down_for_long_counts() {
    let mut shop = Shop::at(Brand::Stripe).await;
    let (person, sale) = shop.buyer("pro").await;
    shop.stack.stop_server().await;
    shop.age(&person, 40.0).await;
    let renewed = sale.paid(2, Period::days(-10.0, 20.0), now());
    shop.stack.start_server().await;
    shop.tells(&renewed).await;
    assert_eq!(held(&person.console).await["status"], "active");
    assert_eq!(writes(&person.console).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_processes_take_each_step_once() {
    let mut shop = Shop::at(Brand::Dodo).await;
    let (mut leavers, mut savers, mut debtors) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..5 {
        let (person, _) = shop.buyer("pro").await;
        assert_eq!(person.console.post_empty(CANCEL).await.status, 200);
        leavers.push(person);
    }
    for _ in 0..3 {
        let (person, _) = shop.buyer("max").await;
        let lower = json!({ "plan": "pro" });
        assert_eq!(person.console.post(DOWNGRADE, &lower).await.status, 200);
        savers.push(person);
        let (person, _) = shop.buyer("pro").await;
        debtors.push(person);
    }
    // The fleet takes the server's place, and its address.
    shop.stack.stop_server().await;
    for person in leavers.iter().chain(&savers) {
        shop.age(person, 30.5).await;
    }
    for person in &debtors {
        shop.age(person, 50.5).await;
    }
    let _fleet = Fleet::over(&mut shop.stack, 1, 3).await;
    for person in &leavers {
        until_on(&person.console, "free").await;
    }
    for person in &savers {
        until_on(&person.console, "pro").await;
    }
    for person in &debtors {
        until_it_is(&person.console, "expired").await;
    }
    for (told, count) in [
        ("kind = 'plan_changed' AND data->>'to' = 'free'", 5),
        ("kind = 'plan_changed' AND data->>'from' = 'max'", 3),
        ("kind = 'payment_failed'", 3),
        ("kind = 'subscription_expired'", 3),
    ] {
        let notices = format!("notices WHERE {told}");
        assert_eq!(
            shop.stored(&notices).await,
            count,
            "{told}: one word to each"
        );
    }
    eventually("everybody was written to", async || {
        let waiting = "notices WHERE mail_at IS NOT NULL";
        (shop.stored(waiting).await == 0).then_some(())
    })
    .await;
    let notices = shop.stored("notices").await;
    let letters = "mails WHERE kind NOT IN ('verify_email', 'reset_password')";
    assert_eq!(
        shop.stored(letters).await,
        notices,
        "one letter for each word"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_processes_that_start_with_another_file_write_it_once() {
    let mut shop = Shop::at(Brand::Dodo).await;
    shop.stack.stop_server().await;
    let before = shop.stored("plans").await;
    shop.plans.set("plans.pro.limits", "max_instances", "7");
    shop.plans.set("plans.max.limits", "max_instances", "30");
    let _fleet = Fleet::over(&mut shop.stack, 2, 2).await;
    assert_eq!(shop.stored("plans").await, before + 2);
}

/// Tells until it is heard, as providers do.
async fn insist(event: Event, base: String) {
    let server = Client::new(&base, None);
    within(Duration::from_secs(90), "it is heard", async || {
        let heard = event.try_tell(&server).await?;
        (heard.status == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_among_events_it_counts_each_of_them_once() {
    for brand in Brand::ALL {
        let mut shop = Shop::at(brand).await;
        let mut sales: Vec<(Person, Sale)> = Vec::new();
        for _ in 0..6 {
            let person = shop.visitor().await;
            let sale = shop.pays(&person, "pro").await;
            sales.push((person, sale));
        }
        shop.stack.stop_server().await;
        let settings = shop.stack.settings().to_vec();
        let mut program = Program::serve(&settings).await;
        let mut telling = tokio::task::JoinSet::new();
        let mut told = 0;
        for (_, sale) in &sales {
            for event in sale.paid(1, Period::days(0.0, 30.0), now()) {
                telling.spawn(insist(event, shop.stack.base.clone()));
                told += 1;
            }
        }
        for some in [1, 3] {
            eventually("some are kept", async || {
                (shop.stored("billing_events").await >= some).then_some(())
            })
            .await;
            program.kill();
            program = Program::serve(&settings).await;
        }
        telling.join_all().await;
        assert_eq!(shop.stored("billing_events").await, told, "{brand:?}");
        for (person, _) in &sales {
            assert_eq!(plan_of(&person.console).await, "pro");
            assert_eq!(payments(&person.console).await.len(), 1);
        }
        assert_eq!(shop.stored("billing_agreements").await, 6);
        assert_eq!(shop.stored("notices").await, 6);
        program.kill();
    }
}
