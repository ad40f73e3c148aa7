//! The inner wall around every handler.

use std::panic::AssertUnwindSafe;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError as _};
use futures_util::FutureExt as _;

use super::problem::Problem;

/// Turns refusals and panics into answers. A panic ends one request, not the server.
///
/// It belongs on routes: further out, the clone of the request that answers a panic would keep
/// the router from writing into it.
pub async fn shield(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let http = request.request().clone();
    let response = match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(Ok(response)) => return Ok(response.map_into_boxed_body()),
        Ok(Err(error)) => {
            if let Some(problem) = error.as_error::<Problem>() {
                problem.error_response()
            } else {
                tracing::warn!(error = %error, "the framework refused a request");
                Problem::unreadable("The request could not be read").error_response()
            }
        }
        Err(_) => {
            // What panicked and where is in the panic's own report.
            tracing::error!("a handler panicked");
            Problem::internal().error_response()
        }
    };
    Ok(ServiceResponse::new(http, response))
}
