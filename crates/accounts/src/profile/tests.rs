//! What may be changed, and to what.

use msgflash_kernel::{Fault as _, FixedClock};

use super::*;
use crate::fake::FakeUnits;
use crate::sample::{id, knowing, lea, locking};
use crate::session::fixture::NOW;

fn profiles(user: Option<User>, units: &FakeUnits) -> Profiles {
    let clock = Arc::new(FixedClock::at(NOW));
    Profiles::new(knowing(user), Arc::new(units.clone()), clock)
}

fn full() -> ProfileChange {
    ProfileChange {
        full_name: Some(" Lea Martin ".to_owned()),
        phone: Some("+33 6 00 00 00 02".to_owned()),
        display_name: Some(Some("Lea M".to_owned())),
    }
}

#[tokio::test]
async fn what_is_given_changes_and_the_rest_stays() {
    let named = User {
        display_name: Some("Lea".to_owned()),
        ..lea()
    };
    let only_name = ProfileChange {
        display_name: Some(None),
        ..ProfileChange::default()
    };
    for (change, expected) in [
        (full(), ("Lea Martin", "+33600000002", Some("Lea M"))),
        (only_name, ("Lea Roy", "+33600000001", None)),
    ] {
        let units = locking(Some(named.clone()));
        units.with(|unit| {
            unit.users.expect_update().times(1).returning(|_| Ok(()));
        });
        let changed = profiles(None, &units).change(id(), change).await;
        let it = changed.expect("changed");
        let told = (
            it.full_name.as_str(),
            it.phone.as_str(),
            it.display_name.as_deref(),
        );
        assert_eq!(told, expected);
        assert!(units.committed());
    }
}

#[tokio::test]
async fn a_change_of_nothing_writes_nothing() {
    let units = locking(Some(lea()));
    let profiles = profiles(None, &units);
    let same = profiles.change(id(), ProfileChange::default()).await;
    assert_eq!(same.expect("fine"), lea());
    assert!(!units.committed());
}

#[tokio::test]
async fn everything_wrong_is_told_at_once() {
    let bad = ProfileChange {
        full_name: Some("L".to_owned()),
        phone: Some(String::new()),
        display_name: Some(Some("x".repeat(61))),
    };
    let refused = profiles(None, &FakeUnits::default())
        .change(id(), bad)
        .await;
    let Err(SignInError::Invalid(problems)) = refused else {
        panic!("{refused:?}")
    };
    let fields: Vec<_> = problems.0.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(fields, ["fullName", "phone", "displayName"]);
}

#[tokio::test]
async fn who_is_gone_or_shut_out_has_no_profile() {
    let suspended = User {
        suspended_at: Some(NOW),
        ..lea()
    };
    for user in [None, Some(suspended)] {
        let units = locking(user.clone());
        let it = profiles(user, &units);
        assert_eq!(
            it.read(id()).await.expect_err("none").code(),
            "UNAUTHORIZED"
        );
        let refused = it.change(id(), full()).await;
        assert_eq!(refused.expect_err("none").code(), "UNAUTHORIZED");
    }
    let it = profiles(Some(lea()), &FakeUnits::default());
    assert_eq!(it.read(id()).await.expect("there"), lea());
}
