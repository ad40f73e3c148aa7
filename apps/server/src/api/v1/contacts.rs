//! `/api/v1/contacts`: the address book of a workspace.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use msgflash_contacts::{ContactEntry, ContactError, ContactId, ContactQuery, Sort};
use msgflash_kernel::{Id, Once, StoredAnswer};

pub mod body;
pub mod bulk;
pub mod groups;
pub mod jobs;
pub mod members;
#[cfg(test)]
mod tests;
pub mod view;

use self::body::{ContactBody, ContactChangeBody};
use self::view::{ContactPageView, ContactView};
use super::webhooks::view::DeletedView;
use crate::api::policy::Caller;
use crate::http::check::Need;
use crate::http::envelope::{self, render};
use crate::http::problem::whole_seconds;
use crate::http::{Check, Problem, Query, RawJson};
use crate::services::Services;

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 100;

/// Lists contacts. With a filter, a page may hold fewer of them than `limit`, or none, while
/// `hasMore` is `true`: go on with `nextCursor`.
#[utoipa::path(
    get, path = "/api/v1/contacts", tag = "Contacts", operation_id = "listContacts",
    params(
        ("limit" = Option<u32>, Query, description = "Contacts per page", minimum = 1, maximum = 100, example = 50),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the page before, with the same sort and filters"),
        ("search" = Option<String>, Query, description = "Part of the name or the number, 1 to 100 characters; neither letter case nor accents matter", max_length = 100, example = "elodie"),
        ("sort" = Option<String>, Query, description = "`createdAt_desc` or `name_asc`", example = "createdAt_desc"),
        ("groupId" = Option<uuid::Uuid>, Query, description = "Members of this group"),
        ("tag" = Option<Vec<String>>, Query, style = Form, explode, description = "Contacts with this very tag; given several times, with all of them, 10 at most"),
    ),
    responses((status = 200, description = "A page", body = inline(crate::openapi::Data<ContactPageView>)))
)]
pub(in crate::api) async fn list(
    caller: Caller,
    services: web::Data<Services>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let mut check = Check::default();
    let limit = limit(&mut check, &query);
    let wanted = wanted(&mut check, &query);
    check.finish()?;
    let cursor = query.cursor();
    let page = services
        .address_book
        .read_contacts
        .page(caller.actor.workspace.id, &wanted, limit, cursor)
        .await?;
    Ok(envelope::ok(&ContactPageView::of(
        &page,
        limit,
        wanted.sort,
    )))
}

/// How many contacts, groups or members a page has.
fn limit(check: &mut Check, query: &Query) -> u32 {
    check.count("limit", &query.field("limit"), DEFAULT_LIMIT, MAX_LIMIT)
}

fn wanted(check: &mut Check, query: &Query) -> ContactQuery {
    let sorts = Sort::ALL.map(Sort::as_str).join(", ");
    let sort = check.word("sort", &query.field("sort"), Need::May, &sorts, Sort::parse);
    let group = check.id("groupId", &query.field("groupId"), Need::May);
    let search = query.field("search");
    let search = search.valid().map(String::as_str);
    let tags = query.all("tag");
    check.also(|it| ContactQuery::read(it, search, &tags, group, sort.unwrap_or_default()))
}

/// Makes a contact. One that has this number already is never changed by it.
#[utoipa::path(
    post, path = "/api/v1/contacts", tag = "Contacts", operation_id = "createContact",
    request_body(content = ContactBody, example = json!({
        "name": "Lina Moreau", "phone": "+33698765432", "tags": ["wholesale"], "meta": { "city": "Lyon" }
    })),
    responses((status = 201, description = "The contact", body = inline(crate::openapi::Data<ContactView>)))
)]
pub(in crate::api) async fn create(
    caller: Caller,
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: ContactBody = body.decode()?;
    let order = body.check(caller.check(), caller.actor)?;
    let once = caller.replay_key().map(|key| Once {
        key,
        render: &created,
    });
    let outcome = services
        .address_book
        .create_contact
        .create(order, once)
        .await
        .map_err(refusal)?;
    Ok(envelope::outcome(outcome, created))
}

fn created(contact: &ContactEntry) -> StoredAnswer {
    render(StatusCode::CREATED, &ContactView::from(contact))
}

pub(super) fn refusal(error: ContactError) -> Problem {
    let wait = error.retry_after();
    let problem = Problem::from(error);
    match wait {
        Some(wait) => problem.retry_after(whole_seconds(wait)),
        None => problem,
    }
}

/// Reads one contact.
#[utoipa::path(
    get, path = "/api/v1/contacts/{id}", tag = "Contacts", operation_id = "getContact",
    params(("id" = uuid::Uuid, Path, description = "The contact")),
    responses((status = 200, description = "The contact", body = inline(crate::openapi::Data<ContactView>)))
)]
pub(in crate::api) async fn read(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    let contact = services
        .address_book
        .read_contacts
        .find(caller.actor.workspace.id, id)
        .await?;
    Ok(envelope::ok(&ContactView::from(&contact)))
}

/// Changes what is given. `tags` and `meta` take the place of what was there; `"meta": null`
/// clears it.
#[utoipa::path(
    put, path = "/api/v1/contacts/{id}", tag = "Contacts", operation_id = "updateContact",
    params(("id" = uuid::Uuid, Path, description = "The contact")),
    request_body(content = ContactChangeBody, example = json!({
        "name": "Lina Moreau", "tags": ["wholesale", "vip"]
    })),
    responses((status = 200, description = "The contact as it is now", body = inline(crate::openapi::Data<ContactView>)))
)]
pub(in crate::api) async fn change(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: ContactChangeBody = body.decode()?;
    let change = body.check(caller.check())?;
    let contact = services
        .address_book
        .change_contact
        .change(caller.actor.workspace.id, id_of(&path)?, change)
        .await?;
    Ok(envelope::ok(&ContactView::from(&contact)))
}

/// Deletes a contact with its tags and memberships. Messages stay, and forget whom they were
/// linked to.
#[utoipa::path(
    delete, path = "/api/v1/contacts/{id}", tag = "Contacts", operation_id = "deleteContact",
    params(("id" = uuid::Uuid, Path, description = "The contact")),
    responses((status = 200, description = "It is gone", body = inline(crate::openapi::Data<DeletedView>)))
)]
pub(in crate::api) async fn delete(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    services
        .address_book
        .delete_contact
        .delete(caller.actor.workspace.id, id)
        .await?;
    Ok(envelope::ok(&DeletedView { deleted: true }))
}

/// The id of a contact in a path.
fn id_of(path: &str) -> Result<ContactId, Problem> {
    Id::parse(path).ok_or_else(|| Problem::missing("Contact not found"))
}
