//! Verifying ID tokens.

use std::time::SystemTime;

use openidconnect::core::{
    CoreIdToken, CoreIdTokenClaims, CoreIdTokenVerifier, CoreJwsSigningAlgorithm,
};
use openidconnect::{
    ClaimsVerificationError, ClientId, IdTokenVerifier, Nonce, SignatureVerificationError,
};
use time::{Duration, OffsetDateTime};

use crate::directory::Published;

/// How far the provider's clock may be from ours.
const LEEWAY: Duration = Duration::MINUTE;

/// Why an ID token proves nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// It is signed with a key that is not known.
    UnknownKey,
    /// Everything else, in words without anything of the token.
    Other(&'static str),
}

/// What a token says, when all of it is true: who signed it, for whom, when, and in answer to what.
pub(crate) fn verify<'a>(
    token: &'a CoreIdToken,
    client: &ClientId,
    published: &Published,
    nonce: &Nonce,
    now: OffsetDateTime,
) -> Result<&'a CoreIdTokenClaims, Rejection> {
    let (earliest, latest) = (
        SystemTime::from(now - LEEWAY),
        SystemTime::from(now + LEEWAY),
    );
    let metadata = &published.metadata;
    // What is signed with our own secret proves nothing to us, so no such algorithm is let in.
    let verifier: CoreIdTokenVerifier<'_> = IdTokenVerifier::new_public_client(
        client.clone(),
        metadata.issuer().clone(),
        metadata.jwks().clone(),
    );
    let verifier = verifier
        .set_allowed_algs([
            CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
            CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        ])
        .set_time_fn(move || earliest.into())
        .set_issue_time_verifier_fn(move |issued| {
            let past = SystemTime::from(issued) <= latest;
            past.then_some(()).ok_or_else(String::new)
        });
    let claims = token.claims(&verifier, nonce).map_err(|it| explain(&it))?;
    match claims.authorized_party() {
        Some(party) if party != client => Err(Rejection::Other("its token is for another party")),
        _ => Ok(claims),
    }
}

fn explain(error: &ClaimsVerificationError) -> Rejection {
    use ClaimsVerificationError as Claims;
    Rejection::Other(match error {
        Claims::SignatureVerification(SignatureVerificationError::NoMatchingKey) => {
            return Rejection::UnknownKey;
        }
        Claims::SignatureVerification(SignatureVerificationError::DisallowedAlg(_)) => {
            "its token is signed in a way that is not accepted"
        }
        Claims::SignatureVerification(_) => "the signature of its token is wrong",
        Claims::Expired(_) => "its token is too old, or of the future",
        Claims::InvalidAudience(_) => "its token is for another client",
        Claims::InvalidIssuer(_) => "its token is of another issuer",
        Claims::InvalidNonce(_) => "its token answers another sign-in",
        _ => "its token cannot be verified",
    })
}
