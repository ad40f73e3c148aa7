//! Reading bodies: bounded, whatever the client declares.

use std::io::Read as _;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use flate2::read::MultiGzDecoder;
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use msgflash_kernel::Problems;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::problem::Problem;

/// The largest JSON body, before and after decompression.
pub const JSON_LIMIT: usize = 1 << 20;
/// The largest JSON body where a route says so in the request; [`JSON_LIMIT`] where none does.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimit(pub usize);
/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Larger than the limit.
    TooLarge(usize),
    /// Packed in a way we do not unpack.
    Packing,
    /// Cut off, or badly packed.
    Broken,
    /// Not there in time.
    Late,
}

impl From<Unreadable> for Problem {
    fn from(reason: Unreadable) -> Self {
        match reason {
            Unreadable::TooLarge(limit) => Self::too_large(limit),
            Unreadable::Packing => Self::unsupported_media("Content-Encoding may only be gzip"),
            Unreadable::Broken => Self::unreadable("The body could not be read"),
            Unreadable::Late => Self::unreadable("The body took too long to arrive"),
        }
    }
}

/// A body that was read before the handler ran.
#[derive(Clone, Debug)]
pub struct EarlyBody(pub Result<Bytes, Unreadable>);

/// Reads a body of at most `limit` bytes, before and after decompression.
pub async fn read(
    headers: &HeaderMap,
    payload: Payload,
    limit: usize,
) -> Result<Bytes, Unreadable> {
    let declared = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: u64| length > limit as u64) {
        return Err(Unreadable::TooLarge(limit));
    }
    let body = tokio::time::timeout(PATIENCE, collect(payload, limit)).await;
    unpack(headers, body.map_err(|_| Unreadable::Late)??, limit)
}

async fn collect(mut payload: Payload, limit: usize) -> Result<Bytes, Unreadable> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Unreadable::Broken)?;
        if body.len() + chunk.len() > limit {
            return Err(Unreadable::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Unpacks to one byte past the limit at most, so that a bomb costs no more than a large body.
fn unpack(headers: &HeaderMap, body: Bytes, limit: usize) -> Result<Bytes, Unreadable> {
    let packing = headers
        .get(CONTENT_ENCODING)
        .map_or("identity", |it| it.to_str().unwrap_or("?"));
    match packing.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(body),
        "gzip" | "x-gzip" => {
            let mut plain = Vec::new();
            MultiGzDecoder::new(body.as_ref())
                .take(limit as u64 + 1)
                .read_to_end(&mut plain)
                .map_err(|_| Unreadable::Broken)?;
            if plain.len() > limit {
                Err(Unreadable::TooLarge(limit))
            } else {
                Ok(plain.into())
            }
        }
        _ => Err(Unreadable::Packing),
    }
}

/// A JSON body, read but not understood yet.
///
/// What is wrong with it is told when the handler asks, because everything a middleware checks
/// comes first.
#[derive(Debug)]
pub struct RawJson {
    bytes: Result<Bytes, Unreadable>,
    content_type: Option<String>,
}

impl RawJson {
    /// The same for a body that may be left out.
    pub fn decode_or_default<T: DeserializeOwned + Default>(self) -> Result<T, Problem> {
        match &self.bytes {
            Ok(bytes) if bytes.is_empty() => Ok(T::default()),
            _ => self.decode(),
        }
    }

    /// The members of the body; wrong types are remembered per member.
    pub fn decode<T: DeserializeOwned>(self) -> Result<T, Problem> {
        let bytes = self.bytes?;
        if bytes.is_empty() {
            return Err(Problems::one("", "required", "A JSON body is required").into());
        }
        if !self.content_type.as_deref().is_some_and(is_json) {
            return Err(Problem::unsupported_media(
                "Content-Type must be application/json",
            ));
        }
        let value: Value = serde_json::from_slice(&bytes)
            .map_err(|_| Problem::unreadable("The body is not valid JSON"))?;
        // A derived reader would take an array for an object's members in order.
        if !value.is_object() {
            return Err(not_an_object());
        }
        serde_json::from_value(value).map_err(|_| not_an_object())
    }
}

fn not_an_object() -> Problem {
    Problems::one("", "invalid_type", "The body must be a JSON object").into()
}

/// `application/json` or a relative of it, in UTF-8.
fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let json = essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"));
    let utf8 = parts.all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    });
    json && utf8
}

impl FromRequest for RawJson {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move {
            let early = request.extensions_mut().remove::<EarlyBody>();
            let limit = request.extensions().get::<BodyLimit>().copied();
            let limit = limit.map_or(JSON_LIMIT, |it| it.0);
            let bytes = if let Some(EarlyBody(bytes)) = early {
                bytes
            } else {
                read(request.headers(), payload, limit).await
            };
            let content_type = request.headers().get(CONTENT_TYPE);
            let content_type = content_type.map(|it| it.to_str().unwrap_or("?").to_owned());
            Ok(Self {
                bytes,
                content_type,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use actix_web::http::header::HeaderValue;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(size: usize) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![b' '; size]).unwrap();
        encoder.finish().unwrap().into()
    }

    fn encoding(name: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
        headers
    }

    #[test]
    fn unpacking_stops_at_the_limit() {
        let headers = encoding("gzip");
        assert_eq!(
            unpack(&headers, packed(1_000), 1_000).map(|it| it.len()),
            Ok(1_000)
        );
        assert_eq!(
            unpack(&headers, packed(1_001), 1_000),
            Err(Unreadable::TooLarge(1_000))
        );
        let broken = Bytes::from_static(b"not gzip");
        assert_eq!(
            unpack(&headers, broken.clone(), 1_000),
            Err(Unreadable::Broken)
        );
        assert_eq!(
            unpack(&encoding("br"), broken, 1_000),
            Err(Unreadable::Packing)
        );
    }

    #[test]
    fn json_in_utf8_is_read_and_nothing_else() {
        for good in [
            "application/json",
            "Application/JSON; charset=\"UTF-8\"",
            "application/vnd.x+json",
        ] {
            assert!(is_json(good), "{good}");
        }
        for bad in [
            "text/plain",
            "application/json; charset=latin1",
            "",
            "multipart/form-data; boundary=x",
        ] {
            assert!(!is_json(bad), "{bad}");
        }
    }
}
