//! What is asked of templates.

use msgflash_kernel::Problems;
use msgflash_templates::{
    Draft, MAX_CAPTION, MAX_NAME, MAX_TEXT, Revision, TemplateKind, variables,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::v1::messages::body::media_url;
use crate::http::check::Need;
use crate::http::{Check, Field};
use crate::services::MediaTargets;

/// A template to make.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateBody {
    /// A label for people; two templates may have the same.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 100, example = "Cart reminder")]
    pub name: Field<String>,
    /// `text`, `image`, `video`, `audio` or `document`, for good.
    #[serde(default)]
    #[schema(value_type = String, required = true, example = "text")]
    pub r#type: Field<String>,
    /// The text of `text` (1-4096 characters), or a caption of at most 1024.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 4096, example = "Hello {{contact.firstName}}, use {{custom.code}} today.")]
    pub body: Field<String>,
    /// An absolute public `http` or `https` URL, up to 2048 characters; needed by every type but
    /// `text`, which ignores it.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "uri")]
    pub media_url: Field<String>,
}

impl TemplateBody {
    /// Checks the shape and notes every problem of the body at once.
    pub(super) fn check(
        &self,
        mut check: Check,
        targets: MediaTargets<'_>,
    ) -> Result<Draft, Problems> {
        let name = check.text("name", &self.name, Need::Must, count(MAX_NAME));
        let kind = kind(&mut check, &self.r#type, Need::Must);
        let (need, limit) = match kind {
            Some(TemplateKind::Text) => (Need::Must, MAX_TEXT),
            Some(_) => (Need::May, MAX_CAPTION),
            None => (Need::May, MAX_TEXT),
        };
        let body = check.text("body", &self.body, need, count(limit));
        let media_url = if kind == Some(TemplateKind::Text) {
            None
        } else {
            media_url(&mut check, &self.media_url, Need::May, targets)
        };
        check.finish()?;
        let incomplete = || Problems::one("", "invalid", "The body does not describe a template");
        Ok(Draft {
            name: name.ok_or_else(incomplete)?,
            kind: kind.ok_or_else(incomplete)?,
            body,
            media_url,
        })
    }
}

/// What changes about a template. What is left out or `null` stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevisionBody {
    /// A label for people.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, example = "Cart reminder")]
    pub name: Field<String>,
    /// The type it has; another one is refused.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "text")]
    pub r#type: Field<String>,
    /// The text of `text` (1-4096 characters), or a caption of at most 1024. An empty caption takes
    /// it off.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 4096)]
    pub body: Field<String>,
    /// An absolute public `http` or `https` URL, up to 2048 characters. A `text` does not keep it.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "uri")]
    pub media_url: Field<String>,
}

impl RevisionBody {
    /// Checks what can be checked without the template; the rest is the template's to say.
    pub(super) fn check(
        &self,
        mut check: Check,
        targets: MediaTargets<'_>,
    ) -> Result<Revision, Problems> {
        let need = if self.name.is_empty() {
            Need::May
        } else {
            Need::Must
        };
        let revision = Revision {
            name: check.text("name", &self.name, need, count(MAX_NAME)),
            kind: kind(&mut check, &self.r#type, Need::May),
            body: check.text("body", &self.body, Need::May, count(MAX_TEXT)),
            media_url: media_url(&mut check, &self.media_url, Need::May, targets),
        };
        check.finish()?;
        Ok(revision)
    }
}

/// Whom a preview addresses, and with what. Everything may be left out, and so may the body.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreviewBody {
    /// The number it is to go out from, for `instance.*`.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Uuid)]
    pub instance_id: Field<String>,
    /// Who is addressed, for `contact.*`.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Uuid)]
    pub contact_id: Field<String>,
    /// Values for `custom.*`: a flat object of text, numbers or booleans.
    #[serde(default)]
    #[schema(value_type = Option<Object>, example = json!({ "code": "SPRING", "amount": 1500 }))]
    pub variables: Field<Map<String, Value>>,
}

/// What a preview is to be made with.
pub(super) struct PreviewContext {
    pub(super) instance: Option<Uuid>,
    pub(super) contact: Option<Uuid>,
    pub(super) variables: Map<String, Value>,
}

impl PreviewBody {
    /// Checks the shape and notes every problem of the body at once.
    pub(super) fn check(self, mut check: Check) -> Result<PreviewContext, Problems> {
        let instance = check.uuid("instanceId", &self.instance_id, Need::May);
        let contact = check.uuid("contactId", &self.contact_id, Need::May);
        let variables = values(&mut check, &self.variables);
        check.finish()?;
        Ok(PreviewContext {
            instance,
            contact,
            variables,
        })
    }
}

/// Values for `custom.*`.
pub(in crate::api::v1) fn values(
    check: &mut Check,
    field: &Field<Map<String, Value>>,
) -> Map<String, Value> {
    let given = check.given("variables", field, Need::May, "an object");
    if let Some(given) = given {
        check.also(|problems| variables::check(problems, "variables", given));
    }
    given.cloned().unwrap_or_default()
}

fn kind(check: &mut Check, field: &Field<String>, need: Need) -> Option<TemplateKind> {
    let words = TemplateKind::ALL.map(TemplateKind::as_str).join(", ");
    check.word("type", field, need, &words, TemplateKind::parse)
}

fn count(limit: usize) -> u64 {
    limit.try_into().unwrap_or(u64::MAX)
}
