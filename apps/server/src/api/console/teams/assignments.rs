//! `/api/teams/{teamId}/instance-assignments`: which collaborator may use which instance.

use actix_web::{HttpResponse, web};
use msgflash_teams::TeamError;

use super::body::AssignmentBody;
use super::done;
use super::view::AssignmentView;
use crate::api::policy::Caller;
use crate::http::{Problem, Query, RawJson, envelope};
use crate::services::Services;

/// Lists which collaborator may use which instance, the oldest first.
#[utoipa::path(
    get, path = "/api/teams/{teamId}/instance-assignments", tag = "Teams", operation_id = "consoleListAssignments",
    params(("teamId" = uuid::Uuid, Path, description = "The team")),
    responses((status = 200, description = "The assignments", body = inline(crate::openapi::Data<Vec<AssignmentView>>)))
)]
pub(in crate::api) async fn list(
    caller: Caller,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let team = caller.actor.workspace.team.ok_or(TeamError::NoTeam)?;
    let assignments = services.teams.read.assignments(team).await?;
    let views: Vec<_> = assignments.iter().map(AssignmentView::from).collect();
    Ok(envelope::ok(&views))
}

/// Lets a collaborator use an instance of the owner's. Doing it twice changes nothing.
#[utoipa::path(
    post, path = "/api/teams/{teamId}/instance-assignments", tag = "Teams", operation_id = "consoleAssignInstance",
    params(("teamId" = uuid::Uuid, Path, description = "The team")),
    request_body = AssignmentBody,
    responses((status = 204, description = "They may use it"))
)]
pub(in crate::api) async fn assign(
    caller: Caller,
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: AssignmentBody = body.decode()?;
    let (instance, user) = body.check()?;
    let desk = &services.teams.assign;
    desk.assign(&caller.actor, instance, user).await?;
    Ok(done())
}

/// Takes an instance back from a collaborator, whether or not they had it.
#[utoipa::path(
    delete, path = "/api/teams/{teamId}/instance-assignments", tag = "Teams", operation_id = "consoleUnassignInstance",
    params(
        ("teamId" = uuid::Uuid, Path, description = "The team"),
        ("instanceId" = uuid::Uuid, Query, description = "The instance"),
        ("memberUserId" = uuid::Uuid, Query, description = "The collaborator"),
    ),
    responses((status = 204, description = "They may not use it"))
)]
pub(in crate::api) async fn unassign(
    caller: Caller,
    services: web::Data<Services>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let asked = AssignmentBody {
        instance_id: query.field("instanceId"),
        member_user_id: query.field("memberUserId"),
    };
    let (instance, user) = asked.check()?;
    let desk = &services.teams.assign;
    desk.unassign(&caller.actor, instance, user).await?;
    Ok(done())
}
