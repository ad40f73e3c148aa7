//! What clients write to send a message.

use msgflash_contacts::ContactId;
use msgflash_kernel::Problems;
use msgflash_messaging::InstanceId;
use msgflash_messaging::MessageKind;
use msgflash_messaging::message::content::Content;
use msgflash_messaging::message::send::Wanted;
use msgflash_templates::TemplateId;
use serde::Deserialize;
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;

use super::buttons::{ButtonBody, Choices, buttons};
use crate::api::v1::templates::body::values;
use crate::http::check::Need;
use crate::http::{Check, Field};
use crate::services::MediaTargets;

/// How far ahead a message may be scheduled.
const MAX_AHEAD: Duration = Duration::days(365);
/// The longest `to` worth looking at.
const MAX_TO: u64 = 255;
const MAX_TEXT: u64 = 4096;
const MAX_CAPTION: u64 = 1024;

/// One message to one recipient: exactly one of `type` and `templateId`. Which other members are
/// read depends on the type; the rest is ignored.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SendBody {
    /// The `id` of an instance.
    #[serde(default)]
    #[schema(value_type = String, required = true, format = Uuid)]
    pub instance_id: Field<String>,
    /// The recipient, E.164. Blanks, dots, dashes and brackets are dropped, a leading `00` becomes
    /// `+`, a missing `+` is added.
    #[serde(default)]
    #[schema(value_type = String, required = true, max_length = 255, example = "+33612345678")]
    pub to: Field<String>,
    /// `text`, `image`, `video`, `audio`, `document`, `voice_note`, `location`, `contact` or
    /// `buttons`.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "text")]
    pub r#type: Field<String>,
    /// A template, instead of `type`.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Uuid)]
    pub template_id: Field<String>,
    /// The text (1-4096 characters), or the caption of an image, video or document (up to 1024).
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 4096)]
    pub text: Field<String>,
    /// An absolute public `http` or `https` URL, up to 2048 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "uri")]
    pub media_url: Field<String>,
    /// Degrees, -90 to 90; for `location`.
    #[serde(default)]
    #[schema(value_type = Option<f64>, minimum = -90, maximum = 90)]
    pub latitude: Field<f64>,
    /// Degrees, -180 to 180; for `location`.
    #[serde(default)]
    #[schema(value_type = Option<f64>, minimum = -180, maximum = 180)]
    pub longitude: Field<f64>,
    /// Name of the place.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 255)]
    pub location_name: Field<String>,
    /// Address of the place.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 500)]
    pub location_address: Field<String>,
    /// The card to share for `contact`; else the contact the message is linked to. With a template
    /// it is whose `contact.*` is used; left out, it is the contact with the number `to`, when the
    /// template names more of it than the number.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Uuid)]
    pub contact_id: Field<String>,
    /// Values for a template's `custom.*` placeholders: a flat object of text, numbers or booleans.
    #[serde(default)]
    #[schema(value_type = Option<Object>, example = json!({ "code": "SPRING", "amount": 1500 }))]
    pub variables: Field<Map<String, Value>>,
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
    /// Whether it goes to somebody on the opt-out list, too; for what they have to be told all the same.
    #[serde(default)]
    #[schema(value_type = Option<bool>, default = false)]
    pub ignore_suppression: Field<bool>,
    /// Only on `/messages/schedule`.
    #[serde(default)]
    #[schema(ignore)]
    pub scheduled_at: Field<String>,
}

/// One message to one recipient at a time: what `/messages/send` takes, and `scheduledAt`.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleBody {
    /// The message.
    #[serde(flatten)]
    pub message: SendBody,
    /// When to send it, ISO 8601, at most 365 days ahead. Without an offset it is UTC; a time that
    /// has passed means now.
    #[serde(default)]
    #[schema(value_type = String, required = true, format = DateTime, example = "2026-04-02T08:00:00.000Z")]
    pub scheduled_at: Field<String>,
}

/// When a request says to send.
#[derive(Clone, Copy, Debug)]
pub enum When<'a> {
    /// At once; a time is refused.
    Now,
    /// At a time, which must be there.
    At(&'a Field<String>),
}

/// A body that passed every check of shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// The number it goes out from.
    pub instance: InstanceId,
    /// The recipient as written.
    pub to: String,
    /// What to send.
    pub wanted: Wanted,
    /// The contact it is linked to.
    pub contact: Option<ContactId>,
    /// Whether it goes to somebody on the opt-out list, too.
    pub ignore_suppression: bool,
    /// When to send it.
    pub scheduled_at: Option<OffsetDateTime>,
}

impl SendBody {
    /// Checks the shape and notes every problem of the body at once.
    pub fn check(
        &self,
        mut check: Check,
        when: When<'_>,
        targets: MediaTargets<'_>,
        now: OffsetDateTime,
    ) -> Result<Checked, Problems> {
        let instance = check.id("instanceId", &self.instance_id, Need::Must);
        let to = check.text("to", &self.to, Need::Must, MAX_TO);
        let variables = values(&mut check, &self.variables);
        let scheduled_at = self.time(&mut check, when, now);
        let wanted = self.wanted(&mut check, targets, variables);
        let card = matches!(wanted, Some(Wanted::Direct(Content::Card { .. })));
        // A card's contact is checked with the card.
        let contact = if card || self.kind() == Some(MessageKind::Contact) {
            None
        } else {
            check.id("contactId", &self.contact_id, Need::May)
        };
        let ignores = &self.ignore_suppression;
        let ignores = check.given("ignoreSuppression", ignores, Need::May, "true or false");
        let ignore_suppression = ignores.copied().unwrap_or(false);
        check.finish()?;
        match (instance, to, wanted) {
            (Some(instance), Some(to), Some(wanted)) => Ok(Checked {
                instance,
                to,
                wanted,
                contact,
                ignore_suppression,
                scheduled_at,
            }),
            _ => Err(Problems::one(
                "",
                "invalid",
                "The body does not describe a message",
            )),
        }
    }

    fn kind(&self) -> Option<MessageKind> {
        self.r#type
            .valid()
            .and_then(|word| MessageKind::parse(word))
    }

    fn wanted(
        &self,
        check: &mut Check,
        targets: MediaTargets<'_>,
        variables: Map<String, Value>,
    ) -> Option<Wanted> {
        match named(check, &self.r#type, &self.template_id, &MessageKind::ALL)? {
            Named::Template(template) => Some(Wanted::Template {
                template,
                variables,
            }),
            Named::Kind(kind) => self.content(check, kind, targets).map(Wanted::Direct),
        }
    }

    fn content(
        &self,
        check: &mut Check,
        kind: MessageKind,
        targets: MediaTargets<'_>,
    ) -> Option<Content> {
        match kind {
            MessageKind::Text => check
                .text("text", &self.text, Need::Must, MAX_TEXT)
                .map(Content::Text),
            MessageKind::Image | MessageKind::Video | MessageKind::Document => {
                let caption = check.text("text", &self.text, Need::May, MAX_CAPTION);
                let url = media_url(check, &self.media_url, Need::Must, targets)?;
                Some(Content::Media { kind, url, caption })
            }
            MessageKind::Audio | MessageKind::VoiceNote => {
                let url = media_url(check, &self.media_url, Need::Must, targets)?;
                Some(Content::Media {
                    kind,
                    url,
                    caption: None,
                })
            }
            MessageKind::Location => self.place(check),
            MessageKind::Contact => {
                let contact = check.id("contactId", &self.contact_id, Need::Must)?;
                Some(Content::Card {
                    contact,
                    card: None,
                })
            }
            MessageKind::Buttons => {
                let written = Choices {
                    title: &self.title,
                    description: &self.description,
                    footer: &self.footer,
                    buttons: &self.buttons,
                };
                buttons(written, check).map(Content::Buttons)
            }
        }
    }

    fn place(&self, check: &mut Check) -> Option<Content> {
        let latitude = check.number("latitude", &self.latitude, Need::Must, 90.0);
        let longitude = check.number("longitude", &self.longitude, Need::Must, 180.0);
        let name = check.text("locationName", &self.location_name, Need::May, 255);
        let address = check.text("locationAddress", &self.location_address, Need::May, 500);
        Some(Content::Location {
            latitude: latitude?,
            longitude: longitude?,
            name,
            address,
        })
    }

    fn time(
        &self,
        check: &mut Check,
        when: When<'_>,
        now: OffsetDateTime,
    ) -> Option<OffsetDateTime> {
        let When::At(field) = when else {
            if !self.scheduled_at.is_empty() {
                let advice = "Use POST /api/v1/messages/schedule to send at a time";
                check.refuse("scheduledAt", "not_allowed", advice);
            }
            return None;
        };
        let at = check.moment("scheduledAt", field, Need::Must)?;
        if at > now + MAX_AHEAD {
            check.refuse(
                "scheduledAt",
                "out_of_range",
                "Must be at most 365 days ahead",
            );
            return None;
        }
        Some(at)
    }
}

/// What a body says to send.
pub(in crate::api::v1) enum Named {
    /// What it describes itself.
    Kind(MessageKind),
    /// What was described before.
    Template(TemplateId),
}

/// Exactly one of `type`, which is one of `kinds`, and `templateId`.
pub(in crate::api::v1) fn named(
    check: &mut Check,
    kind: &Field<String>,
    template: &Field<String>,
    kinds: &[MessageKind],
) -> Option<Named> {
    let either = "Give exactly one of type and templateId";
    match (kind.is_empty(), template.is_empty()) {
        (true, true) => {
            check.refuse("type", "required", either);
            None
        }
        (false, false) => {
            check.refuse("templateId", "not_allowed", either);
            None
        }
        (true, false) => {
            let template = check.id("templateId", template, Need::Must);
            template.map(Named::Template)
        }
        (false, true) => {
            let words: Vec<_> = kinds.iter().copied().map(MessageKind::as_str).collect();
            let known = |word: &str| kinds.iter().copied().find(|it| it.as_str() == word);
            let kind = check.word("type", kind, Need::Must, &words.join(", "), known);
            kind.map(Named::Kind)
        }
    }
}

/// The address of media as written: what follows it must not depend on our spelling.
pub(in crate::api::v1) fn media_url(
    check: &mut Check,
    field: &Field<String>,
    need: Need,
    targets: MediaTargets<'_>,
) -> Option<String> {
    let url = check.url("mediaUrl", field, need)?;
    if let Err(reason) = targets.check(&url) {
        check.refuse("mediaUrl", "private_address", reason);
        return None;
    }
    field.valid().cloned()
}
