//! Making, listing and revoking API keys.

use std::sync::Arc;

use msgflash_kernel::{
    AccountId, Actor, Announce, Clock, Id, Ids, NoAnnouncement, Problems, Random, UserId, Workspace,
};
use serde_json::json;

use crate::audit::{AuditEntry, Audited, Target};
use crate::error::AccountsError;
use crate::key::{ApiKey, ApiKeyId, KeyKind, KeySecret};
use crate::ports::{AccountUnits, KeyReader};

/// A key to make.
#[derive(Clone, Debug)]
pub struct KeyOrder {
    /// Who makes it, and for which workspace: a team's makes a team key.
    pub actor: Actor,
    /// What to call it.
    pub name: String,
    /// How many active keys the account's plan allowed when it was read; `None` is unlimited. A lower plan
    /// that holds since counts all the same.
    pub cap: Option<u32>,
}

/// Makes API keys.
pub struct CreateKey {
    units: Arc<dyn AccountUnits>,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl CreateKey {
    /// Wires the use case.
    pub fn new(
        units: Arc<dyn AccountUnits>,
        random: Arc<dyn Random>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self {
            units,
            random,
            clock,
            ids,
        }
    }

    /// Makes a key. Its secret exists in this answer alone.
    pub async fn create(&self, order: KeyOrder) -> Result<(ApiKey, KeySecret), AccountsError> {
        let name = checked_name(&order.name)?;
        let workspace = order.actor.workspace;
        let kind = if workspace.team.is_some() {
            KeyKind::Team
        } else {
            KeyKind::Personal
        };
        let secret = KeySecret::generate(kind, self.random.as_ref());
        let id = Id::new(self.ids.next());
        let key = ApiKey::new(id, &order.actor, name, &secret, self.clock.now());

        let mut unit = self.units.begin().await?;
        let (account, cap) = (workspace.account, order.cap);
        if unit.keys().count_locked(account, cap).await?.are_taken() {
            return Err(AccountsError::KeyCapReached);
        }
        unit.keys().insert(&key, &secret.hash()).await?;
        if workspace.team.is_some() {
            let entry = self.entry(&order.actor, &key);
            unit.audit().append(&[entry]).await?;
        }
        unit.commit().await?;
        Ok((key, secret))
    }
}

impl CreateKey {
    fn entry(&self, actor: &Actor, key: &ApiKey) -> AuditEntry {
        AuditEntry {
            id: self.ids.next(),
            at: key.created_at,
            workspace: actor.workspace,
            by: Some(actor.user),
            done: Audited::KeyCreated,
            target: Target::Key(key.id),
            data: json!({ "name": key.name, "keyPrefix": key.prefix }),
        }
    }
}

fn checked_name(raw: &str) -> Result<String, Problems> {
    let name = raw.trim();
    if !(1..=100).contains(&name.chars().count()) {
        return Err(Problems::one(
            "name",
            "length",
            "The name must have 1 to 100 characters",
        ));
    }
    Ok(name.to_owned())
}

/// Ends API keys.
pub struct RevokeKey {
    units: Arc<dyn AccountUnits>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    announce: Arc<dyn Announce>,
}

impl RevokeKey {
    /// Wires the use case.
    pub fn new(units: Arc<dyn AccountUnits>, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self {
            units,
            clock,
            ids,
            announce: Arc::new(NoAnnouncement),
        }
    }

    /// Tells others, who may remember the key. The answer waits for that.
    #[must_use]
    pub fn announcing(mut self, announce: Arc<dyn Announce>) -> Self {
        self.announce = announce;
        self
    }

    /// Ends a key of the account, personal or of any of its teams, at once and for good: for the
    /// operator.
    pub async fn revoke(&self, account: AccountId, id: ApiKeyId) -> Result<(), AccountsError> {
        self.end(account, id, None, |_| true).await
    }

    /// The same for a caller who acts in one workspace and sees only its keys.
    pub async fn revoke_in(&self, actor: &Actor, id: ApiKeyId) -> Result<(), AccountsError> {
        let (account, team) = (actor.workspace.account, actor.workspace.team);
        self.end(account, id, Some(actor.user), |key| key.team == team)
            .await
    }

    async fn end(
        &self,
        account: AccountId,
        id: ApiKeyId,
        by: Option<UserId>,
        is_meant: impl Fn(&ApiKey) -> bool + Send,
    ) -> Result<(), AccountsError> {
        let now = self.clock.now();
        let mut unit = self.units.begin().await?;
        let found = unit.keys().find(account, id).await?;
        let key = found.filter(|key| is_meant(key));
        let key = key.ok_or(AccountsError::NoKey(id))?;
        if !unit.keys().revoke(account, id, now).await? {
            drop(unit);
            // Whoever asks again may have lost the first answer, and with it others the news.
            self.announce.changed(account).await;
            return Err(AccountsError::NoKey(id));
        }
        if let Some(team) = key.team {
            let entry = AuditEntry {
                id: self.ids.next(),
                at: now,
                workspace: Workspace::team(team, Id::new(account.uuid())),
                by,
                done: Audited::KeyRevoked,
                target: Target::Key(id),
                data: json!({ "name": key.name, "keyPrefix": key.prefix }),
            };
            unit.audit().append(&[entry]).await?;
        }
        unit.commit().await?;
        self.announce.changed(account).await;
        Ok(())
    }
}

/// Lists API keys.
pub struct ListKeys {
    keys: Arc<dyn KeyReader>,
}

impl ListKeys {
    /// Wires the use case.
    pub fn new(keys: Arc<dyn KeyReader>) -> Self {
        Self { keys }
    }

    /// The active keys of a workspace, newest first.
    pub async fn list(&self, workspace: &Workspace) -> Result<Vec<ApiKey>, AccountsError> {
        Ok(self.keys.list(workspace.account, workspace.team).await?)
    }
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::{
        CountingRandom, Fault as _, FixedClock, Kind, MockAnnounce, Places, SequentialIds, UserId,
    };
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::fake::FakeUnits;

    fn owner() -> UserId {
        Id::new(Uuid::from_u128(7))
    }

    fn clock() -> Arc<FixedClock> {
        Arc::new(FixedClock::at(datetime!(2026-05-01 10:00 UTC)))
    }

    fn personal_key(id: ApiKeyId) -> ApiKey {
        let secret = KeySecret::generate(KeyKind::Personal, &CountingRandom::default());
        let actor = Actor::new(Workspace::personal(owner()), owner());
        ApiKey::new(id, &actor, "Shop".to_owned(), &secret, clock().now())
    }

    fn revoke_key(units: &FakeUnits) -> RevokeKey {
        RevokeKey::new(
            Arc::new(units.clone()),
            clock(),
            Arc::new(SequentialIds::default()),
        )
    }

    fn order(workspace: Workspace, cap: Option<u32>) -> KeyOrder {
        let actor = Actor::new(workspace, Id::new(Uuid::from_u128(8)));
        KeyOrder {
            actor,
            name: " Shop backend ".to_owned(),
            cap,
        }
    }

    fn create(units: &FakeUnits) -> CreateKey {
        CreateKey::new(
            Arc::new(units.clone()),
            Arc::new(CountingRandom::default()),
            clock(),
            Arc::new(SequentialIds::default()),
        )
    }

    fn holding(taken: u32) -> FakeUnits {
        let units = FakeUnits::default();
        units.with(|unit| {
            unit.keys
                .expect_count_locked()
                .returning(move |_, cap| Ok(Places { taken, cap }));
            unit.keys.expect_insert().returning(|_, _| Ok(()));
            unit.audit.expect_append().returning(|_| Ok(()));
        });
        units
    }

    #[tokio::test]
    async fn the_workspace_decides_the_kind() {
        let team = Workspace::team(Id::new(Uuid::from_u128(9)), owner());
        for (workspace, kind) in [
            (Workspace::personal(owner()), KeyKind::Personal),
            (team, KeyKind::Team),
        ] {
            let units = holding(0);
            let made = create(&units).create(order(workspace, Some(1))).await;
            let (key, secret) = made.expect("room for one");
            assert_eq!((key.kind(), secret.kind()), (kind, kind));
            assert_eq!((key.account, key.team), (workspace.account, workspace.team));
            assert_eq!(
                (key.name.as_str(), key.prefix.as_str()),
                ("Shop backend", secret.prefix())
            );
            assert!(units.committed());
        }
    }

    #[tokio::test]
    async fn the_plan_caps_the_number_of_keys() {
        for (held, cap, fits) in [
            (4, Some(5), true),
            (5, Some(5), false),
            (9, Some(5), false),
            (900, None, true),
        ] {
            let units = holding(held);
            let made = create(&units)
                .create(order(Workspace::personal(owner()), cap))
                .await;
            assert_eq!(made.is_ok(), fits, "{held} of {cap:?}");
            assert_eq!(units.committed(), fits);
            if let Err(refused) = made {
                assert_eq!(
                    (refused.kind(), refused.code()),
                    (Kind::Forbidden, "MAX_API_KEYS_REACHED")
                );
            }
        }
    }

    #[test]
    fn names_have_one_to_a_hundred_characters() {
        for (name, fits) in [("", false), ("  ", false), ("a", true)] {
            assert_eq!(checked_name(name).is_ok(), fits, "{name:?}");
        }
        assert!(checked_name(&"é".repeat(100)).is_ok());
        assert!(checked_name(&"é".repeat(101)).is_err());
    }

    #[tokio::test]
    async fn a_key_the_account_lacks_cannot_be_revoked() {
        let units = FakeUnits::default();
        units.with(|unit| {
            unit.keys.expect_find().returning(|_, _| Ok(None));
        });
        let account = Workspace::personal(owner()).account;
        // Nothing changed, and nobody hears of it.
        let revoke = revoke_key(&units).announcing(Arc::new(MockAnnounce::new()));
        let refused = revoke
            .revoke(account, Id::new(Uuid::nil()))
            .await
            .expect_err("unknown");
        assert_eq!(
            (refused.kind(), refused.code()),
            (Kind::Missing, "NOT_FOUND")
        );
        assert!(!units.committed());
    }

    #[tokio::test]
    async fn others_hear_of_a_key_that_was_revoked_also_when_it_was_before() {
        let account = Workspace::personal(owner()).account;
        for revoked in [true, false] {
            let units = FakeUnits::default();
            units.with(|unit| {
                unit.keys
                    .expect_find()
                    .returning(|_, id| Ok(Some(personal_key(id))));
                unit.keys
                    .expect_revoke()
                    .returning(move |_, _, _| Ok(revoked));
            });
            let committed = units.clone();
            let mut announce = MockAnnounce::new();
            announce
                .expect_changed()
                .times(1)
                .withf(move |told| *told == account && committed.committed() == revoked)
                .returning(|_| ());
            let revoke = revoke_key(&units).announcing(Arc::new(announce));
            let done = revoke.revoke(account, Id::new(Uuid::nil())).await;
            assert_eq!(done.is_ok(), revoked);
        }
    }

    #[tokio::test]
    async fn a_workspace_reaches_its_own_keys_only() {
        let personal = Workspace::personal(owner());
        let team = Workspace::team(Id::new(Uuid::from_u128(9)), owner());
        let secret = KeySecret::generate(KeyKind::Team, &CountingRandom::default());
        let actor = Actor::new(team, owner());
        let id = Id::new(Uuid::from_u128(1));
        let key = ApiKey::new(id, &actor, "Desk".to_owned(), &secret, clock().now());
        for (workspace, reaches) in [(personal, false), (team, true)] {
            let units = FakeUnits::default();
            let key = key.clone();
            units.with(|unit| {
                unit.keys
                    .expect_find()
                    .returning(move |_, _| Ok(Some(key.clone())));
                unit.keys
                    .expect_revoke()
                    .times(usize::from(reaches))
                    .returning(|_, _, _| Ok(true));
                unit.audit
                    .expect_append()
                    .times(usize::from(reaches))
                    .withf(move |all| all[0].workspace == team && all[0].target == Target::Key(id))
                    .returning(|_| Ok(()));
            });
            let revoke = revoke_key(&units);
            let actor = Actor::new(workspace, owner());
            assert_eq!(revoke.revoke_in(&actor, id).await.is_ok(), reaches);
            assert_eq!(units.committed(), reaches);
        }
    }
}
