//! Choosing another password by a link in a mail.

use std::net::IpAddr;
use std::sync::Arc;

use msgflash_kernel::{Announce, Clock, NoAnnouncement, Problems, Secret};
use time::OffsetDateTime;

use crate::error::SignInError;
use crate::mail::Letter;
use crate::mail_request::TokenMails;
use crate::one_time::{OneTimeSecret, OneTimeToken, Purpose, TokenReader, TokenState};
use crate::password::PasswordHasher;
use crate::ports::{AccountReader, SignInUnits};
use crate::rules;
use crate::session::{SessionEnd, account_of};
use crate::throttle::{Door, Guard};

/// Resets passwords. Whoever came through another provider alone gets one this way.
pub struct ResetPassword {
    tokens: Arc<dyn TokenReader>,
    users: Arc<dyn AccountReader>,
    units: Arc<dyn SignInUnits>,
    hasher: Arc<dyn PasswordHasher>,
    guard: Guard,
    mails: TokenMails,
    clock: Arc<dyn Clock>,
    announce: Arc<dyn Announce>,
}

impl ResetPassword {
    /// Wires the use case.
    pub fn new(
        (tokens, users): (Arc<dyn TokenReader>, Arc<dyn AccountReader>),
        units: Arc<dyn SignInUnits>,
        hasher: Arc<dyn PasswordHasher>,
        guard: Guard,
        mails: TokenMails,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            tokens,
            users,
            units,
            hasher,
            guard,
            mails,
            clock,
            announce: Arc::new(NoAnnouncement),
        }
    }

    /// Tells others, who may remember sessions.
    #[must_use]
    pub fn announcing(mut self, announce: Arc<dyn Announce>) -> Self {
        self.announce = announce;
        self
    }

    /// Until when a link can be used; `None` when it cannot. Looking changes nothing.
    pub async fn check(&self, presented: &str) -> Result<Option<OffsetDateTime>, SignInError> {
        let token = self.valid(presented).await?;
        Ok(token.map(|token| token.expires_at))
    }

    /// Sets the password; the link is used up, and every session of the account ends. Whoever got the
    /// mail has the address, so it counts as verified. Nobody is signed in by it.
    pub async fn reset(
        &self,
        presented: &str,
        password: Secret<String>,
        ip: IpAddr,
    ) -> Result<(), SignInError> {
        let mut problems = Problems::default();
        rules::new_password("password", &password, &mut problems);
        problems.into_result()?;
        // Before hashing: only a good link is worth that.
        let token = self.valid(presented).await?.ok_or(SignInError::BadLink)?;
        let user = self.users.find(token.user).await?;
        let user = user.ok_or(SignInError::BadLink)?;
        if user.suspended_at.is_some() {
            return Err(SignInError::Refused);
        }
        // Many at once with one good link would keep the hasher from everybody else.
        self.guard
            .pass(Door::ResetPassword, &user.email, ip)
            .await?;
        let hash = self.hasher.hash(password).await?;

        let now = self.clock.now();
        let mut unit = self.units.begin().await?;
        let user = unit.users().lock(token.user).await?;
        let mut user = user.ok_or(SignInError::BadLink)?;
        if user.suspended_at.is_some() {
            return Err(SignInError::Refused);
        }
        let purpose = Purpose::ResetPassword;
        if !unit.tokens().take(&token.hash, purpose, now).await? {
            return Err(SignInError::BadLink);
        }
        user.password_hash = Some(hash);
        user.email_verified_at.get_or_insert(now);
        user.updated_at = now;
        unit.users().update(&user).await?;
        let why = SessionEnd::Reset;
        unit.sessions().end_all(user.id, None, why, now).await?;
        // Whoever had the mailbox for a while may have left a way in. The owner's own account elsewhere
        // opens this one again, by its address.
        unit.identities().forget(user.id).await?;
        let letter = Letter::PasswordChanged;
        self.mails
            .letter(unit.as_mut(), &user, &letter, now)
            .await?;
        unit.commit().await?;
        self.announce.changed(account_of(user.id)).await;
        // Whoever forgot the password has tried it before.
        self.guard.forget(Door::LogIn, &user.email).await;
        Ok(())
    }

    async fn valid(&self, presented: &str) -> Result<Option<OneTimeToken>, SignInError> {
        let Some(secret) = OneTimeSecret::parse(presented) else {
            return Ok(None);
        };
        let purpose = Purpose::ResetPassword;
        let found = self.tokens.find(&secret.hash(), purpose).await?;
        let now = self.clock.now();
        Ok(found.filter(|it| it.state(now) == TokenState::Valid))
    }
}

#[cfg(test)]
mod tests;
