//! `/api/number-lookups`: which numbers have WhatsApp.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use msgflash_contacts::file::ReadFile;
use msgflash_contacts::{ImportError, ImportOrder};
use msgflash_kernel::Id;
use msgflash_messaging::lookup::{LONG, LookupError, LookupId, LookupOrder};
use uuid::Uuid;

pub mod body;
pub mod view;

use self::body::{ImportFoundBody, LookupBody};
use self::view::{LookupPageView, LookupView};
use super::files;
use super::files::view::{AcceptedImportView, SyncImportView};
use crate::api::policy::Caller;
use crate::http::envelope::{self, render};
use crate::http::{Check, Problem, Query, RawJson};
use crate::services::Services;

/// Finds out which numbers have WhatsApp: under 1000 at once, more in the background. What was
/// found out is remembered, 7 days for a yes and one day for a no.
#[utoipa::path(
    post, path = "/api/number-lookups", tag = "Number look-ups", operation_id = "consoleLookUpNumbers",
    request_body = LookupBody,
    responses(
        (status = 201, description = "Under 1000 numbers: what was found", body = inline(crate::openapi::Data<LookupView>)),
        (status = 202, description = "More: it will be", body = inline(crate::openapi::Data<LookupView>)),
    )
)]
pub(in crate::api) async fn start(
    caller: Caller,
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: LookupBody = body.decode()?;
    let (instance, numbers) = body.check(caller.check())?;
    let order = LookupOrder {
        actor: caller.actor,
        instance,
        numbers,
    };
    let started = services.lookups.start.start(order).await?;
    let status = if started.lookup.requested < LONG {
        StatusCode::CREATED
    } else {
        StatusCode::ACCEPTED
    };
    let view = LookupView::new(&started.lookup, Some(&started.results));
    Ok(envelope::answer(render(status, &view)))
}

/// Lists look-ups, newest first, without their results. They are kept for 30 days.
#[utoipa::path(
    get, path = "/api/number-lookups", tag = "Number look-ups", operation_id = "consoleListNumberLookups",
    params(
        ("limit" = Option<u32>, Query, description = "Look-ups per page", minimum = 1, maximum = 100, example = 20),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the page before"),
    ),
    responses((status = 200, description = "A page", body = inline(crate::openapi::Data<LookupPageView>)))
)]
pub(in crate::api) async fn list(
    caller: Caller,
    services: web::Data<Services>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let mut check = Check::default();
    let limit = query.limit(&mut check);
    check.finish()?;
    let cursor = query.cursor();
    let workspace = caller.actor.workspace.id;
    let page = services.lookups.read.page(workspace, limit, cursor).await?;
    Ok(envelope::ok(&LookupPageView::new(&page, limit)))
}

/// Reads one look-up, with what was found so far.
#[utoipa::path(
    get, path = "/api/number-lookups/{id}", tag = "Number look-ups", operation_id = "consoleGetNumberLookup",
    params(("id" = uuid::Uuid, Path, description = "The look-up")),
    responses((status = 200, description = "The look-up", body = inline(crate::openapi::Data<LookupView>)))
)]
pub(in crate::api) async fn read(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let workspace = caller.actor.workspace.id;
    let (lookup, results) = services.lookups.read.find(workspace, id_of(&path)?).await?;
    Ok(envelope::ok(&LookupView::new(&lookup, Some(&results))))
}

/// Makes contacts of the numbers a completed look-up found, as a file of them would: up to 500 at
/// once, more in the background.
#[utoipa::path(
    post, path = "/api/number-lookups/{id}/import-contacts", tag = "Number look-ups",
    operation_id = "consoleImportNumberLookup",
    params(("id" = uuid::Uuid, Path, description = "The look-up")),
    request_body = ImportFoundBody,
    responses(
        (status = 200, description = "Up to 500 numbers: they are taken", body = inline(crate::openapi::Data<SyncImportView>)),
        (status = 202, description = "More: they will be", body = inline(crate::openapi::Data<AcceptedImportView>)),
    )
)]
pub(in crate::api) async fn import(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: ImportFoundBody = body.decode_or_default()?;
    let (group, tags) = body.check(caller.check())?;
    let workspace = caller.actor.workspace.id;
    let found = services
        .lookups
        .read
        .found(workspace, id_of(&path)?)
        .await?;
    let order = ImportOrder {
        actor: caller.actor,
        group,
    };
    let file = ReadFile::of_numbers(&found, &tags);
    let started = services.address_book.start_import.start(order, file).await;
    let started = started.map_err(|error| match error {
        ImportError::NoGroup(_) => LookupError::NoGroup.into(),
        other => Problem::from(other),
    })?;
    Ok(files::taken(&started))
}

fn id_of(path: &str) -> Result<LookupId, Problem> {
    let nobodys = LookupError::NoLookup(Id::new(Uuid::nil()));
    Ok(Id::parse(path).ok_or(nobodys)?)
}
