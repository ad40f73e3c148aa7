//! Templates as published.

use msgflash_messaging::events::timestamp;
use msgflash_templates::{Preview, Template};
use serde::Serialize;
use utoipa::ToSchema;

/// A template.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Template)]
pub struct TemplateView {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The owner of the workspace.
    #[schema(format = Uuid)]
    pub user_id: String,
    /// A label for people.
    #[schema(example = "Cart reminder")]
    pub name: String,
    /// `text`, `image`, `video`, `audio` or `document`.
    #[schema(example = "text")]
    pub r#type: &'static str,
    /// The text, or the caption, with its placeholders; `null` for media without a caption.
    #[schema(example = "Hello {{contact.firstName}}, use {{custom.code}} today.")]
    pub body: Option<String>,
    /// Where the media lies; `null` for a text.
    #[schema(format = "uri", example = json!(null))]
    pub media_url: Option<String>,
    /// The placeholders of the body, each once, in the order of their first appearance.
    #[schema(example = json!(["contact.firstName", "custom.code"]))]
    pub variables: Vec<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

impl From<&Template> for TemplateView {
    fn from(it: &Template) -> Self {
        Self {
            id: it.id.to_string(),
            user_id: it.workspace.owner().to_string(),
            name: it.name().to_owned(),
            r#type: it.kind().as_str(),
            body: it.body().map(str::to_owned),
            media_url: it.media_url().map(str::to_owned),
            variables: it.variables(),
            created_at: timestamp(it.created_at),
            updated_at: timestamp(it.updated_at),
        }
    }
}

/// A page of templates.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TemplatePage)]
pub struct TemplatePageView {
    /// Newest first.
    pub templates: Vec<TemplateView>,
    /// How many there are in all.
    #[schema(example = 45)]
    pub total: u64,
}

/// What a template becomes.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TemplatePreview)]
pub struct PreviewView {
    /// The text or the caption. Placeholders without a value stay as they are written; empty for
    /// media without a caption.
    #[schema(example = "Hello Awa, use SPRING today.")]
    pub rendered: String,
    /// Every placeholder.
    #[schema(example = json!(["contact.firstName", "custom.code"]))]
    pub variables: Vec<String>,
    /// Those without a value.
    #[schema(example = json!([]))]
    pub missing_variables: Vec<String>,
    /// Whether it could be sent like this.
    #[schema(example = true)]
    pub valid: bool,
}

impl From<&Preview> for PreviewView {
    fn from(it: &Preview) -> Self {
        Self {
            rendered: it.rendered.clone(),
            variables: it.variables.clone(),
            missing_variables: it.missing.clone(),
            valid: it.is_valid(),
        }
    }
}
