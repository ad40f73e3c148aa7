//! What becomes of a mail.

use msgflash_kernel::{FixedClock, Id};
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::mail::{Letter, PortalLinks};

const NOW: OffsetDateTime = datetime!(2026-05-01 10:00 UTC);

fn mail(tries: u32) -> OutgoingMail {
    let draft = Letter::PasswordChanged.draft(&PortalLinks::new("https://app.test"));
    let id = Id::new(Uuid::from_u128(1));
    OutgoingMail {
        tries,
        ..OutgoingMail::new(id, None, "lea@shop.test", &draft, NOW)
    }
}

fn due(mail: OutgoingMail) -> MockMailQueue {
    let mut queue = MockMailQueue::new();
    queue
        .expect_claim()
        .returning(move |_, _, _| Ok(vec![mail.clone()]));
    queue
}

fn sending(queue: MockMailQueue, outcome: Result<(), MailError>, at: OffsetDateTime) -> SendMails {
    let mut mailer = MockMailer::new();
    mailer.expect_send().returning(move |_| outcome.clone());
    let clock = Arc::new(FixedClock::at(at));
    SendMails::new(Arc::new(queue), Arc::new(mailer), clock)
}

#[tokio::test]
async fn what_left_loses_its_body_except_in_development() {
    for keeps in [false, true] {
        let mut queue = due(mail(1));
        queue
            .expect_sent()
            .times(1)
            .withf(move |_, _, keep| *keep == keeps)
            .returning(|_, _, _| Ok(()));
        let mut send = sending(queue, Ok(()), NOW);
        if keeps {
            send = send.keeping_bodies();
        }
        assert_eq!(send.tick().await.expect("done"), Tick::Did(1));
    }
}

#[tokio::test]
async fn trouble_that_passes_is_waited_for_longer_each_time() {
    for (tries, wait) in [
        (1, 30),
        (2, 120),
        (3, 600),
        (4, 1800),
        (5, 3600),
        (50, 3600),
    ] {
        let mut queue = due(mail(tries));
        queue
            .expect_put_off()
            .times(1)
            .withf(move |_, next, why| *next == NOW + Duration::seconds(wait) && why == "busy")
            .returning(|_, _, _| Ok(()));
        let trouble = Err(MailError::Passing("busy".to_owned()));
        sending(queue, trouble, NOW).tick().await.expect("done");
    }
}

#[tokio::test]
async fn a_mailbox_that_does_not_exist_is_not_tried_again() {
    let mut queue = due(mail(1));
    queue
        .expect_give_up()
        .times(1)
        .withf(|_, at, why, keep| *at == NOW && why == "no such mailbox" && !keep)
        .returning(|_, _, _, _| Ok(()));
    let trouble = Err(MailError::Final("no such mailbox".to_owned()));
    sending(queue, trouble, NOW).tick().await.expect("done");
}

#[tokio::test]
async fn after_a_day_nothing_is_tried_any_more() {
    let mut queue = due(mail(20));
    queue
        .expect_give_up()
        .times(1)
        .returning(|_, _, _, _| Ok(()));
    // Would panic when asked to send.
    let clock = Arc::new(FixedClock::at(NOW + Duration::hours(24)));
    let send = SendMails::new(Arc::new(queue), Arc::new(MockMailer::new()), clock);
    send.tick().await.expect("done");

    let mut queue = due(mail(20));
    queue
        .expect_give_up()
        .times(1)
        .returning(|_, _, _, _| Ok(()));
    let trouble = Err(MailError::Passing("busy".to_owned()));
    let late = NOW + Duration::minutes(23 * 60 + 30);
    sending(queue, trouble, late).tick().await.expect("done");
}
