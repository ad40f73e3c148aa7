//! Refusals that come from a limit.

use std::time::Duration;

use msgflash_kernel::{Fault, Kind, StoreError};

/// Which limit was met.
#[derive(Debug, thiserror::Error)]
pub enum QuotaError {
    /// Too many requests within a second on one key.
    #[error("Too many API requests")]
    RateLimited(Duration),
    /// Too many requests within a second by one person.
    #[error("Too many requests")]
    ConsoleRate(Duration),
    /// The month's API requests are used up.
    #[error("Monthly API request quota exceeded")]
    ApiRequests(Duration),
    /// The month's messages and statuses are used up.
    #[error("Monthly outbound quota exceeded")]
    Outbound(Duration),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Fault for QuotaError {
    fn kind(&self) -> Kind {
        match self {
            Self::RateLimited(wait)
            | Self::ConsoleRate(wait)
            | Self::ApiRequests(wait)
            | Self::Outbound(wait) => Kind::Limited(*wait),
            Self::Store(cause) => cause.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::RateLimited(_) => "API_RATE_LIMIT_EXCEEDED",
            Self::ConsoleRate(_) => "RATE_LIMIT_EXCEEDED",
            Self::ApiRequests(_) => "MONTHLY_API_REQUEST_QUOTA_EXCEEDED",
            Self::Outbound(_) => "MONTHLY_OUTBOUND_QUOTA_EXCEEDED",
            Self::Store(cause) => cause.code(),
        }
    }
}
