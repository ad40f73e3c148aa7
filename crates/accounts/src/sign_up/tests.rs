//! What signing up leaves behind.

use msgflash_kernel::{Fault as _, FixedClock, Kind, SequentialIds};

use super::*;
use crate::fake::FakeUnits;
use crate::sample::{PASSWORD, hasher, mails, secret};
use crate::session::fixture::NOW;
use crate::throttle::tests::{ip, open, shut};

fn order() -> SignUpOrder {
    SignUpOrder {
        full_name: " Lea Roy ".to_owned(),
        email: " Lea@shop.test ".to_owned(),
        phone: "0033 6 00 00 00 01".to_owned(),
        password: secret(PASSWORD),
    }
}

fn signing_up(units: &FakeUnits, guard: Guard) -> SignUp {
    let clock = Arc::new(FixedClock::at(NOW));
    let ids = Arc::new(SequentialIds::default());
    SignUp::new(
        Arc::new(units.clone()),
        hasher(),
        guard,
        mails(),
        clock,
        ids,
    )
}

fn registering(outcome: Registration, mailed: usize) -> FakeUnits {
    let units = FakeUnits::default();
    units.with(|unit| {
        unit.users
            .expect_insert()
            .returning(move |_, _| Ok(outcome));
        unit.tokens
            .expect_issue()
            .times(mailed)
            .returning(|_| Ok(()));
        unit.mails
            .expect_queue()
            .times(mailed)
            .withf(|mail| mail.kind == "verify_email" && mail.recipient == "Lea@shop.test")
            .returning(|_| Ok(()));
    });
    units
}

#[tokio::test]
async fn an_account_begins_unverified_with_a_mail_on_its_way() {
    let units = registering(Registration::Done, 1);
    let user = signing_up(&units, open()).sign_up(order(), ip()).await;
    let user = user.expect("signed up");
    assert_eq!(user.email_verified_at, None);
    assert_eq!(
        (user.full_name.as_str(), user.phone.as_str()),
        ("Lea Roy", "+33600000001")
    );
    assert!(units.committed());
}

#[tokio::test]
async fn a_taken_address_is_a_conflict_without_mail() {
    let units = registering(Registration::EmailTaken, 0);
    let refused = signing_up(&units, open()).sign_up(order(), ip()).await;
    let refused = refused.expect_err("taken");
    assert_eq!(
        (refused.kind(), refused.code()),
        (Kind::Conflict, "CONFLICT")
    );
    assert!(!units.committed());
}

#[tokio::test]
async fn whether_an_address_is_taken_cannot_be_asked_often() {
    let units = FakeUnits::default();
    let refused = signing_up(&units, shut()).sign_up(order(), ip()).await;
    assert_eq!(refused.expect_err("often").code(), "RATE_LIMIT_EXCEEDED");
}

#[tokio::test]
async fn everything_wrong_is_told_at_once() {
    let bad = SignUpOrder {
        full_name: "L".to_owned(),
        email: "lea@shop".to_owned(),
        phone: "0600000001".to_owned(),
        password: secret("short"),
    };
    let units = FakeUnits::default();
    let refused = signing_up(&units, open()).sign_up(bad, ip()).await;
    let Err(SignInError::Invalid(problems)) = refused else {
        panic!("{refused:?}")
    };
    let fields: Vec<_> = problems.0.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(fields, ["fullName", "email", "phone", "password"]);
}
