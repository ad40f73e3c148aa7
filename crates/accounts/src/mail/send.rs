//! Mail leaves.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;
use msgflash_kernel::{Clock, StoreError, Tick};
use time::{Duration, OffsetDateTime};

use super::{MailId, OutgoingMail};

/// Mails of one step, which leave side by side.
const AT_ONCE: u32 = 10;
/// How long a claim lasts. Sending takes much less; after a crash the mail is tried again, so it may
/// arrive twice and is never lost.
const CLAIM: Duration = Duration::minutes(5);
/// The waits after failed tries; the last is repeated.
const WAITS: [Duration; 5] = [
    Duration::seconds(30),
    Duration::minutes(2),
    Duration::minutes(10),
    Duration::minutes(30),
    Duration::HOUR,
];

/// Why a mail did not leave. The text is for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// It may leave later: nobody answers, or asks for patience.
    #[error("{0}")]
    Passing(String),
    /// It never will: there is no such mailbox.
    #[error("{0}")]
    Final(String),
}

/// Sends mail.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Sends a mail, or says within a minute that it did not leave.
    async fn send(&self, mail: &OutgoingMail) -> Result<(), MailError>;
}

/// Sends nothing: whoever develops reads mail where it is kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMailer;

#[async_trait]
impl Mailer for NoMailer {
    async fn send(&self, _: &OutgoingMail) -> Result<(), MailError> {
        Ok(())
    }
}

/// Hands out mail that is due. Each call is a transaction of its own.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait MailQueue: Send + Sync {
    /// Takes due mails, oldest first, counts the try, and keeps others from taking them until
    /// `until`.
    async fn claim(
        &self,
        now: OffsetDateTime,
        until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<OutgoingMail>, StoreError>;
    /// It left. Its body goes unless it is to be kept.
    async fn sent(&self, id: MailId, at: OffsetDateTime, keep: bool) -> Result<(), StoreError>;
    /// It did not leave and is due again at `next`.
    async fn put_off(&self, id: MailId, next: OffsetDateTime, why: &str) -> Result<(), StoreError>;
    /// It never leaves. Its body goes unless it is to be kept.
    async fn give_up(
        &self,
        id: MailId,
        at: OffsetDateTime,
        why: &str,
        keep: bool,
    ) -> Result<(), StoreError>;
}

/// Sends the mail that is due.
pub struct SendMails {
    queue: Arc<dyn MailQueue>,
    mailer: Arc<dyn Mailer>,
    clock: Arc<dyn Clock>,
    keeps_bodies: bool,
}

impl SendMails {
    /// Wires the use case.
    pub fn new(queue: Arc<dyn MailQueue>, mailer: Arc<dyn Mailer>, clock: Arc<dyn Clock>) -> Self {
        Self {
            queue,
            mailer,
            clock,
            keeps_bodies: false,
        }
    }

    /// Keeps bodies, so that they can be read here: for development alone.
    #[must_use]
    pub fn keeping_bodies(mut self) -> Self {
        self.keeps_bodies = true;
        self
    }

    /// Sends what is due, up to ten mails side by side.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let now = self.clock.now();
        let mails = self.queue.claim(now, now + CLAIM, AT_ONCE).await?;
        let done = join_all(mails.iter().map(|mail| self.send(mail))).await;
        done.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(Tick::of(mails.len()))
    }

    async fn send(&self, mail: &OutgoingMail) -> Result<(), StoreError> {
        let keep = self.keeps_bodies;
        if mail.give_up_at <= self.clock.now() {
            let why = "it was not sent in time";
            return self
                .queue
                .give_up(mail.id, self.clock.now(), why, keep)
                .await;
        }
        let outcome = self.mailer.send(mail).await;
        let now = self.clock.now();
        match outcome {
            Ok(()) => self.queue.sent(mail.id, now, keep).await,
            Err(MailError::Final(why)) => self.queue.give_up(mail.id, now, &why, keep).await,
            Err(MailError::Passing(why)) => {
                let next = now + wait(mail.tries);
                if next < mail.give_up_at {
                    self.queue.put_off(mail.id, next, &why).await
                } else {
                    self.queue.give_up(mail.id, now, &why, keep).await
                }
            }
        }
    }
}

/// How long to wait after so many tries.
fn wait(tries: u32) -> Duration {
    let place = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
    WAITS[place.min(WAITS.len() - 1)]
}

#[cfg(test)]
mod tests;
