//! Running campaigns: one turn after the other, each a transaction of its own.
//!
//! Whatever a turn needs from others is read before it begins; then the campaign is held, and the turn
//! is decided again. A process that is killed in the middle leaves nothing of its turn.

use std::sync::Arc;

use metrics::{counter, histogram};
use msgflash_kernel::{Clock, Event, Id, Ids, Phone, StoreError, Tick};
use msgflash_quotas::{Allowance, AllowanceReader, Period, Want};
use msgflash_templates::{RenderTemplate, TemplateError};
use time::{Duration, OffsetDateTime};
use tracing::{info, warn};
use uuid::Uuid;

use super::audience::{Place, Source};
use super::make::{self, Made, Material, Outcome};
use super::ports::{CampaignReader, CampaignUnit, CampaignUnits, Slice};
use super::recipient::Skip;
use super::turn::{Ahead, Turn, decide};
use super::undo;
use super::{Campaign, CampaignContent, CampaignId, CampaignStatus, Run, Tally};
use crate::dispatch::ports::Wake;
use crate::events;
use crate::instance::{Instance, InstanceStatus};
use crate::message::{Message, MessageId};

/// Campaigns looked at in one go.
const AT_ONCE: u32 = 16;
/// Entries of an audience in one slice.
const SLICE: u32 = 20_000;
/// Messages made in one go.
const MOST_MADE: u64 = 2000;
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

/// What a turn needs from others.
struct Supplies {
    allowance: Allowance,
    stock: Stock,
}

/// What messages are made of.
enum Stock {
    There(Material),
    /// The template was deleted.
    Gone,
    /// Nobody looked: no message was to be made.
    Unseen,
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
        let supplies = match decide(seen, self.ahead, now) {
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
        let turn = decide(&campaign, self.ahead, now);
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
                it.turn_at = it.send_by;
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

    /// What a turn needs from others.
    async fn supplies(&self, seen: &Campaign, now: OffsetDateTime) -> Result<Supplies, StoreError> {
        let allowance = self.allowance(seen, now).await?;
        let stock = self.stock(seen).await?;
        Ok(Supplies { allowance, stock })
    }

    async fn stock(&self, seen: &Campaign) -> Result<Stock, StoreError> {
        let (template, variables) = match &seen.content {
            CampaignContent::Direct(content) => {
                return Ok(Stock::There(Material::Direct(content.clone())));
            }
            CampaignContent::Template {
                template,
                variables,
            } => (template, variables),
        };
        let Some(id) = template else {
            return Ok(Stock::Gone);
        };
        let templates = &self.ports.templates;
        match templates.find(seen.workspace.id, *id).await {
            Ok(template) => {
                let prepared = templates.prepare(template, seen.workspace).await;
                let prepared = Box::new(prepared.map_err(of_store)?);
                Ok(Stock::There(Material::Template(
                    prepared,
                    variables.clone(),
                )))
            }
            Err(TemplateError::NoTemplate(_)) => Ok(Stock::Gone),
            Err(cause) => Err(of_store(cause)),
        }
    }

    async fn allowance(
        &self,
        seen: &Campaign,
        now: OffsetDateTime,
    ) -> Result<Allowance, StoreError> {
        let account = seen.workspace.account;
        let allowances = self.ports.allowances.allowances(&[account], now).await?;
        let allowance = allowances.first().copied();
        allowance.ok_or_else(|| StoreError::corrupt("allowances", "none for an account"))
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

    /// Makes messages for the next recipients, as far as the quota goes.
    async fn make(
        &self,
        unit: &mut dyn CampaignUnit,
        campaign: &mut Campaign,
        order: Order<'_>,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let Some(run) = campaign.run.clone() else {
            return Ok(false);
        };
        let most = u32::try_from(order.most.min(MOST_MADE)).unwrap_or(u32::MAX);
        let pending = unit.campaigns().pending(campaign, most).await?;
        if pending.is_empty() {
            // The rest was made or left out; what is under way is waited for.
            return self.again_at(unit, campaign, now + self.ahead.pause).await;
        }
        let mut outcomes: Vec<(Uuid, Outcome)> = pending
            .into_iter()
            .map(|it| {
                let id = it.message.uuid();
                let made = make::make(campaign, order.material, order.instance, it, now);
                (id, made)
            })
            .collect();
        renumber(unit, campaign, &run, &mut outcomes).await?;
        let ready = outcomes
            .iter()
            .filter(|(_, it)| matches!(it.made, Made::Ready(_)));
        let want = Want {
            account: campaign.workspace.account,
            period: Period::of(now),
            limit: order.limit,
            count: u32::try_from(ready.count()).unwrap_or(u32::MAX),
        };
        let granted = match want.count {
            0 => 0,
            _ => unit
                .ledger()
                .reserve(&[want])
                .await?
                .first()
                .copied()
                .unwrap_or(0),
        };
        let batch = Batch::cut(outcomes, granted);
        let made_to = batch.last.unwrap_or(run.made_to);
        let ran_out = batch.is_short;
        self.store(unit, campaign.id, &batch, order.until, now)
            .await?;
        if let Some(run) = &mut campaign.run {
            run.made_to = made_to;
            run.made_most = run.made_most.max(made_to);
        }
        if batch.made() > 0 {
            campaign.last_enqueued_at = Some(now);
        }
        if ran_out {
            campaign.status = CampaignStatus::PausedQuota;
            // What was made in time keeps its hours.
            campaign.turn_at = Some(now);
            campaign.updated_at = now;
            info!(campaign.id = %campaign.id, "a campaign ran out of quota");
        } else {
            campaign.turn_at = Some(now);
        }
        unit.campaigns().update(campaign).await?;
        let mut change = Tally::make(batch.made(), batch.failed.len() as u64);
        change += Tally::skip(batch.skipped.len() as u64);
        undo::count(unit, campaign, change, now);
        #[expect(clippy::cast_precision_loss, reason = "some thousands at most")]
        histogram!("msgflash_campaign_made_size").record(batch.made() as f64);
        Ok(!batch.ready.is_empty())
    }

    async fn store(
        &self,
        unit: &mut dyn CampaignUnit,
        campaign: CampaignId,
        batch: &Batch,
        until: Option<OffsetDateTime>,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        if !batch.skipped.is_empty() {
            unit.campaigns().skip(campaign, &batch.skipped).await?;
        }
        let entries: Vec<_> = batch
            .ready
            .iter()
            .filter_map(|it| Some(make::entry(it, it.peer?, until, now)))
            .collect();
        let messages: Vec<Message> = batch.ready.iter().chain(&batch.failed).cloned().collect();
        if !messages.is_empty() {
            unit.messages().insert(&messages).await?;
        }
        if !entries.is_empty() {
            unit.queue().push(&entries).await?;
        }
        let told = batch.failed.iter();
        let told: Vec<Event> = told
            .filter_map(|it| events::message_changed(Id::new(self.ports.ids.next()), it, now))
            .collect();
        if !told.is_empty() {
            unit.outbox().append(&told).await?;
        }
        Ok(())
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

/// The state of a campaign that cannot go on until a person lets it; `None` when it can.
fn stopped(allowance: Allowance, instance: Option<&Instance>) -> Option<CampaignStatus> {
    if !allowance.usable || !allowance.campaigns {
        Some(CampaignStatus::PausedPlan)
    } else if instance.is_none() {
        Some(CampaignStatus::Paused)
    } else {
        None
    }
}

/// What messages are made of, and how many.
struct Order<'a> {
    most: u64,
    until: Option<OffsetDateTime>,
    limit: Option<u32>,
    material: &'a Material,
    instance: &'a Instance,
}

/// What a slice of recipients became.
#[derive(Default)]
struct Batch {
    ready: Vec<Message>,
    failed: Vec<Message>,
    skipped: Vec<(MessageId, Skip)>,
    /// The last recipient that is accounted for.
    last: Option<Uuid>,
    /// Whether the quota ended before the slice did.
    is_short: bool,
}

impl Batch {
    /// What the quota admits of a slice, in order: nobody behind the first for whom it is used up.
    fn cut(outcomes: Vec<(Uuid, Outcome)>, granted: u32) -> Self {
        let mut batch = Self::default();
        for (id, outcome) in outcomes {
            match outcome.made {
                Made::Ready(_) if batch.ready.len() as u64 >= u64::from(granted) => {
                    batch.is_short = true;
                    break;
                }
                Made::Ready(message) => batch.ready.push(message),
                Made::Failed(message) => batch.failed.push(message),
                Made::Skipped(why) => batch.skipped.push((Id::new(id), why)),
            }
            batch.last = Some(id);
        }
        batch
    }

    fn made(&self) -> u64 {
        (self.ready.len() + self.failed.len()) as u64
    }
}

/// Follows contacts to the numbers they were given since the run started. Where such a number was written
/// to already, one copy is enough.
async fn renumber(
    unit: &mut dyn CampaignUnit,
    campaign: &Campaign,
    run: &Run,
    outcomes: &mut [(Uuid, Outcome)],
) -> Result<(), StoreError> {
    let changed: Vec<(MessageId, Phone)> = outcomes
        .iter()
        .filter(|(_, it)| it.was != it.phone && !matches!(it.made, Made::Skipped(_)))
        .map(|(id, it)| (Id::new(*id), it.phone))
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let taken = unit
        .campaigns()
        .renumber(campaign, run.id, &changed)
        .await?;
    for (id, it) in outcomes {
        if taken.contains(&Id::new(*id)) {
            it.made = Made::Skipped(Skip::Duplicate);
        }
    }
    Ok(())
}

/// Behind the ids of earlier runs, and before those of this one, whoever's clock they come from.
fn before_run(started_at: OffsetDateTime) -> Uuid {
    let millis = (started_at - CLOCK_SLACK).unix_timestamp_nanos() / 1_000_000;
    let millis = u64::try_from(millis).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}

/// What a template's keeper could not tell.
fn of_store(cause: TemplateError) -> StoreError {
    match cause {
        TemplateError::Store(cause) => cause,
        other => StoreError::Failed(other.to_string().into()),
    }
}
