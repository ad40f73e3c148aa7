//! What counts together.

use msgflash_kernel::{Fault as _, FixedClock, Kind, SequentialIds};
use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-05-01 10:00 UTC);

/// A guard that lets everybody in.
pub(crate) fn open() -> Guard {
    let mut throttle = MockSignInThrottle::new();
    throttle.expect_count().returning(|_| Ok(None));
    throttle.expect_forget().returning(|_| Ok(()));
    guard(throttle)
}

/// A guard that lets nobody in for a minute.
pub(crate) fn shut() -> Guard {
    let mut throttle = MockSignInThrottle::new();
    throttle
        .expect_count()
        .returning(|it| Ok(Some(it.at + Duration::MINUTE)));
    guard(throttle)
}

pub(crate) fn guard(throttle: MockSignInThrottle) -> Guard {
    Guard::new(
        Arc::new(throttle),
        Arc::new(FixedClock::at(NOW)),
        Arc::new(SequentialIds::default()),
    )
}

pub(crate) fn ip() -> IpAddr {
    IpAddr::from([203, 0, 113, 7])
}

#[tokio::test]
async fn who_tries_too_often_is_told_when_to_come_back() {
    let refused = shut().pass(Door::LogIn, "lea@shop.test", ip()).await;
    let refused = refused.expect_err("too often");
    assert_eq!(refused.code(), "RATE_LIMIT_EXCEEDED");
    assert_eq!(
        refused.kind(),
        Kind::Limited(std::time::Duration::from_mins(1))
    );
}

#[test]
fn an_address_is_one_whatever_its_capitals_and_each_door_counts_alone() {
    let key = |door, email: &str| key(door, "address", &email.to_lowercase());
    let lea = key(Door::LogIn, "Lea@Shop.test");
    assert_eq!(lea, key(Door::LogIn, "lea@shop.test"));
    assert_ne!(lea, key(Door::SignUp, "lea@shop.test"));
    assert_ne!(lea, super::key(Door::LogIn, "network", "lea@shop.test"));
}

#[test]
fn a_network_is_one_address_or_the_first_half_of_a_long_one() {
    let same = |one: &str, other: &str| {
        network(one.parse().expect("an IP")) == network(other.parse().expect("an IP"))
    };
    assert!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
    assert!(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
    assert!(!same("203.0.113.7", "203.0.113.8"));
    assert!(same("::ffff:203.0.113.7", "203.0.113.7"));
    assert!(!same("::ffff:203.0.113.7", "::ffff:203.0.113.8"));
}
