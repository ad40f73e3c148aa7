//! Sending a browser elsewhere to sign in, and taking it back.

use std::net::IpAddr;
use std::sync::Arc;

use msgflash_kernel::{Clock, Fault, Kind, Random, Secret, StoreError};

use super::SignInElsewhere;
use super::provider::{IdentityProvider, ProviderError};
use super::start::{LIFE, SignInStart, SignInStarts};
use crate::error::SignInError;
use crate::session::SignedIn;
use crate::throttle::{Door, Guard};

/// Longest code that is passed on.
const LONGEST_CODE: usize = 4096;

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub enum RedirectError {
    /// The provider sent the browser back without a code, as when somebody declined.
    #[error("the identity provider sent the browser back with {0}")]
    Declined(String),
    /// The browser did not go from here, or comes back a second time, or too late.
    #[error("no sign-in of this browser waits for this answer")]
    NotStarted,
    /// The provider proves nothing.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// Whoever it is may not sign in.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Fault for RedirectError {
    fn kind(&self) -> Kind {
        match self {
            Self::Declined(_) | Self::NotStarted => Kind::Unauthenticated,
            Self::Provider(cause) => cause.kind(),
            Self::SignIn(cause) => cause.kind(),
            Self::Store(cause) => cause.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Declined(_) | Self::NotStarted => "UNAUTHORIZED",
            Self::Provider(cause) => cause.code(),
            Self::SignIn(cause) => cause.code(),
            Self::Store(cause) => cause.code(),
        }
    }
}

/// What a browser brings back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What it kept.
    pub kept: Option<Secret<String>>,
    /// The state the provider passed on.
    pub state: String,
    /// The code, or the error the provider tells instead.
    pub code: Result<Secret<String>, String>,
}

/// Signs people in by sending their browsers to a provider and back.
pub struct SignInByRedirect {
    provider: Arc<dyn IdentityProvider>,
    starts: Arc<dyn SignInStarts>,
    sign_in: SignInElsewhere,
    guard: Guard,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl SignInByRedirect {
    /// Wires the use case.
    pub fn new(
        provider: Arc<dyn IdentityProvider>,
        starts: Arc<dyn SignInStarts>,
        sign_in: SignInElsewhere,
        guard: Guard,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            provider,
            starts,
            sign_in,
            guard,
            clock,
            random,
        }
    }

    /// Where a browser goes, and what it keeps meanwhile.
    pub async fn start(&self, ip: IpAddr) -> Result<(String, SignInStart), RedirectError> {
        self.guard.pass_network(Door::Elsewhere, ip).await?;
        let start = SignInStart::generate(self.random.as_ref());
        let url = self.provider.authorize(&start).await?;
        let until = self.clock.now() + LIFE;
        self.starts.put(&start.hash(), until).await?;
        Ok((url, start))
    }

    /// Signs in whoever comes back. An answer counts once, in the browser that went, whatever becomes
    /// of it; one that is not for this browser's start leaves that start as it is.
    pub async fn finish(&self, answer: Answer) -> Result<SignedIn, RedirectError> {
        let kept = answer.kept.as_ref();
        let start = kept
            .and_then(|it| SignInStart::resume(it.reveal()))
            .filter(|it| it.is_answered_by(&answer.state))
            .ok_or(RedirectError::NotStarted)?;
        if !self.starts.take(&start.hash(), self.clock.now()).await? {
            return Err(RedirectError::NotStarted);
        }
        let code = answer.code.map_err(RedirectError::Declined)?;
        if code.reveal().is_empty() || code.reveal().len() > LONGEST_CODE {
            return Err(RedirectError::Declined("no code".to_owned()));
        }
        let identity = self.provider.redeem(&code, &start).await?;
        Ok(self.sign_in.sign_in(&identity).await?)
    }
}

#[cfg(test)]
mod tests;
