//! Audience and hours of a campaign, as published.

use msgflash_messaging::campaign::{Audience, SendWindow};
use serde::Serialize;
use utoipa::ToSchema;

/// To whom a campaign goes, as it was written.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignAudience)]
pub struct RecipientsView {
    /// `all`, `tags`, `explicit` or `group`.
    #[schema(example = "tags")]
    pub r#type: &'static str,
    /// Tags, or ids of contacts. Lists show the first 100 ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub value: Option<Vec<String>>,
    /// The group.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false, format = Uuid)]
    pub group_id: Option<String>,
}

impl From<&Audience> for RecipientsView {
    fn from(it: &Audience) -> Self {
        let (value, group_id) = match it {
            Audience::All => (None, None),
            Audience::Tags(tags) => (Some(tags.clone()), None),
            Audience::Explicit(ids) => (Some(ids.iter().map(ToString::to_string).collect()), None),
            Audience::Group(group) => (None, Some(group.to_string())),
        };
        Self {
            r#type: it.as_str(),
            value,
            group_id,
        }
    }
}

/// The hours in which a campaign sends.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CampaignHours)]
pub struct WindowView {
    /// When they begin.
    #[schema(example = "09:00")]
    pub start: String,
    /// When they end.
    #[schema(example = "18:00")]
    pub end: String,
    /// Where that clock hangs.
    #[schema(example = "Europe/Paris")]
    pub timezone: String,
    /// On which days.
    pub days: Vec<&'static str>,
}

impl From<&SendWindow> for WindowView {
    fn from(it: &SendWindow) -> Self {
        let days = it.days().iter();
        Self {
            start: it.start(),
            end: it.end(),
            timezone: it.zone().to_owned(),
            days: days
                .filter_map(|day| SendWindow::DAYS.get(usize::from(*day).wrapping_sub(1)))
                .copied()
                .collect(),
        }
    }
}
