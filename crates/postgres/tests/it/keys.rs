//! API keys.

use std::sync::Arc;

use msgflash_accounts::{
    AccountsError, AuthError, Authenticate, CredentialReader, KeyReader, RevokeKey,
};
use msgflash_billing::BillingUnits;
use msgflash_kernel::{AccountId, RandomIds, Workspace};
use msgflash_quotas::UsageReader;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::stage::{NOW, SOON, Stage, clock, fresh, key_order};

#[tokio::test]
async fn a_key_is_found_by_the_hash_of_its_secret() {
    let stage = Stage::new().await;
    let owner = stage.user("lea@shop.test").await;
    let team = stage.team(&owner).await;
    for workspace in [
        Workspace::personal(owner.id),
        Workspace::team(team, owner.id),
    ] {
        let (key, secret) = stage.key(workspace).await;
        let found = CredentialReader::find(&stage.postgres, &secret.hash())
            .await
            .expect("read");
        let found = found.expect("the key");
        assert_eq!((found.key, found.stored_hash), (key, secret.hash()));
        assert!(!found.suspended && !found.team_deleted);
    }
    assert_eq!(
        CredentialReader::find(&stage.postgres, &[0; 32])
            .await
            .expect("read"),
        None
    );
}

#[tokio::test]
async fn what_closes_a_key_is_seen_with_it() {
    let stage = Stage::new().await;
    let owner = stage.user("lea@shop.test").await;
    let team = stage.team(&owner).await;
    let (_, personal) = stage.key(Workspace::personal(owner.id)).await;
    let (_, shared) = stage.key(Workspace::team(team, owner.id)).await;
    let authenticate = Authenticate::new(Arc::new(stage.postgres.clone()));
    assert!(authenticate.key(Some(shared.reveal())).await.is_ok());

    let session = stage.session().await;
    session
        .batch_execute("UPDATE teams SET deleted_at = now()")
        .await
        .expect("deleted");
    let refused = authenticate.key(Some(shared.reveal())).await;
    assert!(matches!(refused, Err(AuthError::Unauthorized)));
    assert!(authenticate.key(Some(personal.reveal())).await.is_ok());

    session
        .batch_execute("UPDATE users SET suspended_at = now()")
        .await
        .expect("suspended");
    let refused = authenticate.key(Some(personal.reveal())).await;
    assert!(matches!(refused, Err(AuthError::Unauthorized)));
}

#[tokio::test]
async fn a_revoked_key_is_closed_hidden_and_free_again() {
    let stage = Stage::new().await;
    let workspace = Workspace::personal(stage.user("lea@shop.test").await.id);
    let stranger = Workspace::personal(stage.user("max@shop.test").await.id);
    let (key, secret) = stage.key(workspace).await;
    let revoke = RevokeKey::new(
        Arc::new(stage.postgres.clone()),
        clock(),
        Arc::new(RandomIds),
    );

    for (account, id) in [(stranger.account, key.id), (workspace.account, fresh())] {
        let refused = revoke.revoke(account, id).await;
        assert!(matches!(refused, Err(AccountsError::NoKey(_))));
    }
    revoke
        .revoke(workspace.account, key.id)
        .await
        .expect("revoked");
    let found = CredentialReader::find(&stage.postgres, &secret.hash())
        .await
        .expect("read");
    assert_eq!(found.expect("kept").key.revoked_at, Some(NOW));
    assert_eq!(
        stage
            .postgres
            .list(workspace.account, None)
            .await
            .expect("read"),
        []
    );
    assert!(matches!(
        revoke.revoke(workspace.account, key.id).await,
        Err(AccountsError::NoKey(_))
    ));
    let again = stage
        .create_key()
        .create(key_order(workspace, Some(1)))
        .await;
    assert!(again.is_ok(), "its place is free");
}

#[tokio::test]
async fn each_workspace_lists_its_own_keys_newest_first() {
    let stage = Stage::new().await;
    let owner = stage.user("lea@shop.test").await;
    let team = stage.team(&owner).await;
    let personal = Workspace::personal(owner.id);
    let (first, _) = stage.key(personal).await;
    let (second, _) = stage.key(personal).await;
    let (shared, _) = stage.key(Workspace::team(team, owner.id)).await;
    let account = personal.account;
    assert_eq!(
        stage.postgres.list(account, None).await.expect("read"),
        [second, first]
    );
    assert_eq!(
        stage
            .postgres
            .list(account, Some(team))
            .await
            .expect("read"),
        [shared]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cap_holds_whoever_asks_at_once() {
    let stage = Stage::new().await;
    let owner = stage.user("lea@shop.test").await;
    stage.everybody_on("pro").await;
    let team = stage.team(&owner).await;
    let mut tries = JoinSet::new();
    for n in 0..20 {
        // Personal keys and those of teams draw on one pool.
        let workspace = match n % 2 {
            0 => Workspace::personal(owner.id),
            _ => Workspace::team(team, owner.id),
        };
        let create = stage.create_key();
        tries.spawn(async move { create.create(key_order(workspace, Some(5))).await });
    }
    let outcomes = tries.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 5);
    let capped = |outcome: &&Result<_, _>| matches!(outcome, Err(AccountsError::KeyCapReached));
    assert_eq!(outcomes.iter().filter(capped).count(), 15);

    let account = Workspace::personal(owner.id).account;
    assert_eq!(
        stage
            .postgres
            .capacity(account)
            .await
            .expect("read")
            .api_keys,
        5
    );
}

/// How many keys open something.
async fn active(stage: &Stage, account: AccountId) -> u64 {
    let held = stage.postgres.capacity(account).await;
    held.expect("read").api_keys
}

#[tokio::test]
async fn a_cap_of_a_plan_that_was_counts_only_where_it_is_less() {
    let stage = Stage::new().await;
    let personal = Workspace::personal(stage.user("lea@shop.test").await.id);
    // What its caller knows, and what holds.
    for (known, plan, most) in [
        (Some(10), "free", 1),
        (None, "free", 1),
        (Some(10), "pro", 5),
        (Some(5), "max", 5),
        (Some(10), "max", 10),
    ] {
        stage.everybody_on(plan).await;
        while active(&stage, personal.account).await < most {
            let order = key_order(personal, known);
            let made = stage.create_key().create(order).await;
            made.expect("there is room");
        }
        let order = key_order(personal, known);
        let refused = stage.create_key().create(order).await;
        let full = matches!(refused, Err(AccountsError::KeyCapReached));
        assert!(full, "{known:?} on {plan}: {refused:?}");
        assert_eq!(active(&stage, personal.account).await, most, "{plan}");
    }
}

#[tokio::test]
async fn whoever_waited_for_a_lower_plan_is_refused_by_it() {
    let stage = Stage::new().await;
    let personal = Workspace::personal(stage.user("lea@shop.test").await.id);
    stage.everybody_on("max").await;
    stage.key(personal).await;

    let mut unit = BillingUnits::begin(&stage.postgres).await.expect("a unit");
    let standing = unit.standings().lock(personal.account).await;
    let mut subscription = standing.expect("held").expect("an account").subscription;
    let (create, order) = (stage.create_key(), key_order(personal, Some(10)));
    let waiter = tokio::spawn(async move { create.create(order).await });
    stage.until_somebody_waits().await;
    let lower = unit.standings().newest_plan("free").await;
    subscription.plan = lower.expect("read").expect("a plan").id;
    let saved = unit.standings().save(&subscription).await;
    saved.expect("saved");
    unit.commit().await.expect("committed");

    let refused = timeout(SOON, waiter).await.expect("soon");
    let refused = refused.expect("no panic");
    let full = matches!(refused, Err(AccountsError::KeyCapReached));
    assert!(full, "{refused:?}");
    assert_eq!(active(&stage, personal.account).await, 1);
}

#[tokio::test]
async fn keys_of_a_deleted_team_take_no_place() {
    let stage = Stage::new().await;
    let owner = stage.user("lea@shop.test").await;
    let team = stage.team(&owner).await;
    stage.key(Workspace::team(team, owner.id)).await;
    let session = stage.session().await;
    session
        .batch_execute("UPDATE teams SET deleted_at = now()")
        .await
        .expect("deleted");

    let personal = Workspace::personal(owner.id);
    assert_eq!(
        stage
            .postgres
            .capacity(personal.account)
            .await
            .expect("read")
            .api_keys,
        0
    );
    assert!(
        stage
            .create_key()
            .create(key_order(personal, Some(1)))
            .await
            .is_ok()
    );
}
