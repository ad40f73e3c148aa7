//! The stored plans, as a catalogue makes them.

use std::sync::Arc;

use msgflash_billing::catalogue::DEFAULT;
use msgflash_billing::{BillingReader as _, Catalogue, SyncCatalogue};
use msgflash_kernel::Tick;

use super::books::{Books, account};

fn sync(books: &Books, text: &str) -> SyncCatalogue {
    let catalogue = Catalogue::parse(text).expect("a catalogue");
    let ports = books.ports_on(books.postgres(), catalogue);
    SyncCatalogue::new(ports, Arc::new(books.postgres().clone()), books.queue())
}

/// The default catalogue with something else in it.
fn with(change: &[(&str, &str)]) -> String {
    let mut text = DEFAULT.to_owned();
    for (from, to) in change {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    text
}

async fn write(books: &Books, text: &str) -> usize {
    sync(books, text).write().await.expect("written")
}

async fn offered(books: &Books) -> Vec<(String, u32)> {
    let plans = books.postgres().active_plans().await.expect("read");
    plans.into_iter().map(|it| (it.code, it.price)).collect()
}

#[tokio::test]
async fn a_new_database_has_the_plans_of_the_default_catalogue() {
    let books = Books::new().await;
    assert_eq!(write(&books, DEFAULT).await, 0);
}

#[tokio::test]
async fn other_terms_are_another_version_and_who_has_the_old_one_keeps_it() {
    let books = Books::new().await;
    books.assign(books.account, "pro").await;
    let before = books.held(books.account).await.plan;
    let dearer = with(&[("price = 19", "price = 25")]);
    assert_eq!(write(&books, &dearer).await, 1);
    assert_eq!(write(&books, &dearer).await, 0, "it is so now");
    let price = |code: &str, price| (code.to_owned(), price);
    let expected = [price("free", 0), price("pro", 25), price("max", 39)];
    assert_eq!(offered(&books).await, expected);
    assert_eq!(books.held(books.account).await.plan, before);
    let tick = sync(&books, &dearer).tick().await;
    assert_eq!(tick.expect("a look"), Tick::Idle, "grandfathered");

    let moved = with(&[
        ("price = 19", "price = 25"),
        ("\"grandfathered\"", "\"moved\""),
    ]);
    let other = account(&books.stage, "max@shop.test").await;
    let untouched = books.held(other).await;
    let tick = sync(&books, &moved).tick().await;
    assert_eq!(tick.expect("a look"), Tick::Did(1));
    assert_eq!(books.held(books.account).await.plan.price, 25);
    assert_eq!(books.held(other).await, untouched);
    let tick = sync(&books, &moved).tick().await;
    assert_eq!(tick.expect("a look"), Tick::Idle);
}

#[tokio::test]
async fn a_plan_is_retired_sold_again_and_placed_elsewhere() {
    let books = Books::new().await;
    let retired = with(&[(
        "price = 39\nrank = 2\n",
        "price = 39\nrank = 2\nretired = true\n",
    )]);
    assert_eq!(write(&books, &retired).await, 1);
    assert_eq!(offered(&books).await.len(), 2);
    assert!(!books.plan("max").await.is_active);
    assert_eq!(write(&books, DEFAULT).await, 1);
    assert_eq!(offered(&books).await.len(), 3);
    let higher = with(&[("price = 39\nrank = 2\n", "price = 39\nrank = 7\n")]);
    assert_eq!(write(&books, &higher).await, 1);
    assert_eq!(books.plan("max").await.rank, 7);
    assert_eq!(books.count("plans").await, 5, "no terms have changed");
}

#[tokio::test]
async fn only_the_newest_version_is_sold_again() {
    let books = Books::new().await;
    write(&books, &with(&[("price = 39", "price = 49")])).await;
    let (old, retired) = (
        "price = 39\nrank = 2\n",
        "price = 49\nrank = 2\nretired = true\n",
    );
    write(&books, &with(&[(old, retired)])).await;
    assert_eq!(
        books.count("plans WHERE code = 'max' AND is_active").await,
        0
    );
    write(&books, &with(&[("price = 39", "price = 49")])).await;
    let sold = books.texts("SELECT version::text FROM plans WHERE code = 'max' AND is_active");
    assert_eq!(sold.await, ["2"]);
}

#[tokio::test]
async fn processes_that_start_together_write_it_once() {
    let books = Books::new().await;
    let text = with(&[("price = 19", "price = 25")]);
    let (one, other) = (sync(&books, &text), sync(&books, &text));
    let (one, other) = tokio::join!(one.write(), other.write());
    assert_eq!(one.expect("written") + other.expect("written"), 1);
    assert_eq!(books.count("plans WHERE code = 'pro'").await, 2);
}

#[tokio::test]
async fn who_signs_up_gets_the_plan_that_costs_nothing_whatever_it_is_called() {
    let books = Books::new().await;
    let renamed = with(&[
        ("fallback = \"free\"", "fallback = \"basic\""),
        ("[plans.free]", "[plans.basic]"),
        ("[plans.free.limits]", "[plans.basic.limits]"),
        ("[plans.free.features]", "[plans.basic.features]"),
    ]);
    assert_eq!(
        write(&books, &renamed).await,
        2,
        "one comes, one is retired"
    );
    let new = account(&books.stage, "new@shop.test").await;
    assert_eq!(books.held(new).await.plan.code, "basic");
    assert_eq!(books.held(books.account).await.plan.code, "free");
}
