//! Contacts as CSV: `/api/contacts/import`, `/imports` and `/export`.

use std::io::Cursor;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, ContentDisposition, DispositionParam, DispositionType,
};
use actix_web::{HttpResponse, web};
use msgflash_contacts::file::{self, FileError, MAX_BYTES, ReadFile};
use msgflash_contacts::imports::Started;
use msgflash_contacts::{Export, GroupId, ImportError, ImportId, ImportOrder};
use msgflash_kernel::StoreError;
use msgflash_quotas::QuotaError;
use uuid::Uuid;

pub mod view;

use self::view::{AcceptedImportView, ImportPageView, ImportView, ReportView, SyncImportView};
use crate::api::policy::Caller;
use crate::http::check::Need;
use crate::http::envelope::{self, render};
use crate::http::upload::{Parts, Upload, UploadError};
use crate::http::{Check, Field, Problem, Query};
use crate::services::Services;
use crate::uploads::Full;

/// When to come back while too many files are in hand.
const AGAIN: Duration = Duration::from_secs(5);
const DEFAULT_LIMIT: u32 = 10;
const MAX_LIMIT: u32 = 100;

/// Takes contacts from a CSV file: up to 500 rows at once, more in the background. A number that is
/// known is updated; each row is judged by itself.
#[utoipa::path(
    post, path = "/api/contacts/import", tag = "Contacts", operation_id = "consoleImportContacts",
    request_body(content = inline(view::ImportForm), content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "Up to 500 rows: they are taken", body = inline(crate::openapi::Data<SyncImportView>)),
        (status = 202, description = "More: they will be", body = inline(crate::openapi::Data<AcceptedImportView>)),
    )
)]
pub(in crate::api) async fn import(
    caller: Caller,
    services: web::Data<Services>,
    upload: Upload,
) -> Result<HttpResponse, Problem> {
    let _place = services.uploads.enter(caller.actor.user).map_err(full)?;
    let parts = csv(upload).await?;
    let mut check = Check::default();
    let group = check.id("groupId", &filled(parts.field("groupId")), Need::May);
    if parts.file.is_none() {
        check.refuse("file", "required", "Required");
    }
    check.finish()?;
    let bytes = parts.file.unwrap_or_default();
    let read = web::block(move || file::read(Cursor::new(bytes))).await;
    let read: ReadFile = read.map_err(|_| Problem::internal())??;
    caller.require_still(&services).await?;
    let order = ImportOrder {
        actor: caller.actor,
        group,
    };
    let start = &services.address_book.start_import;
    Ok(taken(&start.start(order, read).await?))
}

/// Reads a form with a CSV file.
pub(super) async fn csv(upload: Upload) -> Result<Parts, Problem> {
    let limit = usize::try_from(MAX_BYTES).unwrap_or(usize::MAX);
    upload.read(limit).await.map_err(|error| match error {
        UploadError::TooLarge => FileError::TooLarge("The file has more than 5 MB".into()).into(),
        UploadError::Other(problem) => problem,
    })
}

/// What became of contacts that were brought.
pub(super) fn taken(started: &Started) -> HttpResponse {
    envelope::answer(if started.import.status.is_final() {
        render(StatusCode::OK, &SyncImportView::from(started))
    } else {
        let view = AcceptedImportView::from(&started.import);
        render(StatusCode::ACCEPTED, &view)
    })
}

pub(super) fn full(why: Full) -> Problem {
    match why {
        Full::Person => QuotaError::ConsoleRate(AGAIN).into(),
        Full::Process => {
            let message = "Too many files at once";
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Problem::new(status, "SERVICE_UNAVAILABLE", message).retry_after(AGAIN.as_secs())
        }
    }
}

/// A part that is there and empty is left out.
fn filled(field: Field<String>) -> Field<String> {
    match field {
        Field::Valid(text) if text.trim().is_empty() => Field::Absent,
        other => other,
    }
}

/// Lists imports, newest first. They are kept for 30 days.
#[utoipa::path(
    get, path = "/api/contacts/imports", tag = "Contacts", operation_id = "consoleListImports",
    params(
        ("limit" = Option<u32>, Query, description = "Imports per page", minimum = 1, maximum = 100, example = 10),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the page before"),
    ),
    responses((status = 200, description = "A page", body = inline(crate::openapi::Data<ImportPageView>)))
)]
pub(in crate::api) async fn list(
    caller: Caller,
    services: web::Data<Services>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let mut check = Check::default();
    let limit = check.count("limit", &query.field("limit"), DEFAULT_LIMIT, MAX_LIMIT);
    check.finish()?;
    let workspace = caller.actor.workspace.id;
    let imports = &services.address_book.read_imports;
    let page = imports.page(workspace, limit, query.cursor()).await?;
    Ok(envelope::ok(&ImportPageView::new(&page, limit)))
}

/// Reads one import; with `includeReport=true` also which rows were not taken, and why.
#[utoipa::path(
    get, path = "/api/contacts/imports/{importId}", tag = "Contacts", operation_id = "consoleGetImport",
    params(
        ("importId" = uuid::Uuid, Path, description = "The import"),
        ("includeReport" = Option<bool>, Query, description = "Whether to tell the rows that were not taken"),
    ),
    responses((status = 200, description = "The import", body = inline(crate::openapi::Data<ImportView>)))
)]
pub(in crate::api) async fn read(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let nobodys = ImportError::NoImport(ImportId::new(Uuid::nil()));
    let id = ImportId::parse(&path).ok_or(nobodys)?;
    let workspace = caller.actor.workspace.id;
    let imports = &services.address_book.read_imports;
    let import = imports.find(workspace, id).await?;
    let mut view = ImportView::from(&import);
    if query
        .field("includeReport")
        .valid()
        .is_some_and(|it| it == "true")
    {
        let report = imports.report(workspace, id).await?;
        view.report = Some(ReportView::from(report.as_slice()));
    }
    Ok(envelope::ok(&view))
}

/// Writes all contacts, or those of a group, into a CSV file that can be imported again.
#[utoipa::path(
    get, path = "/api/contacts/export", tag = "Contacts", operation_id = "consoleExportContacts",
    params(("groupId" = Option<uuid::Uuid>, Query, description = "Of this group alone")),
    responses((status = 200, description = "The file, written while it is read", content_type = "text/csv", body = String))
)]
pub(in crate::api) async fn export(
    caller: Caller,
    services: web::Data<Services>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let mut check = Check::default();
    let group: Option<GroupId> = check.id("groupId", &query.field("groupId"), Need::May);
    check.finish()?;
    let workspace = caller.actor.workspace.id;
    let book = &services.address_book.export_contacts;
    let export = book.begin(workspace, group).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header(attachment(export.file_name()))
        .insert_header((CACHE_CONTROL, "no-store"))
        .streaming(Box::pin(parts(export))))
}

/// Tells browsers to keep a file instead of showing it.
pub(super) fn attachment(name: String) -> ContentDisposition {
    ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(name)],
    }
}

/// The parts of a file. One that fails cuts the answer off, which clients notice.
fn parts(export: Export) -> impl futures_util::Stream<Item = Result<web::Bytes, StoreError>> {
    futures_util::stream::try_unfold(export, |mut export| async move {
        let part = export.next().await?;
        Ok(part.map(|part| (web::Bytes::from(part), export)))
    })
}
