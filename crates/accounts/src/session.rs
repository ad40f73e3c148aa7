//! Sessions of the console: who is signed in, and until when.
//!
//! A token is a signed text that names a session; it counts while that session is live. So a token
//! can be ended at once, whatever its signature says. [`token`] says what a token looks like, [`key`]
//! and [`key_ring`] what signs it.

use async_trait::async_trait;
use msgflash_kernel::{AccountId, Id, Secret, StoreError, UserId};
use time::{Duration, OffsetDateTime};

pub mod authenticate;
pub mod crypto;
pub mod end;
pub mod key;
pub mod key_ring;
pub mod log_in;
pub mod refresh;
pub mod token;

#[cfg(test)]
pub(crate) mod fixture;

use crate::user::User;

/// How long a session lasts.
pub const LIFE: Duration = Duration::days(7);

/// Marker of [`SessionId`].
pub enum SessionMark {}
/// The id of a session, which its token carries as `jti`.
pub type SessionId = Id<SessionMark>;

/// Somebody is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Who.
    pub user: UserId,
    /// Since when.
    pub created_at: OffsetDateTime,
    /// Until when, in whole seconds as tokens count.
    pub expires_at: OffsetDateTime,
}

impl Session {
    /// A session that begins now.
    pub fn begin(id: SessionId, user: UserId, now: OffsetDateTime) -> Self {
        let ends = now + LIFE;
        Self {
            id,
            user,
            created_at: now,
            expires_at: ends.replace_nanosecond(0).unwrap_or(ends),
        }
    }
}

/// Why a session ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// Its user said so.
    Logout,
    /// Another one took its place.
    Refresh,
    /// The password was changed in another session.
    Password,
    /// The password was reset.
    Reset,
    /// The account was suspended.
    Suspended,
    /// Whoever really has the address came.
    Linked,
    /// The operator ended it.
    Operator,
}

impl SessionEnd {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Refresh => "refresh",
            Self::Password => "password",
            Self::Reset => "reset",
            Self::Suspended => "suspended",
            Self::Linked => "linked",
            Self::Operator => "operator",
        }
    }
}

/// A session with everything that decides whether its token counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionState {
    /// The session, live or not.
    pub session: Session,
    /// Whether it was ended.
    pub revoked: bool,
    /// Whether its user is suspended.
    pub suspended: bool,
}

impl SessionState {
    /// Whether its token counts at `now`.
    pub fn is_live(&self, now: OffsetDateTime) -> bool {
        !self.revoked && !self.suspended && now < self.session.expires_at
    }
}

/// Looks sessions up.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait SessionReader: Send + Sync {
    /// The session with this id, in one round trip: this is paid by every request.
    async fn find(&self, id: SessionId) -> Result<Option<SessionState>, StoreError>;
}

/// Records sessions. Reached through a unit of work only, in which their user is locked: a session
/// begun beside a change of password would outlive it.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait SessionStore: Send {
    /// Records a session.
    async fn insert(&mut self, session: &Session) -> Result<(), StoreError>;
    /// Ends a session; `false` when it was over already.
    async fn end(
        &mut self,
        id: SessionId,
        why: SessionEnd,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError>;
    /// Ends all sessions of a user but one; answers how many.
    async fn end_all(
        &mut self,
        user: UserId,
        except: Option<SessionId>,
        why: SessionEnd,
        at: OffsetDateTime,
    ) -> Result<u64, StoreError>;
}

/// Somebody who has just signed in. The token is in this answer alone.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// Their session.
    pub session: Session,
    /// What proves it from now on.
    pub token: Secret<String>,
}

/// Whose memories of `user` are outdated when something about them changes.
pub(crate) fn account_of(user: UserId) -> AccountId {
    Id::new(user.uuid())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_session_lasts_seven_days_in_whole_seconds() {
        let now = datetime!(2026-05-01 10:00:00.123_456 UTC);
        let session = Session::begin(Id::new(Uuid::nil()), Id::new(Uuid::nil()), now);
        assert_eq!(session.expires_at, datetime!(2026-05-08 10:00 UTC));
    }

    #[test]
    fn a_session_is_live_until_it_ends_or_its_user_is_shut_out() {
        let now = datetime!(2026-05-01 10:00 UTC);
        let session = Session::begin(Id::new(Uuid::nil()), Id::new(Uuid::nil()), now);
        let live = SessionState {
            session,
            revoked: false,
            suspended: false,
        };
        assert!(live.is_live(session.expires_at - Duration::SECOND));
        assert!(!live.is_live(session.expires_at));
        let revoked = true;
        assert!(
            !SessionState {
                revoked,
                ..live.clone()
            }
            .is_live(now)
        );
        let suspended = true;
        assert!(!SessionState { suspended, ..live }.is_live(now));
    }
}
