//! Who calls, and what they pay for: asked by every request, so remembered for a moment.
//!
//! Handlers and policy see the same ports as without it. What is remembered is at most [`LIFE`]
//! old; a note from whoever changed it ends it earlier.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use msgflash_accounts::{Credential, CredentialReader, SessionId, SessionReader, SessionState};
use msgflash_billing::{BillingReader, Entitlement, PaymentPage, Plan};
use msgflash_kernel::{AccountId, Announce, StoreError, TeamId, UserId};
use msgflash_teams::{Membership, MembershipReader};

use crate::recall::Recall;

/// The longest a revoked key, an ended session or a member who was sent away can still be taken for a
/// good one.
pub const LIFE: Duration = Duration::from_secs(1);
/// Keys, sessions, and accounts, remembered at once. Past that the ones used least are forgotten earlier.
const MOST: usize = 10_000;

/// What this process remembers of callers. Cheap to clone; all clones remember together.
#[derive(Clone)]
pub struct Principals(Arc<Memory>);

struct Memory {
    credentials: Recall<[u8; 32], Credential>,
    sessions: Recall<SessionId, SessionState>,
    entitlements: Recall<AccountId, Entitlement>,
    members: Recall<(TeamId, UserId), Membership>,
}

impl Default for Principals {
    fn default() -> Self {
        Self(Arc::new(Memory {
            credentials: Recall::new(MOST, LIFE),
            sessions: Recall::new(MOST, LIFE),
            entitlements: Recall::new(MOST, LIFE),
            members: Recall::new(MOST, LIFE),
        }))
    }
}

impl Principals {
    /// Forgets everything about one account.
    pub fn forget(&self, account: AccountId) {
        self.0
            .credentials
            .forget(|known| known.key.account == account);
        self.0
            .sessions
            .forget(|known| known.session.user.uuid() == account.uuid());
        self.0
            .entitlements
            .forget(|known| known.subscription.account == account);
        // Of the teams it pays for, and of those it is in.
        self.0.members.forget(|known| {
            [known.owner, known.user]
                .iter()
                .any(|it| it.uuid() == account.uuid())
        });
    }

    /// Forgets everything: something changed, and nobody knows what.
    pub fn forget_all(&self) {
        self.0.credentials.forget(|_| true);
        self.0.sessions.forget(|_| true);
        self.0.entitlements.forget(|_| true);
        self.0.members.forget(|_| true);
    }

    /// A reader of credentials that remembers.
    pub fn credentials(&self, reader: Arc<dyn CredentialReader>) -> Arc<dyn CredentialReader> {
        Arc::new(Remembered {
            memory: self.clone(),
            reader,
        })
    }

    /// A reader of sessions that remembers.
    pub fn sessions(&self, reader: Arc<dyn SessionReader>) -> Arc<dyn SessionReader> {
        Arc::new(Remembered {
            memory: self.clone(),
            reader,
        })
    }

    /// A reader of what accounts hold that remembers that, and nothing else.
    pub fn billing(&self, reader: Arc<dyn BillingReader>) -> Arc<dyn BillingReader> {
        Arc::new(Remembered {
            memory: self.clone(),
            reader,
        })
    }

    /// A reader of who is in which team that remembers.
    pub fn members(&self, reader: Arc<dyn MembershipReader>) -> Arc<dyn MembershipReader> {
        Arc::new(Remembered {
            memory: self.clone(),
            reader,
        })
    }

    /// Tells others through `others`, after this process has forgotten.
    pub fn announcing(&self, others: Arc<dyn Announce>) -> Arc<dyn Announce> {
        Arc::new(Remembered {
            memory: self.clone(),
            reader: others,
        })
    }

    /// The same, and comes back when nobody remembers any more, not even who heard nothing.
    pub fn outlasting(&self, others: Arc<dyn Announce>) -> Arc<dyn Announce> {
        Arc::new(Outlasting(self.announcing(others)))
    }
}

/// Waits until what was remembered before is too old for every process.
struct Outlasting(Arc<dyn Announce>);

#[async_trait]
impl Announce for Outlasting {
    async fn changed(&self, account: AccountId) {
        // What a process remembers is counted from before it looked, so nothing from before the change
        // outlasts this.
        tokio::join!(self.0.changed(account), tokio::time::sleep(LIFE));
    }
}

/// A port behind a memory.
struct Remembered<P: ?Sized> {
    memory: Principals,
    reader: Arc<P>,
}

#[async_trait]
impl CredentialReader for Remembered<dyn CredentialReader> {
    async fn find(&self, hash: &[u8; 32]) -> Result<Option<Credential>, StoreError> {
        let known = &self.memory.0.credentials;
        // A closed one is looked up each time: it may be opened again.
        known
            .get(*hash, Credential::is_open, || self.reader.find(hash))
            .await
    }
}

#[async_trait]
impl SessionReader for Remembered<dyn SessionReader> {
    async fn find(&self, id: SessionId) -> Result<Option<SessionState>, StoreError> {
        let known = &self.memory.0.sessions;
        known.get(id, is_open, || self.reader.find(id)).await
    }
}

#[async_trait]
impl MembershipReader for Remembered<dyn MembershipReader> {
    async fn find(&self, team: TeamId, user: UserId) -> Result<Option<Membership>, StoreError> {
        let known = &self.memory.0.members;
        known
            .get((team, user), |_| true, || self.reader.find(team, user))
            .await
    }
}

fn is_open(state: &SessionState) -> bool {
    !state.revoked && !state.suspended
}

#[async_trait]
impl BillingReader for Remembered<dyn BillingReader> {
    async fn active_plans(&self) -> Result<Vec<Plan>, StoreError> {
        self.reader.active_plans().await
    }

    async fn entitlement(&self, account: AccountId) -> Result<Option<Entitlement>, StoreError> {
        let known = &self.memory.0.entitlements;
        known
            .get(account, |_| true, || self.reader.entitlement(account))
            .await
    }

    async fn payments(
        &self,
        account: AccountId,
        page: u32,
        limit: u32,
    ) -> Result<PaymentPage, StoreError> {
        self.reader.payments(account, page, limit).await
    }
}

#[async_trait]
impl Announce for Remembered<dyn Announce> {
    async fn changed(&self, account: AccountId) {
        self.memory.forget(account);
        self.reader.changed(account).await;
    }
}

#[cfg(test)]
mod tests {
    use msgflash_accounts::MockCredentialReader;
    use msgflash_billing::MockBillingReader;
    use msgflash_kernel::{Id, MockAnnounce};
    use msgflash_teams::{MockMembershipReader, Role};
    use uuid::Uuid;

    use super::*;
    use crate::testing::samples::{credential, entitlement};

    fn keys(looked_up: usize, found: Credential) -> Arc<dyn CredentialReader> {
        let mut reader = MockCredentialReader::new();
        reader
            .expect_find()
            .times(looked_up)
            .returning(move |_| Ok(Some(found.clone())));
        Arc::new(reader)
    }

    #[tokio::test]
    async fn a_key_is_looked_up_once_until_its_account_changes() {
        let (good, principals) = (credential(false), Principals::default());
        let reader = principals.credentials(keys(2, good.clone()));
        for _ in 0..3 {
            assert_eq!(reader.find(&[1; 32]).await.unwrap(), Some(good.clone()));
        }
        principals.forget(Id::new(Uuid::from_u128(987)));
        reader.find(&[1; 32]).await.unwrap();
        principals.forget(good.key.account);
        reader.find(&[1; 32]).await.unwrap();
    }

    #[tokio::test]
    async fn a_closed_key_is_looked_up_each_time() {
        let mut closed = credential(false);
        closed.suspended = true;
        let reader = Principals::default().credentials(keys(2, closed));
        for _ in 0..2 {
            assert!(reader.find(&[1; 32]).await.unwrap().is_some());
        }
    }

    #[tokio::test]
    async fn a_member_is_looked_up_once_until_their_team_or_they_change() {
        let id = |n| Uuid::from_u128(n);
        let member = Membership {
            team: Id::new(id(1)),
            owner: Id::new(id(2)),
            user: Id::new(id(3)),
            role: Role::Admin,
        };
        let mut members = MockMembershipReader::new();
        members
            .expect_find()
            .times(3)
            .returning(move |_, _| Ok(Some(member)));
        let principals = Principals::default();
        let reader = principals.members(Arc::new(members));
        for account in [id(2), id(3), id(4)] {
            for _ in 0..3 {
                let found = reader.find(member.team, member.user).await;
                assert_eq!(found.expect("no failure"), Some(member));
            }
            principals.forget(Id::new(account));
        }
        // Somebody else's account has changed: nothing was forgotten.
        assert!(reader.find(member.team, member.user).await.is_ok());
    }

    #[tokio::test]
    async fn a_plan_is_looked_up_once_until_somebody_announces_a_change() {
        let held = entitlement();
        let account = held.subscription.account;
        let mut billing = MockBillingReader::new();
        billing
            .expect_entitlement()
            .times(2)
            .returning(move |_| Ok(Some(held.clone())));
        let mut others = MockAnnounce::new();
        others.expect_changed().times(1).returning(|_| ());
        let principals = Principals::default();
        let reader = principals.billing(Arc::new(billing));
        let announce = principals.announcing(Arc::new(others));
        for _ in 0..3 {
            assert!(reader.entitlement(account).await.unwrap().is_some());
        }
        announce.changed(account).await;
        for _ in 0..3 {
            assert!(reader.entitlement(account).await.unwrap().is_some());
        }
    }

    #[tokio::test]
    async fn who_must_be_sure_waits_for_what_others_may_still_remember() {
        let mut others = MockAnnounce::new();
        others.expect_changed().times(1).returning(|_| ());
        let announce = Principals::default().outlasting(Arc::new(others));
        let begun = std::time::Instant::now();
        announce.changed(Id::new(Uuid::from_u128(1))).await;
        assert!(begun.elapsed() >= LIFE);
    }
}
