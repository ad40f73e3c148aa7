//! What a plan grants.

use msgflash_kernel::Id;

use crate::error::BillingError;

/// Marker of [`PlanId`].
pub enum PlanMark {}
/// The id of one version of a plan.
pub type PlanId = Id<PlanMark>;

/// One version of a plan. A changed plan is a new row, so that subscribers keep what they bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The id of this version.
    pub id: PlanId,
    /// The published code, such as `pro`.
    pub code: String,
    /// The name shown to people.
    pub name: String,
    /// Price per month in whole units of `currency`.
    pub price: u32,
    /// ISO 4217 code.
    pub currency: String,
    /// Whether it is offered; retired plans stay readable.
    pub is_active: bool,
    /// Its place between the others: a higher rank is an upgrade.
    pub rank: u32,
    /// How much of everything.
    pub limits: Limits,
    /// What is possible at all.
    pub features: Features,
}

/// Numeric limits of a plan; `None` is unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connected or connectable WhatsApp numbers.
    pub max_instances: Option<u32>,
    /// Active API keys, personal and of all owned teams.
    pub max_api_keys: Option<u32>,
    /// Webhook endpoints over all workspaces.
    pub max_webhook_endpoints: Option<u32>,
    /// Contact groups over all workspaces.
    pub max_contact_groups: Option<u32>,
    /// Messages and statuses per calendar month.
    pub monthly_outbound_quota: Option<u32>,
    /// Public API requests per calendar month.
    pub monthly_api_request_quota: Option<u32>,
    /// Owned teams.
    pub max_teams: Option<u32>,
    /// Members per team, owner and pending invitations included.
    pub max_seats_per_team: Option<u32>,
}

/// What a plan makes possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a published set of independent switches"
)]
pub struct Features {
    /// Campaigns.
    pub campaigns: bool,
    /// WhatsApp statuses.
    pub statuses: bool,
    /// Voice notes.
    pub voice_notes: bool,
    /// Outgoing webhooks.
    pub webhooks: bool,
    /// Number look-ups.
    pub number_lookups: bool,
}

impl Plan {
    /// Refuses webhook endpoints on a plan without them.
    pub fn allow_webhooks(&self) -> Result<(), BillingError> {
        let possible = self.features.webhooks && self.limits.max_webhook_endpoints != Some(0);
        possible
            .then_some(())
            .ok_or(BillingError::WebhooksNotAvailable)
    }

    /// Refuses campaigns on a plan without them.
    pub fn allow_campaigns(&self) -> Result<(), BillingError> {
        self.features
            .campaigns
            .then_some(())
            .ok_or(BillingError::CampaignsNotAvailable)
    }

    /// Refuses voice notes on a plan without them.
    pub fn allow_voice_notes(&self) -> Result<(), BillingError> {
        self.features
            .voice_notes
            .then_some(())
            .ok_or(BillingError::FeatureNotAvailable("Voice notes"))
    }

    /// Refuses statuses on a plan without them.
    pub fn allow_statuses(&self) -> Result<(), BillingError> {
        self.features
            .statuses
            .then_some(())
            .ok_or(BillingError::StatusesNotAvailable)
    }

    /// Refuses number look-ups on a plan without them.
    pub fn allow_number_lookups(&self) -> Result<(), BillingError> {
        self.features
            .number_lookups
            .then_some(())
            .ok_or(BillingError::FeatureNotAvailable("Number look-ups"))
    }

    /// Refuses API keys on a plan whose cap is zero.
    pub fn allow_api_keys(&self) -> Result<(), BillingError> {
        (self.limits.max_api_keys != Some(0))
            .then_some(())
            .ok_or(BillingError::ApiKeysNotAvailable)
    }

    /// Refuses teams on a plan whose cap is zero.
    pub fn allow_teams(&self) -> Result<(), BillingError> {
        (self.limits.max_teams != Some(0))
            .then_some(())
            .ok_or(BillingError::TeamsNotAvailable)
    }
}
