//! Running campaigns: one turn after the other, each a transaction of its own.
//!
//! Whatever a turn needs from others is read before it begins; then the campaign is held, and the turn
//! is decided again. A process that is killed in the middle leaves nothing of its turn.

use std::sync::Arc;

use metrics::counter;
use msgflash_kernel::{Clock, Id, Ids, StoreError, Tick};
use msgflash_quotas::AllowanceReader;
use msgflash_templates::RenderTemplate;
use time::{Duration, OffsetDateTime};
use tracing::{info, warn};
use uuid::Uuid;

use self::batch::Order;
use self::supplies::{Stock, Supplies, stopped};
use super::audience::{Place, Source};
use super::ports::{CampaignReader, CampaignUnit, CampaignUnits, Slice};
use super::turn::{Ahead, Turn, decide};
use super::undo;
use super::{Campaign, CampaignStatus, Run, Tally};
use crate::dispatch::ports::Wake;
use crate::instance::InstanceStatus;

mod batch;
mod supplies;

/// Campaigns looked at in one go.
const AT_ONCE: u32 = 16;
/// Entries of an audience in one slice.
const SLICE: u32 = 20_000;
/// Messages to new contacts that wait while WhatsApp refuses them. Each holds a part of the quota.
const MOST_HELD: u32 = 5000;
/// Recipients of a deleted campaign removed in one go.
const FORGOTTEN: u32 = 5000;
/// The rest between two such goes.
const FORGET: Duration = Duration::SECOND;
/// How long a campaign is left alone whose turn failed.
const PUT_OFF: Duration = Duration::seconds(30);
/// The clocks of two processes are never further apart.
const CLOCK_SLACK: Duration = Duration::HOUR;
/// How soon a campaign of a suspended instance is looked at again.
const SUSPENDED: Duration = Duration::seconds(30);

/// Why a campaign failed whose template is gone.
pub const NO_TEMPLATE: &str = "The template was deleted";
/// Why a campaign waits whose number is gone.
pub const NO_INSTANCE: &str = "The instance was deleted";
/// Why recipients were not written to whose time had passed.
pub const TOO_LATE: &str = "Not sent before sendBy";

/// The ports running needs.
#[derive(Clone)]
pub struct RunPorts {
    /// Campaigns.
    pub campaigns: Arc<dyn CampaignReader>,
    /// Transactions.
    pub units: Arc<dyn CampaignUnits>,
    /// Templates.
    pub templates: Arc<RenderTemplate>,
    /// Plans and subscriptions.
    pub allowances: Arc<dyn AllowanceReader>,
    /// Wakes the lanes.
    pub wake: Arc<dyn Wake>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn Ids>,
}

/// Runs campaigns.
pub struct RunCampaigns {
    ports: RunPorts,
    ahead: Ahead,
}

impl RunCampaigns {
    /// Wires it. `gap` is the least time between two calls of a lane.
    pub fn new(ports: RunPorts, gap: Duration) -> Self {
        let ahead = Ahead::of(gap);
        Self { ports, ahead }
    }

    /// One turn of each campaign that is due.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let now = self.ports.clock.now();
        let due = self.ports.campaigns.due(now, AT_ONCE).await?;
        let mut done = 0;
        for campaign in &due {
            match self.turn(campaign).await {
                Ok(did) => done += usize::from(did),
                // One that cannot go on holds up no other. Where it cannot even be put off, the store is
                // away, and nothing can go on.
                Err(cause) => {
                    warn!(campaign.id = %campaign.id, %cause, "a campaign's turn failed");
                    self.put_off(campaign, now).await?;
                }
            }
        }
        Ok(Tick::of(done))
    }

    async fn put_off(&self, campaign: &Campaign, now: OffsetDateTime) -> Result<(), StoreError> {
        let mut unit = self.ports.units.begin().await?;
        let Some(mut campaign) = unit.campaigns().claim(campaign.id, now).await? else {
            return Ok(());
        };
        campaign.turn_at = Some(now + PUT_OFF);
        unit.campaigns().update(&campaign).await?;
        unit.commit().await
    }

    /// Takes a campaign's turn; `false` when somebody else did, or things changed meanwhile.
    async fn turn(&self, seen: &Campaign) -> Result<bool, StoreError> {
        let now = self.ports.clock.now();
        let ahead = self.ahead_of(seen, now).await?;
        let supplies = match decide(seen, ahead, now) {
            Turn::Start | Turn::Expand | Turn::Make(..) => Some(self.supplies(seen, now).await?),
            // What is made may not go out any more.
            Turn::Wait(_) if seen.status == CampaignStatus::Running && seen.in_flight() > 0 => {
                Some(Supplies {
                    allowance: self.allowance(seen, now).await?,
                    stock: Stock::Unseen,
                })
            }
            _ => None,
        };
        let mut unit = self.ports.units.begin().await?;
        let Some(mut campaign) = unit.campaigns().claim(seen.id, now).await? else {
            return Ok(false);
        };
        let turn = decide(&campaign, ahead, now);
        let held = &mut *unit;
        let it = &mut campaign;
        let wakes = match (turn, supplies) {
            (Turn::Start | Turn::Expand | Turn::Make(..), None) => return Ok(false),
            (Turn::Start | Turn::Expand | Turn::Make(..), Some(supplies)) => {
                self.work(held, it, turn, supplies, now).await?
            }
            (Turn::Hold(until), _) => {
                if it.in_flight() > 0 {
                    undo::unmake(held, it, now).await?;
                }
                self.again_at(held, it, until).await?
            }
            (Turn::Unmake, _) => {
                undo::unmake(held, it, now).await?;
                // What cannot be unmade is on its way, and is not waited for.
                let ends = it.status == CampaignStatus::PausedQuota;
                it.turn_at = it.send_by.filter(|_| ends);
                held.campaigns().update(it).await?;
                false
            }
            (Turn::Late, _) => {
                undo::end(held, it, CampaignStatus::Completed, TOO_LATE, now).await?;
                false
            }
            (Turn::Complete, _) => self.complete(held, it, now).await?,
            (Turn::Wait(until), supplies) => {
                let status = match supplies {
                    Some(supplies) => {
                        let instance = held.campaigns().instance(it).await?;
                        stopped(supplies.allowance, instance.as_ref())
                    }
                    None => None,
                };
                if let Some(status) = status {
                    self.halt(held, it, status, now).await?
                } else {
                    self.reopen(held, it, now).await?;
                    self.again_at(held, it, until).await?
                }
            }
            (Turn::Sweep, _) => {
                undo::sweep(held, it, now).await?;
                false
            }
            (Turn::Forget, _) => {
                let more = held.campaigns().forget(it.id, FORGOTTEN).await?;
                it.turn_at = more.then_some(now + FORGET);
                held.campaigns().update(it).await?;
                false
            }
            (Turn::Rest, _) => {
                it.turn_at = None;
                held.campaigns().update(it).await?;
                false
            }
        };
        let lane = campaign.instance;
        unit.commit().await?;
        if wakes {
            self.ports.wake.wake(&[lane]);
        }
        Ok(true)
    }

    /// How far messages are made ahead. While WhatsApp refuses its number new contacts, their messages wait
    /// and those of the others are made beside them.
    async fn ahead_of(&self, seen: &Campaign, now: OffsetDateTime) -> Result<Ahead, StoreError> {
        let is_full = seen.pending() > 0 && matches!(decide(seen, self.ahead, now), Turn::Wait(_));
        if seen.status != CampaignStatus::Running || !is_full {
            return Ok(self.ahead);
        }
        let held = self.ports.campaigns.held_back(seen, MOST_HELD, now).await?;
        if held >= u64::from(MOST_HELD) {
            return Ok(self.ahead);
        }
        Ok(self.ahead.beside(held))
    }

    /// A turn that moves the run on, unless something speaks against that. Answers whether its lane has
    /// something new.
    async fn work(
        &self,
        unit: &mut dyn CampaignUnit,
        campaign: &mut Campaign,
        turn: Turn,
        supplies: Supplies,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let instance = unit.campaigns().instance(campaign).await?;
        if let Some(status) = stopped(supplies.allowance, instance.as_ref()) {
            return self.halt(unit, campaign, status, now).await;
        }
        let Some(instance) = instance else {
            return Ok(false);
        };
        if instance.status == InstanceStatus::Suspended {
            return self.again_at(unit, campaign, now + SUSPENDED).await;
        }
        let material = match supplies.stock {
            Stock::There(material) => material,
            Stock::Gone => {
                undo::end(unit, campaign, CampaignStatus::Failed, NO_TEMPLATE, now).await?;
                return Ok(false);
            }
            // Its turn changed since it was read. It is due as before, and read again.
            Stock::Unseen => return Ok(false),
        };
        match turn {
            Turn::Make(most, until) => {
                let limit = supplies.allowance.outbound;
                let order = Order {
                    most,
                    until,
                    limit,
                    material: &material,
                    instance: &instance,
                };
                self.make(unit, campaign, order, now).await
            }
            Turn::Expand => self.expand(unit, campaign, now).await,
            _ => self.start(unit, campaign, now).await,
        }
    }

    /// Stops a campaign that cannot go on until a person lets it.
    async fn halt(
        &self,
        unit: &mut dyn CampaignUnit,
        campaign: &mut Campaign,
        status: CampaignStatus,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        undo::unmake(unit, campaign, now).await?;
        campaign.status = status;
        // The other states say themselves why.
        campaign.error = (status == CampaignStatus::Paused).then(|| NO_INSTANCE.to_owned());
        campaign.turn_at = None;
        campaign.updated_at = now;
        unit.campaigns().update(campaign).await?;
        info!(campaign.id = %campaign.id, status = status.as_str(), "a campaign stopped");
        Ok(false)
    }

    async fn start(
        &self,
        unit: &mut dyn CampaignUnit,
        campaign: &mut Campaign,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        campaign.status = CampaignStatus::Running;
        campaign.run = Some(Run {
            id: Id::new(self.ports.ids.next()),
            started_at: now,
            expansion: Some(Place::START),
            made_to: before_run(now),
            made_most: before_run(now),
        });
        campaign.processing_started_at.get_or_insert(now);
        campaign.updated_at = now;
        counter!("msgflash_campaign_runs_total").increment(1);
        self.again_at(unit, campaign, now).await
    }

    /// Writes down the next slice of the audience.
    async fn expand(
        &self,
        unit: &mut dyn CampaignUnit,
        campaign: &mut Campaign,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let Some((run, from)) = campaign
            .run
            .as_ref()
            .and_then(|run| Some((run, run.expansion?)))
        else {
            return Ok(false);
        };
        let source = match campaign.retry_of {
            Some(failed) => Source::FailuresOf(failed),
            None => Source::Audience(&campaign.audience),
        };
        let slice = Slice {
            campaign,
            run: run.id,
            source,
            from,
            made_before: run.started_at,
            limit: SLICE,
            base: self.ports.ids.next(),
        };
        let expanded = unit.campaigns().expand(slice).await?;
        if let Some(run) = &mut campaign.run {
            run.expansion = expanded.next;
        }
        campaign.turn_at = Some(now);
        unit.campaigns().update(campaign).await?;
        let change = Tally::plan(expanded.planned, expanded.skipped);
        undo::count(unit, campaign, change, now);
        counter!("msgflash_campaign_recipients_total").increment(expanded.planned);
        Ok(false)
    }

    /// Gives what is still in the lane the end of the hours that are open now: it may have been made in
    /// earlier ones.
    async fn reopen(
        &self,
        unit: &mut dyn CampaignUnit,
        campaign: &Campaign,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let runs = campaign.status == CampaignStatus::Running;
        let Some(window) = campaign.window.as_ref().filter(|_| runs) else {
            return Ok(());
        };
        let closes = window.open_until(now);
        let until = match (closes, campaign.send_by) {
            (Some(closes), Some(by)) => Some(closes.min(by)),
            (closes, by) => closes.or(by),
        };
        unit.campaigns().reopen(campaign, until).await
    }

    /// Everything of the run is done: the campaign is, or waits for its next run.
    async fn complete(
        &self,
        unit: &mut dyn CampaignUnit,
        campaign: &mut Campaign,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        campaign.updated_at = now;
        if let Some(next) = campaign.repeat.next(campaign.schedule, now) {
            campaign.status = CampaignStatus::Scheduled;
            campaign.schedule = next;
            campaign.turn_at = Some(next);
        } else {
            campaign.status = CampaignStatus::Completed;
            campaign.completed_at = Some(now);
            campaign.turn_at = None;
        }
        unit.campaigns().update(campaign).await?;
        Ok(false)
    }

    async fn again_at(
        &self,
        unit: &mut dyn CampaignUnit,
        campaign: &mut Campaign,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        campaign.turn_at = Some(at);
        unit.campaigns().update(campaign).await?;
        Ok(false)
    }
}

/// Behind the ids of earlier runs, and before those of this one, whoever's clock they come from.
fn before_run(started_at: OffsetDateTime) -> Uuid {
    let millis = (started_at - CLOCK_SLACK).unix_timestamp_nanos() / 1_000_000;
    let millis = u64::try_from(millis).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}
