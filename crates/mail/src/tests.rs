//! Against a server of a few lines.

use msgflash_accounts::{MailError, Mailer as _, OutgoingMail, Rendered};
use msgflash_kernel::Id;
use time::macros::datetime;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::*;

fn mail(recipient: &str) -> OutgoingMail {
    OutgoingMail {
        id: Id::new(Uuid::from_u128(7)),
        user: None,
        recipient: recipient.to_owned(),
        kind: "verify_email".to_owned(),
        content: Rendered {
            subject: "Verify your address".to_owned(),
            text: "https://app.test/verify-email?token=t".to_owned(),
            html: "<a href=\"https://app.test/verify-email?token=t\">Verify</a>".to_owned(),
        },
        created_at: datetime!(2026-05-01 10:00 UTC),
        give_up_at: datetime!(2026-05-02 10:00 UTC),
        tries: 1,
    }
}

/// A server that answers `RCPT` with this, and tells what it was sent.
async fn server(to_recipients: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("smtp://{}", listener.local_addr().expect("bound"));
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let (reading, mut writing) = stream.split();
        let mut lines = BufReader::new(reading).lines();
        let mut heard = String::new();
        let mut in_data = false;
        writing
            .write_all(b"220 test\r\n")
            .await
            .expect("a greeting");
        while let Ok(Some(line)) = lines.next_line().await {
            heard.push_str(&line);
            heard.push('\n');
            let answer = match line.split([' ', ':']).next().unwrap_or_default() {
                "." => {
                    in_data = false;
                    "250 kept"
                }
                _ if in_data => continue,
                "RCPT" => to_recipients,
                "DATA" => {
                    in_data = true;
                    "354 go on"
                }
                "QUIT" => "221 bye",
                _ => "250 fine",
            };
            let _ = writing.write_all(format!("{answer}\r\n").as_bytes()).await;
            if line == "QUIT" || line == "." {
                break;
            }
        }
        heard
    });
    (url, heard)
}

#[tokio::test]
async fn a_mail_leaves_with_both_bodies_and_its_own_id() {
    let (url, heard) = server("250 fine").await;
    let mailer = SmtpMailer::new(&url, "MsgFlash <no-reply@shop.test>").expect("an address");
    mailer.send(&mail("lea@shop.test")).await.expect("taken");
    let heard = heard.await.expect("the server ends");
    for said in [
        "MAIL FROM:<no-reply@shop.test>",
        "RCPT TO:<lea@shop.test>",
        "Subject: Verify your address",
        "Message-ID: <00000000-0000-0000-0000-000000000007@msgflash>",
        "text/plain",
        "text/html",
    ] {
        assert!(heard.contains(said), "{said} in {heard}");
    }
}

#[tokio::test]
async fn no_such_mailbox_is_final_and_everything_else_passes() {
    for (answer, is_final) in [
        ("550 no such mailbox", true),
        ("451 come back later", false),
        ("554 we do not like you", false),
        ("530 sign in first", false),
    ] {
        let (url, _heard) = server(answer).await;
        let mailer = SmtpMailer::new(&url, "no-reply@shop.test").expect("an address");
        let refused = mailer.send(&mail("lea@shop.test")).await.expect_err(answer);
        assert_eq!(
            matches!(refused, MailError::Final(_)),
            is_final,
            "{refused:?}"
        );
    }
    let nobody = SmtpMailer::new("smtp://127.0.0.1:1", "no-reply@shop.test").expect("an address");
    let refused = nobody
        .send(&mail("lea@shop.test"))
        .await
        .expect_err("nobody listens");
    assert!(matches!(refused, MailError::Passing(_)), "{refused:?}");
}

#[tokio::test]
async fn an_address_that_is_none_never_leaves() {
    let mailer = SmtpMailer::new("smtp://127.0.0.1:1", "no-reply@shop.test").expect("an address");
    let refused = mailer.send(&mail("nobody")).await.expect_err("no address");
    assert!(matches!(refused, MailError::Final(_)), "{refused:?}");
}

#[test]
fn settings_that_cannot_be_read_are_refused_at_once() {
    for (url, from) in [
        ("mail.shop.test", "a@b.test"),
        ("smtps://mail.shop.test", "nobody"),
    ] {
        assert!(SmtpMailer::check(url, from).is_err(), "{url} {from}");
    }
}
