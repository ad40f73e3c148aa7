//! Proving that an address is theirs.

use std::sync::Arc;

use msgflash_kernel::{Clock, StoreError};

use crate::error::SignInError;
use crate::one_time::{OneTimeSecret, OneTimeToken, Purpose, TokenReader, TokenState};
use crate::ports::{AccountReader, SignInUnits};

/// What a link to verify an address is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerificationState {
    /// It verifies the address.
    Valid,
    /// Too late, or there is a newer link.
    Expired,
    /// It has verified the address.
    Used,
    /// There is no such link.
    Invalid,
    /// The address was verified by other means.
    AlreadyVerified,
}

impl VerificationState {
    /// The published name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Expired => "expired",
            Self::Used => "used",
            Self::Invalid => "invalid",
            Self::AlreadyVerified => "already_verified",
        }
    }
}

/// How an address came to be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// By this link, just now.
    Now,
    /// It was before.
    Already,
}

/// Verifies addresses.
pub struct VerifyEmail {
    tokens: Arc<dyn TokenReader>,
    users: Arc<dyn AccountReader>,
    units: Arc<dyn SignInUnits>,
    clock: Arc<dyn Clock>,
}

impl VerifyEmail {
    /// Wires the use case.
    pub fn new(
        tokens: Arc<dyn TokenReader>,
        users: Arc<dyn AccountReader>,
        units: Arc<dyn SignInUnits>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            tokens,
            users,
            units,
            clock,
        }
    }

    /// What a link is good for. Looking changes nothing: mail programs look too.
    pub async fn check(&self, presented: &str) -> Result<VerificationState, SignInError> {
        Ok(self.look(presented).await?.0)
    }

    /// Verifies the address; the link is used up. Nobody is signed in by it.
    pub async fn verify(&self, presented: &str) -> Result<Verified, SignInError> {
        let token = match self.look(presented).await? {
            (VerificationState::AlreadyVerified, _) => return Ok(Verified::Already),
            (VerificationState::Valid, Some(token)) => token,
            _ => return Err(SignInError::BadLink),
        };
        let now = self.clock.now();
        let mut unit = self.units.begin().await?;
        let user = unit.users().lock(token.user).await?;
        let mut user = user.ok_or(SignInError::BadLink)?;
        let purpose = Purpose::VerifyEmail;
        if !unit.tokens().take(&token.hash, purpose, now).await? {
            return Err(SignInError::BadLink);
        }
        if user.email_verified_at.is_none() {
            user.email_verified_at = Some(now);
            user.updated_at = now;
            unit.users().update(&user).await?;
        }
        unit.commit().await?;
        Ok(Verified::Now)
    }

    async fn look(
        &self,
        presented: &str,
    ) -> Result<(VerificationState, Option<OneTimeToken>), StoreError> {
        let Some(secret) = OneTimeSecret::parse(presented) else {
            return Ok((VerificationState::Invalid, None));
        };
        let purpose = Purpose::VerifyEmail;
        let Some(token) = self.tokens.find(&secret.hash(), purpose).await? else {
            return Ok((VerificationState::Invalid, None));
        };
        let state = match token.state(self.clock.now()) {
            TokenState::Used => VerificationState::Used,
            state => {
                let user = self.users.find(token.user).await?;
                match (user, state) {
                    (None, _) => VerificationState::Invalid,
                    (Some(user), _) if user.email_verified_at.is_some() => {
                        VerificationState::AlreadyVerified
                    }
                    (_, TokenState::Valid) => VerificationState::Valid,
                    _ => VerificationState::Expired,
                }
            }
        };
        Ok((state, Some(token)))
    }
}

#[cfg(test)]
mod tests;
