//! Uploaded files, for whoever has their address: `/media/{token}/{name}`.
//!
//! They come from strangers and are shown under our name, so nothing here lets a browser take them for
//! more than they are: their type is what their bytes are, and no page of ours is reached from them.

use std::fmt::Write as _;

use actix_web::body::SizedStream;
use actix_web::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH, IF_RANGE, RANGE, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use futures_util::TryStreamExt as _;
use msgflash_messaging::media::link::PATH;
use msgflash_messaging::media::{Family, Media, MediaError};
use time::OffsetDateTime;

use super::routes::refuse_method;
use crate::http::Problem;
use crate::http::shield::shield;
use crate::services::Services;

mod range;

use self::range::Wanted;

/// The longest time anybody's own cache keeps a file, in seconds: it may be deleted.
const MAX_AGE: i64 = 3600;
const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Adds the route.
pub fn configure(config: &mut web::ServiceConfig) {
    let fetch = |method| {
        let route = web::method(method).to(fetch);
        route.wrap(from_fn(shield))
    };
    config.service(
        web::resource(format!("{PATH}/{{token}}/{{name}}"))
            .route(fetch(Method::GET))
            .route(fetch(Method::HEAD))
            .default_service(refuse_method("GET, HEAD".to_owned())),
    );
}

async fn fetch(
    request: HttpRequest,
    services: web::Data<Services>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let desk = services.media.as_deref().ok_or_else(nothing)?;
    let media = desk.read.find(&path.0).await.map_err(unread)?;
    let media = media.ok_or_else(nothing)?;
    let tag = format!("\"{}\"", media.id);
    let header = |name| request.headers().get(name).and_then(|it| it.to_str().ok());
    if header(IF_NONE_MATCH).is_some_and(|it| it == "*" || it.split(',').any(|it| it.trim() == tag))
    {
        let mut answer = HttpResponse::NotModified();
        describe(&mut answer, &media, &tag, services.clock.now());
        return Ok(answer.finish());
    }
    // Of a file that never changes any part is as good as any other; a tag of another is none.
    let is_same = header(IF_RANGE).is_none_or(|it| it == tag);
    let asked = header(RANGE).filter(|_| is_same && request.method() == Method::GET);
    let (status, part) = match range::read(asked, media.size) {
        Wanted::Whole => (StatusCode::OK, None),
        Wanted::Part(part) => (StatusCode::PARTIAL_CONTENT, Some(part)),
        Wanted::Nothing => return Ok(unsatisfiable(&media)),
    };
    let mut answer = HttpResponse::build(status);
    describe(&mut answer, &media, &tag, services.clock.now());
    let length = part.as_ref().map_or(media.size, |it| it.end - it.start);
    if let Some(part) = &part {
        let shown = format!("bytes {}-{}/{}", part.start, part.end - 1, media.size);
        answer.insert_header((CONTENT_RANGE, shown));
    }
    if request.method() == Method::HEAD {
        let nothing = futures_util::stream::empty::<Result<web::Bytes, MediaError>>();
        return Ok(answer.body(SizedStream::new(length, nothing)));
    }
    let bytes = desk.read.open(&media, part).await.map_err(unread)?;
    let bytes = bytes.ok_or_else(nothing)?;
    // A part that fails cuts the answer off, which clients notice by its length.
    Ok(answer.body(SizedStream::new(length, bytes.map_err(MediaError::from))))
}

/// What is true of a file however it is asked for.
fn describe(answer: &mut HttpResponseBuilder, media: &Media, tag: &str, now: OffsetDateTime) {
    let rest = (media.expires_at - now).whole_seconds().clamp(0, MAX_AGE);
    answer
        .insert_header((CONTENT_TYPE, media.kind.mime()))
        .insert_header((CONTENT_DISPOSITION, disposition(media)))
        .insert_header((ETAG, tag))
        .insert_header((ACCEPT_RANGES, "bytes"))
        .insert_header((CACHE_CONTROL, format!("private, max-age={rest}")))
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        // The console's pages show previews, and they are elsewhere.
        .insert_header((RESOURCE_POLICY, "cross-origin"))
        .insert_header((ROBOTS, "noindex"));
}

/// Whether it is shown or saved, and under what name: in plain letters, and as it is (RFC 6266).
fn disposition(media: &Media) -> HeaderValue {
    let how = match media.kind.family() {
        Family::Document => "attachment",
        Family::Image | Family::Video | Family::Audio => "inline",
    };
    let name = media.file_name();
    let fine = |it: char| it.is_ascii_graphic() && !matches!(it, '"' | '\\' | '%') || it == ' ';
    let plain: String = name
        .chars()
        .map(|it| if fine(it) { it } else { '_' })
        .collect();
    let mut exact = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') {
            exact.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(exact, "%{byte:02X}");
        }
    }
    let whole = format!("{how}; filename=\"{plain}\"; filename*=UTF-8''{exact}");
    HeaderValue::from_str(&whole).unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}

fn unsatisfiable(media: &Media) -> HttpResponse {
    let message = format!("The file has {} bytes", media.size);
    let status = StatusCode::RANGE_NOT_SATISFIABLE;
    let problem = Problem::new(status, "RANGE_NOT_SATISFIABLE", message);
    HttpResponse::build(status)
        .content_type(crate::http::envelope::JSON)
        .insert_header((CONTENT_RANGE, format!("bytes */{}", media.size)))
        .body(problem.body())
}

/// Whoever asks did not upload anything now.
fn unread(error: MediaError) -> Problem {
    match error {
        MediaError::Files(cause) => {
            let cause = std::error::Error::source(&cause).map(ToString::to_string);
            tracing::error!(cause, "a file could not be read");
            Problem::internal()
        }
        other => other.into(),
    }
}

fn nothing() -> Problem {
    Problem::missing("There is nothing here, or not any more")
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::Id;
    use msgflash_messaging::media::MediaType;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn names_cannot_break_out_of_their_header() {
        let named = |name: &str, kind| {
            let now = OffsetDateTime::UNIX_EPOCH;
            let media = Media {
                id: Id::new(Uuid::nil()),
                workspace: Id::new(Uuid::nil()),
                created_by: Id::new(Uuid::nil()),
                kind,
                size: 1,
                original_name: name.to_owned(),
                created_at: now,
                expires_at: now,
            };
            disposition(&media).to_str().expect("ASCII").to_owned()
        };
        assert_eq!(
            named("été\"; x=\"1.png", MediaType::Png),
            "inline; filename=\"_t__; x=_1.png\"; \
             filename*=UTF-8''%C3%A9t%C3%A9%22%3B%20x%3D%221.png"
        );
        assert!(named("a.html", MediaType::Pdf).starts_with("attachment; filename=\"a.html.pdf\""));
    }
}
