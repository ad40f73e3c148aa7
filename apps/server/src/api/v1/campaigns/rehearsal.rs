//! What a campaign would do, as published.

use msgflash_messaging::Message;
use msgflash_messaging::campaign::preview::CampaignPreview;
use msgflash_messaging::events::timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::guidance::CampaignSafetyView;

/// What a campaign would do. Nothing of it was kept.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignDryRun)]
pub struct RehearsalView {
    /// Always true.
    #[schema(example = true)]
    pub dry_run: bool,
    /// How many it would write to.
    pub audience: ReachView,
    /// Up to five messages as they would be sent.
    pub samples: Vec<SampleView>,
    /// Up to five recipients for whom the template cannot be rendered.
    pub failures: Vec<FailureView>,
    /// What the month has left for it.
    pub quota: QuotaView,
    /// When it would send.
    pub schedule: ScheduleView,
    /// The guidance.
    pub safety: CampaignSafetyView,
}

/// How many a campaign would write to.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = DryRunAudience)]
pub struct ReachView {
    /// Different numbers, also those that would be left out.
    pub recipients: u64,
    /// Contacts that are met more than once; each number is written to once.
    pub duplicates: u64,
    /// Do not want messages, and would be left out.
    pub suppressed: u64,
    /// The template cannot be rendered for them: their messages would fail.
    pub unrenderable: u64,
}

/// A message as it would be sent.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DryRunSample)]
pub struct SampleView {
    /// The recipient.
    #[schema(format = Uuid)]
    pub contact_id: Option<String>,
    /// Their number.
    #[schema(example = "+33612345678")]
    pub to: Option<String>,
    /// As on messages.
    #[schema(example = "text")]
    pub r#type: &'static str,
    /// Text or caption.
    pub body: Option<String>,
    /// Where the media lies.
    pub media_url: Option<String>,
}

/// A recipient for whom the template cannot be rendered.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DryRunFailure)]
pub struct FailureView {
    /// The recipient.
    #[schema(format = Uuid)]
    pub contact_id: Option<String>,
    /// Their number.
    #[schema(example = "+33612345678")]
    pub to: Option<String>,
    /// Why, for machines.
    #[schema(example = "TEMPLATE_VARIABLES_MISSING")]
    pub code: Option<String>,
    /// Why, for people.
    pub error: Option<String>,
    /// The placeholders that have no value.
    #[schema(example = json!(["contact.firstName"]))]
    pub missing_variables: Vec<String>,
}

/// What the month has left for a campaign.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = DryRunQuota)]
pub struct QuotaView {
    /// Messages that would be charged.
    pub needed: u64,
    /// Messages left this month; `null` without a limit.
    pub left: Option<u64>,
    /// Whether they last for everybody.
    pub sufficient: bool,
}

/// When a campaign would send.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DryRunSchedule)]
pub struct ScheduleView {
    /// The first message.
    #[schema(format = DateTime)]
    pub starts_at: String,
    /// The last one, in the hours of the window; `null` when that is more than a year away.
    #[schema(format = DateTime)]
    pub estimated_completion_at: Option<String>,
    /// How long sending takes, without the hours in which it rests.
    pub duration_seconds: i64,
}

impl From<&Message> for SampleView {
    fn from(it: &Message) -> Self {
        Self {
            contact_id: it.contact.map(|id| id.to_string()),
            to: it.peer.map(|phone| phone.to_string()),
            r#type: it.kind.as_str(),
            body: it.body.clone(),
            media_url: it.media_url.clone(),
        }
    }
}

impl From<&Message> for FailureView {
    fn from(it: &Message) -> Self {
        let missing = it.meta.get("missingVariables").and_then(Value::as_array);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Self {
            contact_id: it.contact.map(|id| id.to_string()),
            to: it.peer.map(|phone| phone.to_string()),
            code: code(&it.meta),
            error: it.error.clone(),
            missing_variables: missing.into_iter().flatten().filter_map(text).collect(),
        }
    }
}

fn code(meta: &Map<String, Value>) -> Option<String> {
    meta.get("code").and_then(Value::as_str).map(str::to_owned)
}

impl From<&CampaignPreview> for RehearsalView {
    fn from(it: &CampaignPreview) -> Self {
        Self {
            dry_run: true,
            audience: ReachView {
                recipients: it.recipients,
                duplicates: it.duplicates,
                suppressed: it.suppressed,
                unrenderable: it.unrenderable,
            },
            samples: it.samples.iter().map(SampleView::from).collect(),
            failures: it.failures.iter().map(FailureView::from).collect(),
            quota: QuotaView {
                needed: it.quota_needed,
                left: it.quota_left,
                sufficient: it.quota_left.is_none_or(|left| it.quota_needed <= left),
            },
            schedule: ScheduleView {
                starts_at: timestamp(it.starts_at),
                estimated_completion_at: it.ends_at.map(timestamp),
                duration_seconds: it.duration.whole_seconds(),
            },
            safety: (&it.safety).into(),
        }
    }
}
