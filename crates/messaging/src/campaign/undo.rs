//! Taking back what was made ahead: all of it again later, or never.
//!
//! The campaign is held by whoever comes here, and its lane from here on: what was not started stays so.
//! Counters come last, as everywhere.

use std::collections::BTreeMap;

use msgflash_kernel::StoreError;
use msgflash_quotas::{Period, Settlement};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::ports::{CampaignUnit, Undo};
use super::{Campaign, CampaignStatus, Tally};
use crate::dispatch::entry::QueueEntry;
use crate::message::{MessageId, MessageStatus};

/// How soon a campaign that ended is looked at for calls that came back.
pub(super) const SWEEP: Duration = Duration::seconds(5);

/// Unmakes the messages for which no call was ever begun. Their recipients stay queued, and get what the
/// contact and the template are by then.
pub(super) async fn unmake(
    unit: &mut dyn CampaignUnit,
    campaign: &mut Campaign,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    unit.campaigns().hold_lane(campaign.instance).await?;
    let store = unit.campaigns();
    let taken = store.take_ready(campaign, Undo::Unstarted).await?;
    if taken.is_empty() {
        return Ok(());
    }
    release(unit, campaign, &taken).await?;
    let ids: Vec<MessageId> = taken.iter().map(|it| it.message).collect();
    let workspace = campaign.workspace.id;
    unit.campaigns().unmake(workspace, &ids).await?;
    let first = ids.iter().map(|id| id.uuid()).min();
    if let (Some(run), Some(first)) = (&mut campaign.run, first) {
        run.made_to = run.made_to.min(before(first));
    }
    count(unit, campaign, Tally::unmake(ids.len() as u64), now);
    Ok(())
}

/// Ends a campaign: whoever was not written to will not be. Calls under way run to their end.
pub(super) async fn end(
    unit: &mut dyn CampaignUnit,
    campaign: &mut Campaign,
    status: CampaignStatus,
    reason: &str,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    let cancelled = cancel_ready(unit, campaign, reason, now).await?;
    let counters = unit.campaigns().lock_counters(campaign.id).await?;
    campaign.counters = counters;
    let pending = campaign.pending();
    count(unit, campaign, Tally::cancel(pending + cancelled), now);
    campaign.status = status;
    campaign.error = Some(reason.to_owned());
    match status {
        CampaignStatus::Cancelled => campaign.cancelled_at = Some(now),
        CampaignStatus::Completed => campaign.completed_at = Some(now),
        _ => {}
    }
    campaign.updated_at = now;
    campaign.turn_at = (campaign.counters.queued > 0).then_some(now + SWEEP);
    unit.campaigns().update(campaign).await
}

/// Cancels what came back since the campaign ended.
pub(super) async fn sweep(
    unit: &mut dyn CampaignUnit,
    campaign: &mut Campaign,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    let reason = campaign.error.clone().unwrap_or_default();
    let cancelled = cancel_ready(unit, campaign, &reason, now).await?;
    count(unit, campaign, Tally::cancel(cancelled), now);
    campaign.turn_at = Some(now + SWEEP);
    unit.campaigns().update(campaign).await
}

/// Cancels the messages of a campaign that are not under way; answers how many.
async fn cancel_ready(
    unit: &mut dyn CampaignUnit,
    campaign: &Campaign,
    reason: &str,
    now: OffsetDateTime,
) -> Result<u64, StoreError> {
    unit.campaigns().hold_lane(campaign.instance).await?;
    let store = unit.campaigns();
    let taken = store.take_ready(campaign, Undo::NotUnderWay).await?;
    if taken.is_empty() {
        return Ok(0);
    }
    release(unit, campaign, &taken).await?;
    let keys: Vec<_> = taken.iter().map(|it| (it.workspace, it.message)).collect();
    let mut messages = unit.messages().lock(&keys).await?;
    messages.retain_mut(|message| {
        let moves = message.advance(MessageStatus::Cancelled, now);
        if moves {
            message.error = Some(reason.to_owned());
        }
        moves
    });
    if !messages.is_empty() {
        unit.messages().update(&messages).await?;
    }
    Ok(messages.len() as u64)
}

/// Gives reservations back.
async fn release(
    unit: &mut dyn CampaignUnit,
    campaign: &Campaign,
    taken: &[QueueEntry],
) -> Result<(), StoreError> {
    let mut months: BTreeMap<i32, (Period, u32)> = BTreeMap::new();
    for period in taken.iter().filter_map(|it| it.period) {
        months.entry(period.to_i32()).or_insert((period, 0)).1 += 1;
    }
    let settlements: Vec<_> = months
        .into_values()
        .map(|(period, released)| Settlement {
            account: campaign.workspace.account,
            period,
            messages: 0,
            statuses: 0,
            released,
        })
        .collect();
    if settlements.is_empty() {
        return Ok(());
    }
    unit.ledger().settle(&settlements).await
}

/// Adds to the counters, those that are stored and those at hand.
pub(super) fn count(
    unit: &mut dyn CampaignUnit,
    campaign: &mut Campaign,
    change: Tally,
    now: OffsetDateTime,
) {
    campaign.counters = campaign.counters.after(change);
    unit.tallies().tally(campaign.id, change, now);
}

/// The greatest id before one.
fn before(id: Uuid) -> Uuid {
    Uuid::from_u128(id.as_u128().saturating_sub(1))
}
