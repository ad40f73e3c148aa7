//! Pausing, resuming, cancelling, deleting, and sending failures once more.

use actix_web::{HttpResponse, web};
use msgflash_kernel::Once;

use super::view::{CampaignView, DeletedView, GuidedCampaignView};
use super::{created, id_of, refusal, require_on_plan};
use crate::api::policy::Caller;
use crate::http::{Problem, envelope};
use crate::services::Services;

/// Pauses a scheduled or running campaign. Once this answered, no message of it leaves until it is
/// resumed; those that were on their way to WhatsApp before go on.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/pause", tag = "Campaigns", operation_id = "pauseCampaign",
    params(("id" = uuid::Uuid, Path, description = "The campaign")),
    responses((status = 200, description = "The campaign, paused", body = inline(crate::openapi::Data<CampaignView>)))
)]
pub(in crate::api) async fn pause(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    let campaign = services.campaigns.control.pause(&caller.actor, id).await?;
    Ok(envelope::ok(&CampaignView::from(&campaign)))
}

/// Lets a paused campaign go on where it stopped. Nobody gets a second copy.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/resume", tag = "Campaigns", operation_id = "resumeCampaign",
    params(("id" = uuid::Uuid, Path, description = "The campaign")),
    responses((status = 200, description = "The campaign, with the guidance for its number", body = inline(crate::openapi::Data<GuidedCampaignView>)))
)]
pub(in crate::api) async fn resume(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    let by = (&caller.actor, caller.key);
    let (campaign, safety) = services.campaigns.control.resume(by, id).await?;
    services.campaigns.wake.nudge();
    Ok(envelope::ok(&GuidedCampaignView {
        campaign: (&campaign).into(),
        safety: (&safety).into(),
    }))
}

/// Cancels a campaign for good. Once this answered, no message of it ever leaves any more; those that
/// were on their way to WhatsApp before go on.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/cancel", tag = "Campaigns", operation_id = "cancelCampaign",
    params(("id" = uuid::Uuid, Path, description = "The campaign")),
    responses((status = 200, description = "The campaign, cancelled", body = inline(crate::openapi::Data<CampaignView>))),
    extensions(("x-extension" = json!(true)))
)]
pub(in crate::api) async fn cancel(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    let campaign = services.campaigns.control.cancel(&caller.actor, id).await?;
    Ok(envelope::ok(&CampaignView::from(&campaign)))
}

/// Deletes a campaign, whatever its state; it is stopped first. The messages it sent stay.
#[utoipa::path(
    delete, path = "/api/v1/campaigns/{id}", tag = "Campaigns", operation_id = "deleteCampaign",
    params(("id" = uuid::Uuid, Path, description = "The campaign")),
    responses((status = 200, description = "It is gone", body = inline(crate::openapi::Data<DeletedView>))),
    extensions(("x-extension" = json!(true)))
)]
pub(in crate::api) async fn delete(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    services.campaigns.control.delete(&caller.actor, id).await?;
    services.campaigns.wake.nudge();
    Ok(envelope::ok(&DeletedView { deleted: true }))
}

/// Makes a campaign of those whom an ended one could not reach for a passing reason, with its content
/// and hours. It starts at once, and can be retried in its turn.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/retry-failed", tag = "Campaigns", operation_id = "retryFailedOfCampaign",
    params(("id" = uuid::Uuid, Path, description = "The campaign that has ended")),
    responses((status = 201, description = "The new campaign, with the guidance for it", body = inline(crate::openapi::Data<GuidedCampaignView>))),
    extensions(("x-extension" = json!(true)))
)]
pub(in crate::api) async fn retry(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    caller.check().finish()?;
    let once = caller.replay_key().map(|key| Once {
        key,
        render: &created,
    });
    let workspace = caller.actor.workspace.id;
    let old = services.campaigns.read.find(workspace, id).await?;
    require_on_plan(&caller, &old.content)?;
    let by = (&caller.actor, caller.key);
    let outcome = services.campaigns.retry.retry(by, id, once).await;
    let outcome = outcome.map_err(refusal)?;
    services.campaigns.wake.nudge();
    Ok(envelope::outcome(outcome, created))
}
