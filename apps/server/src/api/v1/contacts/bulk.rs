//! `/api/v1/contacts/bulk-delete`, and what all changes of many contacts share.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use msgflash_contacts::{BulkOrder, BulkOutcome, BulkResult, ContactId, Operation};
use msgflash_kernel::{Once, StoredAnswer};

pub mod body;
pub mod view;

use self::body::ContactIdsBody;
use self::view::{AcceptedJobView, AddedView, BulkDeletedView, RemovedView};
use super::refusal;
use crate::api::policy::Caller;
use crate::http::envelope::{self, render};
use crate::http::{Problem, RawJson};
use crate::services::Services;

/// Deletes up to 10,000 contacts: fewer than 100 at once, more in the background. Ids the
/// workspace does not have are reported, and never an error.
#[utoipa::path(
    post, path = "/api/v1/contacts/bulk-delete", tag = "Contacts", operation_id = "bulkDeleteContacts",
    request_body = ContactIdsBody,
    responses(
        (status = 200, description = "Fewer than 100 ids: they are gone", body = inline(crate::openapi::Data<BulkDeletedView>)),
        (status = 202, description = "100 ids or more: they will be", body = inline(crate::openapi::Data<AcceptedJobView>)),
    )
)]
pub(in crate::api) async fn delete(
    caller: Caller,
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: ContactIdsBody = body.decode()?;
    let ids = body.check(caller.check())?;
    start(&caller, &services, Operation::Delete, ids).await
}

/// Does it now, or begins with it.
pub(super) async fn start(
    caller: &Caller,
    services: &Services,
    operation: Operation,
    ids: Vec<ContactId>,
) -> Result<HttpResponse, Problem> {
    let order = BulkOrder {
        actor: caller.actor,
        operation,
        ids,
    };
    let once = caller.replay_key().map(|key| Once {
        key,
        render: &started,
    });
    let outcome = services
        .address_book
        .bulk_contacts
        .start(order, once)
        .await
        .map_err(refusal)?;
    Ok(envelope::outcome(outcome, started))
}

fn started(outcome: &BulkOutcome) -> StoredAnswer {
    match outcome {
        BulkOutcome::Done(result) => done(result),
        BulkOutcome::Accepted(job) => render(StatusCode::ACCEPTED, &AcceptedJobView::from(job)),
    }
}

fn done(result: &BulkResult) -> StoredAnswer {
    match result.operation {
        Operation::Delete => render(StatusCode::OK, &BulkDeletedView::from(result)),
        Operation::AddTo(_) => render(StatusCode::OK, &AddedView::from(result)),
        Operation::RemoveFrom(_) => render(StatusCode::OK, &RemovedView::from(result)),
    }
}
