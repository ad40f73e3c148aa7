//! Pausing, resuming, cancelling and deleting.

use std::sync::Arc;

use msgflash_kernel::{Actor, Clock};
use msgflash_quotas::{AllowanceReader, KeyId, Period, QuotaError, UsageReader};
use time::OffsetDateTime;

use super::create::require_member;
use super::error::CampaignError;
use super::ports::{CampaignReader, CampaignUnit, CampaignUnits};
use super::{Campaign, CampaignId, CampaignStatus, undo};
use crate::dispatch::stop::{AwaitMarks, Stopped};
use crate::error::MessagingError;
use crate::instance::recent::RecentInstances;
use crate::instance::{Instance, InstanceStatus};
use crate::safety::Safety;

/// What recipients are told by who looks: the campaign ended before their turn.
pub const CANCELLED: &str = "Campaign cancelled";

/// The ports that need.
#[derive(Clone)]
pub struct ControlPorts {
    /// Campaigns.
    pub campaigns: Arc<dyn CampaignReader>,
    /// Transactions.
    pub units: Arc<dyn CampaignUnits>,
    /// Instances.
    pub instances: Arc<RecentInstances>,
    /// Plans and subscriptions.
    pub allowances: Arc<dyn AllowanceReader>,
    /// What was used.
    pub usage: Arc<dyn UsageReader>,
    /// Waits until what was stopped has come to rest.
    pub marks: AwaitMarks,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Stops campaigns and lets them go on.
pub struct ControlCampaign {
    ports: ControlPorts,
}

impl ControlCampaign {
    /// Wires it.
    pub fn new(ports: ControlPorts) -> Self {
        Self { ports }
    }

    /// Pauses one. Once this answered, no call of it begins until it is resumed.
    pub async fn pause(&self, actor: &Actor, id: CampaignId) -> Result<Campaign, CampaignError> {
        self.require(actor, id).await?;
        let now = self.ports.clock.now();
        let mut unit = self.ports.units.begin().await?;
        let mut campaign = self.hold(&mut *unit, actor, id).await?;
        if !matches!(
            campaign.status,
            CampaignStatus::Scheduled | CampaignStatus::Running
        ) {
            return Err(CampaignError::WrongState(
                "Only a scheduled or running campaign can be paused",
            ));
        }
        undo::unmake(&mut *unit, &mut campaign, now).await?;
        campaign.status = CampaignStatus::Paused;
        campaign.updated_at = now;
        campaign.turn_at = None;
        unit.campaigns().update(&campaign).await?;
        unit.commit().await?;
        self.rest(actor, &campaign).await
    }

    /// Lets a paused one go on where it stopped. Nobody gets a second copy.
    pub async fn resume(
        &self,
        (actor, key): (&Actor, Option<KeyId>),
        id: CampaignId,
    ) -> Result<(Campaign, Safety), CampaignError> {
        let (seen, instance) = self.require(actor, id).await?;
        let instance = instance.ok_or(MessagingError::NoInstance(seen.instance))?;
        if instance.status == InstanceStatus::Suspended {
            return Err(MessagingError::Suspended.into());
        }
        let now = self.ports.clock.now();
        if !seen.status.is_paused() {
            return Err(not_paused());
        }
        self.require_allowance(actor, now).await?;
        let mut unit = self.ports.units.begin().await?;
        let mut campaign = self.hold(&mut *unit, actor, id).await?;
        if !campaign.status.is_paused() {
            return Err(not_paused());
        }
        require_member(&mut *unit, &campaign, actor, key).await?;
        // What was remembered of it may be some seconds old.
        let there = unit.campaigns().instance(&campaign).await?;
        there.ok_or(MessagingError::NoInstance(campaign.instance))?;
        let waits = campaign.schedule > now && is_between_runs(&campaign);
        campaign.status = if waits {
            CampaignStatus::Scheduled
        } else {
            CampaignStatus::Running
        };
        campaign.turn_at = Some(if waits { campaign.schedule } else { now });
        campaign.error = None;
        campaign.updated_at = now;
        unit.campaigns().update(&campaign).await?;
        unit.commit().await?;
        let window = self.ports.instances.window(instance.id).await?;
        Ok((self.read(actor, id).await?, instance.safety(&window, now)))
    }

    /// Cancels one for good. Once this answered, no call of it ever begins.
    pub async fn cancel(&self, actor: &Actor, id: CampaignId) -> Result<Campaign, CampaignError> {
        self.require(actor, id).await?;
        let now = self.ports.clock.now();
        let mut unit = self.ports.units.begin().await?;
        let mut campaign = self.hold(&mut *unit, actor, id).await?;
        if campaign.status.is_final() {
            return Err(CampaignError::WrongState(
                "A campaign that has ended cannot be cancelled",
            ));
        }
        let status = CampaignStatus::Cancelled;
        undo::end(&mut *unit, &mut campaign, status, CANCELLED, now).await?;
        unit.commit().await?;
        self.rest(actor, &campaign).await
    }

    /// Deletes one, whatever its state; it is stopped first. The messages it sent stay.
    pub async fn delete(&self, actor: &Actor, id: CampaignId) -> Result<(), CampaignError> {
        self.require(actor, id).await?;
        let now = self.ports.clock.now();
        let mut unit = self.ports.units.begin().await?;
        let mut campaign = self.hold(&mut *unit, actor, id).await?;
        if !campaign.status.is_final() {
            let status = CampaignStatus::Cancelled;
            undo::end(&mut *unit, &mut campaign, status, CANCELLED, now).await?;
        }
        campaign.deleted_at = Some(now);
        campaign.turn_at = Some(now);
        unit.campaigns().update(&campaign).await?;
        unit.commit().await?;
        self.await_marks(&campaign).await
    }

    /// The campaign, and its instance unless that was deleted, for somebody who may use it.
    async fn require(
        &self,
        actor: &Actor,
        id: CampaignId,
    ) -> Result<(Campaign, Option<Instance>), CampaignError> {
        let campaign = self.read(actor, id).await?;
        let instances = &self.ports.instances;
        let account = actor.workspace.account;
        let instance = instances.find_now(account, campaign.instance).await?;
        if !instances.is_in_reach(actor, campaign.instance).await? {
            return Err(MessagingError::NotAssigned.into());
        }
        Ok((campaign, instance))
    }

    async fn hold(
        &self,
        unit: &mut dyn CampaignUnit,
        actor: &Actor,
        id: CampaignId,
    ) -> Result<Campaign, CampaignError> {
        let held = unit.campaigns().lock(actor.workspace.id, id).await?;
        held.ok_or(CampaignError::NoCampaign(id))
    }

    async fn require_allowance(
        &self,
        actor: &Actor,
        now: OffsetDateTime,
    ) -> Result<(), CampaignError> {
        let account = actor.workspace.account;
        let allowances = self.ports.allowances.allowances(&[account], now).await?;
        let allowance = allowances.first();
        if allowance.is_some_and(|it| !it.campaigns) {
            return Err(CampaignError::NotOnPlan);
        }
        let limit = allowance.and_then(|it| it.outbound);
        require_room(&*self.ports.usage, actor, limit, now).await
    }

    async fn rest(&self, actor: &Actor, campaign: &Campaign) -> Result<Campaign, CampaignError> {
        self.await_marks(campaign).await?;
        self.read(actor, campaign.id).await
    }

    async fn await_marks(&self, campaign: &Campaign) -> Result<(), CampaignError> {
        let stopped = Stopped::Campaign(campaign.instance, campaign.id);
        Ok(self.ports.marks.rest(&stopped).await?)
    }

    async fn read(&self, actor: &Actor, id: CampaignId) -> Result<Campaign, CampaignError> {
        let found = self.ports.campaigns.find(actor.workspace.id, id).await?;
        found.ok_or(CampaignError::NoCampaign(id))
    }
}

/// Refuses whose month is used up.
pub(super) async fn require_room(
    usage: &dyn UsageReader,
    actor: &Actor,
    limit: Option<u32>,
    now: OffsetDateTime,
) -> Result<(), CampaignError> {
    let period = Period::of(now);
    let used = usage.usage(actor.workspace.account, period).await?;
    if used.leaves_room(limit) {
        return Ok(());
    }
    Err(QuotaError::Outbound(period.time_left(now)).into())
}

/// Whether the run at hand, if there is one, is done.
fn is_between_runs(campaign: &Campaign) -> bool {
    campaign.run.is_none() || (campaign.is_expanded() && campaign.counters.queued == 0)
}

fn not_paused() -> CampaignError {
    CampaignError::WrongState("Only a paused campaign can be resumed")
}
