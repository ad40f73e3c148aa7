//! A database with people in it.

use std::sync::Arc;
use std::time::Duration;

use msgflash_accounts::{
    AccountUnits, ApiKey, CreateKey, CreateUser, KeyKind, KeyOrder, KeySecret, PasswordHasher,
    User, UserOrder,
};
use msgflash_kernel::{
    Actor, FixedClock, Id, Ids as _, Random, RandomIds, Secret, StoreError, TeamId, Workspace,
};
use msgflash_postgres::{Limits, Postgres};
use msgflash_teams::{Remains, TeamUnits};
use msgflash_testkit::TestDatabase;
use time::OffsetDateTime;
use time::macros::datetime;
use tokio_postgres::{Client, NoTls};

/// The moment at which every test happens.
pub(crate) const NOW: OffsetDateTime = datetime!(2026-05-20 10:00 UTC);

/// Longer than anything takes that does not wait for ever.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A database of one test, and a pool on it.
pub(crate) struct Stage {
    pub(crate) postgres: Postgres,
    database: TestDatabase,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create().await;
        let postgres = Postgres::new(database.url(), 25).expect("an address");
        Self { postgres, database }
    }

    /// Another pool on the same database, as another process has.
    pub(crate) fn pool(&self, size: usize) -> Postgres {
        Postgres::new(self.database.url(), size).expect("an address")
    }

    /// Another pool with limits of its own.
    pub(crate) fn limited(&self, size: usize, limits: Limits) -> Postgres {
        Postgres::limited(self.database.url(), size, limits).expect("an address")
    }

    /// Where the database is.
    pub(crate) fn url(&self) -> &str {
        self.database.url()
    }

    /// The same place, for somebody with the rights of a role.
    pub(crate) fn url_as(&self, role: &str) -> String {
        let url = self.url();
        let more = if url.contains('?') { '&' } else { '?' };
        format!("{url}{more}options=-c%20role%3D{role}")
    }

    /// A session for what no port can do.
    pub(crate) async fn session(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(self.database.url(), NoTls)
            .await
            .expect("a session");
        drop(tokio::spawn(connection));
        client
    }

    pub(crate) fn create_user(&self) -> CreateUser {
        let units = Arc::new(self.postgres.clone());
        CreateUser::new(units, Arc::new(NoHashing), clock(), Arc::new(RandomIds))
    }

    pub(crate) async fn user(&self, email: &str) -> User {
        self.create_user()
            .create(order(email))
            .await
            .expect("a new user")
    }

    pub(crate) async fn team(&self, owner: &User) -> TeamId {
        let team = TeamId::new(RandomIds.next());
        self.session()
            .await
            .execute(
                "INSERT INTO teams (id, owner_id, name, created_at, updated_at) \
                 VALUES ($1::text::uuid, $2::text::uuid, 'Desk', now(), now())",
                &[&team.to_string(), &owner.id.to_string()],
            )
            .await
            .expect("a new team");
        team
    }

    /// Waits until somebody waits for a lock.
    pub(crate) async fn until_somebody_waits(&self) {
        let waiting = "SELECT count(*) FROM pg_stat_activity \
             WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let session = self.session().await;
        msgflash_testkit::eventually("somebody waits", async || {
            let row = session.query_one(waiting, &[]).await.expect("a count");
            (row.get::<_, i64>(0) > 0).then_some(())
        })
        .await;
    }

    /// Deletes a team, as far as its store does that.
    pub(crate) async fn delete_team(&self, workspace: Workspace) -> Remains {
        let team = workspace.team.expect("a team's workspace");
        let mut unit = TeamUnits::begin(&self.postgres).await.expect("a unit");
        let mut team = unit.teams().lock(team).await.expect("held").expect("there");
        team.deleted_at = Some(NOW);
        unit.teams().update(&team).await.expect("deleted");
        let noted = unit.teams().leave_remains(&team, NOW).await;
        noted.expect("noted");
        unit.commit().await.expect("committed");
        Remains {
            team: team.id,
            owner: team.owner,
            deleted_at: NOW,
        }
    }

    pub(crate) fn create_key(&self) -> CreateKey {
        let units = Arc::new(self.postgres.clone());
        CreateKey::new(units, Arc::new(Uuids), clock(), Arc::new(RandomIds))
    }

    /// One more key, whatever the plan allows.
    pub(crate) async fn key(&self, workspace: Workspace) -> (ApiKey, KeySecret) {
        let kind = if workspace.team.is_some() {
            KeyKind::Team
        } else {
            KeyKind::Personal
        };
        let secret = KeySecret::generate(kind, &Uuids);
        let order = key_order(workspace, None);
        let key = ApiKey::new(fresh(), &order.actor, order.name, &secret, NOW);
        let mut unit = AccountUnits::begin(&self.postgres).await.expect("a unit");
        let kept = unit.keys().insert(&key, &secret.hash()).await;
        kept.expect("kept");
        unit.commit().await.expect("committed");
        (key, secret)
    }

    /// Has everybody hold a plan from now on, and leaves what they have as it is.
    pub(crate) async fn everybody_on(&self, plan: &str) {
        let change = "UPDATE subscriptions SET plan_id = ( \
               SELECT id FROM plans WHERE code = $1 ORDER BY version DESC LIMIT 1)";
        let changed = self.session().await.execute(change, &[&plan]).await;
        changed.expect("a plan");
    }
}

pub(crate) fn clock() -> Arc<FixedClock> {
    Arc::new(FixedClock::at(NOW))
}

pub(crate) fn order(email: &str) -> UserOrder {
    UserOrder {
        email: email.to_owned(),
        full_name: "Lea Roy".to_owned(),
        phone: None,
        password: Secret::new("Corr3ct-horse".to_owned()),
        is_verified: true,
    }
}

pub(crate) fn key_order(workspace: Workspace, cap: Option<u32>) -> KeyOrder {
    let actor = Actor::new(workspace, workspace.owner());
    KeyOrder {
        actor,
        name: "Shop backend".to_owned(),
        cap,
    }
}

pub(crate) fn fresh<T>() -> Id<T> {
    Id::new(RandomIds.next())
}

/// Real hashes would only make these tests slow.
pub(crate) struct NoHashing;

#[async_trait::async_trait]
impl PasswordHasher for NoHashing {
    async fn hash(&self, password: Secret<String>) -> Result<Secret<String>, StoreError> {
        Ok(Secret::new(format!("hash of {}", password.reveal())))
    }

    async fn verify(
        &self,
        password: Secret<String>,
        stored: Secret<String>,
    ) -> Result<bool, StoreError> {
        Ok(*stored.reveal() == format!("hash of {}", password.reveal()))
    }
}

/// Bytes nobody has seen, from the ids at hand.
pub(crate) struct Uuids;

impl Random for Uuids {
    fn fill(&self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(16) {
            part.copy_from_slice(&RandomIds.next().as_bytes()[..part.len()]);
        }
    }
}
