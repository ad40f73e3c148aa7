//! The outermost layer: ids, logs, counts and the headers every answer has.

use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName,
    HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, ResponseError as _};
use msgflash_kernel::Ids;
use msgflash_quotas::RateDecision;
use tracing::Instrument as _;

use super::metrics;
use super::problem::{Problem, whole_seconds};
use super::request_id::{RequestId, X_REQUEST_ID};

/// How a route that nothing matched is called in logs and counts.
const UNMATCHED: &str = "unmatched";

/// What the rate window said, left in the request once the key is known.
#[derive(Clone, Copy, Debug)]
pub struct ShownRate(pub RateDecision);

/// Gives the request an id and a span, counts and logs the answer, and completes its headers.
pub async fn observe(
    ids: &dyn Ids,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let id = RequestId::assign(&request, ids);
    let method = request.method().clone();
    let span = tracing::info_span!("request", request.id = %id.0, http.method = %method);
    let answered = next.call(request).instrument(span.clone()).await;
    let _entered = span.enter();
    let mut response = match answered {
        Ok(response) => plain(response.map_into_boxed_body()),
        Err(error) => {
            // Routes answer their own errors, so this one came from outside of them.
            tracing::error!(error = %error, "a request failed outside of its route");
            return Err(Problem::internal().into());
        }
    };
    let route = response
        .request()
        .match_pattern()
        .unwrap_or_else(|| UNMATCHED.to_owned());
    let rate = response.request().extensions().get::<ShownRate>().copied();
    let headers = response.headers_mut();
    set(headers, X_REQUEST_ID, &id.0);
    guard(headers);
    if let Some(ShownRate(rate)) = rate {
        let reset = whole_seconds(rate.reset.try_into().unwrap_or_default());
        set(
            headers,
            HeaderName::from_static("ratelimit-limit"),
            &rate.limit.to_string(),
        );
        set(
            headers,
            HeaderName::from_static("ratelimit-remaining"),
            &rate.remaining.to_string(),
        );
        set(
            headers,
            HeaderName::from_static("ratelimit-reset"),
            &reset.to_string(),
        );
    }
    let took = began.elapsed();
    let status = response.status();
    metrics::answered(&method, &route, status, took);
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    if route.starts_with("/api") || status.is_server_error() {
        tracing::info!(
            http.route = route,
            http.status = status.as_u16(),
            duration_ms,
            "answered"
        );
    } else {
        tracing::debug!(
            http.route = route,
            http.status = status.as_u16(),
            duration_ms,
            "answered"
        );
    }
    Ok(response)
}

/// What an answer says is for the caller alone, and data is no page.
fn guard(headers: &mut HeaderMap) {
    set(headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
    if is_json(headers) {
        set(headers, CACHE_CONTROL, "no-store");
        let nothing = "default-src 'none'; frame-ancestors 'none'";
        set(headers, CONTENT_SECURITY_POLICY, nothing);
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|it| it.as_bytes().starts_with(b"application/json"))
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Replaces an error that is not in the envelope, which only the framework makes.
fn plain(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let status = response.status();
    if is_json(response.headers()) || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let problem = match status {
        StatusCode::NOT_FOUND => Problem::missing("There is nothing here"),
        StatusCode::METHOD_NOT_ALLOWED => {
            let allow = response
                .headers()
                .get(ALLOW)
                .and_then(|it| it.to_str().ok());
            Problem::method_not_allowed(allow.unwrap_or("GET"))
        }
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(super::body::JSON_LIMIT),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::unsupported_media("Unsupported media type"),
        status if status.is_client_error() => Problem::unreadable("The request could not be read"),
        _ => Problem::internal(),
    };
    let (http, _) = response.into_parts();
    ServiceResponse::new(http, problem.error_response())
}
