//! Mail over SMTP.
//!
//! Knows how a mail leaves; what it says, and when it is tried again, is for the domain to say. A
//! refusal of the mailbox is final; everything else passes, also what the operator must mend, such as
//! a wrong password: mail that waited for that is sent.

use std::time::Duration;

use async_trait::async_trait;
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::{AsyncSmtpTransportBuilder, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use msgflash_accounts::{MailError, Mailer, OutgoingMail};

#[cfg(test)]
mod tests;

/// How long the server may take for one command.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Connections at once, and none is kept while there is nothing to send.
const CONNECTIONS: u32 = 4;

/// Why mail cannot be sent at all.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// The address of the server cannot be read.
    #[error("not an SMTP address, such as smtps://user:password@mail.example.com")]
    Url(#[source] lettre::transport::smtp::Error),
    /// The address mail comes from cannot be read.
    #[error("not a sender, such as MsgFlash <no-reply@example.com>")]
    Sender(#[source] lettre::address::AddressError),
}

/// Sends mail through an SMTP server.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl SmtpMailer {
    /// Sends through `url`: `smtps://` for TLS from the first byte, `smtp://…?tls=required` for
    /// STARTTLS, `smtp://` without encryption for a server on the same machine. Nothing is connected
    /// to yet. Wants a runtime around it, from the beginning to the end.
    pub fn new(url: &str, from: &str) -> Result<Self, SmtpError> {
        let (builder, from) = read(url, from)?;
        let pool = PoolConfig::new().min_idle(0).max_size(CONNECTIONS);
        let transport = builder.timeout(Some(TIMEOUT)).pool_config(pool).build();
        Ok(Self { transport, from })
    }

    /// Whether both settings can be read. Needs no runtime, which a mailer does.
    pub fn check(url: &str, from: &str) -> Result<(), SmtpError> {
        read(url, from).map(drop)
    }

    fn message(&self, mail: &OutgoingMail) -> Result<Message, MailError> {
        let unsendable = |cause: &dyn std::fmt::Display| MailError::Final(cause.to_string());
        let to = mail.recipient.parse().map_err(|it| unsendable(&it))?;
        let content = &mail.content;
        let body = MultiPart::alternative_plain_html(content.text.clone(), content.html.clone());
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(content.subject.clone())
            // The same mail, should it arrive twice.
            .message_id(Some(format!("<{}@msgflash>", mail.id)))
            .multipart(body)
            .map_err(|it| unsendable(&it))
    }
}

fn read(url: &str, from: &str) -> Result<(AsyncSmtpTransportBuilder, Mailbox), SmtpError> {
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(SmtpError::Url)?;
    Ok((builder, from.parse().map_err(SmtpError::Sender)?))
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), MailError> {
        let message = self.message(mail)?;
        let sent = self.transport.send(message).await;
        sent.map(drop).map_err(|error| {
            let why = error.to_string();
            if is_about_the_mailbox(&error) {
                MailError::Final(why)
            } else {
                MailError::Passing(why)
            }
        })
    }
}

/// Whether the server says that there is no such mailbox, or that it takes nothing.
fn is_about_the_mailbox(error: &lettre::transport::smtp::Error) -> bool {
    let code = error.status().map(u16::from);
    error.is_permanent() && matches!(code, Some(510..=513 | 550 | 551 | 553 | 556))
}
