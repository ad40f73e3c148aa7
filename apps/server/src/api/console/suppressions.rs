//! Opt-out lists as CSV: `/api/suppressions/import` and `/export`.

use std::io::Cursor;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use msgflash_contacts::file::{self, ReportEntry};
use msgflash_contacts::suppression::{AddOrder, SuppressionsFile};
use msgflash_kernel::{Outcome, StoreError};
use serde::Serialize;
use utoipa::ToSchema;

use super::files::view::ProblemView;
use super::files::{attachment, csv, full};
use crate::api::policy::Caller;
use crate::http::upload::Upload;
use crate::http::{Check, Problem, envelope};
use crate::services::Services;

/// What is sent to import numbers.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes a form, which is read part by part")]
pub struct SuppressionsForm {
    /// A CSV file with the columns `phone` and `reason`: up to 5 MB and 10,000 rows.
    #[schema(value_type = String, format = Binary)]
    file: String,
}

/// What became of a file of numbers.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ImportedSuppressions)]
pub struct ImportedView {
    /// Rows of the file, the header aside.
    pub total_rows: u32,
    /// Numbers that are new on the list.
    pub added: u32,
    /// Numbers that were on it before.
    pub already_present: u32,
    /// Rows that repeat a number.
    pub skipped_count: u32,
    /// Rows that cannot be taken.
    pub invalid_count: u32,
    /// The last two, by line.
    pub errors: Vec<ProblemView>,
}

/// Puts the numbers of a CSV file on the list; each row is judged by itself. Once this answered, no
/// message to them goes out.
#[utoipa::path(
    post, path = "/api/suppressions/import", tag = "Opt-out", operation_id = "consoleImportSuppressions",
    request_body(content = inline(SuppressionsForm), content_type = "multipart/form-data"),
    responses((status = 200, description = "What became of them", body = inline(crate::openapi::Data<ImportedView>))),
    extensions(("x-extension" = json!(true)))
)]
pub(in crate::api) async fn import(
    caller: Caller,
    services: web::Data<Services>,
    upload: Upload,
) -> Result<HttpResponse, Problem> {
    let _place = services.uploads.enter(caller.actor.user).map_err(full)?;
    let parts = csv(upload).await?;
    let mut check = Check::default();
    if parts.file.is_none() {
        check.refuse("file", "required", "Required");
    }
    check.finish()?;
    let bytes = parts.file.unwrap_or_default();
    let read = web::block(move || file::read_suppressions(Cursor::new(bytes))).await;
    let read = read.map_err(|_| Problem::internal())??;
    caller.require_still(&services).await?;
    let (total, skipped, invalid) = (read.total(), read.skipped, read.invalid);
    let order = AddOrder::of_file(caller.actor.workspace, read);
    let Outcome::Done(added) = services.suppressions.add.add(order, None).await? else {
        return Err(Problem::internal());
    };
    Ok(envelope::ok(&ImportedView {
        total_rows: total,
        added: added.added,
        already_present: added.already_present,
        skipped_count: skipped,
        invalid_count: invalid,
        errors: problems(&added.refused),
    }))
}

fn problems(refused: &[ReportEntry]) -> Vec<ProblemView> {
    refused.iter().map(ProblemView::from).collect()
}

/// Writes the list into a CSV file that can be imported again.
#[utoipa::path(
    get, path = "/api/suppressions/export", tag = "Opt-out", operation_id = "consoleExportSuppressions",
    responses((status = 200, description = "The file, written while it is read", content_type = "text/csv", body = String)),
    extensions(("x-extension" = json!(true)))
)]
pub(in crate::api) async fn export(
    caller: Caller,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let export = services
        .suppressions
        .export
        .begin(caller.actor.workspace.id);
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header(attachment(export.file_name()))
        .insert_header((CACHE_CONTROL, "no-store"))
        .streaming(Box::pin(parts(export))))
}

/// The parts of a file. One that fails cuts the answer off, which clients notice.
fn parts(
    export: SuppressionsFile,
) -> impl futures_util::Stream<Item = Result<web::Bytes, StoreError>> {
    futures_util::stream::try_unfold(export, |mut export| async move {
        let part = export.next().await?;
        Ok(part.map(|part| (web::Bytes::from(part), export)))
    })
}
