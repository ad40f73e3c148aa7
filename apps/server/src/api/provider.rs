//! Where the WhatsApp provider posts its events: authenticate, store, answer.
//!
//! The gateway gives an event up after any of 400, 401, 403, 404 and 422 and repeats it after
//! other errors. So what a repetition cannot mend is answered with 200, and what it can with 503.

use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, web};
use msgflash_messaging::receipt::receive::Received;
use serde::Deserialize;
use serde_json::Value;

use super::v1::routes::refuse_method;
use crate::http::Problem;
use crate::http::body::{Unreadable, read};
use crate::http::envelope::JSON;
use crate::http::shield::shield;
use crate::services::Services;

/// Media may come inside an event, as base64.
const LIMIT: usize = 8 << 20;

/// The gateway's envelope, as far as it is ours to read.
#[derive(Deserialize)]
struct Posted {
    event: String,
    #[serde(default)]
    data: Value,
}

/// Adds the callback.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/provider/evolution/{instance}")
            .route(web::post().to(receive).wrap(from_fn(shield)))
            .default_service(refuse_method("POST".to_owned())),
    );
}

async fn receive(
    request: HttpRequest,
    services: web::Data<Services>,
    session: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    // Nobody without a secret makes us read eight megabytes.
    let Some(secret) = bearer(&request) else {
        return Err(refused());
    };
    let body = match read(request.headers(), payload.into_inner(), LIMIT).await {
        Ok(body) => body,
        Err(Unreadable::Late) => return Err(later("The body took too long to arrive")),
        Err(reason) => {
            tracing::warn!(?reason, "a provider event could not be read");
            return Ok(taken());
        }
    };
    let Ok(posted) = serde_json::from_slice::<Posted>(&body) else {
        tracing::warn!("a provider event is malformed");
        return Ok(taken());
    };
    let received = services
        .receive_event
        .receive(&session, Some(secret), &posted.event, posted.data)
        .await;
    match received {
        Ok(Received::Stored | Received::Ignored | Received::UnknownInstance) => Ok(taken()),
        Ok(Received::WrongSecret) => Err(refused()),
        // Whatever kept us from storing may be over when the gateway tries again.
        Err(error) => Err(later(Problem::from(error).message)),
    }
}

/// The one answer after which the gateway tries again.
fn later(message: impl Into<String>) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "SERVICE_UNAVAILABLE",
        message,
    )
    .retry_after(1)
}

fn bearer(request: &HttpRequest) -> Option<&str> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    header
        .strip_prefix("Bearer ")
        .filter(|secret| !secret.is_empty())
}

fn taken() -> HttpResponse {
    HttpResponse::Ok().content_type(JSON).body("{}")
}

fn refused() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "UNAUTHORIZED",
        "Missing or invalid secret",
    )
}
