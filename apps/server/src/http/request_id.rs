//! The id by which a request is found again in logs.

use actix_web::HttpMessage;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderName;
use msgflash_kernel::Ids;

/// The header that carries it, in and out.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX: usize = 128;

/// The id of the request in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

impl RequestId {
    /// Takes the caller's id when it is harmless, else a fresh one, and leaves it in the request.
    pub fn assign(request: &ServiceRequest, ids: &dyn Ids) -> Self {
        let given = request
            .headers()
            .get(X_REQUEST_ID)
            .and_then(|value| value.to_str().ok());
        let id = match given {
            Some(given) if is_harmless(given) => Self(given.to_owned()),
            _ => Self(ids.next().to_string()),
        };
        request.extensions_mut().insert(id.clone());
        id
    }
}

/// It is echoed and logged, so it must not be able to break a line or grow.
fn is_harmless(given: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=MAX).contains(&given.len()) && given.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_short_ids_are_echoed() {
        assert!(is_harmless("req-1.A_b"));
        assert!(is_harmless(&"a".repeat(128)));
        for odd in ["", "a b", "é", "a\u{7f}", &"a".repeat(129)] {
            assert!(!is_harmless(odd), "{odd:?}");
        }
    }
}
