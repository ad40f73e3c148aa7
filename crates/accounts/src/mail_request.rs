//! Asking for a mail, and answering.
//!
//! Asking writes one row, whether or not there is such an account, so neither the answer nor its time
//! tells. Who is behind the address is looked up later, by [`AnswerMailRequests`].

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use msgflash_kernel::{Clock, Id, Ids, NoNudge, Nudge, Problems, Random, StoreError, Tick};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::error::SignInError;
use crate::mail::{Letter, OutgoingMail, PortalLinks};
use crate::one_time::{OneTimeToken, Purpose};
use crate::ports::{SignInUnit, SignInUnits};
use crate::rules;
use crate::throttle::{Door, Guard};
use crate::user::User;

/// Requests of one step.
const AT_ONCE: usize = 20;
/// Whoever asked so long ago does not wait any more.
const PATIENCE: Duration = Duration::HOUR;

/// Somebody asked for a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailRequest {
    /// Its id.
    pub id: Uuid,
    /// What for.
    pub purpose: Purpose,
    /// The address they gave.
    pub email: String,
    /// When.
    pub created_at: OffsetDateTime,
}

/// Takes requests down. Each call is a transaction of its own.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait MailRequests: Send + Sync {
    /// Takes a request down, in one statement whoever asks.
    async fn put(&self, request: &MailRequest) -> Result<(), StoreError>;
}

/// Hands requests out. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait MailRequestStore: Send {
    /// Removes the oldest request that nobody else is answering.
    async fn take(&mut self) -> Result<Option<MailRequest>, StoreError>;
}

/// Takes requests for mail: another one to verify an address, or one to reset a password.
pub struct RequestMail {
    requests: Arc<dyn MailRequests>,
    guard: Guard,
    nudge: Arc<dyn Nudge>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl RequestMail {
    /// Wires the use case.
    pub fn new(
        requests: Arc<dyn MailRequests>,
        guard: Guard,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self {
            requests,
            guard,
            nudge: Arc::new(NoNudge),
            clock,
            ids,
        }
    }

    /// Wakes up whoever answers.
    #[must_use]
    pub fn nudging(mut self, nudge: Arc<dyn Nudge>) -> Self {
        self.nudge = nudge;
        self
    }

    /// Asks for a mail to reset the password.
    pub async fn forgot_password(&self, email: &str, ip: IpAddr) -> Result<(), SignInError> {
        self.ask(Door::ForgotPassword, Purpose::ResetPassword, email, ip)
            .await
    }

    /// Asks for another mail to verify the address.
    pub async fn resend_verification(&self, email: &str, ip: IpAddr) -> Result<(), SignInError> {
        self.ask(Door::ResendVerification, Purpose::VerifyEmail, email, ip)
            .await
    }

    async fn ask(
        &self,
        door: Door,
        purpose: Purpose,
        email: &str,
        ip: IpAddr,
    ) -> Result<(), SignInError> {
        let mut problems = Problems::default();
        let email = rules::email(email, &mut problems);
        problems.into_result()?;
        self.guard.pass(door, &email, ip).await?;
        let request = MailRequest {
            id: self.ids.next(),
            purpose,
            email,
            created_at: self.clock.now(),
        };
        self.requests.put(&request).await?;
        self.nudge.nudge();
        Ok(())
    }
}

/// Writes the mail that carries a fresh token.
#[derive(Clone)]
pub struct TokenMails {
    links: PortalLinks,
    random: Arc<dyn Random>,
    ids: Arc<dyn Ids>,
}

impl TokenMails {
    /// Wires the writer.
    pub fn new(links: PortalLinks, random: Arc<dyn Random>, ids: Arc<dyn Ids>) -> Self {
        Self { links, random, ids }
    }

    /// Makes a token and queues the mail that carries it.
    pub(crate) async fn token(
        &self,
        unit: &mut dyn SignInUnit,
        user: &User,
        purpose: Purpose,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let (token, secret) = OneTimeToken::issue(user.id, purpose, self.random.as_ref(), now);
        unit.tokens().issue(&token).await?;
        let letter = match purpose {
            Purpose::VerifyEmail => Letter::VerifyEmail(secret),
            Purpose::ResetPassword => Letter::ResetPassword(secret),
        };
        self.letter(unit, user, &letter, now).await
    }

    /// Queues a mail.
    pub(crate) async fn letter(
        &self,
        unit: &mut dyn SignInUnit,
        user: &User,
        letter: &Letter,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let id = Id::new(self.ids.next());
        let draft = letter.draft(&self.links);
        let mail = OutgoingMail::new(id, Some(user.id), user.email.clone(), &draft, now);
        unit.mails().queue(&mail).await
    }
}

/// Answers requests for mail.
pub struct AnswerMailRequests {
    units: Arc<dyn SignInUnits>,
    mails: TokenMails,
    clock: Arc<dyn Clock>,
}

impl AnswerMailRequests {
    /// Wires the use case.
    pub fn new(units: Arc<dyn SignInUnits>, mails: TokenMails, clock: Arc<dyn Clock>) -> Self {
        Self {
            units,
            mails,
            clock,
        }
    }

    /// Answers some requests, each in a transaction of its own.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        for done in 0..AT_ONCE {
            if !self.answer().await? {
                return Ok(Tick::of(done));
            }
        }
        Ok(Tick::Did(AT_ONCE))
    }

    async fn answer(&self) -> Result<bool, StoreError> {
        let mut unit = self.units.begin().await?;
        let Some(request) = unit.requests().take().await? else {
            return Ok(false);
        };
        let now = self.clock.now();
        if now - request.created_at < PATIENCE {
            let user = unit.users().lock_by_email(&request.email).await?;
            if let Some(user) = user.filter(|it| deserves(it, request.purpose)) {
                self.mails
                    .token(unit.as_mut(), &user, request.purpose, now)
                    .await?;
            }
        }
        unit.commit().await?;
        Ok(true)
    }
}

/// Who has verified the address needs no mail for it; who is shut out needs none at all.
fn deserves(user: &User, purpose: Purpose) -> bool {
    let wants = match purpose {
        Purpose::VerifyEmail => user.email_verified_at.is_none(),
        Purpose::ResetPassword => true,
    };
    wants && user.suspended_at.is_none()
}

#[cfg(test)]
mod tests;
