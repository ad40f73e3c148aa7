//! Instances as published.

use msgflash_messaging::Instance;
use msgflash_messaging::events::timestamp;
use msgflash_messaging::instance::read::Health;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A WhatsApp number.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Instance)]
pub struct InstanceView {
    /// Its id: the `instanceId` of other calls.
    #[schema(format = Uuid)]
    pub id: String,
    /// A label for people.
    #[schema(example = "Main shop")]
    pub name: String,
    /// The linked number; `null` until linked.
    #[schema(example = "+33611112222")]
    pub wa_number: Option<String>,
    /// `disconnected`, `connecting`, `connected` or `suspended`.
    #[schema(example = "connected")]
    pub status: &'static str,
    /// Reserved.
    pub webhook: Option<String>,
    /// Reserved.
    #[schema(value_type = Option<Object>)]
    pub meta: Option<Value>,
    /// Always `null`: deleted instances are not shown.
    #[schema(format = DateTime)]
    pub deleted_at: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

impl From<&Instance> for InstanceView {
    fn from(it: &Instance) -> Self {
        Self {
            id: it.id.to_string(),
            name: it.name.clone(),
            wa_number: it.wa_number.map(|number| number.to_string()),
            status: it.status.as_str(),
            webhook: None,
            meta: it.meta.clone(),
            deleted_at: None,
            created_at: timestamp(it.created_at),
            updated_at: timestamp(it.updated_at),
        }
    }
}

/// The state of a number, asked for just now.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InstanceState)]
pub struct StateView {
    /// The instance.
    #[schema(format = Uuid)]
    pub instance_id: String,
    /// `disconnected`, `connecting`, `connected` or `suspended`.
    #[schema(example = "connected")]
    pub status: &'static str,
    /// `open`, `connecting` or `close`.
    #[schema(example = "open")]
    pub provider_state: &'static str,
}

/// How healthy a number is. Guidance only.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InstanceHealth)]
pub struct HealthView {
    /// The instance.
    #[schema(format = Uuid)]
    pub instance_id: String,
    /// `new`, `warming`, `stable`, `at_risk` or `restricted`.
    #[schema(example = "warming")]
    pub safety_state: &'static str,
    /// 0-100, higher is healthier.
    pub safety_score: u8,
    /// When it was linked for the first time.
    #[schema(format = DateTime)]
    pub first_connected_at: Option<String>,
    /// The caps recommended for its state.
    pub warmup_policy: PolicyView,
    /// What it did lately.
    pub usage_window_summary: WindowView,
    /// What to do.
    pub recommendations: Vec<String>,
}

/// Recommended caps.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WarmupPolicy)]
pub struct PolicyView {
    /// The state they belong to.
    pub state: &'static str,
    /// Days since the number was linked for the first time.
    pub instance_age_days: f64,
    /// Messages per hour.
    pub hourly_outbound_cap: u64,
    /// Messages per day.
    pub daily_outbound_cap: u64,
    /// Different recipients per hour.
    pub hourly_unique_recipients_cap: u64,
    /// Different recipients per day.
    pub daily_unique_recipients_cap: u64,
    /// Recipients of one campaign.
    pub max_campaign_recipients: u64,
    /// Share of recipients never written to.
    pub max_cold_ratio: f64,
}

/// Recent use.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UsageWindow)]
pub struct WindowView {
    /// Messages of the last hour.
    #[serde(rename = "outbound1h")]
    pub outbound_1h: u64,
    /// Messages of the last day.
    #[serde(rename = "outbound24h")]
    pub outbound_24h: u64,
    /// Different recipients of the last hour.
    #[serde(rename = "uniqueRecipients1h")]
    pub unique_recipients_1h: u64,
    /// Different recipients of the last day.
    #[serde(rename = "uniqueRecipients24h")]
    pub unique_recipients_24h: u64,
    /// Messages that came in during the last day.
    #[serde(rename = "inboundReplies24h")]
    pub inbound_replies_24h: u64,
    /// Messages that came in during the last week.
    #[serde(rename = "inboundReplies7d")]
    pub inbound_replies_7d: u64,
}

impl From<&Health> for HealthView {
    fn from(it: &Health) -> Self {
        let state = it.safety.state;
        let policy = state.policy();
        let window = it.window;
        Self {
            instance_id: it.instance_id.to_string(),
            safety_state: state.as_str(),
            safety_score: it.safety.score,
            first_connected_at: it.first_connected_at.map(timestamp),
            warmup_policy: PolicyView {
                state: state.as_str(),
                instance_age_days: it.age_days,
                hourly_outbound_cap: policy.hourly_outbound,
                daily_outbound_cap: policy.daily_outbound,
                hourly_unique_recipients_cap: policy.hourly_outbound,
                daily_unique_recipients_cap: policy.daily_outbound,
                max_campaign_recipients: policy.max_campaign_recipients,
                max_cold_ratio: policy.max_cold_ratio,
            },
            usage_window_summary: WindowView {
                outbound_1h: window.outbound_1h,
                outbound_24h: window.outbound_24h,
                unique_recipients_1h: window.recipients_1h,
                unique_recipients_24h: window.recipients_24h,
                inbound_replies_24h: window.replies_24h,
                inbound_replies_7d: window.replies_7d,
            },
            recommendations: it.safety.recommendations.clone(),
        }
    }
}
