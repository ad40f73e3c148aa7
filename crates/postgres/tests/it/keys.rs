//! API keys.

use std::sync::Arc;

use msgflash_accounts::{
    AccountsError, AuthError, Authenticate, CredentialReader, KeyReader, RevokeKey,
};
use msgflash_kernel::{RandomIds, Workspace};
use msgflash_quotas::UsageReader;
use tokio::task::JoinSet;

use crate::stage::{NOW, Stage, clock, fresh, key_order};

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
