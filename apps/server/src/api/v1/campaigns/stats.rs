//! How far a campaign is, as published.

use msgflash_messaging::Campaign;
use msgflash_messaging::campaign::read::progress;
use msgflash_messaging::events::timestamp;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::view::{CountsView, moment};

/// How far a campaign is.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignStats)]
pub struct StatsView {
    /// The campaign.
    #[schema(format = Uuid)]
    pub campaign_id: String,
    /// As on the campaign.
    #[schema(example = "running")]
    pub status: &'static str,
    /// How many recipients came how far.
    pub stats: TotalsView,
    /// How much of it is not waiting any more, 0 to 100.
    #[schema(minimum = 0, maximum = 100, example = 76)]
    pub progress_percent: u8,
    /// When.
    pub timeline: TimelineView,
    /// When its first run started.
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// When everybody will have been written to, at the pace of its number and in its hours; `null` while
    /// it does not run, and where it is not known.
    #[schema(format = DateTime)]
    pub estimated_completion_at: Option<String>,
}

/// The numbers of a campaign.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = CampaignTotals)]
pub struct TotalsView {
    /// The same as `planned`.
    pub total: u64,
    /// The others.
    #[serde(flatten)]
    pub counts: CountsView,
}

/// When things happened to a campaign.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignTimeline)]
pub struct TimelineView {
    /// When it starts, or its next run does.
    #[schema(format = DateTime)]
    pub scheduled_for: String,
    /// When its first run started.
    #[schema(format = DateTime)]
    pub processing_started_at: Option<String>,
    /// When it last put messages into the queue.
    #[schema(format = DateTime)]
    pub last_enqueued_at: Option<String>,
    /// When everything was sent or had failed.
    #[schema(format = DateTime)]
    pub completed_at: Option<String>,
    /// When it was cancelled.
    #[schema(format = DateTime)]
    pub cancelled_at: Option<String>,
    /// When its messages last changed.
    #[schema(format = DateTime)]
    pub last_activity_at: Option<String>,
}

impl StatsView {
    pub(super) fn new(it: &Campaign, ends_at: Option<OffsetDateTime>) -> Self {
        Self {
            campaign_id: it.id.to_string(),
            status: it.status.as_str(),
            stats: TotalsView {
                total: it.counters.planned,
                counts: (&it.counters).into(),
            },
            progress_percent: progress(it),
            timeline: TimelineView {
                scheduled_for: timestamp(it.schedule),
                processing_started_at: moment(it.processing_started_at),
                last_enqueued_at: moment(it.last_enqueued_at),
                completed_at: moment(it.completed_at),
                cancelled_at: moment(it.cancelled_at),
                last_activity_at: moment(it.last_activity_at),
            },
            started_at: moment(it.processing_started_at),
            estimated_completion_at: moment(ends_at),
        }
    }
}
