//! The transaction itself.

use msgflash_accounts::{AccountUnits, Registration};
use msgflash_kernel::Workspace;
use tokio::time::timeout;

use crate::stage::{SOON, Stage};

#[tokio::test]
async fn a_dropped_unit_gives_its_locks_back_without_being_borrowed_again() {
    let stage = Stage::new().await;
    let account = Workspace::personal(stage.user("lea@shop.test").await.id).account;
    let (one, other) = (stage.pool(1), stage.pool(1));

    let mut unit = AccountUnits::begin(&one).await.expect("a unit");
    unit.keys()
        .count_locked(account, None)
        .await
        .expect("the lock");
    drop(unit);

    // Nobody asks the first pool for anything from here on.
    let mut unit = AccountUnits::begin(&other).await.expect("a unit");
    let held = timeout(SOON, unit.keys().count_locked(account, None)).await;
    held.expect("no waiting").expect("the lock");
}

#[tokio::test]
async fn a_dropped_unit_gives_its_connection_back_clean() {
    let stage = Stage::new().await;
    let user = stage.user("lea@shop.test").await;
    let account = Workspace::personal(user.id).account;
    let one = stage.pool(1);

    for _ in 0..3 {
        let mut unit = timeout(SOON, AccountUnits::begin(&one))
            .await
            .expect("no waiting");
        let unit = unit.as_mut().expect("a unit");
        let places = unit.keys().count_locked(account, None).await;
        assert_eq!(places.expect("the lock").taken, 0);
        // Fails inside the transaction: whoever comes next must not inherit that.
        let again = unit.users().insert(&user, user.id.uuid()).await;
        assert!(!matches!(again, Ok(Registration::Done)));
    }
    assert_eq!(one.pool_status().open, 1);
}
