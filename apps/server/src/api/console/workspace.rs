//! `/api/workspace/current` and `/api/usage`: where somebody is, and what they may do there.

use actix_web::{HttpResponse, web};
use msgflash_kernel::UserId;
use msgflash_teams::permission::{self, Action};

pub mod view;

use self::view::{CapabilitiesView, PersonView, PlansView, TeamView, WorkspaceView};
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
    let Caller { actor, role, .. } = &caller;
    let viewer = person(&services, actor.user).await?;
    let owner = match actor.workspace.owner() {
        it if it == actor.user => viewer.clone(),
        it => person(&services, it).await?,
    };
    let team = match actor.workspace.team.zip(*role) {
        Some((team, role)) => {
            let detail = services.teams.read.detail(team).await?;
            Some(TeamView::new(&detail, role))
        }
        None => None,
    };
    let (usage, period) = counted(&caller, &services).await?;
    let held = &caller.entitlement;
    let usable = held.require_usable(services.clock.now()).is_ok();
    let may_read_billing = permission::require(Action::ReadBilling, *role).is_ok();
    Ok(envelope::ok(&WorkspaceView {
        kind: if team.is_some() { "team" } else { "personal" },
        viewer,
        owner,
        team,
        plan: (&held.plan).into(),
        limits: (&held.plan).into(),
        features: (&held.plan).into(),
        subscription: may_read_billing.then(|| PlansView::from(held)),
        usage,
        period,
        capabilities: CapabilitiesView::new(&held.plan, usable, *role),
    }))
}

async fn person(services: &Services, id: UserId) -> Result<PersonView, Problem> {
    let found = services.accounts.find(id).await?;
    let found = found.ok_or_else(|| Problem::missing("Account not found"))?;
    Ok(PersonView::from(&found))
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
