//! `/api/teams/{teamId}/members`: who is what in a team.

use actix_web::{HttpResponse, web};
use msgflash_kernel::UserId;

use super::body::RoleBody;
use super::done;
use super::view::MemberView;
use crate::api::policy::Caller;
use crate::http::{Problem, RawJson, envelope};
use crate::services::Services;

/// Makes a collaborator an admin, or the other way round. The owner stays the owner.
#[utoipa::path(
    patch, path = "/api/teams/{teamId}/members/{userId}", tag = "Teams", operation_id = "consoleChangeMemberRole",
    params(
        ("teamId" = uuid::Uuid, Path, description = "The team"),
        ("userId" = uuid::Uuid, Path, description = "The member"),
    ),
    request_body = RoleBody,
    responses((status = 200, description = "The member", body = inline(crate::openapi::Data<MemberView>)))
)]
pub(in crate::api) async fn change_role(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<(String, String)>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: RoleBody = body.decode()?;
    let role = body.check()?;
    let user = member(&path.1)?;
    let members = &services.teams.members;
    let member = members.change_role(&caller.actor, user, role).await?;
    Ok(envelope::ok(&MemberView::from(&member)))
}

/// Removes a member. They lose the instances they were assigned; what they made stays, and so do the
/// team's API keys they made.
#[utoipa::path(
    delete, path = "/api/teams/{teamId}/members/{userId}", tag = "Teams", operation_id = "consoleRemoveMember",
    params(
        ("teamId" = uuid::Uuid, Path, description = "The team"),
        ("userId" = uuid::Uuid, Path, description = "The member"),
    ),
    responses((status = 204, description = "They are not a member any more"))
)]
pub(in crate::api) async fn remove(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let user = member(&path.1)?;
    services.teams.members.remove(&caller.actor, user).await?;
    Ok(done())
}

/// Leaves the team. The owner cannot; they delete it.
#[utoipa::path(
    post, path = "/api/teams/{teamId}/members/leave", tag = "Teams", operation_id = "consoleLeaveTeam",
    params(("teamId" = uuid::Uuid, Path, description = "The team")),
    responses((status = 204, description = "The caller is not a member any more"))
)]
pub(in crate::api) async fn leave(
    caller: Caller,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    services.teams.members.leave(&caller.actor).await?;
    Ok(done())
}

fn member(path: &str) -> Result<UserId, Problem> {
    UserId::parse(path).ok_or_else(|| Problem::missing("Member not found"))
}
