//! The header by which a client asks for one thing only once.

use actix_web::http::header::{HeaderMap, HeaderName};
use msgflash_kernel::{ReplayKey, WorkspaceId};
use sha2::{Digest, Sha256};

/// The header a client sends.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header that marks an answer given before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const MAX: usize = 255;

/// What a request says about being done once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nothing.
    None,
    /// A header that is no key: refused with the body's problems.
    Malformed,
    /// A key.
    Key(ReplayKey),
}

/// The client's key as sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header<'a> {
    /// No header.
    None,
    /// Empty, too long or not printable ASCII.
    Malformed,
    /// 1-255 printable characters.
    Key(&'a str),
}

/// Reads the header.
pub fn header(headers: &HeaderMap) -> Header<'_> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else {
        return Header::None;
    };
    let text = value.to_str().unwrap_or_default();
    let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if printable && (1..=MAX).contains(&text.len()) {
        Header::Key(text)
    } else {
        Header::Malformed
    }
}

/// The key under which an answer is kept.
pub fn replay_key(
    workspace: WorkspaceId,
    route: &'static str,
    key: &str,
    body: &[u8],
) -> ReplayKey {
    ReplayKey {
        workspace,
        route,
        key: Sha256::digest(key.as_bytes()).into(),
        request: Sha256::digest(body).into(),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn read(value: &[u8]) -> Header<'static> {
        let mut headers = HeaderMap::new();
        headers.insert(IDEMPOTENCY_KEY, HeaderValue::from_bytes(value).unwrap());
        match header(&headers) {
            Header::Key(_) => Header::Key("k"),
            Header::Malformed => Header::Malformed,
            Header::None => Header::None,
        }
    }

    #[test]
    fn keys_are_short_and_printable() {
        assert_eq!(header(&HeaderMap::new()), Header::None);
        assert_eq!(read(b"order 17"), Header::Key("k"));
        assert_eq!(read(&[b'a'; 255]), Header::Key("k"));
        assert_eq!(read(&[b'a'; 256]), Header::Malformed);
        assert_eq!(read(b""), Header::Malformed);
        assert_eq!(read("é".as_bytes()), Header::Malformed);
    }
}
