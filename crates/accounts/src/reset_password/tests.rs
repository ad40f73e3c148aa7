//! What a reset changes, and who may.

use std::net::Ipv4Addr;

use msgflash_kernel::{Fault as _, FixedClock, Kind, MockAnnounce};
use time::Duration;

use super::*;
use crate::fake::FakeUnits;
use crate::password::MockPasswordHasher;
use crate::sample::{hasher, knowing, lea, locking, mails, secret, token};
use crate::session::fixture::NOW;
use crate::throttle::tests::open;
use crate::user::User;

const PURPOSE: Purpose = Purpose::ResetPassword;
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn resetting(
    change: impl FnOnce(&mut OneTimeToken),
    user: &User,
    units: &FakeUnits,
    hasher: Arc<dyn PasswordHasher>,
) -> (ResetPassword, OneTimeSecret) {
    let (secret, tokens) = token(PURPOSE, change);
    let clock = Arc::new(FixedClock::at(NOW));
    let reset = ResetPassword::new(
        (tokens, knowing(Some(user.clone()))),
        Arc::new(units.clone()),
        hasher,
        open(),
        mails(),
        clock,
    );
    (reset, secret)
}

fn never() -> Arc<MockPasswordHasher> {
    Arc::new(MockPasswordHasher::new())
}

#[tokio::test]
async fn a_reset_sets_the_password_verifies_the_address_and_ends_every_session() {
    // Also for whoever came from elsewhere and never had a password.
    let user = User {
        password_hash: None,
        email_verified_at: None,
        ..lea()
    };
    let units = locking(Some(user.clone()));
    units.with(|unit| {
        unit.tokens
            .expect_take()
            .times(1)
            .returning(|_, _, _| Ok(true));
        unit.users
            .expect_update()
            .times(1)
            .withf(|user| {
                let hash = user.password_hash.as_ref().map(|it| it.reveal().as_str());
                hash == Some("hash of N3w-password") && user.email_verified_at == Some(NOW)
            })
            .returning(|_| Ok(()));
        unit.sessions
            .expect_end_all()
            .times(1)
            .withf(|_, except, why, _| except.is_none() && *why == SessionEnd::Reset)
            .returning(|_, _, _, _| Ok(2));
        unit.identities
            .expect_forget()
            .times(1)
            .withf(|user| *user == lea().id)
            .returning(|_| Ok(()));
        unit.mails
            .expect_queue()
            .times(1)
            .withf(|mail| mail.kind == "password_changed")
            .returning(|_| Ok(()));
    });
    let (reset, link) = resetting(|_| {}, &user, &units, hasher());
    let committed = units.clone();
    let mut announce = MockAnnounce::new();
    announce
        .expect_changed()
        .times(1)
        .withf(move |told| told.uuid() == lea().id.uuid() && committed.committed())
        .returning(|_| ());
    let reset = reset.announcing(Arc::new(announce));
    let done = reset
        .reset(link.reveal(), secret("N3w-password"), HOME)
        .await;
    done.expect("reset");
}

#[tokio::test]
async fn a_bad_link_is_refused_before_anything_is_hashed() {
    type Change = fn(&mut OneTimeToken);
    let bad: [Change; 3] = [
        |it| it.used_at = Some(NOW),
        |it| it.expires_at = NOW,
        |it| it.replaced_at = Some(NOW),
    ];
    for change in bad {
        let (reset, link) = resetting(change, &lea(), &FakeUnits::default(), never());
        assert_eq!(reset.check(link.reveal()).await.expect("checked"), None);
        let refused = reset
            .reset(link.reveal(), secret("N3w-password"), HOME)
            .await;
        let refused = refused.expect_err("bad");
        assert_eq!(
            (refused.kind(), refused.code()),
            (Kind::Invalid, "BAD_REQUEST")
        );
    }
}

#[tokio::test]
async fn a_good_link_tells_until_when() {
    let (reset, link) = resetting(|_| {}, &lea(), &FakeUnits::default(), never());
    let until = reset.check(link.reveal()).await.expect("checked");
    assert_eq!(until, Some(NOW + Duration::minutes(60)));
    assert_eq!(reset.check("nonsense").await.expect("checked"), None);
}

#[tokio::test]
async fn who_is_suspended_stays_out() {
    let suspended = User {
        suspended_at: Some(NOW),
        ..lea()
    };
    let (reset, link) = resetting(|_| {}, &suspended, &FakeUnits::default(), never());
    let refused = reset
        .reset(link.reveal(), secret("N3w-password"), HOME)
        .await;
    let refused = refused.expect_err("suspended");
    assert_eq!(
        (refused.kind(), refused.code()),
        (Kind::Unauthenticated, "UNAUTHORIZED")
    );
}

#[tokio::test]
async fn a_password_that_is_too_short_does_not_use_the_link_up() {
    let (reset, link) = resetting(|_| {}, &lea(), &FakeUnits::default(), never());
    let refused = reset.reset(link.reveal(), secret("short"), HOME).await;
    assert_eq!(refused.expect_err("short").code(), "VALIDATION_ERROR");
}

#[tokio::test]
async fn whoever_comes_second_changes_nothing() {
    let units = locking(Some(lea()));
    units.with(|unit| {
        unit.tokens.expect_take().returning(|_, _, _| Ok(false));
    });
    let (reset, link) = resetting(|_| {}, &lea(), &units, hasher());
    let refused = reset
        .reset(link.reveal(), secret("N3w-password"), HOME)
        .await;
    assert_eq!(refused.expect_err("used").code(), "BAD_REQUEST");
    assert!(!units.committed());
}

#[tokio::test]
async fn a_good_link_is_not_tried_without_end() {
    let user = lea();
    let (secret_link, tokens) = token(PURPOSE, |_| ());
    let reset = ResetPassword::new(
        (tokens, knowing(Some(user))),
        Arc::new(FakeUnits::default()),
        never(),
        crate::throttle::tests::shut(),
        mails(),
        Arc::new(FixedClock::at(NOW)),
    );
    let link = secret_link.reveal();
    let refused = reset.reset(link, secret("N3w-password"), HOME).await;
    assert_eq!(
        refused.expect_err("one too many").code(),
        "RATE_LIMIT_EXCEEDED"
    );
}
