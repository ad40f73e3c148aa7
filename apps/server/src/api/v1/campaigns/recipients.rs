//! What became of the recipients of a campaign.

use actix_web::{HttpResponse, web};
use msgflash_kernel::PageRequest;
use msgflash_messaging::campaign::ports::RecipientFilter;
use msgflash_messaging::campaign::recipient::{Line, RecipientStatus};
use msgflash_messaging::events::timestamp;
use msgflash_messaging::{CampaignId, MessageId, MessageKind};
use serde::Serialize;
use utoipa::ToSchema;

use super::{after, id_of};
use crate::api::policy::Caller;
use crate::http::check::Need;
use crate::http::{Check, Problem, Query, envelope};
use crate::services::Services;

/// The states of a message that a campaign plans.
pub(crate) const PLANNED: [&str; 6] =
    ["queued", "sent", "delivered", "read", "failed", "cancelled"];
/// And of a recipient who was left out.
pub(crate) const SKIPPED: &str = "skipped";

/// A message of a campaign.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignMessage)]
pub struct CampaignMessageView {
    /// Its id, also before it is made.
    #[schema(format = Uuid)]
    pub id: String,
    /// The recipient; `null` when the contact was deleted since.
    #[schema(format = Uuid)]
    pub contact_id: Option<String>,
    /// Their name.
    pub contact_name: Option<String>,
    /// Their number.
    #[schema(example = "+33612345678")]
    pub to: String,
    /// As on messages; `null` before a message is made of a template.
    #[schema(example = "text")]
    pub r#type: Option<&'static str>,
    /// `queued`, `sent`, `delivered`, `read`, `failed` or `cancelled`.
    #[schema(example = "delivered")]
    pub status: &'static str,
    /// Why it failed, for people.
    pub error: Option<String>,
    /// Text or caption; `null` before it is made.
    pub body: Option<String>,
    /// When it was made; before that, when its recipient was written down.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// A page of a campaign's messages.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignMessagePage)]
pub struct CampaignMessagePageView {
    /// Newest first.
    pub messages: Vec<CampaignMessageView>,
    /// Pass it back as `cursor`, with the same filter; `null` on the last page.
    pub next_cursor: Option<String>,
    /// Whether there is another page.
    pub has_more: bool,
}

/// A recipient of a campaign, and what became of them.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignRecipient)]
pub struct RecipientView {
    /// The id of their message, also before it is made.
    #[schema(format = Uuid)]
    pub message_id: String,
    /// Who it is; `null` when the contact was deleted since.
    #[schema(format = Uuid)]
    pub contact_id: Option<String>,
    /// Their name.
    pub contact_name: Option<String>,
    /// Their number.
    #[schema(example = "+33612345678")]
    pub phone: String,
    /// That of the message, or `skipped`.
    #[schema(example = "delivered")]
    pub status: &'static str,
    /// Why it failed or they were left out, for machines.
    #[schema(example = "RECIPIENT_OPTED_OUT")]
    pub code: Option<String>,
    /// The same for people.
    pub error: Option<String>,
    /// When they were written down, or the message made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When that last changed.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// A page of a campaign's recipients.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignRecipientPage)]
pub struct RecipientPageView {
    /// In the order in which they are written to.
    pub recipients: Vec<RecipientView>,
    /// Pass it back as `cursor`, with the same filter; `null` on the last page.
    pub next_cursor: Option<String>,
    /// Whether there is another page.
    pub has_more: bool,
}

/// Lists the messages of a campaign, newest first, also those that are not made yet.
///
/// A page may be shorter than `limit`, and even empty, while there are more: `hasMore` decides.
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}/messages", tag = "Campaigns", operation_id = "listCampaignMessages",
    params(
        ("id" = uuid::Uuid, Path, description = "The campaign"),
        ("limit" = Option<u32>, Query, description = "Messages per page", minimum = 1, maximum = 100, example = 20),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the page before"),
        ("status" = Option<String>, Query, description = "`queued`, `sent`, `delivered`, `read`, `failed` or `cancelled`", example = "failed"),
    ),
    responses((status = 200, description = "A page", body = inline(crate::openapi::Data<CampaignMessagePageView>))),
    extensions(("x-extension" = json!(true)))
)]
pub(in crate::api) async fn messages(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    let filter = RecipientFilter {
        newest_first: true,
        planned_only: true,
        ..RecipientFilter::default()
    };
    let (filter, page) = asked(&query, id, filter, &PLANNED)?;
    let workspace = caller.actor.workspace.id;
    let read = &services.campaigns.read;
    let page = read.recipients(workspace, id, &filter, &page).await?;
    let next_cursor = page.next.map(|cursor| cursor.encode());
    Ok(envelope::ok(&CampaignMessagePageView {
        messages: page.items.iter().map(CampaignMessageView::from).collect(),
        has_more: next_cursor.is_some(),
        next_cursor,
    }))
}

/// Lists the recipients of a campaign and what became of each, also of those who were left out.
///
/// A page may be shorter than `limit`, and even empty, while there are more: `hasMore` decides.
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}/recipients", tag = "Campaigns", operation_id = "listCampaignRecipients",
    params(
        ("id" = uuid::Uuid, Path, description = "The campaign"),
        ("limit" = Option<u32>, Query, description = "Recipients per page", minimum = 1, maximum = 100, example = 20),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the page before"),
        ("status" = Option<String>, Query, description = "`queued`, `sent`, `delivered`, `read`, `failed`, `cancelled` or `skipped`", example = "skipped"),
    ),
    responses((status = 200, description = "A page", body = inline(crate::openapi::Data<RecipientPageView>))),
    extensions(("x-extension" = json!(true)))
)]
pub(in crate::api) async fn list(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    let words: Vec<_> = PLANNED.into_iter().chain([SKIPPED]).collect();
    let (filter, page) = asked(&query, id, RecipientFilter::default(), &words)?;
    let workspace = caller.actor.workspace.id;
    let read = &services.campaigns.read;
    let page = read.recipients(workspace, id, &filter, &page).await?;
    let next_cursor = page.next.map(|cursor| cursor.encode());
    Ok(envelope::ok(&RecipientPageView {
        recipients: page.items.iter().map(RecipientView::from).collect(),
        has_more: next_cursor.is_some(),
        next_cursor,
    }))
}

/// The state and the page that are asked for.
fn asked(
    query: &Query,
    id: CampaignId,
    filter: RecipientFilter,
    words: &[&str],
) -> Result<(RecipientFilter, PageRequest), Problem> {
    let mut check = Check::default();
    let limit = query.limit(&mut check);
    let known = |word: &str| words.contains(&word).then(|| RecipientStatus::parse(word));
    let status = query.field("status");
    let status = check.word("status", &status, Need::May, &words.join(", "), known);
    let filter = RecipientFilter {
        status: status.flatten(),
        ..filter
    };
    let is_key = |key: &str| MessageId::parse(key).is_some();
    let after = after(&mut check, query, &filter.scope(id), is_key);
    check.finish()?;
    Ok((filter, PageRequest { limit, after }))
}

impl From<&Line> for CampaignMessageView {
    fn from(it: &Line) -> Self {
        Self {
            id: it.message.to_string(),
            contact_id: it.contact.map(|id| id.to_string()),
            contact_name: it.contact_name.clone(),
            to: it.phone.to_string(),
            r#type: it.kind.map(MessageKind::as_str),
            status: it.status.as_str(),
            error: it.error.clone(),
            body: it.body.clone(),
            created_at: timestamp(it.created_at),
            updated_at: timestamp(it.updated_at),
        }
    }
}

impl From<&Line> for RecipientView {
    fn from(it: &Line) -> Self {
        Self {
            message_id: it.message.to_string(),
            contact_id: it.contact.map(|id| id.to_string()),
            contact_name: it.contact_name.clone(),
            phone: it.phone.to_string(),
            status: it.status.as_str(),
            code: it.code.clone(),
            error: it.error.clone(),
            created_at: timestamp(it.created_at),
            updated_at: timestamp(it.updated_at),
        }
    }
}
