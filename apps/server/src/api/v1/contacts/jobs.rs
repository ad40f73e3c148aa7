//! `/api/v1/contacts/bulk-jobs`: following and stopping bulk changes.

use actix_web::{HttpResponse, web};
use msgflash_contacts::JobId;
use msgflash_kernel::Id;

pub mod view;

use self::view::{JobPageView, JobView};
use crate::api::policy::Caller;
use crate::http::envelope;
use crate::http::{Check, Problem, Query};
use crate::services::Services;

/// Lists the bulk jobs of the workspace, newest first. They are kept for 30 days after they began.
#[utoipa::path(
    get, path = "/api/v1/contacts/bulk-jobs", tag = "Bulk jobs", operation_id = "listBulkJobs",
    params(
        ("limit" = Option<u32>, Query, description = "Jobs per page", minimum = 1, maximum = 100, example = 20),
        ("cursor" = Option<uuid::Uuid>, Query, description = "The `nextCursor` of the page before"),
    ),
    responses((status = 200, description = "A page", body = inline(crate::openapi::Data<JobPageView>)))
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
    let page = services
        .address_book
        .read_jobs
        .page(caller.actor.workspace.id, limit, cursor)
        .await?;
    Ok(envelope::ok(&JobPageView::from(&page)))
}

/// Reads one bulk job.
#[utoipa::path(
    get, path = "/api/v1/contacts/bulk-jobs/{jobId}", tag = "Bulk jobs", operation_id = "getBulkJob",
    params(("jobId" = uuid::Uuid, Path, description = "The job")),
    responses((status = 200, description = "The job", body = inline(crate::openapi::Data<JobView>)))
)]
pub(in crate::api) async fn read(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let job = services
        .address_book
        .read_jobs
        .find(caller.actor.workspace.id, id_of(&path)?)
        .await?;
    Ok(envelope::ok(&JobView::from(&job)))
}

/// Tells how far a bulk job is: the same answer as reading it. Asking every two seconds is enough.
#[utoipa::path(
    get, path = "/api/v1/contacts/bulk-jobs/{jobId}/progress", tag = "Bulk jobs", operation_id = "getBulkJobProgress",
    params(("jobId" = uuid::Uuid, Path, description = "The job")),
    responses((status = 200, description = "The job", body = inline(crate::openapi::Data<JobView>)))
)]
pub(in crate::api) async fn progress(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    read(caller, services, path).await
}

/// Stops a bulk job behind the batch at hand. What is done stays done. A job that was stopped
/// before gives the same answer again; one that is done or failed cannot be stopped.
#[utoipa::path(
    post, path = "/api/v1/contacts/bulk-jobs/{jobId}/cancel", tag = "Bulk jobs", operation_id = "cancelBulkJob",
    params(("jobId" = uuid::Uuid, Path, description = "The job")),
    responses((status = 200, description = "The job, stopped", body = inline(crate::openapi::Data<JobView>)))
)]
pub(in crate::api) async fn cancel(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let job = services
        .address_book
        .cancel_job
        .cancel(caller.actor.workspace.id, id_of(&path)?)
        .await?;
    Ok(envelope::ok(&JobView::from(&job)))
}

fn id_of(path: &str) -> Result<JobId, Problem> {
    Id::parse(path).ok_or_else(|| Problem::missing("Bulk job not found"))
}
