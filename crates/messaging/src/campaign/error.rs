//! Refusals of campaigns.

use msgflash_kernel::{Fault, Kind, Problems, StoreError};
use msgflash_quotas::QuotaError;

use super::CampaignId;
use crate::error::MessagingError;

/// Why a campaign cannot be made, or cannot go where it was sent.
#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    /// The request contradicts itself or a limit.
    #[error(transparent)]
    Invalid(#[from] Problems),
    /// No such campaign in this workspace.
    #[error("Campaign not found")]
    NoCampaign(CampaignId),
    /// No such group in this workspace.
    #[error("Group not found")]
    NoGroup,
    /// It is not in a state from which that is possible.
    #[error("{0}")]
    WrongState(&'static str),
    /// Its failures are sent once more by another one already.
    #[error("The failed recipients of this campaign were taken over by campaign {0}")]
    RetriedBefore(CampaignId),
    /// The plan has no campaigns any more.
    #[error("Campaigns are not available on the current plan")]
    NotOnPlan,
    /// What sending as such refuses.
    #[error(transparent)]
    Sending(#[from] MessagingError),
    /// The month's quota is used up.
    #[error(transparent)]
    Quota(#[from] QuotaError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Fault for CampaignError {
    fn kind(&self) -> Kind {
        match self {
            Self::Invalid(cause) => cause.kind(),
            Self::NoCampaign(_) | Self::NoGroup => Kind::Missing,
            Self::WrongState(_) => Kind::Invalid,
            Self::RetriedBefore(_) => Kind::Conflict,
            Self::NotOnPlan => Kind::Forbidden,
            Self::Sending(cause) => cause.kind(),
            Self::Quota(cause) => cause.kind(),
            Self::Store(cause) => cause.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(cause) => cause.code(),
            Self::NoCampaign(_) | Self::NoGroup => "NOT_FOUND",
            Self::WrongState(_) => "BAD_REQUEST",
            Self::RetriedBefore(_) => "CONFLICT",
            Self::NotOnPlan => "CAMPAIGNS_NOT_AVAILABLE_ON_PLAN",
            Self::Sending(cause) => cause.code(),
            Self::Quota(cause) => cause.code(),
            Self::Store(cause) => cause.code(),
        }
    }

    fn details(&self) -> Option<serde_json::Value> {
        match self {
            Self::Invalid(cause) => cause.details(),
            Self::Sending(cause) => cause.details(),
            _ => None,
        }
    }
}
