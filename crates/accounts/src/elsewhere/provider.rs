//! Whoever proves elsewhere who somebody is.

use async_trait::async_trait;
use msgflash_kernel::{Fault, Kind, Secret};

use super::ExternalIdentity;
use super::start::SignInStart;

/// An identity provider, such as Google.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait IdentityProvider: Send + Sync {
    /// Where a browser goes to sign in there.
    async fn authorize(&self, start: &SignInStart) -> Result<String, ProviderError>;
    /// Who has signed in there, for the code that the browser brought back. Everything the provider
    /// says is verified, and that it was said to this start.
    async fn redeem(
        &self,
        code: &Secret<String>,
        start: &SignInStart,
    ) -> Result<ExternalIdentity, ProviderError>;
}

/// Why a provider proves nothing. The words are for the log, and name no code and no token.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It does not answer, or not as it should.
    #[error("the identity provider does not answer: {0}")]
    Unavailable(String),
    /// It answers, and not with a proof.
    #[error("the identity provider proves nothing: {0}")]
    Refused(String),
}

impl Fault for ProviderError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unavailable(_) => Kind::Unavailable,
            Self::Refused(_) => Kind::Unauthenticated,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "SERVICE_UNAVAILABLE",
            Self::Refused(_) => "UNAUTHORIZED",
        }
    }
}
