//! `/api/campaigns`: all of them at once.

use actix_web::{HttpResponse, web};

use crate::api::policy::Caller;
use crate::api::v1::campaigns::view::CampaignView;
use crate::http::{Problem, envelope};
use crate::services::Services;

/// Lists the newest thousand campaigns, newest first.
#[utoipa::path(
    get, path = "/api/campaigns", tag = "Campaigns", operation_id = "consoleListCampaigns",
    responses((status = 200, description = "The campaigns", body = inline(crate::openapi::Data<Vec<CampaignView>>)))
)]
pub(in crate::api) async fn list(
    caller: Caller,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let workspace = caller.actor.workspace.id;
    let campaigns = services.campaigns.read.list(workspace).await?;
    let views: Vec<_> = campaigns.iter().map(CampaignView::from).collect();
    Ok(envelope::ok(&views))
}
