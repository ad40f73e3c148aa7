//! Campaigns as published.

use msgflash_messaging::Campaign;
use msgflash_messaging::campaign::create::NewCampaign;
use msgflash_messaging::campaign::{CampaignContent, Counters};
use msgflash_messaging::events::timestamp;
use msgflash_messaging::message::content::Content;
use serde::Serialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::guidance::CampaignSafetyView;
use super::parts::{RecipientsView, WindowView};

/// A campaign.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Campaign)]
pub struct CampaignView {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The owner of the workspace.
    #[schema(format = Uuid)]
    pub user_id: String,
    /// The team, in a team's workspace.
    #[schema(format = Uuid)]
    pub team_id: Option<String>,
    /// Who made it, in a team's workspace.
    #[schema(format = Uuid)]
    pub acting_user_id: Option<String>,
    /// The number it goes out from.
    #[schema(format = Uuid)]
    pub instance_id: String,
    /// A label for people.
    #[schema(example = "April offer")]
    pub name: String,
    /// The template; `null` in direct mode, and when it was deleted since.
    #[schema(format = Uuid)]
    pub template_id: Option<String>,
    /// The `variables` given when it was made; `null` in direct mode.
    #[schema(value_type = Option<Object>)]
    pub template_variables: Option<Map<String, Value>>,
    /// `text`, `image`, `video`, `audio`, `document`, `voice_note` or `buttons`; `null` with a template.
    #[schema(example = "text")]
    pub r#type: Option<&'static str>,
    /// Text or caption; of `buttons` their description.
    pub body: Option<String>,
    /// Where the media lies.
    pub media_url: Option<String>,
    /// Heading of `buttons`.
    #[schema(value_type = Option<String>)]
    pub title: Option<Value>,
    /// Text of `buttons`.
    #[schema(value_type = Option<String>)]
    pub description: Option<Value>,
    /// Small print of `buttons`.
    #[schema(value_type = Option<String>)]
    pub footer: Option<Value>,
    /// The choices of `buttons`.
    #[schema(value_type = Option<Vec<Object>>)]
    pub buttons: Option<Value>,
    /// When it starts; of one that repeats, when its next run does.
    #[schema(format = DateTime, example = "2026-04-15T09:00:00.000Z")]
    pub schedule: String,
    /// `none`, `daily` or `weekly`.
    #[schema(example = "none")]
    pub repeat: &'static str,
    /// Extension: what is not sent by then is not sent any more.
    #[schema(format = DateTime)]
    pub send_by: Option<String>,
    /// Extension: the hours in which it sends.
    pub window: Option<WindowView>,
    /// Extension: the campaign whose failures it sends once more.
    #[schema(format = Uuid)]
    pub retry_of: Option<String>,
    /// `scheduled`, `running`, `paused`, `paused_quota`, `paused_plan`, `completed`, `cancelled` or
    /// `failed`.
    #[schema(example = "scheduled")]
    pub status: &'static str,
    /// Extension: why it failed, or paused by itself.
    pub error: Option<String>,
    /// To whom it goes.
    pub recipients: RecipientsView,
    /// What became of them.
    pub stats: CampaignStatsView,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// What became of a campaign's recipients, over all its runs, and when.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignCounters)]
pub struct CampaignStatsView {
    /// The numbers.
    #[serde(flatten)]
    pub counts: CountsView,
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
}

/// How many recipients came how far. `planned` is always `queued` + `sent` + `failed` + `cancelled`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = CampaignNumbers)]
pub struct CountsView {
    /// It writes to so many.
    pub planned: u64,
    /// Still waiting, also those whose message is not made yet.
    pub queued: u64,
    /// Handed to WhatsApp, also those delivered or read since.
    pub sent: u64,
    /// On their devices, also those read since.
    pub delivered: u64,
    /// Opened.
    pub read: u64,
    /// Could not be sent, or were refused.
    pub failed: u64,
    /// Not sent because the campaign ended.
    pub cancelled: u64,
    /// Extension: left out, and not among the planned: they do not want messages, or were deleted.
    pub skipped: u64,
}

impl From<&Counters> for CountsView {
    fn from(it: &Counters) -> Self {
        Self {
            planned: it.planned,
            queued: it.queued,
            sent: it.sent,
            delivered: it.delivered,
            read: it.read,
            failed: it.failed,
            cancelled: it.cancelled,
            skipped: it.skipped,
        }
    }
}

impl From<&Campaign> for CampaignView {
    fn from(it: &Campaign) -> Self {
        let team = it.workspace.team;
        let direct = match &it.content {
            CampaignContent::Direct(content) => Some(content),
            CampaignContent::Template { .. } => None,
        };
        let (template, variables) = match &it.content {
            CampaignContent::Direct(_) => (None, None),
            CampaignContent::Template {
                template,
                variables,
            } => (template.map(|id| id.to_string()), Some(variables.clone())),
        };
        // Its members have the names they are written by; other contents have none of them.
        let mut choices = match direct {
            Some(content @ Content::Buttons(_)) => content.meta(),
            _ => Map::new(),
        };
        let mut choice = |name: &str| choices.remove(name).filter(|value| !value.is_null());
        Self {
            id: it.id.to_string(),
            user_id: it.workspace.owner().to_string(),
            team_id: team.map(|id| id.to_string()),
            acting_user_id: team.map(|_| it.acting_user.to_string()),
            instance_id: it.instance.to_string(),
            name: it.name.clone(),
            template_id: template,
            template_variables: variables,
            r#type: direct.map(|content| content.kind().as_str()),
            body: direct.and_then(Content::body),
            media_url: direct.and_then(Content::media_url),
            title: choice("title"),
            description: choice("description"),
            footer: choice("footer"),
            buttons: choice("buttons"),
            schedule: timestamp(it.schedule),
            repeat: it.repeat.as_str(),
            send_by: moment(it.send_by),
            window: it.window.as_ref().map(WindowView::from),
            retry_of: it.retry_of.map(|id| id.to_string()),
            status: it.status.as_str(),
            error: it.error.clone(),
            recipients: (&it.audience).into(),
            stats: CampaignStatsView {
                counts: (&it.counters).into(),
                processing_started_at: moment(it.processing_started_at),
                last_enqueued_at: moment(it.last_enqueued_at),
                completed_at: moment(it.completed_at),
                cancelled_at: moment(it.cancelled_at),
            },
            created_at: timestamp(it.created_at),
            updated_at: timestamp(it.updated_at),
        }
    }
}

pub(super) fn moment(at: Option<OffsetDateTime>) -> Option<String> {
    at.map(timestamp)
}

/// A campaign with the guidance for it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = GuidedCampaign)]
pub struct GuidedCampaignView {
    /// The campaign.
    #[serde(flatten)]
    pub campaign: CampaignView,
    /// The guidance.
    pub safety: CampaignSafetyView,
}

impl From<&NewCampaign> for GuidedCampaignView {
    fn from(it: &NewCampaign) -> Self {
        Self {
            campaign: (&it.campaign).into(),
            safety: (&it.safety).into(),
        }
    }
}

/// A page of campaigns.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignPage)]
pub struct CampaignPageView {
    /// Newest first.
    pub campaigns: Vec<CampaignView>,
    /// Pass it back as `cursor`, with the same filter; `null` on the last page.
    pub next_cursor: Option<String>,
    /// Whether there is another page.
    pub has_more: bool,
}

/// What a deletion came to.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = CampaignDeleted)]
pub struct DeletedView {
    /// It is gone.
    #[schema(example = true)]
    pub deleted: bool,
}
