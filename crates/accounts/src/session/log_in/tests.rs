//! Who gets in, and what others are told.

use std::sync::Mutex;

use msgflash_kernel::{Fault as _, Kind};

use super::*;
use crate::password::MockPasswordHasher;
use crate::sample::{PASSWORD, hasher, knowing, lea, locking, secret, sessions};
use crate::session::fixture::NOW;
use crate::throttle::MockSignInThrottle;
use crate::throttle::tests::{guard, ip, open, shut};

/// What becomes of a try with `password`, when `found` is there before and `still` after hashing.
async fn tried(
    found: Option<User>,
    still: Option<User>,
    password: &str,
) -> (Result<SignedIn, SignInError>, bool) {
    let units = locking(still);
    units.with(|unit| {
        unit.sessions.expect_insert().returning(|_| Ok(()));
    });
    let log_in = LogIn::new(
        knowing(found),
        Arc::new(units.clone()),
        hasher(),
        open(),
        sessions(),
    );
    let outcome = log_in.log_in("lea@shop.test", secret(password), ip()).await;
    (outcome, units.committed())
}

#[tokio::test]
async fn the_right_pair_begins_a_session() {
    let (outcome, committed) = tried(Some(lea()), Some(lea()), PASSWORD).await;
    let signed_in = outcome.expect("signed in");
    assert_eq!((signed_in.user, signed_in.session.user), (lea(), lea().id));
    assert_eq!(signed_in.session.created_at, NOW);
    assert!(committed);
    assert!(!format!("{:?}", signed_in.token).contains("ey"));
}

#[tokio::test]
async fn every_wrong_try_gets_the_same_answer() {
    let from_elsewhere = || User {
        password_hash: None,
        ..lea()
    };
    let suspended = || User {
        suspended_at: Some(NOW),
        ..lea()
    };
    let changed = User {
        password_hash: Some(secret("another")),
        ..lea()
    };
    for (why, found, still, password) in [
        ("unknown", None, None, PASSWORD),
        ("wrong", Some(lea()), Some(lea()), "Wr0ng-horse"),
        (
            "no password",
            Some(from_elsewhere()),
            Some(from_elsewhere()),
            PASSWORD,
        ),
        ("suspended", Some(suspended()), Some(suspended()), PASSWORD),
        (
            "suspended meanwhile",
            Some(lea()),
            Some(suspended()),
            PASSWORD,
        ),
        ("changed meanwhile", Some(lea()), Some(changed), PASSWORD),
    ] {
        let (outcome, committed) = tried(found, still, password).await;
        let refused = outcome.expect_err(why);
        assert_eq!(refused.kind(), Kind::Unauthenticated, "{why}");
        assert_eq!(
            refused.to_string(),
            SignInError::WrongPair.to_string(),
            "{why}"
        );
        assert!(!committed, "{why}");
    }
}

#[tokio::test]
async fn only_who_knows_the_password_learns_that_the_address_is_not_verified() {
    let unverified = User {
        email_verified_at: None,
        ..lea()
    };
    let (outcome, _) = tried(Some(unverified.clone()), None, PASSWORD).await;
    let refused = outcome.expect_err("not verified");
    assert_eq!(refused.code(), "EMAIL_NOT_VERIFIED");
    assert_eq!(refused.kind(), Kind::Forbidden);
    let (outcome, _) = tried(Some(unverified), None, "Wr0ng-horse").await;
    assert!(matches!(outcome, Err(SignInError::WrongPair)));
}

#[tokio::test]
async fn a_password_is_compared_whoever_is_asked_for() {
    let from_elsewhere = User {
        password_hash: None,
        ..lea()
    };
    for (found, expected) in [
        (None, NOBODYS),
        (Some(from_elsewhere), NOBODYS),
        (Some(lea()), "hash of Corr3ct-horse"),
    ] {
        let mut hasher = MockPasswordHasher::new();
        hasher
            .expect_verify()
            .times(1)
            .withf(move |_, stored| stored.reveal() == expected)
            .returning(|_, _| Ok(false));
        let units = Arc::new(locking(None));
        let log_in = LogIn::new(knowing(found), units, Arc::new(hasher), open(), sessions());
        let refused = log_in.log_in("lea@shop.test", secret(PASSWORD), ip()).await;
        assert!(matches!(refused, Err(SignInError::WrongPair)));
    }
}

#[tokio::test]
async fn nothing_is_compared_for_who_tries_too_often_or_asks_nonsense() {
    let nobody = || Arc::new(crate::ports::MockAccountReader::new());
    let hasher = || Arc::new(MockPasswordHasher::new());
    let log_in = LogIn::new(
        nobody(),
        Arc::new(locking(None)),
        hasher(),
        shut(),
        sessions(),
    );
    let refused = log_in.log_in("lea@shop.test", secret(PASSWORD), ip()).await;
    assert_eq!(refused.expect_err("often").code(), "RATE_LIMIT_EXCEEDED");
    let log_in = LogIn::new(
        nobody(),
        Arc::new(locking(None)),
        hasher(),
        open(),
        sessions(),
    );
    let refused = log_in
        .log_in("lea", secret(""), ip())
        .await
        .expect_err("both");
    let SignInError::Invalid(problems) = refused else {
        panic!("{refused:?}")
    };
    let fields: Vec<_> = problems.0.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(fields, ["email", "password"]);
}

#[tokio::test]
async fn signing_in_forgets_the_tries_of_the_address_and_failing_does_not() {
    for (password, forgets) in [(PASSWORD, 1), ("Wr0ng-horse", 0)] {
        let counted = Arc::new(Mutex::new(None));
        let key = Arc::clone(&counted);
        let mut throttle = MockSignInThrottle::new();
        throttle.expect_count().returning(move |it| {
            *key.lock().expect("one test") = Some(it.address);
            Ok(None)
        });
        throttle
            .expect_forget()
            .times(forgets)
            .withf(move |address| *counted.lock().expect("one test") == Some(Some(*address)))
            .returning(|_| Ok(()));
        let units = locking(Some(lea()));
        units.with(|unit| {
            unit.sessions.expect_insert().returning(|_| Ok(()));
        });
        let log_in = LogIn::new(
            knowing(Some(lea())),
            Arc::new(units),
            hasher(),
            guard(throttle),
            sessions(),
        );
        let outcome = log_in.log_in("LEA@shop.test", secret(password), ip()).await;
        assert_eq!(outcome.is_ok(), forgets == 1);
    }
}
