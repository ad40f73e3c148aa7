//! Making the messages of the next recipients, as far as the quota goes.

use metrics::histogram;
use msgflash_kernel::{Event, Id, Phone, StoreError};
use msgflash_quotas::{Period, Want};
use time::OffsetDateTime;
use tracing::info;
use uuid::Uuid;

use super::RunCampaigns;
use crate::campaign::make::{self, Made, Material, Outcome};
use crate::campaign::ports::CampaignUnit;
use crate::campaign::recipient::Skip;
use crate::campaign::{Campaign, CampaignId, CampaignStatus, Run, Tally, undo};
use crate::events;
use crate::instance::Instance;
use crate::message::{Message, MessageId};

/// Messages made in one go.
const MOST_MADE: u64 = 2000;

/// What messages are made of, and how many.
pub(super) struct Order<'a> {
    pub(super) most: u64,
    pub(super) until: Option<OffsetDateTime>,
    pub(super) limit: Option<u32>,
    pub(super) material: &'a Material,
    pub(super) instance: &'a Instance,
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

impl RunCampaigns {
    /// Makes messages for the next recipients, as far as the quota goes.
    pub(super) async fn make(
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
