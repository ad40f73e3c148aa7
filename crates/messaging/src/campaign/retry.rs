//! Sending once more what failed for a passing reason: a campaign of its own, for exactly those.

use std::sync::Arc;

use msgflash_kernel::{Actor, Once, Outcome, StoreError};
use msgflash_quotas::KeyId;
use time::OffsetDateTime;

use super::create::{CampaignOrder, CreateCampaign, NewCampaign, campaign_of};
use super::error::CampaignError;
use super::ports::{AudienceShare, CampaignReader};
use super::{Campaign, CampaignId, Repeat};

/// Codes of failures that pass: the provider, the connection or the month stood in the way. What nobody
/// knows the outcome of is not among them, nor what cannot work: it could be a second copy, or the
/// same failure. What WhatsApp took and refused later is left out, too: it may have reached another
/// device of its recipient.
pub const PASSING: [&str; 5] = [
    "PROVIDER_ERROR",
    "PROVIDER_UNAVAILABLE",
    "INSTANCE_NOT_CONNECTED",
    "MONTHLY_OUTBOUND_QUOTA_EXCEEDED",
    "SUBSCRIPTION_INACTIVE",
];

/// Makes such campaigns.
pub struct RetryFailed {
    campaigns: Arc<dyn CampaignReader>,
    create: Arc<CreateCampaign>,
}

impl RetryFailed {
    /// Wires it.
    pub fn new(campaigns: Arc<dyn CampaignReader>, create: Arc<CreateCampaign>) -> Self {
        Self { campaigns, create }
    }

    /// Makes a campaign of those whom `id` could not reach, with its content and hours, that starts at
    /// once. The old one stays as it is. It can be retried once; after that, the new one can.
    pub async fn retry(
        &self,
        (actor, key): (&Actor, Option<KeyId>),
        id: CampaignId,
        once: Option<Once<'_, NewCampaign>>,
    ) -> Result<Outcome<NewCampaign>, CampaignError> {
        let found = self.campaigns.find(actor.workspace.id, id).await?;
        let old = found.ok_or(CampaignError::NoCampaign(id))?;
        let instance = self.create.require_able(actor, &old).await?;
        if !old.status.is_final() || old.counters.queued > 0 {
            return Err(CampaignError::WrongState(
                "Only a campaign that has ended can be retried",
            ));
        }
        // Whom that one reached has not failed any more.
        if let Some(other) = self.campaigns.retry_of(id).await? {
            return Err(CampaignError::RetriedBefore(other));
        }
        let failed = self.campaigns.passing_failures(&old).await?;
        if failed == 0 {
            return Err(CampaignError::WrongState(
                "No recipient of this campaign failed for a passing reason",
            ));
        }
        let now = self.create.ports.clock.now();
        // They were written to, or it was tried.
        let share = AudienceShare {
            total: failed,
            unknown: failed,
            ..AudienceShare::default()
        };
        let safety = self.create.assess(&instance, share, now).await?;
        let campaign = again(&old, actor, now);
        let new = NewCampaign { campaign, safety };
        let kept = self.create.keep((*actor, key), new, once).await;
        match kept {
            Err(CampaignError::Store(StoreError::Stale(_))) => {
                let other = self.campaigns.retry_of(id).await?;
                Err(CampaignError::RetriedBefore(other.unwrap_or(id)))
            }
            kept => kept,
        }
    }
}

/// The campaign that sends once more what an old one could not.
fn again(old: &Campaign, actor: &Actor, now: OffsetDateTime) -> Campaign {
    let order = CampaignOrder {
        actor: *actor,
        key: None,
        instance: old.instance,
        name: old.name.clone(),
        content: old.content.clone(),
        audience: old.audience.clone(),
        schedule: now,
        repeat: Repeat::None,
        // A time that was for the old one has passed, or is for that one.
        send_by: old.send_by.filter(|by| *by > now),
        window: old.window.clone(),
    };
    Campaign {
        retry_of: Some(old.id),
        ..campaign_of(order, now)
    }
}
