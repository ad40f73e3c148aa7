//! What a change of password does to sessions, and who may.

use msgflash_kernel::{Fault as _, FixedClock, Kind};

use super::*;
use crate::fake::FakeUnits;
use crate::sample::{PASSWORD, hasher, knowing, lea, locking, mails, secret, session};
use crate::session::fixture::NOW;
use crate::throttle::tests::{ip, open, shut};
use crate::user::User;

fn changing(user: &User, units: &FakeUnits, guard: Guard) -> ChangePassword {
    let clock = Arc::new(FixedClock::at(NOW));
    let (users, units) = (knowing(Some(user.clone())), Arc::new(units.clone()));
    ChangePassword::new(users, units, hasher(), guard, mails(), clock)
}

async fn change(it: &ChangePassword, current: &str, new: &str) -> Result<(), SignInError> {
    it.change(&session(), secret(current), secret(new), ip())
        .await
}

#[tokio::test]
async fn the_caller_stays_signed_in_and_nobody_else() {
    let units = locking(Some(lea()));
    units.with(|unit| {
        unit.users
            .expect_update()
            .times(1)
            .withf(|user| user.password_hash == Some(secret("hash of N3w-password")))
            .returning(|_| Ok(()));
        unit.sessions
            .expect_end_all()
            .times(1)
            .withf(|user, except, why, _| {
                *user == lea().id && *except == Some(session().id) && *why == SessionEnd::Password
            })
            .returning(|_, _, _, _| Ok(1));
        unit.tokens
            .expect_end_all()
            .times(1)
            .returning(|_, _| Ok(()));
        unit.mails.expect_queue().times(1).returning(|_| Ok(()));
    });
    let done = change(&changing(&lea(), &units, open()), PASSWORD, "N3w-password").await;
    done.expect("changed");
    assert!(units.committed());
}

#[tokio::test]
async fn without_the_current_password_nothing_changes() {
    let from_elsewhere = User {
        password_hash: None,
        ..lea()
    };
    for (user, current) in [(lea(), "Wr0ng-horse"), (from_elsewhere, PASSWORD)] {
        let units = FakeUnits::default();
        let refused = change(&changing(&user, &units, open()), current, "N3w-password").await;
        let refused = refused.expect_err("wrong");
        assert_eq!(
            (refused.kind(), refused.code()),
            (Kind::Invalid, "BAD_REQUEST")
        );
    }
}

#[tokio::test]
async fn a_password_changed_meanwhile_is_not_changed_back() {
    let other = User {
        password_hash: Some(secret("another")),
        ..lea()
    };
    let units = locking(Some(other));
    let refused = change(&changing(&lea(), &units, open()), PASSWORD, "N3w-password").await;
    assert!(matches!(refused, Err(SignInError::WrongPassword)));
    assert!(!units.committed());
}

#[tokio::test]
async fn guesses_are_counted_and_everything_wrong_is_told_at_once() {
    let units = FakeUnits::default();
    let refused = change(
        &changing(&lea(), &units, shut()),
        "Wr0ng-horse",
        "N3w-password",
    )
    .await;
    assert_eq!(refused.expect_err("often").code(), "RATE_LIMIT_EXCEEDED");
    let refused = change(&changing(&lea(), &units, open()), "", "short").await;
    let Err(SignInError::Invalid(problems)) = refused else {
        panic!("{refused:?}")
    };
    let fields: Vec<_> = problems.0.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(fields, ["currentPassword", "newPassword"]);
}
