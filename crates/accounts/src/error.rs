//! Refusals about people and keys.

use std::time::Duration;

use msgflash_kernel::{Fault, Kind, Problems, StoreError, UserId};

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
    /// There is no such person.
    #[error("User {0} was not found")]
    NoUser(UserId),
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
            Self::NoKey(_) | Self::NoUser(_) => Kind::Missing,
            Self::Store(cause) => cause.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(cause) => cause.code(),
            Self::EmailTaken => "CONFLICT",
            Self::KeyCapReached => "MAX_API_KEYS_REACHED",
            Self::NoKey(_) | Self::NoUser(_) => "NOT_FOUND",
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

/// Why a token of the console opens nothing.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// No live session is behind the request. One answer for every reason.
    #[error("Sign in to continue")]
    Unauthorized,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Fault for SessionError {
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

/// Why somebody could not sign up or in, or change how they do.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The input is wrong.
    #[error(transparent)]
    Invalid(#[from] Problems),
    /// Not this pair of address and password, or not any more. One answer for every reason.
    #[error("The e-mail address or the password is wrong")]
    WrongPair,
    /// The account is shut, or the account elsewhere proves nothing.
    #[error("This account cannot be used to sign in")]
    Refused,
    /// The caller's session is gone.
    #[error("Sign in to continue")]
    Unauthorized,
    /// The address was never proved to be theirs.
    #[error("The e-mail address is not verified yet")]
    EmailNotVerified,
    /// Somebody has this address.
    #[error("An account with this e-mail address exists already")]
    EmailTaken,
    /// The link is unknown, was used, or is too old.
    #[error("This link is not valid any more")]
    BadLink,
    /// The password to be changed is another one.
    #[error("The current password is wrong")]
    WrongPassword,
    /// Too many tries.
    #[error("Too many tries, wait before the next one")]
    TooManyTries(Duration),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Fault for SignInError {
    fn kind(&self) -> Kind {
        match self {
            Self::Invalid(cause) => cause.kind(),
            Self::WrongPair | Self::Refused | Self::Unauthorized => Kind::Unauthenticated,
            Self::EmailNotVerified => Kind::Forbidden,
            Self::EmailTaken => Kind::Conflict,
            Self::BadLink | Self::WrongPassword => Kind::Invalid,
            Self::TooManyTries(wait) => Kind::Limited(*wait),
            Self::Store(cause) => cause.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(cause) => cause.code(),
            Self::WrongPair | Self::Refused | Self::Unauthorized => "UNAUTHORIZED",
            Self::EmailNotVerified => "EMAIL_NOT_VERIFIED",
            Self::EmailTaken => "CONFLICT",
            Self::BadLink | Self::WrongPassword => "BAD_REQUEST",
            Self::TooManyTries(_) => "RATE_LIMIT_EXCEEDED",
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
