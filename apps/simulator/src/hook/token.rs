//! The `jwt_key` header: a bearer token made once per event and kept over its retries.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// An HS256 token that expires ten minutes after `issued_at`.
pub(crate) fn sign(key: &str, issued_at: i64) -> String {
    let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let claims = format!(
        r#"{{"iat":{issued_at},"exp":{},"app":"evolution","action":"webhook"}}"#,
        issued_at + 600
    );
    let signed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims));
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("an HMAC key may have any length");
    mac.update(signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{signed}.{signature}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn signs_like_the_recorded_gateway() {
        assert_eq!(
            super::sign("jwt-signing-secret", 1_795_256_263),
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.\
             eyJpYXQiOjE3OTUyNTYyNjMsImV4cCI6MTc5NTI1Njg2MywiYXBwIjoiZXZvbHV0aW9uIiwiYWN0aW9uIjoid2ViaG9vayJ9.\
             aHc3n38XqXHxaP44M77MQr95AwNC3CWJvU5j-8yu9JU"
        );
    }
}
