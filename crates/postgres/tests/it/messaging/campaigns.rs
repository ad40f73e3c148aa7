//! Campaigns: nobody twice, nobody lost, and counters that say what is there.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use msgflash_kernel::{AccountId, Actor, FixedClock, Id, Phone, RandomIds, StoreError, Workspace};
use msgflash_messaging::campaign::control::{ControlCampaign, ControlPorts};
use msgflash_messaging::campaign::ports::{CampaignReader as _, CampaignUnits};
use msgflash_messaging::campaign::run::{RunCampaigns, RunPorts};
use msgflash_messaging::campaign::{
    Audience, Campaign, CampaignContent, CampaignStatus, Counters, Repeat,
};
use msgflash_messaging::dispatch::ports::NoWake;
use msgflash_messaging::dispatch::stop::{AwaitMarks, Pauses};
use msgflash_messaging::instance::recent::RecentInstances;
use msgflash_messaging::message::content::Content;
use msgflash_messaging::{CampaignId, Instance};
use msgflash_postgres::Postgres;
use msgflash_quotas::{Allowance, AllowanceReader, ChargedIn, LedgerAudit as _, Recount};
use msgflash_templates::RenderTemplate;
use time::{Duration, OffsetDateTime};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::sample::{number, phone};
use crate::stage::{NOW, Stage, fresh};

mod changes;
mod expanding;
mod gateway;
mod making;
mod model;
mod plan_lost;
mod recipients;
mod shares;
mod stopping;

/// No pause between two calls: messages are made thousands ahead.
const AT_ONCE: Duration = Duration::ZERO;

/// One account with a number and an address book.
struct Scene {
    stage: Stage,
    instance: Instance,
    workspace: Workspace,
    clock: Arc<FixedClock>,
    plan: Arc<Plan>,
}

/// What the account may send.
struct Plan(Mutex<Allowance>);

#[async_trait]
impl AllowanceReader for Plan {
    async fn allowances(
        &self,
        accounts: &[AccountId],
        _: OffsetDateTime,
    ) -> Result<Vec<Allowance>, StoreError> {
        let allowance = *self.0.lock().expect("free");
        Ok(vec![allowance; accounts.len()])
    }
}

/// Looks again at once.
struct NoPauses;

#[async_trait]
impl Pauses for NoPauses {
    async fn pause(&self, _: std::time::Duration) {
        tokio::task::yield_now().await;
    }
}

impl Scene {
    async fn new() -> Self {
        let stage = Stage::new().await;
        let (instance, workspace) = number(&stage, "lea@shop.test").await;
        let allowance = Allowance {
            usable: true,
            outbound: None,
            campaigns: true,
        };
        Self {
            stage,
            instance,
            workspace,
            clock: Arc::new(FixedClock::at(NOW)),
            plan: Arc::new(Plan(Mutex::new(allowance))),
        }
    }

    fn postgres(&self) -> &Postgres {
        &self.stage.postgres
    }

    fn allow(&self, change: impl FnOnce(&mut Allowance)) {
        change(&mut self.plan.0.lock().expect("free"));
    }

    /// A campaign whose time has come.
    fn campaign(&self, audience: Audience) -> Campaign {
        Campaign {
            id: fresh(),
            workspace: self.workspace,
            acting_user: self.workspace.owner(),
            instance: self.instance.id,
            name: "April offer".into(),
            content: CampaignContent::Direct(Content::Text("Hello".into())),
            audience,
            schedule: NOW,
            repeat: Repeat::None,
            send_by: None,
            window: None,
            retry_of: None,
            status: CampaignStatus::Scheduled,
            error: None,
            run: None,
            counters: Counters::default(),
            processing_started_at: None,
            last_enqueued_at: None,
            completed_at: None,
            cancelled_at: None,
            last_activity_at: None,
            turn_at: Some(NOW),
            deleted_at: None,
            created_at: NOW,
            updated_at: NOW,
        }
    }

    async fn add(&self, campaign: &Campaign) {
        let mut unit = CampaignUnits::begin(self.postgres()).await.expect("a unit");
        unit.campaigns().insert(campaign).await.expect("inserted");
        unit.commit().await.expect("committed");
    }

    /// A campaign to everybody that is stored.
    async fn started(&self) -> CampaignId {
        let campaign = self.campaign(Audience::All);
        self.add(&campaign).await;
        campaign.id
    }

    /// What runs campaigns in a process with a pool of its own.
    fn runner(&self, postgres: &Postgres, gap: Duration) -> RunCampaigns {
        let store = Arc::new(postgres.clone());
        let ports = RunPorts {
            campaigns: store.clone(),
            units: store.clone(),
            templates: Arc::new(RenderTemplate::new(store.clone(), store)),
            allowances: self.plan.clone(),
            wake: Arc::new(NoWake),
            clock: self.clock.clone(),
            ids: Arc::new(RandomIds),
        };
        RunCampaigns::new(ports, gap)
    }

    fn control(&self) -> ControlCampaign {
        let store = Arc::new(self.postgres().clone());
        ControlCampaign::new(ControlPorts {
            campaigns: store.clone(),
            units: store.clone(),
            instances: Arc::new(RecentInstances::new(store.clone(), self.clock.clone())),
            allowances: self.plan.clone(),
            usage: store.clone(),
            marks: AwaitMarks::new(store, Arc::new(NoPauses)),
            clock: self.clock.clone(),
        })
    }

    fn actor(&self) -> Actor {
        Actor::new(self.workspace, self.workspace.owner())
    }

    /// Takes turns until nothing is due at this moment.
    async fn run(&self) {
        self.run_with(AT_ONCE).await;
    }

    async fn run_with(&self, gap: Duration) {
        let runner = self.runner(self.postgres(), gap);
        let mut turns = 0;
        while runner.tick().await.expect("a turn") != msgflash_kernel::Tick::Idle {
            turns += 1;
            assert!(turns < 1000, "it never rests");
        }
    }

    async fn read(&self, id: CampaignId) -> Campaign {
        let found = self.postgres().find(self.workspace.id, id).await;
        found.expect("read").expect("there")
    }

    async fn counters(&self, id: CampaignId) -> Counters {
        self.read(id).await.counters
    }

    /// Contacts with these numbers, who were made yesterday one after the other.
    async fn contacts(&self, numbers: Range<u32>) -> Vec<Uuid> {
        self.contacts_since(NOW - Duration::DAY, numbers).await
    }

    async fn contacts_since(&self, at: OffsetDateTime, numbers: Range<u32>) -> Vec<Uuid> {
        let first = u64::try_from(at.unix_timestamp()).expect("of our time") * 1000;
        let ids: Vec<Uuid> = numbers.clone().map(|n| id_at(first, n)).collect();
        let phones: Vec<i64> = numbers.map(|n| phone(n).to_i64()).collect();
        let workspace = self.workspace.id.uuid();
        let insert = "INSERT INTO contacts (workspace_id, id, account_id, name, phone, name_key, \
               needle, created_at, updated_at) \
             SELECT $1, k.id, $1, 'Max', k.phone, 'max', 'max', $4, $4 \
             FROM UNNEST($2::uuid[], $3::int8[]) AS k (id, phone)";
        self.execute(insert, &[&workspace, &ids, &phones, &at])
            .await;
        ids
    }

    async fn tag(&self, tag: &str, contacts: &[Uuid]) {
        let workspace = self.workspace.id.uuid();
        let insert = "INSERT INTO contact_tags (workspace_id, tag, contact_id) \
             SELECT $1, $2, k.id FROM UNNEST($3::uuid[]) AS k (id)";
        self.execute(insert, &[&workspace, &tag, &contacts]).await;
    }

    async fn group(&self, contacts: &[Uuid]) -> Uuid {
        let (group, workspace) = (fresh::<()>().uuid(), self.workspace.id.uuid());
        let insert = "INSERT INTO contact_groups (workspace_id, id, account_id, name, name_key, \
               needle, created_at, updated_at) \
             VALUES ($1, $2, $1, 'VIP', $3, 'vip', $4, $4)";
        let name = group.to_string();
        self.execute(insert, &[&workspace, &group, &name, &NOW])
            .await;
        let insert = "INSERT INTO contact_group_members (group_id, contact_id, added_at) \
             SELECT $1, k.id, $3 FROM UNNEST($2::uuid[]) AS k (id)";
        self.execute(insert, &[&group, &contacts, &NOW]).await;
        group
    }

    async fn opt_out(&self, number: Phone) {
        let insert = "INSERT INTO suppressions (workspace_id, phone, source, created_at) \
             VALUES ($1, $2, 'manual', $3) ON CONFLICT DO NOTHING";
        let workspace = self.workspace.id.uuid();
        self.execute(insert, &[&workspace, &number.to_i64(), &NOW])
            .await;
    }

    async fn delete_contact(&self, id: Uuid) {
        let delete = "DELETE FROM contacts WHERE workspace_id = $1 AND id = $2";
        let workspace = self.workspace.id.uuid();
        self.execute(delete, &[&workspace, &id]).await;
    }

    async fn renumber(&self, id: Uuid, number: Phone) {
        let update = "UPDATE contacts SET phone = $3 WHERE workspace_id = $1 AND id = $2";
        let workspace = self.workspace.id.uuid();
        self.execute(update, &[&workspace, &id, &number.to_i64()])
            .await;
    }

    async fn execute(&self, query: &str, values: &[&(dyn ToSql + Sync)]) -> u64 {
        let session = self.stage.session().await;
        session.execute(query, values).await.expect("executed")
    }

    async fn numbers(&self, query: &str, values: &[&(dyn ToSql + Sync)]) -> Vec<i64> {
        let session = self.stage.session().await;
        let rows = session.query(query, values).await.expect("rows");
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The numbers of a campaign's queued messages, in the order in which they go out.
    async fn queued(&self, id: CampaignId) -> Vec<i64> {
        let query = "SELECT phone FROM queue WHERE campaign_id = $1 ORDER BY message_id";
        self.numbers(query, &[&id.uuid()]).await
    }

    /// Everything that is counted of a campaign is what is there, and the ledger says the same.
    async fn require_exact(&self, id: CampaignId) -> Counters {
        let campaign = self.read(id).await;
        let ended = campaign.status.is_final();
        let row = self.stage.session().await;
        let row = row.query_one(RECOUNT, &[&id.uuid()]).await.expect("a row");
        let count = |column: &str| u64::try_from(row.get::<_, i64>(column)).expect("a count");
        let unmade = count("unmade");
        let found = Counters {
            planned: count("planned"),
            queued: count("waiting") + if ended { 0 } else { unmade },
            sent: count("sent"),
            delivered: count("delivered"),
            read: count("read"),
            failed: count("failed"),
            cancelled: count("cancelled") + if ended { unmade } else { 0 },
            skipped: count("skipped"),
            made: count("made"),
        };
        assert_eq!(campaign.counters, found, "{:?}", campaign.status);
        assert_eq!(count("odd"), 0, "left out, with a message all the same");
        assert_eq!(
            count("waiting"),
            count("entries"),
            "each waiting message waits once"
        );
        assert_eq!(count("lost"), 0, "entries without a message");
        let postgres = self.postgres();
        let reserved = postgres.recount().await.expect("read");
        assert_eq!(reserved, Some(Recount::default()));
        let months = ChargedIn::recounted(NOW);
        let accepted = postgres.recount_accepted(&months).await.expect("read");
        assert_eq!(accepted, Some(Recount::default()));
        found
    }
}

/// What became of the recipients of a campaign, from their rows and messages alone.
const RECOUNT: &str = "SELECT count(*) FILTER (WHERE r.skip = 0) AS planned, \
       count(*) FILTER (WHERE r.skip <> 0) AS skipped, \
       count(*) FILTER (WHERE r.skip <> 0 AND m.id IS NOT NULL) AS odd, \
       count(m.id) AS made, \
       count(*) FILTER (WHERE r.skip = 0 AND m.id IS NULL) AS unmade, \
       count(*) FILTER (WHERE m.status = 0) AS waiting, \
       count(*) FILTER (WHERE m.status IN (1, 2, 3)) AS sent, \
       count(*) FILTER (WHERE m.status IN (2, 3)) AS delivered, \
       count(*) FILTER (WHERE m.status = 3) AS read, \
       count(*) FILTER (WHERE m.status = 4) AS failed, \
       count(*) FILTER (WHERE m.status = 5) AS cancelled, \
       (SELECT count(*) FROM queue q WHERE q.campaign_id = $1) AS entries, \
       (SELECT count(*) FROM queue q WHERE q.campaign_id = $1 \
          AND NOT EXISTS (SELECT 1 FROM messages o WHERE o.id = q.message_id)) AS lost \
     FROM campaign_recipients r LEFT JOIN messages m ON m.id = r.message_id \
     WHERE r.campaign_id = $1";

/// The `n`th id of a moment.
fn id_at(millis: u64, n: u32) -> Uuid {
    let mut rest = [0; 10];
    rest[6..].copy_from_slice(&n.to_be_bytes());
    uuid::Builder::from_unix_timestamp_millis(millis, &rest).into_uuid()
}

/// The numbers as they are stored.
fn stored(numbers: Range<u32>) -> Vec<i64> {
    numbers.map(|n| phone(n).to_i64()).collect()
}

fn ids<T>(of: &[Uuid]) -> Vec<Id<T>> {
    of.iter().copied().map(Id::new).collect()
}
