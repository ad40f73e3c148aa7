//! Where the WhatsApp provider posts its events: authenticate, store, answer.
//!
//! The gateway gives an event up after any of 400, 401, 403, 404 and 422 and repeats it after
//! other errors. So what a repetition cannot mend is answered with 200, and what it can with 503.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, web};
use msgflash_messaging::receipt::receive::Received;
use serde::Deserialize;
use serde_json::Value;

use super::routes::refuse_method;
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
    // Nobody without the secret makes us read eight megabytes.
    let Some(secret) = bearer(&request) else {
        return Err(refused());
    };
    let known = services
        .receive_event
        .authenticate(&session, Some(secret))
        .await;
    let instance = match known {
        Ok(Ok(instance)) => instance,
        Ok(Err(Received::WrongSecret)) => return Err(refused()),
        Ok(Err(_)) => return Ok(taken()),
        Err(error) => return Err(later(Problem::from(error).message)),
    };
    let body = match read(request.headers(), payload.into_inner(), LIMIT).await {
        Ok(body) => body,
        Err(Unreadable::Late) => return Err(later("The body took too long to arrive")),
        Err(reason) => {
            tracing::warn!(?reason, "a provider event could not be read");
            return Ok(taken());
        }
    };
    let Ok(posted) = serde_json::from_slice::<Posted>(&storable(&body)) else {
        tracing::warn!(instance.id = %instance.id, "a provider event is malformed");
        return Ok(taken());
    };
    let received = services
        .receive_event
        .receive(&instance, &posted.event, posted.data)
        .await;
    match received {
        Ok(_) => Ok(taken()),
        // Whatever kept us from storing may be over when the gateway tries again.
        Err(error) => Err(later(Problem::from(error).message)),
    }
}

/// The body without what no database keeps: NUL characters go, and halves of emoji that somebody
/// cut in two are replaced. A stranger chooses these, and must not be able to make a message disappear.
fn storable(body: &[u8]) -> Cow<'_, [u8]> {
    if !body.windows(2).any(|pair| pair == br"\u") {
        return Cow::Borrowed(body);
    }
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let [first, tail @ ..] = rest {
        let (taken, instead): (usize, Option<&[u8]>) = match (first, tail) {
            (b'\\', [b'u', ..]) => match unit(rest) {
                Some(0xd800..=0xdbff) if high_is_whole(&rest[6..]) => (12, None),
                Some(0) => (6, Some(b"")),
                Some(0xd800..=0xdfff) => (6, Some(br"\ufffd")),
                _ => (2, None),
            },
            (b'\\', [_, ..]) => (2, None),
            _ => (1, None),
        };
        out.extend_from_slice(instead.unwrap_or(&rest[..taken]));
        rest = &rest[taken..];
    }
    Cow::Owned(out)
}

/// The UTF-16 unit of an escape at the beginning of `text`.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(br"\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn high_is_whole(following: &[u8]) -> bool {
    matches!(unit(following), Some(0xdc00..=0xdfff))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(body: &str) -> String {
        let value: Value = serde_json::from_slice(&storable(body.as_bytes())).expect("readable");
        value.as_str().expect("text").to_owned()
    }

    #[test]
    fn what_no_database_keeps_is_replaced_and_the_rest_stays() {
        assert_eq!(read_back(r#""a\u0000b""#), "ab");
        assert_eq!(read_back(r#""Bob \ud83d""#), "Bob \u{fffd}");
        assert_eq!(read_back(r#""\ude00 x""#), "\u{fffd} x");
        assert_eq!(read_back(r#""\ud83d\ude00""#), "\u{1f600}");
        assert_eq!(read_back(r#""\\u0000 \u00e9 \n""#), "\\u0000 é \n");
        assert_eq!(read_back(r#""plain é""#), "plain é");
    }
}
