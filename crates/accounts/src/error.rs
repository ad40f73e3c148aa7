//! Refusals about people and keys.

use msgflash_kernel::{Fault, Kind, Problems, StoreError};

use crate::key::ApiKeyId;

/// Why a request has no known caller.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// No usable key came with the request. One answer for every reason: telling an unknown key
    /// from a revoked one would help whoever guesses.
    #[error("API key missing, invalid, or revoked")]
    Unauthorized,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Fault for AuthError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unauthorized => Kind::Unauthenticated,
            Self::Store(cause) => cause.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Store(cause) => cause.code(),
        }
    }
}

/// Why a user or a key could not be made or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// The input is wrong.
    #[error(transparent)]
    Invalid(#[from] Problems),
    /// Somebody has this address.
    #[error("An account with this e-mail address exists already")]
    EmailTaken,
    /// The plan allows no more keys.
    #[error("API key limit reached")]
    KeyCapReached,
    /// The workspace has no such key, or it was revoked.
    #[error("API key {0} was not found")]
    NoKey(ApiKeyId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Fault for AccountsError {
    fn kind(&self) -> Kind {
        match self {
            Self::Invalid(cause) => cause.kind(),
            Self::EmailTaken => Kind::Conflict,
            Self::KeyCapReached => Kind::Forbidden,
            Self::NoKey(_) => Kind::Missing,
            Self::Store(cause) => cause.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(cause) => cause.code(),
            Self::EmailTaken => "CONFLICT",
            Self::KeyCapReached => "MAX_API_KEYS_REACHED",
            Self::NoKey(_) => "NOT_FOUND",
            Self::Store(cause) => cause.code(),
        }
    }

    fn details(&self) -> Option<serde_json::Value> {
        match self {
            Self::Invalid(cause) => cause.details(),
            _ => None,
        }
    }
}
