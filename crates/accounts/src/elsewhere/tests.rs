//! Whose account an account elsewhere opens.

use msgflash_kernel::{Fault as _, Kind, MockAnnounce};
use uuid::Uuid;

use super::*;
use crate::fake::FakeUnits;
use crate::sample::{id, identity, lea, sessions};
use crate::session::fixture::NOW;

/// A unit in which this identity opens `linked`, and `by_email` has the address.
fn stage(linked: Option<User>, by_email: Option<User>) -> FakeUnits {
    let units = FakeUnits::default();
    units.with(|unit| {
        let known = linked.as_ref().map(|it| it.id);
        unit.identities
            .expect_find()
            .returning(move |_, _| Ok(known));
        unit.identities
            .expect_link()
            .returning(|_, user, _| Ok(user));
        unit.users
            .expect_lock()
            .returning(move |_| Ok(linked.clone()));
        unit.users
            .expect_lock_by_email()
            .returning(move |_| Ok(by_email.clone()));
        unit.sessions.expect_insert().returning(|_| Ok(()));
    });
    units
}

async fn sign_in(units: &FakeUnits, identity: &ExternalIdentity) -> Result<User, SignInError> {
    let sign_in = SignInElsewhere::new(Arc::new(units.clone()), sessions());
    sign_in.sign_in(identity).await.map(|it| it.user)
}

#[tokio::test]
async fn whom_it_opened_before_it_opens_again_whatever_the_address_is_now() {
    let units = stage(Some(lea()), None);
    let other = ExternalIdentity {
        email: "lea.roy@home.test".to_owned(),
        ..identity()
    };
    assert_eq!(sign_in(&units, &other).await.expect("known"), lea());
    assert!(units.committed());
}

#[tokio::test]
async fn a_verified_account_with_the_address_is_linked_and_keeps_its_password() {
    let units = stage(None, Some(lea()));
    units.with(|unit| {
        unit.users.expect_update().returning(|_| Ok(()));
    });
    let user = sign_in(&units, &identity()).await.expect("linked");
    assert_eq!(user.password_hash, lea().password_hash);
    assert_eq!(user.full_name, "Lea Roy");
    assert_eq!(
        user.avatar_url.as_deref(),
        Some("https://pictures.test/lea")
    );
}

#[tokio::test]
async fn whoever_took_the_address_before_its_owner_came_leaves_nothing_behind() {
    let trap = User {
        email_verified_at: None,
        full_name: "Mallory".to_owned(),
        display_name: Some("M".to_owned()),
        avatar_url: Some("https://evil.test/".to_owned()),
        ..lea()
    };
    let units = stage(None, Some(trap));
    units.with(|unit| {
        unit.users
            .expect_update()
            .times(1)
            .withf(|user| user.password_hash.is_none() && user.email_verified_at == Some(NOW))
            .returning(|_| Ok(()));
        unit.sessions
            .expect_end_all()
            .times(1)
            .withf(|user, except, _, _| *user == id() && except.is_none())
            .returning(|_, _, _, _| Ok(1));
        unit.tokens
            .expect_end_all()
            .times(1)
            .returning(|_, _| Ok(()));
    });
    let mut announce = MockAnnounce::new();
    announce.expect_changed().times(1).returning(|_| ());
    let sign_in = SignInElsewhere::new(Arc::new(units.clone()), sessions());
    let sign_in = sign_in.announcing(Arc::new(announce));
    let user = sign_in.sign_in(&identity()).await.expect("linked").user;
    let told = (
        user.full_name.as_str(),
        user.display_name,
        user.phone.as_str(),
    );
    assert_eq!(told, ("Lea From Elsewhere", None, ""));
    assert_eq!(
        user.avatar_url.as_deref(),
        Some("https://pictures.test/lea")
    );
}

#[tokio::test]
async fn whoever_is_new_gets_a_verified_account_without_a_password() {
    let units = stage(None, None);
    units.with(|unit| {
        unit.users
            .expect_insert()
            .returning(|_, _| Ok(Registration::Done));
    });
    let user = sign_in(&units, &identity()).await.expect("new");
    assert_eq!(
        (user.password_hash, user.email_verified_at),
        (None, Some(NOW))
    );
    assert_eq!(
        (user.phone.as_str(), user.email.as_str()),
        ("", "lea@shop.test")
    );
}

#[tokio::test]
async fn what_proves_nothing_and_who_is_shut_out_are_refused() {
    let suspended = || {
        Some(User {
            suspended_at: Some(NOW),
            ..lea()
        })
    };
    let unverified = ExternalIdentity {
        email_verified: false,
        ..identity()
    };
    let nobody = ExternalIdentity {
        subject: String::new(),
        ..identity()
    };
    for (units, identity) in [
        (stage(Some(lea()), None), unverified),
        (stage(Some(lea()), None), nobody),
        (stage(suspended(), None), identity()),
        (stage(None, suspended()), identity()),
    ] {
        let refused = sign_in(&units, &identity).await.expect_err("refused");
        assert_eq!(
            (refused.kind(), refused.code()),
            (Kind::Unauthenticated, "UNAUTHORIZED")
        );
        assert!(!units.committed());
    }
}

#[tokio::test]
async fn an_identity_that_opens_another_account_meanwhile_is_not_signed_in_here() {
    let units = FakeUnits::default();
    units.with(|unit| {
        unit.identities.expect_find().returning(|_, _| Ok(None));
        unit.users.expect_lock_by_email().returning(|_| {
            Ok(Some(User {
                avatar_url: Some("x".to_owned()),
                ..lea()
            }))
        });
        let other = Id::new(Uuid::from_u128(99));
        unit.identities
            .expect_link()
            .returning(move |_, _, _| Ok(other));
    });
    let sign_in = SignInElsewhere::new(Arc::new(units.clone()), sessions());
    let outcome = sign_in.once(&identity()).await.expect("no fault");
    assert!(outcome.is_none() && !units.committed());
}

#[test]
fn names_and_pictures_are_taken_where_they_can_be_kept() {
    for (told, kept) in [
        (Some(" Lea\nRoy "), "LeaRoy"),
        (Some("L"), "lea"),
        (Some(""), "lea"),
        (None, "lea"),
    ] {
        let name_told = told.map(str::to_owned);
        let it = ExternalIdentity {
            name: name_told,
            ..identity()
        };
        assert_eq!(name(&it), kept, "{told:?}");
    }
    for (told, fits) in [
        ("https://a.test/b", true),
        ("http://a.test/b", false),
        ("javascript:", false),
    ] {
        let it = ExternalIdentity {
            picture: Some(told.to_owned()),
            ..identity()
        };
        assert_eq!(picture(&it).is_some(), fits, "{told}");
    }
}
