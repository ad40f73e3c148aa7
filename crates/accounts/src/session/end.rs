//! Ending sessions.

use std::sync::Arc;

use msgflash_kernel::{Announce, Clock, NoAnnouncement, UserId};

use super::{Session, SessionEnd, account_of};
use crate::error::SessionError;
use crate::ports::SignInUnits;

/// Ends sessions: the caller's own, or all of somebody.
pub struct EndSessions {
    units: Arc<dyn SignInUnits>,
    clock: Arc<dyn Clock>,
    announce: Arc<dyn Announce>,
}

impl EndSessions {
    /// Wires the use case.
    pub fn new(units: Arc<dyn SignInUnits>, clock: Arc<dyn Clock>) -> Self {
        Self {
            units,
            clock,
            announce: Arc::new(NoAnnouncement),
        }
    }

    /// Tells others, who may remember sessions.
    #[must_use]
    pub fn announcing(mut self, announce: Arc<dyn Announce>) -> Self {
        self.announce = announce;
        self
    }

    /// Signs the caller out: this session, no other.
    pub async fn log_out(&self, session: &Session) -> Result<(), SessionError> {
        let mut unit = self.units.begin().await?;
        // Two calls at once: for the second, nobody is signed in any more.
        let now = self.clock.now();
        if !unit
            .sessions()
            .end(session.id, SessionEnd::Logout, now)
            .await?
        {
            return Err(SessionError::Unauthorized);
        }
        unit.commit().await?;
        self.announce.changed(account_of(session.user)).await;
        Ok(())
    }

    /// Signs somebody out everywhere; answers how many sessions that ended.
    pub async fn end_all(&self, user: UserId) -> Result<u64, SessionError> {
        let mut unit = self.units.begin().await?;
        let now = self.clock.now();
        // Locked, so that nobody begins a session beside this.
        unit.users().lock(user).await?;
        let why = SessionEnd::Operator;
        let ended = unit.sessions().end_all(user, None, why, now).await?;
        unit.commit().await?;
        self.announce.changed(account_of(user)).await;
        Ok(ended)
    }
}

#[cfg(test)]
mod tests;
