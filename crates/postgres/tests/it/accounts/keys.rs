//! Keys that sign tokens.

use std::collections::HashSet;
use std::sync::Arc;

use msgflash_accounts::{
    AuthenticateSession, RotateSigningKey, SessionError, SessionTokens, SigningKey,
    SigningKeyStore as _,
};
use msgflash_kernel::Clock as _;
use msgflash_postgres::{Postgres, restore};
use msgflash_testkit::TestDatabase;
use time::Duration;
use tokio::task::JoinSet;

use super::people::{People, ring};
use crate::backup::file_of;
use crate::stage::{NOW, Uuids, clock, fresh};

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_at_once_make_one_key() {
    let people = People::new().await;
    let mut starts = JoinSet::new();
    for _ in 0..6 {
        let store = people.stage.pool(2);
        starts.spawn(async move {
            let key = SigningKey::generate(fresh(), &Uuids, NOW);
            store.found(&key).await.expect("founded");
            store.list(NOW).await.expect("read")
        });
    }
    let seen: Vec<_> = starts.join_all().await;
    let ids: HashSet<_> = seen.iter().flatten().map(|key| key.id).collect();
    assert_eq!(ids.len(), 1);
    assert!(seen.iter().all(|keys| keys.len() == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_keys_made_at_once_one_signs_and_all_verify() {
    let people = People::new().await;
    let mut turns = JoinSet::new();
    for _ in 0..4 {
        let store = people.stage.pool(2);
        turns.spawn(async move {
            let key = SigningKey::generate(fresh(), &Uuids, NOW);
            store.rotate(&key, NOW + Duration::DAY).await
        });
    }
    for turn in turns.join_all().await {
        turn.expect("rotated");
    }
    let store = &people.stage.postgres;
    let keys = store.list(NOW).await.expect("read");
    let signing = keys.iter().filter(|it| it.verifies_until.is_none());
    assert_eq!((keys.len(), signing.count()), (4, 1));
    let later = store.list(NOW + Duration::DAY).await.expect("read");
    assert_eq!(later.len(), 1);
}

#[tokio::test]
async fn a_key_reads_back_as_it_was() {
    let people = People::new().await;
    let key = SigningKey::generate(fresh(), &Uuids, NOW);
    people.stage.postgres.found(&key).await.expect("founded");
    assert_eq!(people.stage.postgres.list(NOW).await.expect("read"), [key]);
}

#[tokio::test]
async fn nobody_is_signed_out_when_another_key_signs() {
    let people = People::new().await;
    let lea = people.lea().await;
    // Another process, with a ring of its own.
    let clock = clock();
    let other = ring(&people.stage.pool(2), &clock);
    RotateSigningKey::new(Arc::clone(&other))
        .rotate()
        .await
        .expect("rotated");
    let tokens = SessionTokens::new(other, clock.clone(), "https://msgflash.test");
    let authenticate = AuthenticateSession::new(Arc::new(tokens), people.store(), clock.clone());
    let token = Some(lea.token.reveal().as_str());
    assert!(authenticate.session(token).await.is_ok());
    people.clock.advance(Duration::minutes(2));
    let new = people.signed_in().await;
    assert!(people.counts(&lea).await && people.counts(&new).await);
    assert!(clock.now() < people.clock.now());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_may_have_been_ended_since_the_backup_so_none_lives_on_after_a_restore() {
    let people = People::new().await;
    let lea = people.lea().await;
    let file = file_of(people.stage.url()).await;
    let empty = TestDatabase::empty().await;
    let told = restore(empty.url(), "1.2.3", file.as_slice(), false).await;
    told.expect("restored");

    let restored = Postgres::new(empty.url(), 2).expect("an address");
    let clock = clock();
    let ring = ring(&restored, &clock);
    let tokens = SessionTokens::new(ring, clock.clone(), "https://msgflash.test");
    let authenticate = AuthenticateSession::new(Arc::new(tokens), Arc::new(restored), clock);
    let token = Some(lea.token.reveal().as_str());
    let refused = authenticate.session(token).await;
    assert!(
        matches!(refused, Err(SessionError::Unauthorized)),
        "{refused:?}"
    );
}
