//! `/api/teams/…/invitations`: asking people in, and answering.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use msgflash_teams::{InvitationId, Named, TeamError};

use super::body::{AnswerBody, InviteBody};
use super::done;
use super::view::{AcceptedView, InvitationView, MineView, PreviewView};
use crate::api::policy::{Caller, Person};
use crate::http::envelope::{self, render};
use crate::http::{Problem, Query, RawJson};
use crate::services::Services;

/// Invites somebody. They get a mail, and 24 hours to answer.
#[utoipa::path(
    post, path = "/api/teams/{teamId}/invitations", tag = "Teams", operation_id = "consoleInviteToTeam",
    params(("teamId" = uuid::Uuid, Path, description = "The team")),
    request_body = InviteBody,
    responses((status = 201, description = "The invitation", body = inline(crate::openapi::Data<InvitationView>)))
)]
pub(in crate::api) async fn invite(
    caller: Caller,
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: InviteBody = body.decode()?;
    let wanted = body.check()?;
    let asked = services.teams.invite.invite(&caller.actor, wanted).await?;
    let view = InvitationView::from(&asked);
    Ok(envelope::answer(render(StatusCode::CREATED, &view)))
}

/// Sends an invitation again, also one that ran out when a seat is free. The link sent before stops
/// working, and 24 hours begin anew.
#[utoipa::path(
    post, path = "/api/teams/{teamId}/invitations/{invitationId}/resend", tag = "Teams", operation_id = "consoleResendInvitation",
    params(
        ("teamId" = uuid::Uuid, Path, description = "The team"),
        ("invitationId" = uuid::Uuid, Path, description = "The invitation"),
    ),
    responses((status = 200, description = "The invitation", body = inline(crate::openapi::Data<InvitationView>)))
)]
pub(in crate::api) async fn resend(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let id = named(&path.1)?;
    let asked = services.teams.invite.resend(&caller.actor, id).await?;
    Ok(envelope::ok(&InvitationView::from(&asked)))
}

/// Takes a pending invitation back.
#[utoipa::path(
    delete, path = "/api/teams/{teamId}/invitations/{invitationId}", tag = "Teams", operation_id = "consoleRevokeInvitation",
    params(
        ("teamId" = uuid::Uuid, Path, description = "The team"),
        ("invitationId" = uuid::Uuid, Path, description = "The invitation"),
    ),
    responses((status = 204, description = "It cannot be accepted any more"))
)]
pub(in crate::api) async fn revoke(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let id = named(&path.1)?;
    services.teams.invite.revoke(&caller.actor, id).await?;
    Ok(done())
}

/// Lists the invitations that the caller may still answer, newest first.
#[utoipa::path(
    get, path = "/api/teams/invitations/mine", tag = "Teams", operation_id = "consoleListMyInvitations",
    responses((status = 200, description = "The invitations", body = inline(crate::openapi::Data<Vec<MineView>>)))
)]
pub(in crate::api) async fn mine(
    person: Person,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let open = services.teams.answer.inbox(person.session.user).await?;
    let views: Vec<_> = open.iter().map(MineView::from).collect();
    Ok(envelope::ok(&views))
}

/// Shows what the link of an invitation is about, to whoever holds it.
#[utoipa::path(
    get, path = "/api/teams/invitations/preview", tag = "Teams", operation_id = "consolePreviewInvitation",
    params(("token" = String, Query, description = "What the link carries")),
    responses((status = 200, description = "The invitation", body = inline(crate::openapi::Data<PreviewView>)))
)]
pub(in crate::api) async fn preview(
    services: web::Data<Services>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let token = query.field("token");
    let token = token.valid().ok_or(TeamError::BadInvitation)?;
    let preview = services.teams.answer.preview(token).await?;
    Ok(envelope::ok(&PreviewView::from(&preview)))
}

/// Accepts an invitation, by its id or by what the link of its mail carries.
#[utoipa::path(
    post, path = "/api/teams/invitations/accept", tag = "Teams", operation_id = "consoleAcceptInvitation",
    request_body(content = AnswerBody, example = json!({ "token": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8" })),
    responses((status = 200, description = "The caller is a member", body = inline(crate::openapi::Data<AcceptedView>)))
)]
pub(in crate::api) async fn accept(
    person: Person,
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: AnswerBody = body.decode()?;
    let named = body.check()?;
    let user = person.session.user;
    let accepted = services.teams.answer.accept(user, &named).await?;
    Ok(envelope::ok(&AcceptedView::from(accepted)))
}

/// Declines an invitation, by its id or by what the link of its mail carries. Its seat is free again.
#[utoipa::path(
    post, path = "/api/teams/invitations/decline", tag = "Teams", operation_id = "consoleDeclineInvitation",
    request_body(content = AnswerBody, example = json!({ "token": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8" })),
    responses((status = 204, description = "It cannot be accepted any more"))
)]
pub(in crate::api) async fn decline(
    person: Person,
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: AnswerBody = body.decode()?;
    let named = body.check()?;
    let user = person.session.user;
    services.teams.answer.decline(user, &named).await?;
    Ok(done())
}

/// Declines an invitation by its id.
#[utoipa::path(
    delete, path = "/api/teams/invitations/{invitationId}/decline", tag = "Teams", operation_id = "consoleDeclineInvitationById",
    params(("invitationId" = uuid::Uuid, Path, description = "The invitation")),
    responses((status = 204, description = "It cannot be accepted any more"))
)]
pub(in crate::api) async fn decline_one(
    person: Person,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = named(&path)?;
    let user = person.session.user;
    services.teams.answer.decline(user, &Named::Id(id)).await?;
    Ok(done())
}

fn named(path: &str) -> Result<InvitationId, Problem> {
    InvitationId::parse(path).ok_or_else(|| Problem::missing("Invitation not found"))
}
