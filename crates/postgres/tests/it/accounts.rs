//! People.

mod keys;
mod mail;
mod people;
mod sessions;
mod starts;
mod sweeping;
mod throttle;
mod tokens;

use msgflash_accounts::{AccountReader, AccountsError};
use msgflash_billing::{BillingProvider, BillingReader, SubscriptionStatus};
use msgflash_kernel::Workspace;
use tokio::task::JoinSet;

use crate::stage::{NOW, Stage, fresh, order};

#[tokio::test]
async fn a_new_user_reads_back_and_holds_the_free_plan() {
    let stage = Stage::new().await;
    let user = stage.user("Lea@shop.test").await;
    assert_eq!(
        stage.postgres.find(user.id).await.expect("read"),
        Some(user.clone())
    );

    let account = Workspace::personal(user.id).account;
    let held = stage
        .postgres
        .entitlement(account)
        .await
        .expect("read")
        .expect("a subscription");
    assert_eq!(
        (held.plan.code.as_str(), held.plan.id),
        ("free", held.subscription.plan)
    );
    assert_eq!(held.subscription.account, account);
    assert_eq!(held.subscription.status, SubscriptionStatus::Active);
    assert_eq!(held.subscription.provider, BillingProvider::None);
    assert_eq!(
        (held.subscription.period_start, held.subscription.period_end),
        (NOW, None)
    );
}

#[tokio::test]
async fn an_address_is_found_whatever_its_capitals() {
    let stage = Stage::new().await;
    let user = stage.user("Lea@shop.test").await;
    for email in ["lea@shop.test", "LEA@SHOP.TEST"] {
        let found = stage.postgres.find_by_email(email).await.expect("read");
        assert_eq!(found.map(|found| found.id), Some(user.id), "{email}");
    }
    assert_eq!(
        stage
            .postgres
            .find_by_email("max@shop.test")
            .await
            .expect("read"),
        None
    );
    assert_eq!(stage.postgres.find(fresh()).await.expect("read"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_makes_one_account() {
    let stage = Stage::new().await;
    let mut tries = JoinSet::new();
    for n in 0..10 {
        let create = stage.create_user();
        let email = if n % 2 == 0 {
            "lea@shop.test"
        } else {
            "LEA@shop.test"
        };
        tries.spawn(async move { create.create(order(email)).await });
    }
    let outcomes = tries.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let taken = |outcome: &&Result<_, _>| matches!(outcome, Err(AccountsError::EmailTaken));
    assert_eq!(outcomes.iter().filter(taken).count(), 9);

    let session = stage.session().await;
    let row = session
        .query_one("SELECT count(*) FROM subscriptions", &[])
        .await
        .expect("read");
    assert_eq!(row.get::<_, i64>(0), 1);
}
