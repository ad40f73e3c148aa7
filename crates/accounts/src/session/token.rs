//! Tokens: signed texts that name a session.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use msgflash_kernel::{Clock, Id, Secret, StoreError, UserId};
use serde_json::{Value, json};

use super::key::SigningKeyId;
use super::key_ring::KeyRing;
use super::{Session, SessionId};

/// Longest text that is looked at. Ours are about 500 bytes.
const LONGEST: usize = 4096;

/// What a token with a good signature says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claims {
    pub(crate) session: SessionId,
    pub(crate) user: UserId,
}

/// Signs and reads the tokens of the console: JWT, `EdDSA`, seven days.
pub struct SessionTokens {
    ring: Arc<KeyRing>,
    clock: Arc<dyn Clock>,
    issuer: String,
}

impl SessionTokens {
    /// Tokens say that they come from `issuer`, such as the server's public address; others are
    /// refused.
    pub fn new(ring: Arc<KeyRing>, clock: Arc<dyn Clock>, issuer: impl Into<String>) -> Self {
        Self {
            ring,
            clock,
            issuer: issuer.into(),
        }
    }

    /// Fetches the key that signs, so that signing within a unit waits for nothing.
    pub(crate) async fn prepare(&self) -> Result<(), StoreError> {
        self.ring.signer().await.map(drop)
    }

    /// The token of a session.
    pub(crate) async fn sign(
        &self,
        session: &Session,
        email: &str,
    ) -> Result<Secret<String>, StoreError> {
        let key = self.ring.signer().await?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(key.key.id.to_string());
        let claims = json!({
            "iss": self.issuer,
            "sub": session.user.to_string(),
            "email": email,
            "iat": session.created_at.unix_timestamp(),
            "exp": session.expires_at.unix_timestamp(),
            "jti": session.id.to_string(),
        });
        encode(&header, &claims, &key.signs)
            .map(Secret::new)
            .map_err(|error| StoreError::Failed(error.into()))
    }

    /// What a token says; `None` when it is not one of ours, or too old.
    pub(crate) async fn read(&self, token: &str) -> Result<Option<Claims>, StoreError> {
        if token.len() > LONGEST {
            return Ok(None);
        }
        let Some(kid) = kid(token) else {
            return Ok(None);
        };
        let Some(key) = self.ring.verifier(kid).await? else {
            return Ok(None);
        };
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_issuer(&[&self.issuer]);
        rules.set_required_spec_claims(&["exp", "iss", "sub"]);
        // It would ask the machine's clock.
        rules.validate_exp = false;
        let Ok(token) = decode::<Value>(token, &key.verifies, &rules) else {
            return Ok(None);
        };
        Ok(self.claims(&token.claims))
    }

    fn claims(&self, said: &Value) -> Option<Claims> {
        let now = self.clock.now().unix_timestamp();
        let expires = said.get("exp")?.as_i64()?;
        // We write no `nbf`. One that is there counts, as everywhere.
        let begins = said.get("nbf").map_or(Some(now), Value::as_i64)?;
        (begins <= now && now < expires).then_some(())?;
        Some(Claims {
            session: Id::parse(said.get("jti")?.as_str()?)?,
            user: Id::parse(said.get("sub")?.as_str()?)?,
        })
    }
}

fn kid(token: &str) -> Option<SigningKeyId> {
    let header = decode_header(token).ok()?;
    Id::parse(&header.kid?).filter(|_| header.alg == Algorithm::EdDSA)
}

#[cfg(test)]
mod tests;
