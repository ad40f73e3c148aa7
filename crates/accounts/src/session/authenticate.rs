//! Whose session a token is.

use std::sync::Arc;

use msgflash_kernel::Clock;

use super::token::SessionTokens;
use super::{Session, SessionReader};
use crate::error::SessionError;

/// Tells whose session a token is.
pub struct AuthenticateSession {
    tokens: Arc<SessionTokens>,
    sessions: Arc<dyn SessionReader>,
    clock: Arc<dyn Clock>,
}

impl AuthenticateSession {
    /// Wires the use case.
    pub fn new(
        tokens: Arc<SessionTokens>,
        sessions: Arc<dyn SessionReader>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            tokens,
            sessions,
            clock,
        }
    }

    /// The session behind the token that was presented, when it is live at this moment.
    pub async fn session(&self, token: Option<&str>) -> Result<Session, SessionError> {
        let token = token.ok_or(SessionError::Unauthorized)?;
        let claims = self.tokens.read(token).await?;
        let claims = claims.ok_or(SessionError::Unauthorized)?;
        let found = self.sessions.find(claims.session).await?;
        let now = self.clock.now();
        found
            .filter(|it| it.session.user == claims.user && it.is_live(now))
            .map(|it| it.session)
            .ok_or(SessionError::Unauthorized)
    }
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::{Fault as _, Id, Kind, StoreError};
    use time::Duration;
    use uuid::Uuid;

    use super::*;
    use crate::session::fixture::{NOW, Signing};
    use crate::session::{MockSessionReader, SessionState};

    fn session() -> Session {
        let (id, user) = (Uuid::from_u128(5), Uuid::from_u128(7));
        Session::begin(Id::new(id), Id::new(user), NOW)
    }

    fn live() -> SessionState {
        SessionState {
            session: session(),
            revoked: false,
            suspended: false,
        }
    }

    async fn asked(found: Option<SessionState>) -> Result<Session, SessionError> {
        let tokens = Signing::new();
        let mut reader = MockSessionReader::new();
        reader.expect_find().returning(move |_| Ok(found.clone()));
        let token = tokens.tokens.sign(&session(), "lea@shop.test").await?;
        let clock = Arc::clone(&tokens.clock) as _;
        AuthenticateSession::new(tokens.tokens, Arc::new(reader), clock)
            .session(Some(token.reveal()))
            .await
    }

    #[tokio::test]
    async fn the_token_of_a_live_session_is_known() {
        assert_eq!(asked(Some(live())).await.expect("live"), session());
    }

    #[tokio::test]
    async fn every_dead_session_gets_the_same_answer() {
        let (revoked, suspended) = (true, true);
        let other = Session {
            user: Id::new(Uuid::from_u128(8)),
            ..session()
        };
        let over = Session {
            expires_at: NOW - Duration::SECOND,
            ..session()
        };
        let dead = [
            ("unknown", None),
            ("revoked", Some(SessionState { revoked, ..live() })),
            (
                "suspended",
                Some(SessionState {
                    suspended,
                    ..live()
                }),
            ),
            (
                "another's",
                Some(SessionState {
                    session: other,
                    ..live()
                }),
            ),
            (
                "over",
                Some(SessionState {
                    session: over,
                    ..live()
                }),
            ),
        ];
        for (why, state) in dead {
            let refused = asked(state).await.expect_err(why);
            assert_eq!(refused.kind(), Kind::Unauthenticated, "{why}");
            assert_eq!(refused.code(), "UNAUTHORIZED", "{why}");
        }
    }

    #[tokio::test]
    async fn what_is_no_token_never_reaches_the_store() {
        let tokens = Signing::new();
        let clock = Arc::clone(&tokens.clock) as _;
        let nobody = Arc::new(MockSessionReader::new());
        let authenticate = AuthenticateSession::new(tokens.tokens, nobody, clock);
        for presented in [None, Some(""), Some("msgf_live_00"), Some("a.b.c")] {
            let refused = authenticate.session(presented).await;
            assert!(
                matches!(refused, Err(SessionError::Unauthorized)),
                "{presented:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_store_that_fails_is_not_a_bad_token() {
        let tokens = Signing::new();
        let mut reader = MockSessionReader::new();
        reader
            .expect_find()
            .returning(|_| Err(StoreError::Unavailable("down".into())));
        let token = tokens.tokens.sign(&session(), "lea@shop.test").await;
        let token = token.expect("signed");
        let clock = Arc::clone(&tokens.clock) as _;
        let refused = AuthenticateSession::new(tokens.tokens, Arc::new(reader), clock)
            .session(Some(token.reveal()))
            .await;
        assert_eq!(refused.expect_err("down").kind(), Kind::Unavailable);
    }
}
