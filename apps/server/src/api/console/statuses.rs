//! `/api/statuses`: what was published.

use actix_web::{HttpResponse, web};
use msgflash_messaging::events::timestamp;
use msgflash_messaging::provider::StatusContent;
use msgflash_messaging::status::ListedStatus;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::policy::Caller;
use crate::http::{Check, Problem, Query, envelope};
use crate::services::Services;

/// A status.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Status)]
pub struct StatusView {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The instance it is published by.
    #[schema(format = Uuid)]
    pub instance_id: String,
    /// What that is called.
    #[schema(example = "Shop")]
    pub instance_name: Option<String>,
    /// `text` or `image`.
    #[schema(example = "text")]
    pub r#type: &'static str,
    /// The words, or the address of the image.
    #[schema(example = "Open until 8 p.m. tonight")]
    pub content: String,
    /// The words under an image.
    pub caption: Option<String>,
    /// The colour behind a text.
    #[schema(example = "#1F6F54")]
    pub background_color: Option<String>,
    /// `pending` while nobody knows whether it is out, `published` or `failed`.
    #[schema(example = "published")]
    pub status: &'static str,
    /// Why it failed.
    pub error: Option<String>,
    /// WhatsApp's id.
    #[schema(example = "3EB0AE1E6D918534725ECB")]
    pub provider_message_id: Option<String>,
    /// When it was asked for.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl From<&ListedStatus> for StatusView {
    fn from(listed: &ListedStatus) -> Self {
        let it = &listed.status;
        let (kind, content, caption, background_color) = match &it.content {
            StatusContent::Text { text, background } => ("text", text, None, Some(background)),
            StatusContent::Image { url, caption } => ("image", url, caption.clone(), None),
        };
        Self {
            id: it.id.to_string(),
            instance_id: it.instance.to_string(),
            instance_name: listed.instance_name.clone(),
            r#type: kind,
            content: content.clone(),
            caption,
            background_color: background_color.cloned(),
            status: it.state.as_str(),
            error: it.error.clone(),
            provider_message_id: it.provider_message_id.clone(),
            created_at: timestamp(it.created_at),
        }
    }
}

/// A page of statuses.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StatusPage)]
pub struct StatusPageView {
    /// Newest first.
    pub statuses: Vec<StatusView>,
    /// In the workspace.
    pub total: u64,
    /// This page, from 1.
    pub page: u32,
    /// How many pages there are.
    pub total_pages: u64,
}

/// Lists statuses, newest first.
#[utoipa::path(
    get, path = "/api/statuses", tag = "Statuses", operation_id = "consoleListStatuses",
    params(
        ("page" = Option<u32>, Query, description = "The page, from 1", minimum = 1, example = 1),
        ("limit" = Option<u32>, Query, description = "Statuses per page", minimum = 1, maximum = 100, example = 20),
    ),
    responses((status = 200, description = "A page; empty past the end", body = inline(crate::openapi::Data<StatusPageView>)))
)]
pub(in crate::api) async fn list(
    caller: Caller,
    services: web::Data<Services>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let mut check = Check::default();
    let page = check.count("page", &query.field("page"), 1, u32::MAX);
    let limit = query.limit(&mut check);
    check.finish()?;
    let workspace = caller.actor.workspace.id;
    let found = services.statuses.read.page(workspace, page, limit).await?;
    Ok(envelope::ok(&StatusPageView {
        statuses: found.statuses.iter().map(StatusView::from).collect(),
        total: found.total,
        page,
        total_pages: found.total.div_ceil(u64::from(limit)),
    }))
}
