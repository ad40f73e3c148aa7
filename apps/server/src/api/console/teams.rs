//! `/api/teams`: people who share a workspace that one of them pays for.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use msgflash_teams::{Role, TeamError, TeamOrder};

pub mod assignments;
pub mod body;
pub mod invitations;
pub mod keys;
pub mod members;
pub mod view;

use self::body::{RenameBody, TeamBody};
use self::view::{DetailView, SummaryView};
use crate::api::policy::{Caller, Person};
use crate::http::envelope::{self, render};
use crate::http::{Problem, RawJson};
use crate::services::Services;

/// Lists the teams of the caller, owned and joined, newest first.
#[utoipa::path(
    get, path = "/api/teams", tag = "Teams", operation_id = "consoleListTeams",
    responses((status = 200, description = "The teams", body = inline(crate::openapi::Data<Vec<SummaryView>>)))
)]
pub(in crate::api) async fn list(
    person: Person,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let teams = services.teams.read.list(person.session.user).await?;
    let views: Vec<_> = teams.iter().map(SummaryView::from).collect();
    Ok(envelope::ok(&views))
}

/// Makes a team and invites people into it: all of them, or there is no team.
///
/// The caller owns it and pays for it. Each invitation goes out as a mail, and takes a seat for as long
/// as it can be answered.
#[utoipa::path(
    post, path = "/api/teams", tag = "Teams", operation_id = "consoleCreateTeam",
    request_body = TeamBody,
    responses((status = 201, description = "The team", body = inline(crate::openapi::Data<DetailView>)))
)]
pub(in crate::api) async fn create(
    person: Person,
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: TeamBody = body.decode()?;
    let (name, invites) = body.check()?;
    let owner = person.session.user;
    let order = TeamOrder {
        owner,
        name,
        invites,
    };
    let team = services.teams.create.create(order).await?;
    let detail = services.teams.read.detail(team).await?;
    let view = DetailView::new(&detail, Role::Owner);
    Ok(envelope::answer(render(StatusCode::CREATED, &view)))
}

/// Reads a team: its members, pending invitations and assignments.
#[utoipa::path(
    get, path = "/api/teams/{teamId}", tag = "Teams", operation_id = "consoleGetTeam",
    params(("teamId" = uuid::Uuid, Path, description = "The team")),
    responses((status = 200, description = "The team", body = inline(crate::openapi::Data<DetailView>)))
)]
pub(in crate::api) async fn read(
    caller: Caller,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    Ok(envelope::ok(&detail(&caller, &services).await?))
}

/// Gives a team another name.
#[utoipa::path(
    patch, path = "/api/teams/{teamId}", tag = "Teams", operation_id = "consoleRenameTeam",
    params(("teamId" = uuid::Uuid, Path, description = "The team")),
    request_body = RenameBody,
    responses((status = 200, description = "The team", body = inline(crate::openapi::Data<DetailView>)))
)]
pub(in crate::api) async fn rename(
    caller: Caller,
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: RenameBody = body.decode()?;
    let name = body.check()?;
    services.teams.manage.rename(&caller.actor, &name).await?;
    Ok(envelope::ok(&detail(&caller, &services).await?))
}

/// Deletes a team.
///
/// Its data cannot be reached from then on, its API keys open nothing, its pending invitations are void,
/// and what waits to be sent is cancelled. What was used stays counted.
#[utoipa::path(
    delete, path = "/api/teams/{teamId}", tag = "Teams", operation_id = "consoleDeleteTeam",
    params(("teamId" = uuid::Uuid, Path, description = "The team")),
    responses((status = 204, description = "It is gone"))
)]
pub(in crate::api) async fn delete(
    caller: Caller,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    services.teams.manage.delete(&caller.actor).await?;
    Ok(done())
}

async fn detail(caller: &Caller, services: &Services) -> Result<DetailView, Problem> {
    let team = caller.actor.workspace.team.ok_or(TeamError::NoTeam)?;
    let detail = services.teams.read.detail(team).await?;
    let role = caller.role.ok_or(TeamError::NoTeam)?;
    Ok(DetailView::new(&detail, role))
}

/// Nothing more to say.
fn done() -> HttpResponse {
    HttpResponse::NoContent().finish()
}
