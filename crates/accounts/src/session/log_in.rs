//! Signing in with a password.

use std::net::IpAddr;
use std::sync::Arc;

use msgflash_kernel::{Clock, Id, Ids, Problems, Secret, StoreError};

use super::token::SessionTokens;
use super::{Session, SignedIn};
use crate::error::SignInError;
use crate::password::{NOBODYS, PasswordHasher};
use crate::ports::{AccountReader, SignInUnits};
use crate::rules;
use crate::throttle::{Door, Guard};
use crate::user::User;

/// Begins sessions.
#[derive(Clone)]
pub struct BeginSession {
    pub(crate) tokens: Arc<SessionTokens>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
}

impl BeginSession {
    /// Wires it.
    pub fn new(tokens: Arc<SessionTokens>, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self { tokens, clock, ids }
    }

    /// A session for `user`, yet to be recorded, and its token.
    pub(crate) async fn begin(&self, user: User) -> Result<SignedIn, StoreError> {
        let id = Id::new(self.ids.next());
        let session = Session::begin(id, user.id, self.clock.now());
        let token = self.tokens.sign(&session, &user.email).await?;
        Ok(SignedIn {
            user,
            session,
            token,
        })
    }
}

/// Signs people in.
pub struct LogIn {
    users: Arc<dyn AccountReader>,
    units: Arc<dyn SignInUnits>,
    hasher: Arc<dyn PasswordHasher>,
    guard: Guard,
    sessions: BeginSession,
}

impl LogIn {
    /// Wires the use case.
    pub fn new(
        users: Arc<dyn AccountReader>,
        units: Arc<dyn SignInUnits>,
        hasher: Arc<dyn PasswordHasher>,
        guard: Guard,
        sessions: BeginSession,
    ) -> Self {
        Self {
            users,
            units,
            hasher,
            guard,
            sessions,
        }
    }

    /// Signs somebody in. Whether an address is known, has a password or is shut out shows neither
    /// in the answer nor in its time; that it is not verified, only whoever knows the password learns.
    pub async fn log_in(
        &self,
        email: &str,
        password: Secret<String>,
        ip: IpAddr,
    ) -> Result<SignedIn, SignInError> {
        let mut problems = Problems::default();
        let email = rules::email(email, &mut problems);
        rules::claimed_password("password", &password, &mut problems);
        problems.into_result()?;
        self.guard.pass(Door::LogIn, &email, ip).await?;

        let found = self.users.find_by_email(&email).await?;
        let stored = found.as_ref().and_then(|it| it.password_hash.clone());
        let compared = stored.unwrap_or_else(|| Secret::new(NOBODYS.to_owned()));
        let fits = self.hasher.verify(password, compared).await?;
        let user = found
            .filter(|it| fits && it.password_hash.is_some() && it.suspended_at.is_none())
            .ok_or(SignInError::WrongPair)?;
        if user.email_verified_at.is_none() {
            return Err(SignInError::EmailNotVerified);
        }

        let signed_in = self.sessions.begin(user).await?;
        let user = &signed_in.user;
        let mut unit = self.units.begin().await?;
        // The password may have been changed, and all sessions ended, while it was compared.
        let still = unit.users().lock(user.id).await?;
        let same = |it: &User| {
            it.password_hash == user.password_hash
                && it.email_verified_at.is_some()
                && it.suspended_at.is_none()
        };
        still.filter(same).ok_or(SignInError::WrongPair)?;
        unit.sessions().insert(&signed_in.session).await?;
        unit.commit().await?;
        self.guard.forget(Door::LogIn, &email).await;
        Ok(signed_in)
    }
}

#[cfg(test)]
mod tests;
