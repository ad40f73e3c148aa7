//! Signing in with an account elsewhere, such as Google's.
//!
//! How that account is proved is somebody else's ([`provider`]); here it is decided whose account it
//! opens. [`redirect`] is the way a browser takes, [`start`] what binds its two ends together.

use std::sync::Arc;

use async_trait::async_trait;
use msgflash_kernel::{Announce, Id, NoAnnouncement, Problems, StoreError, UserId};
use time::OffsetDateTime;

use crate::error::SignInError;
use crate::ports::{Registration, SignInUnit, SignInUnits};
use crate::rules;
use crate::session::log_in::BeginSession;
use crate::session::{SessionEnd, SignedIn, account_of};
use crate::user::User;

pub mod provider;
pub mod redirect;
pub mod start;

/// Longest text of an issuer or a subject.
const LONGEST: usize = 255;
/// Longest address of a picture.
const LONGEST_PICTURE: usize = 2048;

/// Who an identity provider says somebody is; its signature was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalIdentity {
    /// Which provider.
    pub issuer: String,
    /// Who they are there; never changes and is never given to anybody else.
    pub subject: String,
    /// Their address there.
    pub email: String,
    /// Whether the provider vouches for it.
    pub email_verified: bool,
    /// Their name there.
    pub name: Option<String>,
    /// Their picture there.
    pub picture: Option<String>,
}

/// Records accounts elsewhere. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait IdentityStore: Send {
    /// Whose account here this one opens.
    async fn find(&mut self, issuer: &str, subject: &str) -> Result<Option<UserId>, StoreError>;
    /// Lets it open an account, unless it opens one already; answers which it opens.
    async fn link(
        &mut self,
        identity: &ExternalIdentity,
        user: UserId,
        at: OffsetDateTime,
    ) -> Result<UserId, StoreError>;
    /// Lets no account elsewhere open this one any more.
    async fn forget(&mut self, user: UserId) -> Result<(), StoreError>;
}

/// Signs people in by their accounts elsewhere.
pub struct SignInElsewhere {
    units: Arc<dyn SignInUnits>,
    sessions: BeginSession,
    announce: Arc<dyn Announce>,
}

impl SignInElsewhere {
    /// Wires the use case.
    pub fn new(units: Arc<dyn SignInUnits>, sessions: BeginSession) -> Self {
        Self {
            units,
            sessions,
            announce: Arc::new(NoAnnouncement),
        }
    }

    /// Tells others, who may remember sessions.
    #[must_use]
    pub fn announcing(mut self, announce: Arc<dyn Announce>) -> Self {
        self.announce = announce;
        self
    }

    /// Signs in whoever this account elsewhere belongs to: whom it opened before, else whoever has its
    /// address here, else a new account without a password.
    pub async fn sign_in(&self, identity: &ExternalIdentity) -> Result<SignedIn, SignInError> {
        let is_text = |it: &str| !it.is_empty() && it.len() <= LONGEST;
        let told = is_text(&identity.issuer) && is_text(&identity.subject);
        if !told || !identity.email_verified || !rules::is_address(&identity.email) {
            return Err(SignInError::Refused);
        }
        // The second time, whoever came in between is there.
        match self.once(identity).await? {
            Some(signed_in) => Ok(signed_in),
            None => self.once(identity).await?.ok_or(SignInError::Refused),
        }
    }

    /// `None` when somebody else made the account at the same moment.
    async fn once(&self, identity: &ExternalIdentity) -> Result<Option<SignedIn>, SignInError> {
        self.sessions.tokens.prepare().await?;
        let now = self.sessions.clock.now();
        let mut unit = self.units.begin().await?;
        let (issuer, subject) = (&identity.issuer, &identity.subject);
        let known = match unit.identities().find(issuer, subject).await? {
            Some(id) => unit.users().lock(id).await?,
            None => None,
        };
        let (user, ended) = match known {
            Some(user) => (open(user)?, 0),
            None => match unit.users().lock_by_email(&identity.email).await? {
                Some(user) => {
                    self.adopt(unit.as_mut(), open(user)?, identity, now)
                        .await?
                }
                None => match self.make(unit.as_mut(), identity, now).await? {
                    Some(user) => (user, 0),
                    None => return Ok(None),
                },
            },
        };
        if unit.identities().link(identity, user.id, now).await? != user.id {
            return Ok(None);
        }
        let signed_in = self.sessions.begin(user).await?;
        unit.sessions().insert(&signed_in.session).await?;
        unit.commit().await?;
        if ended > 0 {
            self.announce.changed(account_of(signed_in.user.id)).await;
        }
        Ok(Some(signed_in))
    }

    /// Links an account that has the address. While that was never verified, somebody else may have
    /// made it and wait for its owner to come: nothing they left behind stays.
    async fn adopt(
        &self,
        unit: &mut dyn SignInUnit,
        mut user: User,
        identity: &ExternalIdentity,
        now: OffsetDateTime,
    ) -> Result<(User, u64), SignInError> {
        let mut ended = 0;
        let before = user.clone();
        if user.email_verified_at.is_none() {
            user.email_verified_at = Some(now);
            user.password_hash = None;
            user.full_name = name(identity);
            user.display_name = None;
            user.phone = String::new();
            user.avatar_url = None;
            let why = SessionEnd::Linked;
            ended = unit.sessions().end_all(user.id, None, why, now).await?;
            unit.tokens().end_all(user.id, now).await?;
        }
        user.avatar_url = user.avatar_url.take().or_else(|| picture(identity));
        if user != before {
            user.updated_at = now;
            unit.users().update(&user).await?;
        }
        Ok((user, ended))
    }

    async fn make(
        &self,
        unit: &mut dyn SignInUnit,
        identity: &ExternalIdentity,
        now: OffsetDateTime,
    ) -> Result<Option<User>, SignInError> {
        let ids = &self.sessions.ids;
        let user = User {
            id: Id::new(ids.next()),
            email: identity.email.clone(),
            full_name: name(identity),
            display_name: None,
            phone: String::new(),
            avatar_url: picture(identity),
            password_hash: None,
            email_verified_at: Some(now),
            suspended_at: None,
            created_at: now,
            updated_at: now,
        };
        match unit.users().insert(&user, ids.next()).await? {
            Registration::Done => Ok(Some(user)),
            Registration::EmailTaken => Ok(None),
        }
    }
}

fn open(user: User) -> Result<User, SignInError> {
    let open = user.suspended_at.is_none();
    open.then_some(user).ok_or(SignInError::Refused)
}

/// The name told, where it can be one; else what stands before the @.
fn name(identity: &ExternalIdentity) -> String {
    let told = identity.name.as_deref().unwrap_or_default();
    let told: String = told.chars().filter(|it| !it.is_control()).collect();
    let told: String = told.trim().chars().take(rules::MAX_NAME).collect();
    let mut problems = Problems::default();
    let told = rules::full_name(&told, &mut problems);
    if problems.0.is_empty() {
        told
    } else {
        let before = identity.email.split('@').next().unwrap_or_default();
        before.to_owned()
    }
}

fn picture(identity: &ExternalIdentity) -> Option<String> {
    let told = identity.picture.as_ref()?;
    let fits = told.starts_with("https://") && told.len() <= LONGEST_PICTURE;
    fits.then(|| told.clone())
}

#[cfg(test)]
mod tests;
