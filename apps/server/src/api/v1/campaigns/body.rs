//! What clients write to make a campaign.

use msgflash_kernel::Problems;
use msgflash_messaging::campaign::{Audience, CampaignContent, Repeat, SendWindow};
use msgflash_messaging::message::content::Content;
use msgflash_messaging::{InstanceId, MessageKind};
use serde::Deserialize;
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;

use super::audience::{RecipientsBody, audience};
use super::hours::{WindowBody, window};
use crate::api::v1::messages::ButtonBody;
use crate::api::v1::messages::body::{Named, media_url, named};
use crate::api::v1::messages::buttons::{Choices, buttons};
use crate::api::v1::templates::body::values;
use crate::http::check::Need;
use crate::http::{Check, Field};
use crate::services::MediaTargets;

/// How far ahead a campaign may be planned.
const MAX_AHEAD: Duration = Duration::days(365);
const MAX_NAME: u64 = 120;
const MAX_TEXT: u64 = 4096;
const MAX_CAPTION: u64 = 1024;

/// What a campaign may send. Places and cards are not among it.
pub(crate) const KINDS: [MessageKind; 7] = [
    MessageKind::Text,
    MessageKind::Image,
    MessageKind::Video,
    MessageKind::Audio,
    MessageKind::Document,
    MessageKind::VoiceNote,
    MessageKind::Buttons,
];

/// One content for many contacts: exactly one of `type` and `templateId`. Which other members are read
/// depends on the type; the rest is ignored.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CampaignBody {
    /// A label for people, 1 to 120 characters.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 120, example = "April offer")]
    pub name: Field<String>,
    /// The `id` of the instance it goes out from. It need not be connected yet.
    #[serde(default)]
    #[schema(value_type = String, required = true, format = Uuid)]
    pub instance_id: Field<String>,
    /// When it starts, ISO 8601, at most 365 days ahead. Without an offset it is UTC; a time that has
    /// passed means now.
    #[serde(default)]
    #[schema(value_type = String, required = true, format = DateTime, example = "2026-04-15T09:00:00.000Z")]
    pub schedule: Field<String>,
    /// `none`, `daily` or `weekly`. `noe` is an old misspelling of `none`.
    #[serde(default)]
    #[schema(value_type = Option<String>, default = "none")]
    pub repeat: Field<String>,
    /// To whom it goes. Who that is, is found out when it starts.
    #[serde(default)]
    #[schema(value_type = RecipientsBody, required = true)]
    pub recipients: Field<Map<String, Value>>,
    /// A template, rendered for each recipient, instead of `type`.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Uuid)]
    pub template_id: Field<String>,
    /// Values for the template's `custom.*` placeholders: a flat object of text, numbers or booleans.
    #[serde(default)]
    #[schema(value_type = Option<Object>, example = json!({ "code": "APRIL" }))]
    pub variables: Field<Map<String, Value>>,
    /// `text`, `image`, `video`, `audio`, `document`, `voice_note` or `buttons`: the same for everybody.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "text")]
    pub r#type: Field<String>,
    /// The text of `text` (1-4096 characters), or the caption of an image, video or document (up to 1024).
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 4096)]
    pub body: Field<String>,
    /// An absolute public `http` or `https` URL, up to 2048 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "uri")]
    pub media_url: Field<String>,
    /// Heading of `buttons`.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 60)]
    pub title: Field<String>,
    /// Text of `buttons`.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 1024)]
    pub description: Field<String>,
    /// Small print of `buttons`.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 60)]
    pub footer: Field<String>,
    /// One or two choices.
    #[serde(default)]
    #[schema(value_type = Option<Vec<ButtonBody>>, min_items = 1, max_items = 2)]
    pub buttons: Field<Vec<Value>>,
    /// Extension: what is not sent by then is not sent any more. After `schedule`, in the future, and not
    /// with `repeat`.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub send_by: Field<String>,
    /// Extension: the hours in which it sends.
    #[serde(default)]
    #[schema(value_type = Option<WindowBody>)]
    pub window: Field<Map<String, Value>>,
}

/// A body that passed every check of shape.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Checked {
    pub(super) instance: InstanceId,
    pub(super) name: String,
    pub(super) content: CampaignContent,
    pub(super) audience: Audience,
    pub(super) times: Times,
}

/// When it sends.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Times {
    pub(super) schedule: OffsetDateTime,
    pub(super) repeat: Repeat,
    pub(super) send_by: Option<OffsetDateTime>,
    pub(super) window: Option<SendWindow>,
}

impl CampaignBody {
    /// Checks the shape and notes every problem of the body at once.
    pub(super) fn check(
        &self,
        mut check: Check,
        targets: MediaTargets<'_>,
        now: OffsetDateTime,
    ) -> Result<Checked, Problems> {
        let name = check.text("name", &self.name, Need::Must, MAX_NAME);
        let instance = check.id("instanceId", &self.instance_id, Need::Must);
        let times = self.times(&mut check, now);
        let audience = audience(&mut check, &self.recipients);
        let variables = values(&mut check, &self.variables);
        let content = self.content(&mut check, targets, variables);
        check.finish()?;
        match (name, instance, times, audience, content) {
            (Some(name), Some(instance), Some(times), Some(audience), Some(content)) => {
                Ok(Checked {
                    instance,
                    name: name.trim().to_owned(),
                    content,
                    audience,
                    times,
                })
            }
            _ => Err(Problems::one(
                "",
                "invalid",
                "The body does not describe a campaign",
            )),
        }
    }

    fn times(&self, check: &mut Check, now: OffsetDateTime) -> Option<Times> {
        let schedule = check.moment("schedule", &self.schedule, Need::Must);
        if schedule.is_some_and(|at| at > now + MAX_AHEAD) {
            let message = "Must be at most 365 days ahead";
            check.refuse("schedule", "out_of_range", message);
        }
        let words = Repeat::ALL.map(Repeat::as_str).join(", ");
        let repeat = check.word("repeat", &self.repeat, Need::May, &words, Repeat::parse);
        let repeat = repeat.unwrap_or(Repeat::None);
        let window = window(check, &self.window);
        let send_by = check.moment("sendBy", &self.send_by, Need::May);
        if let Some(by) = send_by {
            if repeat != Repeat::None {
                let message = "Only a campaign that does not repeat ends at a time";
                check.refuse("sendBy", "not_allowed", message);
            }
            let from = schedule.map_or(now, |at| at.max(now));
            let opens = window.as_ref().and_then(|it| it.open_at_or_after(from));
            if by <= from {
                let message = "Must be in the future, and after schedule";
                check.refuse("sendBy", "out_of_range", message);
            } else if opens.is_some_and(|(opens, _)| by <= opens) {
                let message = "Must be after the window has opened for the first time";
                check.refuse("sendBy", "out_of_range", message);
            }
        }
        Some(Times {
            schedule: schedule?,
            repeat,
            send_by,
            window,
        })
    }

    fn content(
        &self,
        check: &mut Check,
        targets: MediaTargets<'_>,
        variables: Map<String, Value>,
    ) -> Option<CampaignContent> {
        match named(check, &self.r#type, &self.template_id, &KINDS)? {
            Named::Template(template) => Some(CampaignContent::Template {
                template: Some(template),
                variables,
            }),
            Named::Kind(kind) => self
                .direct(check, kind, targets)
                .map(CampaignContent::Direct),
        }
    }

    fn direct(
        &self,
        check: &mut Check,
        kind: MessageKind,
        targets: MediaTargets<'_>,
    ) -> Option<Content> {
        match kind {
            MessageKind::Text => check
                .text("body", &self.body, Need::Must, MAX_TEXT)
                .map(Content::Text),
            MessageKind::Buttons => {
                let written = Choices {
                    title: &self.title,
                    description: &self.description,
                    footer: &self.footer,
                    buttons: &self.buttons,
                };
                buttons(written, check).map(Content::Buttons)
            }
            kind => {
                // Sound has no caption: one that is given is not looked at.
                let is_sound = matches!(kind, MessageKind::Audio | MessageKind::VoiceNote);
                let caption = if is_sound {
                    None
                } else {
                    check.text("body", &self.body, Need::May, MAX_CAPTION)
                };
                let url = media_url(check, &self.media_url, Need::Must, targets)?;
                Some(Content::Media { kind, url, caption })
            }
        }
    }
}
