//! Refusals of the address book.

use std::time::Duration;

use msgflash_kernel::{Fault, Kind, Problems, StoreError};

use crate::contact::ContactId;
use crate::group::GroupId;
use crate::job::{JobId, JobStatus};

/// Why the address book cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ContactError {
    /// The request contradicts itself or a limit.
    #[error(transparent)]
    Invalid(#[from] Problems),
    /// No such contact in this workspace.
    #[error("Contact not found")]
    NoContact(ContactId),
    /// No such group in this workspace.
    #[error("Contact group not found")]
    NoGroup(GroupId),
    /// No such job in this workspace.
    #[error("Bulk job not found")]
    NoJob(JobId),
    /// The number is not on the workspace's opt-out list.
    #[error("This number is not on the opt-out list")]
    NotSuppressed,
    /// The account has as many groups as its plan allows.
    #[error("The plan's limit of contact groups is reached")]
    TooManyGroups,
    /// Another contact of the workspace has this number.
    #[error("A contact with this phone number already exists")]
    PhoneTaken,
    /// Another group of the workspace has this name.
    #[error("A contact group with this name already exists")]
    NameTaken,
    /// The job has ended and cannot be cancelled.
    #[error("The job is already {}", .0.as_str())]
    Ended(JobStatus),
    /// The same idempotency key came with another body.
    #[error("This Idempotency-Key was used with another request body")]
    ReplayMismatch,
    /// An equal request is still at work.
    #[error("A request with this Idempotency-Key is still being processed")]
    ReplayBusy,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ContactError {
    /// When trying again makes sense, for refusals that pass.
    pub fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::ReplayBusy).then_some(Duration::from_secs(1))
    }
}

impl Fault for ContactError {
    fn kind(&self) -> Kind {
        match self {
            Self::Invalid(cause) => cause.kind(),
            Self::NoContact(_) | Self::NoGroup(_) | Self::NoJob(_) | Self::NotSuppressed => {
                Kind::Missing
            }
            Self::TooManyGroups => Kind::Forbidden,
            Self::PhoneTaken
            | Self::NameTaken
            | Self::Ended(_)
            | Self::ReplayMismatch
            | Self::ReplayBusy => Kind::Conflict,
            Self::Store(cause) => cause.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(cause) => cause.code(),
            Self::NoContact(_) | Self::NoGroup(_) | Self::NoJob(_) | Self::NotSuppressed => {
                "NOT_FOUND"
            }
            Self::TooManyGroups => "MAX_CONTACT_GROUPS_REACHED",
            Self::PhoneTaken
            | Self::NameTaken
            | Self::Ended(_)
            | Self::ReplayMismatch
            | Self::ReplayBusy => "CONFLICT",
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
