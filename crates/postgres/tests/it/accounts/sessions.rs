//! Sessions: what ends them, and what does not.

use std::sync::Arc;

use msgflash_accounts::{AccountReader as _, ExternalIdentity, SessionError, SignInError};
use msgflash_kernel::Clock as _;
use time::Duration;
use tokio::task::JoinSet;

use super::people::{EMAIL, PASSWORD, People, ip, order, secret};
use crate::stage::{NOW, fresh};

#[tokio::test]
async fn a_session_reads_back_by_its_token_until_it_is_over() {
    let people = People::new().await;
    let lea = people.lea().await;
    let token = Some(lea.token.reveal().as_str());
    let found = people.authenticate().session(token).await.expect("live");
    assert_eq!(found, lea.session);
    people.clock.advance(Duration::days(7));
    assert!(!people.counts(&lea).await);
}

#[tokio::test]
async fn signing_out_ends_one_session_of_several() {
    let people = People::new().await;
    let (one, other) = (people.lea().await, people.signed_in().await);
    people
        .end()
        .log_out(&one.session)
        .await
        .expect("signed out");
    assert!(!people.counts(&one).await);
    assert!(people.counts(&other).await);
    let again = people.end().log_out(&one.session).await;
    assert!(matches!(again, Err(SessionError::Unauthorized)));
    people.end().end_all(one.user.id).await.expect("ended");
    assert!(!people.counts(&other).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_refreshes_at_once_one_succeeds() {
    let people = People::new().await;
    let old = people.lea().await;
    let mut tries = JoinSet::new();
    for _ in 0..8 {
        let (refresh, session) = (people.refresh(), old.session);
        tries.spawn(async move { refresh.refresh(&session).await });
    }
    let outcomes = tries.join_all().await;
    let new: Vec<_> = outcomes.into_iter().filter_map(Result::ok).collect();
    assert_eq!(new.len(), 1);
    assert!(!people.counts(&old).await);
    assert!(people.counts(&new[0]).await);
}

#[tokio::test]
async fn a_change_of_password_keeps_the_caller_alone() {
    let people = People::new().await;
    let (caller, other) = (people.lea().await, people.signed_in().await);
    let (current, new) = (secret(PASSWORD), secret("N3w-password"));
    let change = people.change_password();
    let done = change.change(&caller.session, current, new, ip()).await;
    done.expect("changed");
    assert!(people.counts(&caller).await);
    assert!(!people.counts(&other).await);
    let old = people.log_in().log_in(EMAIL, secret(PASSWORD), ip()).await;
    assert!(matches!(old, Err(SignInError::WrongPair)));
    let new = people
        .log_in()
        .log_in(EMAIL, secret("N3w-password"), ip())
        .await;
    assert!(new.is_ok());
}

#[tokio::test]
async fn who_is_suspended_is_out_and_signs_in_anew_afterwards() {
    let people = People::new().await;
    let lea = people.lea().await;
    people
        .suspend()
        .suspend(lea.user.id)
        .await
        .expect("suspended");
    assert!(!people.counts(&lea).await);
    let refused = people.log_in().log_in(EMAIL, secret(PASSWORD), ip()).await;
    assert!(matches!(refused, Err(SignInError::WrongPair)));
    people
        .suspend()
        .reactivate(lea.user.id)
        .await
        .expect("reactivated");
    assert!(!people.counts(&lea).await, "what ended stays so");
    let again = people.signed_in().await;
    assert!(people.counts(&again).await);
    let nobody = people.suspend().suspend(fresh()).await;
    assert!(nobody.is_err());
}

fn google() -> ExternalIdentity {
    ExternalIdentity {
        issuer: "https://accounts.google.com".to_owned(),
        subject: "1234567890".to_owned(),
        email: "LEA@shop.test".to_owned(),
        email_verified: true,
        name: Some("Lea From Elsewhere".to_owned()),
        picture: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_elsewhere_makes_one_account_here_whoever_comes_at_once() {
    let people = Arc::new(People::new().await);
    let mut tries = JoinSet::new();
    for _ in 0..8 {
        let people = Arc::clone(&people);
        tries.spawn(async move { people.elsewhere().sign_in(&google()).await });
    }
    let outcomes = tries.join_all().await;
    let users: std::collections::HashSet<_> = outcomes
        .into_iter()
        .map(|it| it.expect("signed in").user.id)
        .collect();
    assert_eq!(users.len(), 1);
}

#[tokio::test]
async fn an_account_elsewhere_opens_the_account_with_its_address_and_keeps_doing_so() {
    let people = People::new().await;
    let lea = people.lea().await;
    let linked = people.elsewhere().sign_in(&google()).await.expect("linked");
    assert_eq!(linked.user.id, lea.user.id);
    assert_eq!(linked.user.password_hash, lea.user.password_hash);
    assert!(people.counts(&lea).await);
    let moved = ExternalIdentity {
        email: "lea@home.test".to_owned(),
        ..google()
    };
    let again = people.elsewhere().sign_in(&moved).await.expect("known");
    assert_eq!(again.user.id, lea.user.id);
}

#[tokio::test]
async fn whoever_took_an_address_first_has_nothing_when_its_owner_comes() {
    let people = People::new().await;
    let trap = people.sign_up().sign_up(order(), ip()).await;
    let trap = trap.expect("signed up");
    let link = people.link().await;
    let owner = people.elsewhere().sign_in(&google()).await.expect("linked");
    assert_eq!(owner.user.id, trap.id);
    let refused = people.log_in().log_in(EMAIL, secret(PASSWORD), ip()).await;
    assert!(matches!(refused, Err(SignInError::WrongPair)));
    let stored = people.stage.postgres.find_by_email(EMAIL).await;
    let stored = stored.expect("read").expect("there");
    assert_eq!((stored.password_hash, stored.phone.as_str()), (None, ""));
    assert_eq!(stored.email_verified_at, Some(NOW));
    let state = people.verify().check(&link).await.expect("checked");
    assert_eq!(state.as_str(), "already_verified");
    assert_eq!(people.clock.now(), NOW);
}
