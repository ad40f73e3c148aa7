//! Another password, by whoever knows the current one.

use std::net::IpAddr;
use std::sync::Arc;

use msgflash_kernel::{Announce, Clock, NoAnnouncement, Problems, Secret};

use crate::error::SignInError;
use crate::mail::Letter;
use crate::mail_request::TokenMails;
use crate::password::{NOBODYS, PasswordHasher};
use crate::ports::{AccountReader, SignInUnits};
use crate::rules;
use crate::session::{Session, SessionEnd, account_of};
use crate::throttle::{Door, Guard};

/// Changes passwords.
pub struct ChangePassword {
    users: Arc<dyn AccountReader>,
    units: Arc<dyn SignInUnits>,
    hasher: Arc<dyn PasswordHasher>,
    guard: Guard,
    mails: TokenMails,
    clock: Arc<dyn Clock>,
    announce: Arc<dyn Announce>,
}

impl ChangePassword {
    /// Wires the use case.
    pub fn new(
        users: Arc<dyn AccountReader>,
        units: Arc<dyn SignInUnits>,
        hasher: Arc<dyn PasswordHasher>,
        guard: Guard,
        mails: TokenMails,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
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

    /// Sets another password. The caller stays signed in; every other session ends. Tries are
    /// counted: a stolen session must not find the password out.
    pub async fn change(
        &self,
        caller: &Session,
        current: Secret<String>,
        new: Secret<String>,
        ip: IpAddr,
    ) -> Result<(), SignInError> {
        let mut problems = Problems::default();
        rules::claimed_password("currentPassword", &current, &mut problems);
        rules::new_password("newPassword", &new, &mut problems);
        problems.into_result()?;
        let user = self.users.find(caller.user).await?;
        let user = user.ok_or(SignInError::Unauthorized)?;
        self.guard
            .pass(Door::ChangePassword, &user.email, ip)
            .await?;

        let stored = user.password_hash.clone();
        let compared = stored.clone();
        let compared = compared.unwrap_or_else(|| Secret::new(NOBODYS.to_owned()));
        let fits = self.hasher.verify(current, compared).await?;
        if stored.is_none() || !fits {
            return Err(SignInError::WrongPassword);
        }
        let hash = self.hasher.hash(new).await?;

        let now = self.clock.now();
        let mut unit = self.units.begin().await?;
        let user = unit.users().lock(caller.user).await?;
        let mut user = user
            .filter(|it| it.suspended_at.is_none())
            .ok_or(SignInError::Unauthorized)?;
        if user.password_hash != stored {
            return Err(SignInError::WrongPassword);
        }
        user.password_hash = Some(hash);
        user.updated_at = now;
        unit.users().update(&user).await?;
        let why = SessionEnd::Password;
        let keep = Some(caller.id);
        unit.sessions().end_all(user.id, keep, why, now).await?;
        // A link for a reset that is on its way is somebody else's now, perhaps.
        unit.tokens().end_all(user.id, now).await?;
        let letter = Letter::PasswordChanged;
        self.mails
            .letter(unit.as_mut(), &user, &letter, now)
            .await?;
        unit.commit().await?;
        self.announce.changed(account_of(user.id)).await;
        self.guard.forget(Door::ChangePassword, &user.email).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
