//! Shutting accounts, and opening them again.

use std::sync::Arc;

use msgflash_kernel::{Announce, Clock, NoAnnouncement, UserId};

use crate::error::AccountsError;
use crate::mail::Letter;
use crate::mail_request::TokenMails;
use crate::ports::SignInUnits;
use crate::session::{SessionEnd, account_of};
use crate::user::User;

/// Suspends and reactivates people.
pub struct SuspendUser {
    units: Arc<dyn SignInUnits>,
    mails: TokenMails,
    clock: Arc<dyn Clock>,
    announce: Arc<dyn Announce>,
}

impl SuspendUser {
    /// Wires the use case.
    pub fn new(units: Arc<dyn SignInUnits>, mails: TokenMails, clock: Arc<dyn Clock>) -> Self {
        Self {
            units,
            mails,
            clock,
            announce: Arc::new(NoAnnouncement),
        }
    }

    /// Tells others, who may remember keys and sessions.
    #[must_use]
    pub fn announcing(mut self, announce: Arc<dyn Announce>) -> Self {
        self.announce = announce;
        self
    }

    /// Shuts an account: its keys open nothing while this lasts, its sessions end for good, and
    /// nobody signs in to it. Once more changes nothing.
    pub async fn suspend(&self, id: UserId) -> Result<User, AccountsError> {
        let now = self.clock.now();
        let mut unit = self.units.begin().await?;
        let user = unit.users().lock(id).await?;
        let mut user = user.ok_or(AccountsError::NoUser(id))?;
        if user.suspended_at.is_some() {
            return Ok(user);
        }
        user.suspended_at = Some(now);
        user.updated_at = now;
        unit.users().update(&user).await?;
        let why = SessionEnd::Suspended;
        unit.sessions().end_all(id, None, why, now).await?;
        let letter = Letter::AccountSuspended;
        self.mails
            .letter(unit.as_mut(), &user, &letter, now)
            .await?;
        unit.commit().await?;
        self.announce.changed(account_of(id)).await;
        Ok(user)
    }

    /// Opens an account again: its keys work as before, its people sign in anew. Once more changes
    /// nothing.
    pub async fn reactivate(&self, id: UserId) -> Result<User, AccountsError> {
        let now = self.clock.now();
        let mut unit = self.units.begin().await?;
        let user = unit.users().lock(id).await?;
        let mut user = user.ok_or(AccountsError::NoUser(id))?;
        if user.suspended_at.take().is_none() {
            return Ok(user);
        }
        user.updated_at = now;
        unit.users().update(&user).await?;
        let letter = Letter::AccountReactivated;
        self.mails
            .letter(unit.as_mut(), &user, &letter, now)
            .await?;
        unit.commit().await?;
        self.announce.changed(account_of(id)).await;
        Ok(user)
    }
}

#[cfg(test)]
mod tests;
