//! Entries and messages to fill the tables with.

use msgflash_kernel::{Id, Phone, Secret, Workspace};
use msgflash_messaging::alarm::{Alarm, Alarms};
use msgflash_messaging::dispatch::ports::{
    EntryKey, LaneStore as _, Lease, Mark, OwnedLane, StartUnits,
};
use msgflash_messaging::dispatch::{Class, QueueEntry, QueueState};
use msgflash_messaging::instance::Standing;
use msgflash_messaging::instance::ports::InstanceUnits;
use msgflash_messaging::message::ports::SettleUnits;
use msgflash_messaging::{
    Instance, InstanceId, InstanceStatus, Message, MessageKind, MessageStatus,
};
use msgflash_postgres::Postgres;
use msgflash_quotas::{Period, Recount};
use serde_json::Map;
use time::{Duration, OffsetDateTime};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::stage::{NOW, Stage, fresh};

/// Alarms nobody hears.
pub(crate) struct Silent;

impl Alarms for Silent {
    fn raise(&self, _: Alarm, _: Option<InstanceId>) {}
}

pub(crate) fn phone(n: u32) -> Phone {
    Phone::parse(&format!("+336123{n:05}")).expect("a number")
}

/// A ready entry of a lane to a number of its own.
pub(crate) fn entry(lane: InstanceId, n: u32) -> QueueEntry {
    QueueEntry {
        instance: lane,
        message: fresh(),
        workspace: fresh(),
        account: fresh(),
        phone: phone(n),
        class: Class::Single,
        state: QueueState::Ready,
        due_at: NOW,
        not_before: NOW,
        ready_since: Some(NOW),
        period: Some(Period::of(NOW)),
        attempt: 0,
        misses: 0,
        started_at: None,
        looks: 0,
        has_left: false,
        resent: false,
        ignores_suppression: false,
        campaign: None,
        until: None,
    }
}

/// A queued text from a workspace through an instance.
pub(crate) fn message(workspace: Workspace, instance: InstanceId, to: Phone) -> Message {
    Message {
        id: fresh(),
        workspace,
        acting_user: workspace.owner(),
        instance,
        contact: None,
        campaign: None,
        inbound: false,
        kind: MessageKind::Text,
        peer: Some(to),
        own_number: None,
        body: Some("Hello".to_owned()),
        media_url: None,
        status: MessageStatus::Queued,
        error: None,
        meta: Map::new(),
        provider_message_id: None,
        charged_to: None,
        scheduled_at: None,
        request_id: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

pub(crate) fn workspace() -> Workspace {
    Workspace::personal(Id::new(fresh::<()>().uuid()))
}

/// An instance of a new user, and that user's personal workspace.
pub(crate) async fn number(stage: &Stage, email: &str) -> (Instance, Workspace) {
    let user = stage.user(email).await;
    let workspace = Workspace::personal(user.id);
    (instance_of(stage, workspace).await, workspace)
}

/// One more instance of an account.
pub(crate) async fn instance_of(stage: &Stage, workspace: Workspace) -> Instance {
    let id: InstanceId = fresh();
    let instance = Instance {
        id,
        account: workspace.account,
        name: "Shop".into(),
        session: format!("mf-{id}"),
        webhook_secret: Secret::new("secret".into()),
        wa_number: None,
        status: InstanceStatus::Connected,
        native_buttons: false,
        is_business: None,
        meta: None,
        first_connected_at: None,
        connecting_since: None,
        reconnecting_since: None,
        expected_number: None,
        takes_any_number: false,
        suspended_for: None,
        unlink_since: None,
        standing: Standing::default(),
        created_at: NOW,
        updated_at: NOW,
    };
    let mut unit = InstanceUnits::begin(&stage.postgres).await.expect("a unit");
    unit.instances().insert(&instance).await.expect("inserted");
    unit.commit().await.expect("committed");
    instance
}

/// Recounts again and again while some are at work, and once more when they are done: the ledger is right at
/// every moment.
pub(crate) async fn never_drifts(mut work: JoinSet<()>, recount: impl AsyncFn() -> Recount) {
    let mut looks = 0;
    while !work.is_empty() {
        assert_eq!(recount().await, Recount::default());
        looks += 1;
        while let Some(done) = work.try_join_next() {
            done.expect("done");
        }
    }
    assert!(looks > 0, "it proves nothing");
    assert_eq!(recount().await, Recount::default());
}

/// Queues entries, each with the message it sends.
pub(crate) async fn push(postgres: &Postgres, entries: &[QueueEntry]) {
    let messages: Vec<Message> = entries
        .iter()
        .map(|entry| {
            let workspace = Workspace {
                id: entry.workspace,
                account: entry.account,
                team: None,
            };
            Message {
                id: entry.message,
                ..message(workspace, entry.instance, entry.phone)
            }
        })
        .collect();
    let mut unit = SettleUnits::begin(postgres).await.expect("a unit");
    unit.messages().insert(&messages).await.expect("inserted");
    unit.queue().push(entries).await.expect("pushed");
    // Makes the lanes' rows, which else come with the instances.
    for entry in entries {
        let lane = entry.instance;
        unit.queue().lane_down(lane, NOW).await.expect("there");
        unit.queue().lanes_up(&[lane]).await.expect("up");
    }
    unit.commit().await.expect("committed");
}

pub(crate) async fn insert(postgres: &Postgres, messages: &[Message]) {
    let mut unit = SettleUnits::begin(postgres).await.expect("a unit");
    unit.messages().insert(messages).await.expect("inserted");
    unit.commit().await.expect("committed");
}

/// A worker that takes every lane nobody owns.
pub(crate) struct Worker {
    pub(crate) id: Uuid,
    pub(crate) lanes: Vec<OwnedLane>,
    postgres: Postgres,
}

/// What a silent worker is allowed in these tests.
pub(crate) const SILENCE: Duration = Duration::seconds(30);

impl Worker {
    pub(crate) async fn new(postgres: &Postgres) -> Self {
        let id = fresh::<()>().uuid();
        postgres.beat(id).await.expect("beaten");
        let claimed = postgres
            .claim(id, SILENCE, &[], NOW)
            .await
            .expect("claimed");
        Self {
            id,
            lanes: claimed.taken,
            postgres: postgres.clone(),
        }
    }

    pub(crate) fn epoch(&self, lane: InstanceId) -> i64 {
        let owned = self.lanes.iter().find(|owned| owned.lane == lane);
        owned.expect("an owned lane").epoch
    }

    /// What is ready in a lane, in the order it goes out.
    pub(crate) async fn ahead(&self, lane: InstanceId, now: OffsetDateTime) -> Vec<QueueEntry> {
        let mark = |class| Mark {
            lane,
            class,
            after: None,
            limit: 100,
        };
        let marks = [Class::Single, Class::Scheduled, Class::Campaign].map(mark);
        let mut ahead = self.postgres.ahead(&marks, now).await.expect("read");
        ahead.sort_by_key(|it| it.entry.class);
        ahead.into_iter().map(|it| it.entry).collect()
    }

    /// Entries as a worker reads them: with when they are due, as far as they are there.
    pub(crate) async fn read(&self, keys: &[EntryKey]) -> Vec<(EntryKey, OffsetDateTime)> {
        let unit = SettleUnits::begin(&self.postgres).await;
        let mut unit = unit.expect("a unit");
        let mut read = Vec::new();
        for key in keys {
            let entry = unit.queue().lock(*key).await.expect("read");
            read.extend(entry.map(|it| (*key, it.due_at)));
        }
        unit.commit().await.expect("committed");
        read
    }

    /// Starts calls; answers those that may be made.
    pub(crate) async fn start(
        &self,
        lane: InstanceId,
        keys: &[EntryKey],
        now: OffsetDateTime,
    ) -> Option<Vec<(EntryKey, u32)>> {
        let mut unit = StartUnits::begin(&self.postgres).await.expect("a unit");
        let asked = [(lane, self.epoch(lane))];
        let held = unit
            .starts()
            .hold_lanes(self.id, &asked)
            .await
            .expect("read");
        if held.lanes.is_empty() {
            unit.commit().await.expect("committed");
            return None;
        }
        let lease = Lease {
            owner: self.id,
            until: now + Duration::MINUTE,
        };
        let read = self.read(keys).await;
        let started = unit.starts().start(&read, lease, now).await;
        let started = started.expect("marked");
        unit.commit().await.expect("committed");
        Some(started)
    }

    /// Starts the next call of a lane, as a worker does.
    pub(crate) async fn take(&self, lane: InstanceId, now: OffsetDateTime) -> Option<QueueEntry> {
        for entry in self.ahead(lane, now).await {
            let started = self.start(lane, &[entry.key()], now).await?;
            if !started.is_empty() {
                return Some(entry);
            }
        }
        None
    }
}

/// Takes an entry off the queue, as a settled call does.
pub(crate) async fn remove(postgres: &Postgres, key: EntryKey) {
    let mut unit = SettleUnits::begin(postgres).await.expect("a unit");
    assert_eq!(unit.queue().remove(&[key]).await.expect("removed"), [key]);
    unit.commit().await.expect("committed");
}

/// An entry as it is stored.
pub(crate) async fn stored(postgres: &Postgres, key: EntryKey) -> Option<QueueEntry> {
    let mut unit = SettleUnits::begin(postgres).await.expect("a unit");
    let entry = unit.queue().lock(key).await.expect("read");
    unit.commit().await.expect("committed");
    entry
}
