//! Answers in the published envelope.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use msgflash_kernel::{Outcome, StoredAnswer};
use serde::Serialize;

use super::idempotency::REPLAYED;

/// The content type of every answer.
pub const JSON: &str = "application/json; charset=utf-8";

/// `{"data": …}`.
#[derive(Serialize)]
struct Envelope<'a, T> {
    data: &'a T,
}

/// Writes an answer down.
pub fn render<T: Serialize>(status: StatusCode, data: &T) -> StoredAnswer {
    let body = serde_json::to_string(&Envelope { data }).expect("views have text keys only");
    StoredAnswer {
        status: status.as_u16(),
        body,
    }
}

/// An answer with 200.
pub fn ok<T: Serialize>(data: &T) -> HttpResponse {
    answer(render(StatusCode::OK, data))
}

/// Sends a written answer.
pub fn answer(written: StoredAnswer) -> HttpResponse {
    let status = StatusCode::from_u16(written.status).unwrap_or(StatusCode::OK);
    HttpResponse::build(status)
        .content_type(JSON)
        .body(written.body)
}

/// Sends an answer that was given before, and says so.
pub fn replay(written: StoredAnswer) -> HttpResponse {
    let mut response = answer(written);
    response
        .headers_mut()
        .insert(REPLAYED.clone(), "true".parse().expect("a header value"));
    response
}

/// Sends what a use case did now or had done before.
pub fn outcome<T>(outcome: Outcome<T>, write: impl Fn(&T) -> StoredAnswer) -> HttpResponse {
    match outcome {
        Outcome::Done(done) => answer(write(&done)),
        Outcome::Replayed(written) => replay(written),
    }
}
