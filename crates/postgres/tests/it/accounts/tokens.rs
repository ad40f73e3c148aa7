//! Links of mails: used once, replaced by newer ones.

use msgflash_accounts::{SignInError, Verified};
use time::Duration;
use tokio::task::JoinSet;

use super::people::{EMAIL, PASSWORD, People, ip, order, secret};

async fn signed_up() -> People {
    let people = People::new().await;
    let user = people.sign_up().sign_up(order(), ip()).await;
    user.expect("signed up");
    people
}

async fn asks_for_a_reset(people: &People, email: &str) -> String {
    let asked = people.request().forgot_password(email, ip()).await;
    asked.expect("taken");
    people.answer().tick().await.expect("answered");
    people.link().await
}

#[tokio::test]
async fn who_signed_up_gets_in_by_the_link_and_not_before() {
    let people = signed_up().await;
    let refused = people.log_in().log_in(EMAIL, secret(PASSWORD), ip()).await;
    assert!(matches!(refused, Err(SignInError::EmailNotVerified)));
    let link = people.link().await;
    let state = people.verify().check(&link).await.expect("checked");
    assert_eq!(state.as_str(), "valid");
    let verified = people.verify().verify(&link).await.expect("verified");
    assert_eq!(verified, Verified::Now);
    let state = people.verify().check(&link).await.expect("checked");
    assert_eq!(state.as_str(), "used");
    let signed_in = people.signed_in().await;
    assert!(people.counts(&signed_in).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_used_once_whoever_comes_at_once() {
    let people = signed_up().await;
    let link = people.link().await;
    let mut tries = JoinSet::new();
    for _ in 0..8 {
        let (verify, link) = (people.verify(), link.clone());
        tries.spawn(async move { verify.verify(&link).await });
    }
    let outcomes = tries.join_all().await;
    let now = outcomes.iter().filter(|it| matches!(it, Ok(Verified::Now)));
    assert_eq!(now.count(), 1);

    let link = asks_for_a_reset(&people, EMAIL).await;
    let mut tries = JoinSet::new();
    for n in 0..8 {
        let (reset, link) = (people.reset(), link.clone());
        let password = secret(&format!("N3w-password-{n}"));
        tries.spawn(async move { reset.reset(&link, password, ip()).await });
    }
    let outcomes = tries.join_all().await;
    assert_eq!(outcomes.iter().filter(|it| it.is_ok()).count(), 1);
    // Five tries are let in: for the others the link is used up. So it is for whoever comes when that
    // is known already, and they are not counted.
    let bad = |it: &&Result<_, _>| matches!(it, Err(SignInError::BadLink));
    let late = |it: &&Result<_, _>| matches!(it, Err(SignInError::TooManyTries(_)));
    let (bad, late) = (
        outcomes.iter().filter(bad).count(),
        outcomes.iter().filter(late).count(),
    );
    assert_eq!(bad + late, 7);
    assert!(late <= 3, "{late} of eight were too many");
}

#[tokio::test]
async fn a_newer_link_takes_the_place_of_the_older_one_for_the_same_purpose() {
    let people = signed_up().await;
    let first = people.link().await;
    let asked = people
        .request()
        .resend_verification("LEA@shop.test", ip())
        .await;
    asked.expect("taken");
    people.answer().tick().await.expect("answered");
    let second = people.link().await;
    assert_ne!(first, second);
    let reset = asks_for_a_reset(&people, EMAIL).await;
    let state = people.verify().check(&first).await.expect("checked");
    assert_eq!(state.as_str(), "expired");
    assert!(people.verify().verify(&first).await.is_err());
    assert!(
        people
            .reset()
            .check(&reset)
            .await
            .expect("checked")
            .is_some()
    );
    let crossed = people.verify().check(&reset).await.expect("checked");
    assert_eq!(crossed.as_str(), "invalid", "for another purpose");
    assert!(people.verify().verify(&second).await.is_ok());
}

#[tokio::test]
async fn links_end_with_their_time() {
    let people = signed_up().await;
    let verify = people.link().await;
    let reset = asks_for_a_reset(&people, EMAIL).await;
    people.clock.advance(Duration::minutes(60));
    assert_eq!(people.reset().check(&reset).await.expect("checked"), None);
    let refused = people
        .reset()
        .reset(&reset, secret("N3w-password"), ip())
        .await;
    assert!(matches!(refused, Err(SignInError::BadLink)));
    people.clock.advance(Duration::hours(23));
    let state = people.verify().check(&verify).await.expect("checked");
    assert_eq!(state.as_str(), "expired");
}

#[tokio::test]
async fn a_reset_ends_every_session_and_opens_what_tries_had_shut() {
    let people = People::new().await;
    let lea = people.lea().await;
    for _ in 0..5 {
        let wrong = people
            .log_in()
            .log_in(EMAIL, secret("Wr0ng-horse"), ip())
            .await;
        assert!(matches!(wrong, Err(SignInError::WrongPair)));
    }
    let shut = people.log_in().log_in(EMAIL, secret(PASSWORD), ip()).await;
    assert!(matches!(shut, Err(SignInError::TooManyTries(_))));

    let link = asks_for_a_reset(&people, EMAIL).await;
    let done = people
        .reset()
        .reset(&link, secret("N3w-password"), ip())
        .await;
    done.expect("reset");
    assert!(!people.counts(&lea).await);
    let new = people
        .log_in()
        .log_in(EMAIL, secret("N3w-password"), ip())
        .await;
    assert!(people.counts(&new.expect("signed in")).await);
}

#[tokio::test]
async fn asking_for_nobody_leads_to_nothing_and_for_somebody_to_one_row_as_well() {
    let people = People::new().await;
    people.lea().await;
    let session = people.stage.session().await;
    let rows = "SELECT count(*) FROM mail_requests";
    for (n, email) in [EMAIL, "nobody@shop.test"].into_iter().enumerate() {
        people
            .request()
            .forgot_password(email, ip())
            .await
            .expect("taken");
        let count: i64 = session.query_one(rows, &[]).await.expect("read").get(0);
        assert_eq!(usize::try_from(count), Ok(n + 1));
    }
    people.answer().tick().await.expect("answered");
    let count: i64 = session.query_one(rows, &[]).await.expect("read").get(0);
    assert_eq!((count, people.mailbox().await.len()), (0, 1));
}

#[tokio::test]
async fn no_table_knows_a_token() {
    let people = signed_up().await;
    let link = people.link().await;
    let session = people.stage.session().await;
    let rows = "SELECT string_agg(t::text, ' ') FROM one_time_tokens t";
    let rows: String = session.query_one(rows, &[]).await.expect("read").get(0);
    assert!(!rows.contains(&link), "{rows}");
}
