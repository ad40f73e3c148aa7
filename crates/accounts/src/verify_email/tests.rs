//! What a link is good for, and that it is used once.

use msgflash_kernel::{Fault as _, FixedClock, Kind};
use time::Duration;

use super::*;
use crate::fake::FakeUnits;
use crate::sample::{knowing, lea, locking, token};
use crate::session::fixture::NOW;
use crate::user::User;

const PURPOSE: Purpose = Purpose::VerifyEmail;

fn unverified() -> User {
    User {
        email_verified_at: None,
        ..lea()
    }
}

fn verifying(
    change: impl FnOnce(&mut OneTimeToken),
    user: User,
    units: &FakeUnits,
) -> (VerifyEmail, OneTimeSecret) {
    let (secret, tokens) = token(PURPOSE, change);
    let clock = Arc::new(FixedClock::at(NOW));
    let verify = VerifyEmail::new(tokens, knowing(Some(user)), Arc::new(units.clone()), clock);
    (verify, secret)
}

#[tokio::test]
async fn a_link_is_called_what_it_is_good_for() {
    type Change = fn(&mut OneTimeToken);
    let nothing: Change = |_| {};
    let used: Change = |it| it.used_at = Some(NOW);
    let late: Change = |it| it.expires_at = NOW - Duration::SECOND;
    let replaced: Change = |it| it.replaced_at = Some(NOW);
    for (change, user, expected) in [
        (nothing, unverified(), "valid"),
        (nothing, lea(), "already_verified"),
        (late, unverified(), "expired"),
        (replaced, unverified(), "expired"),
        (late, lea(), "already_verified"),
        (used, lea(), "used"),
    ] {
        let (verify, secret) = verifying(change, user, &FakeUnits::default());
        let state = verify.check(secret.reveal()).await.expect("checked");
        assert_eq!(state.as_str(), expected);
    }
    let (verify, _) = verifying(nothing, unverified(), &FakeUnits::default());
    for unknown in ["", "nonsense", &"A".repeat(43)] {
        let state = verify.check(unknown).await.expect("checked");
        assert_eq!(state.as_str(), "invalid", "{unknown}");
    }
}

#[tokio::test]
async fn a_good_link_verifies_the_address() {
    let units = locking(Some(unverified()));
    units.with(|unit| {
        unit.tokens
            .expect_take()
            .times(1)
            .returning(|_, _, _| Ok(true));
        unit.users
            .expect_update()
            .times(1)
            .withf(|user| user.email_verified_at == Some(NOW))
            .returning(|_| Ok(()));
    });
    let (verify, secret) = verifying(|_| {}, unverified(), &units);
    let verified = verify.verify(secret.reveal()).await.expect("verified");
    assert_eq!(verified, Verified::Now);
    assert!(units.committed());
}

#[tokio::test]
async fn whoever_comes_second_is_refused() {
    let units = locking(Some(unverified()));
    units.with(|unit| {
        unit.tokens.expect_take().returning(|_, _, _| Ok(false));
    });
    let (verify, secret) = verifying(|_| {}, unverified(), &units);
    let refused = verify.verify(secret.reveal()).await.expect_err("used");
    assert_eq!(
        (refused.kind(), refused.code()),
        (Kind::Invalid, "BAD_REQUEST")
    );
    assert!(!units.committed());
}

#[tokio::test]
async fn an_address_that_is_verified_stays_so_and_the_link_stays_unused() {
    let (verify, secret) = verifying(|_| {}, lea(), &FakeUnits::default());
    let verified = verify.verify(secret.reveal()).await.expect("fine");
    assert_eq!(verified, Verified::Already);
}

#[tokio::test]
async fn a_bad_link_is_refused() {
    let (verify, secret) = verifying(|it| it.used_at = Some(NOW), lea(), &FakeUnits::default());
    for bad in [secret.reveal(), "nonsense"] {
        let refused = verify.verify(bad).await.expect_err("bad");
        assert_eq!(refused.code(), "BAD_REQUEST");
    }
}
