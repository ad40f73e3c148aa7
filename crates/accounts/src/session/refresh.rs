//! A new session for an old one.

use std::sync::Arc;

use msgflash_kernel::{Announce, Clock, Id, Ids, NoAnnouncement};

use super::token::SessionTokens;
use super::{Session, SessionEnd, SignedIn, account_of};
use crate::error::SessionError;
use crate::ports::SignInUnits;

/// Gives a caller a new session for the one they have.
pub struct RefreshSession {
    units: Arc<dyn SignInUnits>,
    tokens: Arc<SessionTokens>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    announce: Arc<dyn Announce>,
}

impl RefreshSession {
    /// Wires the use case.
    pub fn new(
        units: Arc<dyn SignInUnits>,
        tokens: Arc<SessionTokens>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self {
            units,
            tokens,
            clock,
            ids,
            announce: Arc::new(NoAnnouncement),
        }
    }

    /// Tells others, who may remember sessions.
    #[must_use]
    pub fn announcing(mut self, announce: Arc<dyn Announce>) -> Self {
        self.announce = announce;
        self
    }

    /// Ends `old` and begins a new session that lasts the full time. Of two calls at once one
    /// succeeds: a token that was copied gives itself away.
    pub async fn refresh(&self, old: &Session) -> Result<SignedIn, SessionError> {
        let now = self.clock.now();
        let session = Session::begin(Id::new(self.ids.next()), old.user, now);
        self.tokens.prepare().await?;
        let mut unit = self.units.begin().await?;
        let user = unit.users().lock(old.user).await?;
        let user = user
            .filter(|it| it.suspended_at.is_none())
            .ok_or(SessionError::Unauthorized)?;
        if !unit
            .sessions()
            .end(old.id, SessionEnd::Refresh, now)
            .await?
        {
            return Err(SessionError::Unauthorized);
        }
        unit.sessions().insert(&session).await?;
        let token = self.tokens.sign(&session, &user.email).await?;
        unit.commit().await?;
        self.announce.changed(account_of(old.user)).await;
        Ok(SignedIn {
            user,
            session,
            token,
        })
    }
}

#[cfg(test)]
mod tests;
