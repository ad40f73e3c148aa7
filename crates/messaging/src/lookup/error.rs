//! Refusals of look-ups.

use msgflash_kernel::{Fault, Kind, Problems, StoreError};

use super::LookupId;
use crate::instance::InstanceId;
use crate::provider::ProviderError;

/// Why numbers were not looked up, or what was found cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The request contradicts itself or a limit.
    #[error(transparent)]
    Invalid(#[from] Problems),
    /// No such instance in this account.
    #[error("Instance not found")]
    NoInstance(InstanceId),
    /// A collaborator was not given this instance.
    #[error("This instance is not assigned to you in this team")]
    NotAssigned,
    /// The instance is switched off.
    #[error("The instance is suspended")]
    Suspended,
    /// It is not linked, so nobody can be asked.
    #[error("The instance is not connected; connect it first")]
    NotConnected,
    /// No such look-up in this workspace.
    #[error("Number look-up not found")]
    NoLookup(LookupId),
    /// It has not completed.
    #[error("The number look-up has not completed")]
    NotReady,
    /// What is found shall join a group that this workspace does not have.
    #[error("Contact group not found")]
    NoGroup,
    /// The provider.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Fault for LookupError {
    fn kind(&self) -> Kind {
        match self {
            Self::Invalid(cause) => cause.kind(),
            Self::NoInstance(_) | Self::NoLookup(_) | Self::NoGroup => Kind::Missing,
            Self::NotAssigned | Self::Suspended => Kind::Forbidden,
            Self::NotConnected | Self::NotReady => Kind::Invalid,
            Self::Provider(cause) => cause.kind(),
            Self::Store(cause) => cause.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(cause) => cause.code(),
            Self::NoInstance(_) => "NOT_FOUND",
            Self::NotAssigned => "INSTANCE_NOT_ASSIGNED",
            Self::Suspended => "FORBIDDEN",
            Self::NotConnected => "BAD_REQUEST",
            Self::NoLookup(_) => "LOOKUP_NOT_FOUND",
            Self::NotReady => "LOOKUP_NOT_READY",
            Self::NoGroup => "CONTACT_GROUP_NOT_FOUND",
            Self::Provider(cause) => cause.code(),
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
