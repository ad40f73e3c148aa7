//! That nobody learns who has an account, and that who has one gets the mail.

use msgflash_kernel::{Fault as _, FixedClock, SequentialIds};

use super::*;
use crate::fake::FakeUnits;
use crate::sample::{lea, mails};
use crate::session::fixture::NOW;
use crate::throttle::tests::{ip, open, shut};

fn asking(requests: MockMailRequests, guard: Guard) -> RequestMail {
    let clock = Arc::new(FixedClock::at(NOW));
    let ids = Arc::new(SequentialIds::default());
    RequestMail::new(Arc::new(requests), guard, clock, ids)
}

#[tokio::test]
async fn whoever_asks_one_row_is_written_and_nobody_is_looked_up() {
    for purpose in [Purpose::ResetPassword, Purpose::VerifyEmail] {
        let mut requests = MockMailRequests::new();
        requests
            .expect_put()
            .times(1)
            .withf(move |it| it.email == "Lea@shop.test" && it.purpose == purpose)
            .returning(|_| Ok(()));
        let ask = asking(requests, open());
        let answer = match purpose {
            Purpose::ResetPassword => ask.forgot_password(" Lea@shop.test ", ip()).await,
            Purpose::VerifyEmail => ask.resend_verification(" Lea@shop.test ", ip()).await,
        };
        assert!(answer.is_ok());
    }
}

#[tokio::test]
async fn what_is_no_address_and_who_asks_too_often_leave_nothing() {
    let ask = asking(MockMailRequests::new(), open());
    let refused = ask.forgot_password("lea", ip()).await.expect_err("bad");
    assert_eq!(refused.code(), "VALIDATION_ERROR");
    let ask = asking(MockMailRequests::new(), shut());
    let refused = ask.forgot_password("lea@shop.test", ip()).await;
    let refused = refused.expect_err("too often");
    assert_eq!(refused.code(), "RATE_LIMIT_EXCEEDED");
}

fn request(purpose: Purpose, created_at: OffsetDateTime) -> MailRequest {
    MailRequest {
        id: Uuid::nil(),
        purpose,
        email: "lea@shop.test".to_owned(),
        created_at,
    }
}

/// The kind of the mail that a request leads to, if any.
async fn answered(request: MailRequest, found: Option<User>) -> Option<String> {
    let units = FakeUnits::default();
    let sent = Arc::new(std::sync::Mutex::new(None));
    let queued = Arc::clone(&sent);
    units.with(move |unit| {
        let mut request = Some(request);
        unit.requests
            .expect_take()
            .returning(move || Ok(request.take()));
        unit.users
            .expect_lock_by_email()
            .returning(move |_| Ok(found.clone()));
        let issued = Arc::new(std::sync::Mutex::new(None));
        let hash = Arc::clone(&issued);
        unit.tokens.expect_issue().returning(move |token| {
            *hash.lock().expect("one test") = Some(token.hash);
            Ok(())
        });
        unit.mails
            .expect_queue()
            .times(0..=1)
            .returning(move |mail| {
                // The mail carries the token whose hash was recorded.
                let link = mail.content.text.split("?token=").nth(1).expect("a link");
                let secret = crate::one_time::OneTimeSecret::parse(&link[..43]).expect("a token");
                assert_eq!(*issued.lock().expect("one test"), Some(secret.hash()));
                assert_eq!(mail.recipient, lea().email);
                *queued.lock().expect("one test") = Some(mail.kind.clone());
                Ok(())
            });
    });
    let clock = Arc::new(FixedClock::at(NOW));
    let answer = AnswerMailRequests::new(Arc::new(units.clone()), mails(), clock);
    assert!(answer.answer().await.expect("answered"));
    assert!(units.committed(), "the request is gone either way");
    sent.lock().expect("one test").clone()
}

#[tokio::test]
async fn a_mail_goes_to_whoever_has_use_for_it() {
    let unverified = User {
        email_verified_at: None,
        ..lea()
    };
    let suspended = User {
        suspended_at: Some(NOW),
        ..unverified.clone()
    };
    let from_elsewhere = User {
        password_hash: None,
        ..lea()
    };
    let (verify, reset) = (Purpose::VerifyEmail, Purpose::ResetPassword);
    for (purpose, user, expected) in [
        (verify, Some(unverified.clone()), Some("verify_email")),
        (verify, Some(lea()), None),
        (verify, Some(suspended.clone()), None),
        (verify, None, None),
        (reset, Some(lea()), Some("reset_password")),
        (reset, Some(unverified), Some("reset_password")),
        (reset, Some(from_elsewhere), Some("reset_password")),
        (reset, Some(suspended), None),
        (reset, None, None),
    ] {
        let kind = answered(request(purpose, NOW), user.clone()).await;
        assert_eq!(kind.as_deref(), expected, "{purpose:?} {user:?}");
    }
}

#[tokio::test]
async fn who_asked_an_hour_ago_does_not_wait_any_more() {
    let old = request(Purpose::ResetPassword, NOW - PATIENCE);
    assert_eq!(answered(old, Some(lea())).await, None);
}

#[tokio::test]
async fn without_requests_there_is_nothing_to_do() {
    let units = FakeUnits::default();
    units.with(|unit| {
        unit.requests.expect_take().returning(|| Ok(None));
    });
    let clock = Arc::new(FixedClock::at(NOW));
    let answer = AnswerMailRequests::new(Arc::new(units), mails(), clock);
    assert_eq!(answer.tick().await.expect("done"), Tick::Idle);
}
