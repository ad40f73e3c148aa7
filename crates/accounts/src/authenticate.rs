//! Whose request this is.

use std::sync::Arc;

use subtle::ConstantTimeEq as _;

use crate::error::AuthError;
use crate::key::{ApiKey, KeySecret};
use crate::ports::{Credential, CredentialReader};

/// Tells whose an API key is.
pub struct Authenticate {
    credentials: Arc<dyn CredentialReader>,
}

impl Authenticate {
    /// Wires the use case.
    pub fn new(credentials: Arc<dyn CredentialReader>) -> Self {
        Self { credentials }
    }

    /// The key behind what was presented, when it opens anything at this moment.
    ///
    /// Which workspace it opens is decided elsewhere, with the rest of the request.
    pub async fn key(&self, presented: Option<&str>) -> Result<ApiKey, AuthError> {
        let presented = presented.ok_or(AuthError::Unauthorized)?;
        let secret = KeySecret::parse(presented).map_err(|_| AuthError::Unauthorized)?;
        let hash = secret.hash();
        let found = self
            .credentials
            .find(&hash)
            .await?
            .ok_or(AuthError::Unauthorized)?;
        if opens(&found, &hash) {
            Ok(found.key)
        } else {
            Err(AuthError::Unauthorized)
        }
    }
}

fn opens(found: &Credential, presented: &[u8; 32]) -> bool {
    // The look-up compared as an index compares; only this comparison tells nothing by its time.
    bool::from(found.stored_hash.ct_eq(presented)) && found.is_open()
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::{CountingRandom, Fault as _, Id, Kind, StoreError};
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::key::KeyKind;
    use crate::ports::MockCredentialReader;

    fn secret() -> KeySecret {
        KeySecret::generate(KeyKind::Team, &CountingRandom::default())
    }

    fn good() -> Credential {
        let secret = secret();
        Credential {
            key: ApiKey {
                id: Id::new(Uuid::from_u128(1)),
                account: Id::new(Uuid::from_u128(2)),
                team: Some(Id::new(Uuid::from_u128(3))),
                created_by: Id::new(Uuid::from_u128(4)),
                name: "Shop backend".to_owned(),
                prefix: secret.prefix().to_owned(),
                last_used_at: None,
                revoked_at: None,
                created_at: datetime!(2026-05-01 10:00 UTC),
            },
            suspended: false,
            team_deleted: false,
            stored_hash: secret.hash(),
        }
    }

    fn knowing(credential: Option<Credential>) -> Authenticate {
        let mut reader = MockCredentialReader::new();
        reader
            .expect_find()
            .returning(move |_| Ok(credential.clone()));
        Authenticate::new(Arc::new(reader))
    }

    #[tokio::test]
    async fn a_good_key_is_known() {
        let key = knowing(Some(good())).key(Some(secret().reveal())).await;
        assert_eq!(key.expect("known"), good().key);
    }

    #[tokio::test]
    async fn every_bad_key_gets_the_same_answer() {
        let revoked_at = Some(datetime!(2026-05-02 10:00 UTC));
        let bad = [
            ("unknown", None),
            (
                "suspended",
                Some(Credential {
                    suspended: true,
                    ..good()
                }),
            ),
            (
                "team deleted",
                Some(Credential {
                    team_deleted: true,
                    ..good()
                }),
            ),
            (
                "other hash",
                Some(Credential {
                    stored_hash: [0; 32],
                    ..good()
                }),
            ),
            (
                "revoked",
                Some(Credential {
                    key: ApiKey {
                        revoked_at,
                        ..good().key
                    },
                    ..good()
                }),
            ),
        ];
        for (why, credential) in bad {
            let refused = knowing(credential).key(Some(secret().reveal())).await;
            let refused = refused.expect_err(why);
            assert_eq!(refused.code(), "UNAUTHORIZED", "{why}");
            assert_eq!(refused.kind(), Kind::Unauthenticated, "{why}");
            assert_eq!(
                refused.to_string(),
                AuthError::Unauthorized.to_string(),
                "{why}"
            );
        }
    }

    /// A store that looks in one way alone, by the whole hash, tells nothing of how much of a key was right.
    #[tokio::test]
    async fn a_key_that_begins_like_a_known_one_takes_the_same_work_as_any_other() {
        let known = secret();
        let (begin, last) = known.reveal().split_at(known.reveal().len() - 1);
        let turned = if last == "0" { '1' } else { '0' };
        let almost = format!("{begin}{turned}");
        let (visible, rest) = known.reveal().split_at(known.prefix().len());
        let prefixed = format!("{visible}{}", "0".repeat(rest.len()));
        let unknown = format!("msgf_live_{}", "0".repeat(64));
        for presented in [known.reveal(), &almost, &prefixed, &unknown] {
            let hash = KeySecret::parse(presented).expect("well formed").hash();
            let found = (presented == known.reveal()).then(good);
            let is_known = found.is_some();
            let mut reader = MockCredentialReader::new();
            // Once, by all of it, and nothing else of the store: another call would panic.
            reader
                .expect_find()
                .times(1)
                .withf(move |asked| *asked == hash)
                .returning(move |_| Ok(found.clone()));
            let authenticate = Authenticate::new(Arc::new(reader));
            let told = authenticate.key(Some(presented)).await;
            assert_eq!(told.is_ok(), is_known, "{presented}");
        }
    }

    #[tokio::test]
    async fn what_is_no_key_never_reaches_the_store() {
        let nobody_asked = Authenticate::new(Arc::new(MockCredentialReader::new()));
        for presented in [None, Some(""), Some("eyJhbGciOi"), Some("msgf_live_12")] {
            let refused = nobody_asked.key(presented).await;
            assert!(
                matches!(refused, Err(AuthError::Unauthorized)),
                "{presented:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_store_that_fails_is_not_a_bad_key() {
        let mut reader = MockCredentialReader::new();
        reader
            .expect_find()
            .returning(|_| Err(StoreError::Unavailable("down".into())));
        let refused = Authenticate::new(Arc::new(reader))
            .key(Some(secret().reveal()))
            .await;
        assert_eq!(refused.expect_err("down").kind(), Kind::Unavailable);
    }
}
