//! `/api/workspace/current` and `/api/usage`: where somebody is, and what they may do there.

use actix_web::{HttpResponse, web};

pub mod view;

use self::view::{CapabilitiesView, PersonView, PlansView, WorkspaceView};
use crate::api::policy::Caller;
use crate::api::v1::billing::counters as counted;
use crate::http::{Problem, envelope};
use crate::services::Services;

/// Reads the workspace: who is in it, what its plan grants and what was used, and what the caller may
/// do in it.
#[utoipa::path(
    get, path = "/api/workspace/current", tag = "Workspace", operation_id = "consoleGetWorkspace",
    responses((status = 200, description = "The workspace", body = inline(crate::openapi::Data<WorkspaceView>)))
)]
pub(in crate::api) async fn current(
    caller: Caller,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let user = services.accounts.find(caller.actor.user).await?;
    let user = user.ok_or_else(|| Problem::missing("Account not found"))?;
    let (usage, period) = counted(&caller, &services).await?;
    let held = &caller.entitlement;
    let usable = held.require_usable(services.clock.now()).is_ok();
    Ok(envelope::ok(&WorkspaceView {
        kind: "personal",
        viewer: PersonView::from(&user),
        owner: PersonView::from(&user),
        team: None,
        plan: (&held.plan).into(),
        limits: (&held.plan).into(),
        features: (&held.plan).into(),
        subscription: Some(PlansView::from(held)),
        usage,
        period,
        capabilities: CapabilitiesView::own(&held.plan, usable),
    }))
}

/// Reads what was used this month, and nothing else.
#[utoipa::path(
    get, path = "/api/usage", tag = "Billing", operation_id = "consoleGetUsageCounters",
    responses((status = 200, description = "Use this month", body = inline(crate::openapi::Data<crate::api::v1::billing::view::CountersView>)))
)]
pub(in crate::api) async fn counters(
    caller: Caller,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let (usage, _) = counted(&caller, &services).await?;
    Ok(envelope::ok(&usage))
}
