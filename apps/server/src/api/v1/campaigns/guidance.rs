//! The guidance for campaigns, as published.

use msgflash_messaging::campaign::guidance::CampaignSafety;
use msgflash_messaging::campaign::ports::AudienceShare;
use msgflash_messaging::safety::{Policy, Safety};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::v1::messages::view::SafetyView;

/// Guidance against bans. It advises and never refuses.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignSafety)]
pub struct CampaignSafetyView {
    /// For the number, with what the audience adds.
    #[serde(flatten)]
    pub safety: SafetyView,
    /// What is recommended for a number in this state.
    pub applied_limits: AppliedLimitsView,
    /// To whom it goes; only when a campaign is made or tried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub audience: Option<AudienceView>,
}

/// What is recommended.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AppliedLimits)]
pub struct AppliedLimitsView {
    /// Messages per hour.
    #[schema(example = 25)]
    pub hourly_outbound_cap: u64,
    /// Messages per day.
    #[schema(example = 100)]
    pub daily_outbound_cap: u64,
    /// Recipients of one campaign.
    #[schema(example = 100)]
    pub max_campaign_recipients: u64,
    /// Share of recipients never written to.
    #[schema(example = 0.4)]
    pub max_cold_ratio: f64,
}

impl From<&Policy> for AppliedLimitsView {
    fn from(it: &Policy) -> Self {
        Self {
            hourly_outbound_cap: it.hourly_outbound,
            daily_outbound_cap: it.daily_outbound,
            max_campaign_recipients: it.max_campaign_recipients,
            max_cold_ratio: it.max_cold_ratio,
        }
    }
}

/// What the people of an audience did with the number so far.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AudienceShares)]
pub struct AudienceView {
    /// Everybody.
    pub total_recipients: u64,
    /// Wrote to the number within 30 days.
    pub warm_count: u64,
    /// Were never written to.
    pub cold_count: u64,
    /// Were written to and did not answer.
    pub unknown_count: u64,
    /// Could not be reached the last two times.
    pub blocked_count: u64,
    /// Their share, to three places.
    pub cold_ratio: f64,
    /// Their share, to three places.
    pub warm_ratio: f64,
    /// Their share, to three places.
    pub unknown_ratio: f64,
}

impl From<&AudienceShare> for AudienceView {
    fn from(it: &AudienceShare) -> Self {
        Self {
            total_recipients: it.total,
            warm_count: it.warm,
            cold_count: it.cold,
            unknown_count: it.unknown,
            blocked_count: it.blocked,
            cold_ratio: it.ratio(it.cold),
            warm_ratio: it.ratio(it.warm),
            unknown_ratio: it.ratio(it.unknown),
        }
    }
}

impl From<&CampaignSafety> for CampaignSafetyView {
    fn from(it: &CampaignSafety) -> Self {
        Self {
            safety: (&it.safety).into(),
            applied_limits: (&it.limits).into(),
            audience: Some((&it.audience).into()),
        }
    }
}

/// For the number alone.
impl From<&Safety> for CampaignSafetyView {
    fn from(it: &Safety) -> Self {
        Self {
            safety: it.into(),
            applied_limits: (&it.state.policy()).into(),
            audience: None,
        }
    }
}
