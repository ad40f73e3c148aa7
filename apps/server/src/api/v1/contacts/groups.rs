//! `/api/v1/contacts/groups`: groups of contacts.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use msgflash_contacts::rules::noted;
use msgflash_contacts::{Group, GroupId, Search};
use msgflash_kernel::{Id, Once, StoredAnswer};

pub mod body;
pub mod view;

use self::body::{GroupBody, GroupChangeBody};
use self::view::{ContactGroupsView, GroupPageView, GroupView};
use super::{limit, refusal};
use crate::api::policy::Caller;
use crate::api::v1::webhooks::view::DeletedView;
use crate::http::envelope::{self, render};
use crate::http::{Check, Problem, Query, RawJson};
use crate::services::Services;

/// Lists the groups of the workspace, newest first.
#[utoipa::path(
    get, path = "/api/v1/contacts/groups", tag = "Contact groups", operation_id = "listContactGroups",
    params(
        ("limit" = Option<u32>, Query, description = "Groups per page", minimum = 1, maximum = 100, example = 50),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the page before, with the same search"),
        ("search" = Option<String>, Query, description = "Part of the name or the description, 1 to 100 characters; neither letter case nor accents matter", max_length = 100),
    ),
    responses((status = 200, description = "A page", body = inline(crate::openapi::Data<GroupPageView>)))
)]
pub(in crate::api) async fn list(
    caller: Caller,
    services: web::Data<Services>,
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
        .page(caller.actor.workspace.id, search, limit, cursor)
        .await?;
    Ok(envelope::ok(&GroupPageView::of(&page, limit)))
}

/// What is searched for.
pub(super) fn search(check: &mut Check, query: &Query) -> Option<Search> {
    let search = query.field("search");
    let search = search.valid()?;
    check.also(|it| noted(it, "search", Search::parse(search)))
}

/// Makes a group without members.
#[utoipa::path(
    post, path = "/api/v1/contacts/groups", tag = "Contact groups", operation_id = "createContactGroup",
    request_body(content = GroupBody, example = json!({
        "name": "Wholesale", "description": "Buy by the pallet", "color": "#1A7F5A"
    })),
    responses((status = 201, description = "The group", body = inline(crate::openapi::Data<GroupView>)))
)]
pub(in crate::api) async fn create(
    caller: Caller,
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: GroupBody = body.decode()?;
    let cap = caller.entitlement.plan.limits.max_contact_groups;
    let order = body.check(caller.check(), caller.actor, cap)?;
    let once = caller.replay_key().map(|key| Once {
        key,
        render: &created,
    });
    let outcome = services
        .address_book
        .create_group
        .create(order, once)
        .await
        .map_err(refusal)?;
    Ok(envelope::outcome(outcome, created))
}

fn created(group: &Group) -> StoredAnswer {
    render(StatusCode::CREATED, &GroupView::from(group))
}

/// Reads one group.
#[utoipa::path(
    get, path = "/api/v1/contacts/groups/{groupId}", tag = "Contact groups", operation_id = "getContactGroup",
    params(("groupId" = uuid::Uuid, Path, description = "The group")),
    responses((status = 200, description = "The group", body = inline(crate::openapi::Data<GroupView>)))
)]
pub(in crate::api) async fn read(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let group = services
        .address_book
        .read_groups
        .find(caller.actor.workspace.id, id_of(&path)?)
        .await?;
    Ok(envelope::ok(&GroupView::from(&group)))
}

/// Changes what is given. `null` clears the description and the color.
#[utoipa::path(
    put, path = "/api/v1/contacts/groups/{groupId}", tag = "Contact groups", operation_id = "updateContactGroup",
    params(("groupId" = uuid::Uuid, Path, description = "The group")),
    request_body(content = GroupChangeBody, example = json!({ "name": "Wholesale France", "color": null })),
    responses((status = 200, description = "The group as it is now", body = inline(crate::openapi::Data<GroupView>)))
)]
pub(in crate::api) async fn change(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: GroupChangeBody = body.decode()?;
    let change = body.check(caller.check())?;
    let group = services
        .address_book
        .change_group
        .change(caller.actor.workspace.id, id_of(&path)?, change)
        .await?;
    Ok(envelope::ok(&GroupView::from(&group)))
}

/// Deletes a group. Its contacts stay.
#[utoipa::path(
    delete, path = "/api/v1/contacts/groups/{groupId}", tag = "Contact groups", operation_id = "deleteContactGroup",
    params(("groupId" = uuid::Uuid, Path, description = "The group")),
    responses((status = 200, description = "It is gone", body = inline(crate::openapi::Data<DeletedView>)))
)]
pub(in crate::api) async fn delete(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    services
        .address_book
        .delete_group
        .delete(caller.actor.workspace.id, id_of(&path)?)
        .await?;
    Ok(envelope::ok(&DeletedView { deleted: true }))
}

/// Lists the groups a contact is in, by name, all of them.
#[utoipa::path(
    get, path = "/api/v1/contacts/{id}/groups", tag = "Contacts", operation_id = "listGroupsOfContact",
    params(("id" = uuid::Uuid, Path, description = "The contact")),
    responses((status = 200, description = "The groups", body = inline(crate::openapi::Data<ContactGroupsView>)))
)]
pub(in crate::api) async fn of_contact(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = super::id_of(&path)?;
    let groups = services
        .address_book
        .read_groups
        .of_contact(caller.actor.workspace.id, id)
        .await?;
    Ok(envelope::ok(&ContactGroupsView::from(&*groups)))
}

/// The id of a group in a path.
pub(super) fn id_of(path: &str) -> Result<GroupId, Problem> {
    Id::parse(path).ok_or_else(|| Problem::missing("Contact group not found"))
}
