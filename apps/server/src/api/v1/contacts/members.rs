//! `/api/v1/contacts/groups/{groupId}/members`: who is in a group.

use actix_web::{HttpResponse, web};
use msgflash_contacts::Operation;

pub mod view;

use self::view::MemberPageView;
use super::bulk::body::ContactIdsBody;
use super::bulk::start;
use super::bulk::view::{AcceptedJobView, AddedView, RemovedView};
use super::groups::{id_of, search};
use super::limit;
use crate::api::policy::Caller;
use crate::http::envelope;
use crate::http::{Check, Problem, Query, RawJson};
use crate::services::Services;

/// Lists the members of a group, those added last first. With `search`, a page may hold fewer of
/// them than `limit`, or none, while `hasMore` is `true`: go on with `nextCursor`.
#[utoipa::path(
    get, path = "/api/v1/contacts/groups/{groupId}/members", tag = "Contact groups", operation_id = "listGroupMembers",
    params(
        ("groupId" = uuid::Uuid, Path, description = "The group"),
        ("limit" = Option<u32>, Query, description = "Members per page", minimum = 1, maximum = 100, example = 50),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the page before, with the same search"),
        ("search" = Option<String>, Query, description = "Part of the name or the number, 1 to 100 characters; neither letter case nor accents matter", max_length = 100),
    ),
    responses((status = 200, description = "A page", body = inline(crate::openapi::Data<MemberPageView>)))
)]
pub(in crate::api) async fn list(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let mut check = Check::default();
    let limit = limit(&mut check, &query);
    let search = search(&mut check, &query);
    check.finish()?;
    let cursor = query.cursor();
    let page = services
        .address_book
        .read_groups
        .members(
            caller.actor.workspace.id,
            id_of(&path)?,
            search,
            limit,
            cursor,
        )
        .await?;
    Ok(envelope::ok(&MemberPageView::of(&page, limit)))
}

/// Adds up to 10,000 contacts: fewer than 100 at once, more in the background. Those who are
/// members stay as they are.
#[utoipa::path(
    post, path = "/api/v1/contacts/groups/{groupId}/members", tag = "Contact groups", operation_id = "addGroupMembers",
    params(("groupId" = uuid::Uuid, Path, description = "The group")),
    request_body = ContactIdsBody,
    responses(
        (status = 200, description = "Fewer than 100 ids: it is done", body = inline(crate::openapi::Data<AddedView>)),
        (status = 202, description = "100 ids or more: it will be", body = inline(crate::openapi::Data<AcceptedJobView>)),
    )
)]
pub(in crate::api) async fn add(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: ContactIdsBody = body.decode()?;
    let ids = body.check(caller.check())?;
    start(&caller, &services, Operation::AddTo(id_of(&path)?), ids).await
}

/// Removes up to 10,000 contacts from a group: fewer than 100 at once, more in the background. The
/// contacts stay.
#[utoipa::path(
    delete, path = "/api/v1/contacts/groups/{groupId}/members", tag = "Contact groups", operation_id = "removeGroupMembers",
    params(("groupId" = uuid::Uuid, Path, description = "The group")),
    request_body = ContactIdsBody,
    responses(
        (status = 200, description = "Fewer than 100 ids: it is done", body = inline(crate::openapi::Data<RemovedView>)),
        (status = 202, description = "100 ids or more: it will be", body = inline(crate::openapi::Data<AcceptedJobView>)),
    )
)]
pub(in crate::api) async fn remove(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: ContactIdsBody = body.decode()?;
    let ids = body.check(caller.check())?;
    let operation = Operation::RemoveFrom(id_of(&path)?);
    start(&caller, &services, operation, ids).await
}
