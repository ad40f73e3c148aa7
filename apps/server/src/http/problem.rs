//! A refusal as it leaves the server.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use msgflash_kernel::{Fault, Kind};
use serde_json::{Value, json};

use super::envelope::JSON;

/// How long to stay away when we cannot serve, in seconds.
const UNAVAILABLE_FOR: u64 = 5;

/// A refusal in the published envelope.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// The published code.
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
    /// Machine-readable details, when the code has any.
    pub details: Option<Value>,
    /// Seconds until trying again makes sense.
    pub retry_after: Option<u64>,
    /// The methods a path knows.
    pub allow: Option<String>,
}

/// The one table from what a refusal means to the status it has.
pub fn status_of(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::Missing => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Limited(_) => StatusCode::TOO_MANY_REQUESTS,
        Kind::Upstream => StatusCode::BAD_GATEWAY,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl Problem {
    /// A refusal without details.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status,
            code,
            message,
            details: None,
            retry_after: None,
            allow: None,
        }
    }

    /// There is no such thing.
    pub fn missing(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    }

    /// The request cannot be read.
    pub fn unreadable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
    }

    /// The path knows other methods.
    pub fn method_not_allowed(allow: impl Into<String>) -> Self {
        let mut it = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "METHOD_NOT_ALLOWED",
            "This path does not know this method",
        );
        it.allow = Some(allow.into());
        it
    }

    /// The body is larger than allowed.
    pub fn too_large(limit: usize) -> Self {
        let message = format!("The body is larger than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", message)
    }

    /// The body is of a type we do not read.
    pub fn unsupported_media(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            message,
        )
    }

    /// Our own fault; says nothing about it.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "INTERNAL_ERROR",
            "Internal server error",
        )
    }

    /// Everybody who could do it is busy; others are in front.
    pub fn unavailable() -> Self {
        let message = "The service is temporarily unavailable";
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "SERVICE_UNAVAILABLE",
            message,
        )
        .retry_after(UNAVAILABLE_FOR)
    }

    /// The same refusal, with a time to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The published body.
    pub fn body(&self) -> String {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(details) = &self.details {
            error["details"] = details.clone();
        }
        json!({ "error": error }).to_string()
    }
}

impl<E: Fault + 'static> From<E> for Problem {
    fn from(fault: E) -> Self {
        let kind = fault.kind();
        let code = fault.code();
        log(&fault, kind, code);
        let message = match (kind, code) {
            (Kind::Internal, "MEDIA_UPLOAD_FAILED") => "The file could not be kept".to_owned(),
            (Kind::Internal, _) => return Self::internal(),
            (Kind::Unavailable, _) => "The service is temporarily unavailable".to_owned(),
            (Kind::Upstream, "PROVIDER_TIMEOUT") => "WhatsApp provider timeout".to_owned(),
            (Kind::Upstream, "PROVIDER_UNAVAILABLE") => {
                "Provider temporarily unavailable".to_owned()
            }
            (Kind::Upstream, _) => "Provider error".to_owned(),
            _ => fault.to_string(),
        };
        let retry_after = match kind {
            Kind::Limited(wait) => Some(whole_seconds(wait)),
            Kind::Unavailable => Some(UNAVAILABLE_FOR),
            _ => None,
        };
        Self {
            status: status_of(kind),
            code,
            message,
            details: fault.details(),
            retry_after,
            allow: None,
        }
    }
}

/// Rounds up, so that whoever waits that long is not early; at least one.
pub fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// The only place where causes are logged; the span around it carries the request's id. What the
/// caller did wrong is no concern of ours and may hold personal data.
fn log(fault: &dyn Error, kind: Kind, code: &'static str) {
    let mut causes = Vec::new();
    let mut next = fault.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    let causes = causes.join(": ");
    match kind {
        Kind::Internal => tracing::error!(code, error = %fault, causes, "request failed"),
        Kind::Unavailable | Kind::Upstream => {
            tracing::warn!(code, error = %fault, causes, "request could not be served");
        }
        _ => {}
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.content_type(JSON);
        if let Some(seconds) = self.retry_after {
            response.insert_header((RETRY_AFTER, seconds));
        }
        if let Some(allow) = &self.allow {
            response.insert_header((ALLOW, allow.as_str()));
        }
        response.body(self.body())
    }
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::{Problems, StoreError};
    use msgflash_quotas::QuotaError;

    use super::*;

    #[test]
    fn an_internal_cause_never_reaches_the_body() {
        let problem = Problem::from(StoreError::corrupt("messages.status", "99"));
        assert_eq!(problem.status, 500);
        assert_eq!(
            problem.body(),
            r#"{"error":{"code":"INTERNAL_ERROR","message":"Internal server error"}}"#
        );
        let problem = Problem::from(StoreError::Unavailable("password wrong".into()));
        assert_eq!(
            (problem.status.as_u16(), problem.retry_after),
            (503, Some(5))
        );
        assert!(!problem.body().contains("password"));
    }

    #[test]
    fn waiting_times_round_up() {
        let problem = Problem::from(QuotaError::RateLimited(Duration::from_millis(1_200)));
        assert_eq!(
            (problem.status.as_u16(), problem.retry_after),
            (429, Some(2))
        );
        assert_eq!(whole_seconds(Duration::ZERO), 1);
        assert_eq!(whole_seconds(Duration::from_secs(3)), 3);
    }

    #[test]
    fn details_are_an_array_of_items() {
        let problem = Problem::from(Problems::one("to", "required", "Required"));
        let body: Value = serde_json::from_str(&problem.body()).unwrap();
        assert_eq!(
            body["error"]["details"],
            json!([{ "field": "to", "code": "required", "message": "Required" }])
        );
    }
}
