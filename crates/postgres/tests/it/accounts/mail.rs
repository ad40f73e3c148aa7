//! Mail: taken once, put off, over.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use msgflash_accounts::{
    MailError, MailQueue as _, Mailer, NoMailer, OutgoingMail, SendMails, SignInUnits, SignUpOrder,
};
use msgflash_kernel::{FixedClock, Tick};
use time::Duration;
use tokio::task::JoinSet;

use super::people::{EMAIL, People, ip, order};
use crate::stage::NOW;

async fn with_mails(count: u32) -> People {
    let people = People::new().await;
    for n in 0..count {
        let order = SignUpOrder {
            email: format!("lea{n}@shop.test"),
            ..order()
        };
        let user = people.sign_up().sign_up(order, ip()).await;
        user.expect("signed up");
    }
    people
}

/// Answers every mail the same.
struct Says(Result<(), MailError>);

#[async_trait]
impl Mailer for Says {
    async fn send(&self, _: &OutgoingMail) -> Result<(), MailError> {
        self.0.clone()
    }
}

fn sending(people: &People, mailer: impl Mailer + 'static, at: &Arc<FixedClock>) -> SendMails {
    SendMails::new(people.store(), Arc::new(mailer), at.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_taken_by_one() {
    let people = with_mails(10).await;
    let mut takers = JoinSet::new();
    for _ in 0..5 {
        let store = people.stage.postgres.clone();
        takers.spawn(async move { store.claim(NOW, NOW + Duration::MINUTE, 4).await });
    }
    let taken = takers.join_all().await;
    let taken: Vec<_> = taken.into_iter().flat_map(|it| it.expect("told")).collect();
    let ids: HashSet<_> = taken.iter().map(|it| it.id).collect();
    assert_eq!(ids.len(), taken.len());
    assert!(taken.iter().all(|it| it.tries == 1));
    // Whoever took one and died gives it back by time.
    let later = NOW + Duration::MINUTE;
    let again = people.stage.postgres.claim(later, later, 20).await;
    assert_eq!(again.expect("told").len(), 10);
}

#[tokio::test]
async fn what_was_sent_has_no_body_but_where_it_is_read() {
    for keeps in [false, true] {
        let people = with_mails(1).await;
        let mut send = sending(&people, NoMailer, &people.clock);
        if keeps {
            send = send.keeping_bodies();
        }
        assert_eq!(send.tick().await.expect("sent"), Tick::Did(1));
        assert_eq!(send.tick().await.expect("idle"), Tick::Idle);
        let kept = people.mailbox().await.remove(0);
        assert_eq!((kept.sent_at, kept.failed_at), (Some(NOW), None));
        assert_eq!(kept.mail.content.text.contains("?token="), keeps);
        assert_eq!(kept.mail.content.html.contains("?token="), keeps);
        assert!(!kept.mail.content.subject.is_empty());
    }
}

#[tokio::test]
async fn trouble_puts_a_mail_off_and_then_ends_it() {
    let people = with_mails(1).await;
    let clock = Arc::clone(&people.clock);
    let busy = || Says(Err(MailError::Passing("busy".to_owned())));
    let send = sending(&people, busy(), &clock);
    assert_eq!(send.tick().await.expect("tried"), Tick::Did(1));
    assert_eq!(send.tick().await.expect("idle"), Tick::Idle);
    let kept = people.mailbox().await.remove(0);
    assert_eq!((kept.error.as_deref(), kept.mail.tries), (Some("busy"), 1));
    clock.advance(Duration::seconds(30));
    assert_eq!(send.tick().await.expect("tried"), Tick::Did(1));

    clock.advance(Duration::hours(24));
    assert_eq!(send.tick().await.expect("given up"), Tick::Did(1));
    let kept = people.mailbox().await.remove(0);
    assert!(kept.failed_at.is_some() && kept.mail.content.text.is_empty());
    clock.advance(Duration::hours(24));
    assert_eq!(send.tick().await.expect("idle"), Tick::Idle);
}

#[tokio::test]
async fn a_mail_that_is_written_again_is_the_same_one() {
    let people = with_mails(1).await;
    let first = people.mailbox().await.remove(0).mail;
    assert_eq!(
        sending(&people, NoMailer, &people.clock)
            .tick()
            .await
            .expect("sent"),
        Tick::Did(1)
    );
    let mut unit = SignInUnits::begin(&people.stage.postgres)
        .await
        .expect("a unit");
    unit.mails().queue(&first).await.expect("no failure");
    unit.commit().await.expect("committed");
    let mailbox = people.mailbox().await;
    assert_eq!(mailbox.len(), 1);
    assert_eq!(mailbox[0].sent_at, Some(NOW), "it does not go out again");
}

#[tokio::test]
async fn a_sign_up_that_fails_sends_nothing() {
    let people = People::new().await;
    people.stage.user(EMAIL).await;
    let refused = people.sign_up().sign_up(order(), ip()).await;
    assert!(refused.is_err());
    assert_eq!(people.mailbox().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_answered_by_one() {
    let people = People::new().await;
    people.lea().await;
    for _ in 0..3 {
        let asked = people.request().forgot_password(EMAIL, ip()).await;
        asked.expect("taken");
    }
    let mut workers = JoinSet::new();
    for _ in 0..4 {
        let answer = people.answer();
        workers.spawn(async move { answer.tick().await });
    }
    let mut done = 0;
    for tick in workers.join_all().await {
        if let Tick::Did(count) = tick.expect("answered") {
            done += count;
        }
    }
    assert_eq!((done, people.mailbox().await.len()), (3, 3));
}
