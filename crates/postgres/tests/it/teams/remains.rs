//! What is left of a deleted team, and how it ends.

use std::sync::Arc;

use msgflash_kernel::{FixedClock, Id, Tick, Workspace};
use msgflash_messaging::Instance;
use msgflash_messaging::dispatch::QueueEntry;
use msgflash_messaging::message::ports::SettleUnits;
use msgflash_postgres::Postgres;
use msgflash_quotas::{LedgerAudit as _, Period, Recount, Usage, UsageReader as _, Want};
use msgflash_teams::remains::RemainsQueue as _;
use msgflash_teams::{EndRemains, Remains};
use time::{Duration, OffsetDateTime};
use tokio_postgres::types::ToSql;

use crate::messaging::sample::{entry, instance_of, push};
use crate::stage::{NOW, Stage};

mod calls;
mod contacts;
mod endpoints;
mod lookups;
mod messages;

/// One account with a number, its personal workspace and a team.
struct Scene {
    stage: Stage,
    instance: Instance,
    personal: Workspace,
    team: Workspace,
    clock: Arc<FixedClock>,
}

impl Scene {
    async fn new() -> Self {
        let stage = Stage::new().await;
        let owner = stage.user("lea@shop.test").await;
        let personal = Workspace::personal(owner.id);
        let team = Workspace::team(stage.team(&owner).await, owner.id);
        Self {
            instance: instance_of(&stage, personal).await,
            stage,
            personal,
            team,
            clock: Arc::new(FixedClock::at(NOW)),
        }
    }

    fn postgres(&self) -> &Postgres {
        &self.stage.postgres
    }

    async fn delete(&self) -> Remains {
        self.stage.delete_team(self.team).await
    }

    /// The work of a process with a pool of its own.
    fn end_through(&self, postgres: &Postgres) -> EndRemains {
        let store = Arc::new(postgres.clone());
        EndRemains::new(store.clone(), store, self.clock.clone())
    }

    /// Looks until nothing is due; answers how much was done.
    async fn end(&self) -> usize {
        let end = self.end_through(self.postgres());
        let mut sum = 0;
        while let Tick::Did(count) = end.tick().await.expect("work") {
            sum += count;
        }
        sum
    }

    /// Entries of a workspace to numbers of their own, ready to go out.
    fn entries(&self, workspace: Workspace, numbers: std::ops::Range<u32>) -> Vec<QueueEntry> {
        numbers
            .map(|n| QueueEntry {
                workspace: workspace.id,
                account: workspace.account,
                ..entry(self.instance.id, n)
            })
            .collect()
    }

    /// Queues entries with their messages, and reserves for those that have a month.
    async fn accept(&self, entries: &[QueueEntry]) {
        push(self.postgres(), entries).await;
        let reserved = entries.iter().filter(|it| it.period.is_some()).count();
        let want = Want {
            account: self.personal.account,
            period: Period::of(NOW),
            limit: None,
            count: u32::try_from(reserved).expect("few"),
        };
        let mut unit = SettleUnits::begin(self.postgres()).await.expect("a unit");
        unit.ledger().reserve(&[want]).await.expect("granted");
        unit.commit().await.expect("committed");
    }

    async fn usage(&self) -> Usage {
        let usage = self
            .postgres()
            .usage(self.personal.account, Period::of(NOW));
        usage.await.expect("read")
    }

    /// The ledger says what the queue says.
    async fn require_exact(&self) {
        let recount = self.postgres().recount().await.expect("read");
        assert_eq!(recount, Some(Recount::default()));
    }

    async fn text(&self, query: &str, values: &[&(dyn ToSql + Sync)]) -> Vec<String> {
        let session = self.stage.session().await;
        let rows = session.query(query, values).await.expect("rows");
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// How many rows there are, by the words of their states and errors.
    async fn states(&self, table: &str, workspace: Workspace) -> Vec<String> {
        let query = format!(
            "SELECT concat_ws(' ', count(*), status::text, error) FROM {table} \
             WHERE workspace_id = $1::text::uuid GROUP BY status, error ORDER BY status, error"
        );
        self.text(&query, &[&workspace.id.to_string()]).await
    }

    async fn count(&self, table: &str) -> i64 {
        let query = format!("SELECT count(*) FROM {table}");
        let row = self.stage.session().await.query_one(&query, &[]).await;
        row.expect("a count").get(0)
    }

    async fn until_somebody_waits(&self) {
        self.stage.until_somebody_waits().await;
    }
}

#[tokio::test]
async fn they_are_noted_with_the_deletion() {
    let scene = Scene::new().await;
    let remains = scene.delete().await;
    let noted = "SELECT concat_ws(' ', r.team_id, r.owner_id, r.deleted_at = t.deleted_at, \
           r.next_look_at = r.deleted_at) \
         FROM team_remains r JOIN teams t ON t.id = r.team_id";
    let expected = format!("{} {} t t", remains.team, remains.owner);
    assert_eq!(scene.text(noted, &[]).await, [expected]);
}

#[tokio::test]
async fn one_process_at_a_time_has_them_until_its_lease_ends() {
    let scene = Scene::new().await;
    let remains = scene.delete().await;
    let claim = async |at: OffsetDateTime| {
        let claimed = scene.postgres().claim(at, at + Duration::MINUTE).await;
        claimed.expect("a look")
    };
    assert_eq!(claim(NOW).await, Some(remains));
    assert_eq!(claim(NOW + Duration::seconds(59)).await, None);
    // Whoever had them was killed.
    assert_eq!(claim(NOW + Duration::MINUTE).await, Some(remains));
}

#[tokio::test]
async fn the_one_that_is_due_for_longest_comes_first_and_others_are_not_due() {
    let scene = Scene::new().await;
    let owner = scene.personal.owner();
    let mut session = scene.stage.session().await;
    let transaction = session.transaction().await.expect("begun");
    for n in 0..3i32 {
        let insert = "WITH t AS (INSERT INTO teams (id, owner_id, name, created_at, updated_at) \
               VALUES (('00000000-0000-7000-8000-00000000000' || $1::int)::uuid, \
                 $2::text::uuid, 'Desk', $3, $3) RETURNING id) \
             INSERT INTO team_remains (team_id, owner_id, deleted_at, next_look_at) \
             SELECT id, $2::text::uuid, $3, $3 + make_interval(mins => 1 - $1::int) FROM t";
        transaction
            .execute(insert, &[&n, &owner.to_string(), &NOW])
            .await
            .expect("inserted");
    }
    transaction.commit().await.expect("committed");
    let mut order = Vec::new();
    while let Some(remains) = scene
        .postgres()
        .claim(NOW, NOW + Duration::MINUTE)
        .await
        .expect("a look")
    {
        order.push(remains.team.uuid().as_u128() & 0xf);
    }
    assert_eq!(order, [2, 1]);
}

#[tokio::test]
async fn they_are_looked_for_until_no_request_can_bring_more_and_then_forgotten() {
    let scene = Scene::new().await;
    scene.delete().await;
    let mut looks = 0;
    while scene.count("team_remains").await == 1 {
        looks += scene.end().await;
        scene.clock.advance(Duration::SECOND);
    }
    // Every five seconds for a minute, then every thirty, and once at the end.
    assert_eq!(looks, 12 + 18 + 1);
    let session = scene.stage.session().await;
    let gone = "SELECT 1 FROM teams WHERE deleted_at IS NOT NULL";
    assert_eq!(session.execute(gone, &[]).await.expect("read"), 1);
}

#[tokio::test]
async fn a_team_that_had_nothing_leaves_everything_else_alone() {
    let scene = Scene::new().await;
    let ours = scene.entries(scene.personal, 0..3);
    scene.accept(&ours).await;
    scene.delete().await;
    assert_eq!(scene.end().await, 1, "one look");
    assert_eq!(scene.states("messages", scene.personal).await, ["3 0"]);
    let at = scene
        .postgres()
        .claim(NOW + Duration::seconds(4), NOW)
        .await;
    assert_eq!(at.expect("a look"), None);
    let team = Id::new(scene.team.id.uuid());
    scene.postgres().forget(team).await.expect("forgotten");
    assert_eq!(scene.count("team_remains").await, 0);
}
