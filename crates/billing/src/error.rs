//! Refusals that come from a plan or a subscription.

use msgflash_kernel::{Fault, Kind, StoreError};

/// Why a plan or subscription does not allow something.
#[derive(Debug, thiserror::Error)]
pub enum BillingError {
    /// The subscription is over, or its grace is.
    #[error("The subscription does not allow this action")]
    SubscriptionInactive,
    /// No webhooks on this plan.
    #[error("Webhooks are not available on the current plan")]
    WebhooksNotAvailable,
    /// No statuses on this plan.
    #[error("WhatsApp statuses are not available on the current plan")]
    StatusesNotAvailable,
    /// No campaigns on this plan.
    #[error("Campaigns are not available on the current plan")]
    CampaignsNotAvailable,
    /// No API keys on this plan.
    #[error("API keys are not available on the current plan")]
    ApiKeysNotAvailable,
    /// No teams on this plan.
    #[error("The plan does not include teams")]
    TeamsNotAvailable,
    /// Another feature is missing on this plan.
    #[error("{0} are not available on the current plan")]
    FeatureNotAvailable(&'static str),
    /// No plan has this code.
    #[error("There is no plan {0:?}")]
    UnknownPlan(String),
    /// The account has no subscription row, which every account must have.
    #[error("the account has no subscription")]
    NoSubscription,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Fault for BillingError {
    fn kind(&self) -> Kind {
        match self {
            Self::SubscriptionInactive
            | Self::WebhooksNotAvailable
            | Self::StatusesNotAvailable
            | Self::CampaignsNotAvailable
            | Self::ApiKeysNotAvailable
            | Self::TeamsNotAvailable
            | Self::FeatureNotAvailable(_) => Kind::Forbidden,
            Self::UnknownPlan(_) => Kind::Missing,
            Self::NoSubscription => Kind::Internal,
            Self::Store(cause) => cause.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::SubscriptionInactive => "SUBSCRIPTION_INACTIVE",
            Self::WebhooksNotAvailable => "WEBHOOKS_NOT_AVAILABLE_ON_PLAN",
            Self::StatusesNotAvailable => "STATUSES_NOT_AVAILABLE_ON_PLAN",
            Self::CampaignsNotAvailable => "CAMPAIGNS_NOT_AVAILABLE_ON_PLAN",
            Self::ApiKeysNotAvailable => "API_KEYS_NOT_AVAILABLE_ON_PLAN",
            Self::TeamsNotAvailable => "TEAM_FEATURE_UNAVAILABLE",
            Self::FeatureNotAvailable(_) => "FEATURE_NOT_AVAILABLE_ON_PLAN",
            Self::UnknownPlan(_) => "NOT_FOUND",
            Self::NoSubscription => "INTERNAL_ERROR",
            Self::Store(cause) => cause.code(),
        }
    }
}
