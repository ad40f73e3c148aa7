//! Receipts of some messages, in every order, cut and put off in every way, against a model.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use msgflash_kernel::{AccountId, FixedClock, Outbox, SequentialIds, Unit, WorkspaceId};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::Instance;
use crate::alarm::MockAlarms;
use crate::instance::Standing;
use crate::provider::ReceiptRank;
use crate::receipt::ports::ReceiptStore;
use crate::testing::{NOW, instance, message, workspace};

/// A store in memory: what a unit wrote counts when it is committed.
#[derive(Clone, Default)]
struct World {
    /// Receipts, with when they are due.
    inbox: BTreeMap<InboxId, (StoredReceipt, OffsetDateTime)>,
    /// Messages by the ids that are bound.
    refs: BTreeMap<String, Tracked>,
    told: Vec<Event>,
    /// The one number.
    number: Option<crate::Instance>,
    /// Writing these messages fails.
    bad: BTreeSet<crate::MessageId>,
    batches: usize,
    /// What receipts counted for the campaign of the messages.
    counted: crate::campaign::Counters,
}

#[derive(Clone, Default)]
struct Worlds(Arc<Mutex<World>>);

impl Worlds {
    fn with<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut self.0.lock().expect("whole"))
    }
}

struct WorldUnit {
    worlds: Worlds,
    world: World,
}

#[async_trait]
impl ReceiptUnits for Worlds {
    async fn begin(&self) -> Result<Box<dyn ReceiptUnit>, StoreError> {
        Ok(Box::new(WorldUnit {
            worlds: self.clone(),
            world: self.with(|it| it.clone()),
        }))
    }
}

#[async_trait]
impl Unit for WorldUnit {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        let Self { worlds, world } = *self;
        worlds.with(|it| *it = world);
        Ok(())
    }
}

#[async_trait]
impl ReceiptUnit for WorldUnit {
    async fn abandon(self: Box<Self>) {}
    fn receipts(&mut self) -> &mut dyn ReceiptStore {
        self
    }
    fn tallies(&mut self) -> &mut dyn crate::campaign::ports::TallyStore {
        self
    }
    fn outbox(&mut self) -> &mut dyn Outbox {
        self
    }
}

#[async_trait]
impl crate::campaign::ports::TallyStore for WorldUnit {
    fn tally(&mut self, _: crate::CampaignId, change: Tally, _: OffsetDateTime) {
        self.world.counted = self.world.counted.after(change);
    }

    async fn leave_out(
        &mut self,
        _: crate::CampaignId,
        _: &[crate::MessageId],
        _: crate::campaign::recipient::Skip,
    ) -> Result<(), StoreError> {
        unreachable!("receipts leave nobody out")
    }
}

#[async_trait]
impl Outbox for WorldUnit {
    async fn append(&mut self, events: &[Event]) -> Result<(), StoreError> {
        self.world.told.extend_from_slice(events);
        Ok(())
    }
}

#[async_trait]
impl ReceiptStore for WorldUnit {
    async fn wake(&mut self, _: OffsetDateTime) -> Result<(), StoreError> {
        Ok(()) // Everything must come right without.
    }

    async fn claim(
        &mut self,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<StoredReceipt>, StoreError> {
        self.world.batches += 1;
        let mut due: Vec<_> = self.world.inbox.values().filter(|it| it.1 <= now).collect();
        due.sort_by_key(|(receipt, due_at)| (*due_at, receipt.id));
        due.truncate(limit as usize);
        let ids: BTreeSet<_> = due.iter().map(|it| it.0.id).collect();
        let keys: BTreeSet<_> = due.iter().map(|it| &it.0.key_id).collect();
        let late =
            self.world.inbox.values().filter(|(it, _)| {
                it.tries > 0 && keys.contains(&it.key_id) && !ids.contains(&it.id)
            });
        Ok(due
            .iter()
            .copied()
            .chain(late)
            .map(|it| it.0.clone())
            .collect())
    }

    async fn lock(&mut self, keys: &[RefKey]) -> Result<Vec<Tracked>, StoreError> {
        let found = keys.iter().filter_map(|(_, key)| self.world.refs.get(key));
        let mut found: Vec<_> = found.cloned().collect();
        found.sort_by_key(|it| it.id);
        Ok(found)
    }

    async fn advance(&mut self, moved: &[Moved], _: &str, _: &str) -> Result<(), StoreError> {
        for it in moved {
            if self.world.bad.contains(&it.id) {
                return Err(StoreError::Failed("bad".into()));
            }
            let mut same = self.world.refs.values_mut().filter(|at| at.id == it.id);
            same.by_ref().for_each(|at| at.status = it.status);
        }
        Ok(())
    }

    async fn standings(
        &mut self,
        refused: &[InstanceId],
        _: &[InstanceId],
    ) -> Result<Vec<Instance>, StoreError> {
        let number = self.world.number.clone().unwrap_or_else(instance);
        let is_asked = !refused.is_empty() || number.standing != Standing::default();
        Ok(is_asked.then_some(number).into_iter().collect())
    }

    async fn set_standings(&mut self, changed: &[Instance]) -> Result<(), StoreError> {
        self.world.number = changed.last().cloned();
        Ok(())
    }

    async fn workspaces_of(
        &mut self,
        accounts: &[AccountId],
    ) -> Result<Vec<(AccountId, WorkspaceId)>, StoreError> {
        let team = Id::new(Uuid::from_u128(0x7EA));
        Ok(vec![
            (accounts[0], workspace().id),
            (accounts[0], team),
            (
                Id::new(Uuid::from_u128(0xBAD)),
                Id::new(Uuid::from_u128(0xBAD)),
            ),
        ])
    }

    async fn remove(&mut self, ids: &[InboxId]) -> Result<(), StoreError> {
        self.world.inbox.retain(|id, _| !ids.contains(id));
        Ok(())
    }

    async fn put_off(&mut self, until: &[(InboxId, OffsetDateTime)]) -> Result<(), StoreError> {
        for (id, due_at) in until {
            let (receipt, due) = self.world.inbox.get_mut(id).expect("it is there");
            receipt.tries += 1;
            *due = *due_at;
        }
        Ok(())
    }
}

struct Scene {
    worlds: Worlds,
    clock: Arc<FixedClock>,
    apply: ApplyReceipts,
    arrived: u128,
}

impl Scene {
    fn new() -> Self {
        let mut alarms = MockAlarms::new();
        alarms.expect_raise().returning(|_, _| ());
        Self::with(alarms)
    }

    fn with(alarms: MockAlarms) -> Self {
        let worlds = Worlds::default();
        let clock = Arc::new(FixedClock::at(NOW));
        let ids = Arc::new(SequentialIds::default());
        let apply = ApplyReceipts::new(
            Arc::new(worlds.clone()),
            clock.clone(),
            ids,
            Arc::new(alarms),
            Duration::HOUR,
        );
        Self {
            worlds,
            clock,
            apply,
            arrived: 0,
        }
    }

    /// A receipt comes in, a moment after the last one.
    fn arrives(&mut self, key_id: &str, rank: ReceiptRank) {
        self.clock.advance(Duration::MILLISECOND);
        self.arrived += 1;
        let id = Id::new(Uuid::from_u128(self.arrived));
        let received_at = self.clock.now();
        let receipt = StoredReceipt {
            id,
            instance: instance().id,
            key_id: key_id.to_owned(),
            rank,
            received_at,
            tries: 0,
        };
        let row = (receipt, received_at);
        self.worlds.with(|it| it.inbox.insert(id, row));
    }

    /// The id of a sent message becomes known.
    fn binds(&self, key_id: &str, number: u128) {
        let tracked = Tracked {
            id: Id::new(Uuid::from_u128(number)),
            workspace: workspace().id,
            account: workspace().account,
            instance: instance().id,
            key_id: key_id.to_owned(),
            peer: message().peer,
            campaign: None,
            provider_message_id: Some(key_id.to_owned()),
            request_id: Some("req-1".to_owned()),
            status: MessageStatus::Sent,
        };
        self.worlds
            .with(|it| it.refs.insert(key_id.to_owned(), tracked));
    }

    async fn tick(&self) {
        self.apply.tick().await.expect("the store works");
    }

    /// Lets time pass until nothing waits any more.
    async fn drain(&self) {
        while self.worlds.with(|it| !it.inbox.is_empty()) {
            self.tick().await;
            self.clock.advance(Duration::SECOND);
        }
    }

    /// Where a message is, and what was told of it, in order.
    fn life(&self, key_id: &str) -> (&'static str, Vec<String>) {
        self.worlds.with(|it| {
            let id = it.refs[key_id].id.to_string();
            let of_it = it
                .told
                .iter()
                .filter(|told| told.payload["messageId"] == id);
            let told = of_it.map(|told| told.name.to_owned()).collect();
            (it.refs[key_id].status.as_str(), told)
        })
    }
}

/// What the contract says about receipts in the order they came: each step forward is told, once.
fn model(ranks: &[ReceiptRank]) -> (&'static str, Vec<String>) {
    let (mut status, mut told) = ("sent", vec![]);
    for rank in ranks {
        let next = match (status, rank) {
            ("sent", ReceiptRank::Delivered) => "delivered",
            ("sent" | "delivered", ReceiptRank::Read) => "read",
            ("sent", ReceiptRank::Error) => "failed",
            _ => continue,
        };
        status = next;
        told.push(format!("message.{next}"));
    }
    (status, told)
}

const RANKS: [ReceiptRank; 3] = [
    ReceiptRank::Error,
    ReceiptRank::Delivered,
    ReceiptRank::Read,
];

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Arrives(usize, ReceiptRank),
    Tick,
    Passes(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..3usize, 0..RANKS.len()).prop_map(|(at, rank)| Step::Arrives(at, RANKS[rank])),
        2 => Just(Step::Tick),
        1 => (1..20i64).prop_map(Step::Passes),
    ];
    prop::collection::vec(step, 0..40)
}

proptest! {
    /// Whenever ids become known, however receipts are cut into batches and put off: each message
    /// ends where its own receipts lead it, and each step is told once and in order.
    #[test]
    fn batching_and_waiting_change_nothing(
        happens in steps(),
        bound in prop::collection::vec(0..40usize, 3),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let keys = ["A", "B", "C"];
            let mut scene = Scene::new();
            let mut came = vec![vec![]; keys.len()];
            for (at, step) in happens.iter().enumerate() {
                for which in (0..keys.len()).filter(|which| bound[*which] == at) {
                    scene.binds(keys[which], 100 + which as u128);
                }
                match step {
                    Step::Arrives(which, rank) => {
                        scene.arrives(keys[*which], *rank);
                        came[*which].push(*rank);
                    }
                    Step::Tick => scene.tick().await,
                    Step::Passes(seconds) => scene.clock.advance(Duration::seconds(*seconds)),
                }
            }
            for which in (0..keys.len()).filter(|which| bound[*which] >= happens.len()) {
                scene.binds(keys[which], 100 + which as u128);
            }
            scene.drain().await;
            for (which, key) in keys.iter().enumerate() {
                prop_assert_eq!(scene.life(key), model(&came[which]), "{:?}", &came[which]);
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn a_receipt_that_was_put_off_is_not_overtaken_by_a_later_one() {
    let mut scene = Scene::new();
    scene.arrives("A", ReceiptRank::Delivered);
    for _ in 0..5 {
        scene.tick().await;
        scene.clock.advance(Duration::seconds(30));
    }
    scene.tick().await;
    scene.binds("A", 100);
    scene.arrives("A", ReceiptRank::Read);
    scene.tick().await;
    let told = vec!["message.delivered".to_owned(), "message.read".to_owned()];
    assert_eq!(scene.life("A"), ("read", told));
}

#[tokio::test]
async fn a_receipt_for_nobody_is_given_up_after_a_quarter_of_an_hour() {
    let mut scene = Scene::new();
    scene.arrives("A", ReceiptRank::Read);
    let began = scene.clock.now();
    scene.drain().await;
    let took = scene.clock.now() - began;
    let patience = Duration::minutes(15)..Duration::minutes(16);
    assert!(patience.contains(&took), "{took}");
    // Growing waits keep the tries few.
    assert!(scene.worlds.with(|it| it.told.is_empty()));
}

#[tokio::test]
async fn a_bad_message_holds_up_nobody() {
    let mut scene = Scene::new();
    for number in 0..9 {
        let key = format!("K{number}");
        scene.binds(&key, 100 + number);
        scene.arrives(&key, ReceiptRank::Read);
    }
    let bad = Id::new(Uuid::from_u128(104));
    scene.worlds.with(|it| it.bad.insert(bad));
    for _ in 0..9 {
        scene.tick().await;
    }
    let waiting = scene.worlds.with(|it| {
        let rows = it.inbox.values();
        rows.map(|(receipt, _)| (receipt.key_id.clone(), receipt.tries))
            .collect::<Vec<_>>()
    });
    assert_eq!(waiting, [("K4".to_owned(), 1)]);
    assert_eq!(scene.worlds.with(|it| it.told.len()), 8);
    scene.drain().await;
    assert_eq!(scene.life("K4"), ("sent", vec![]), "given up in the end");
}

#[tokio::test]
async fn a_message_known_by_two_ids_has_one_life() {
    let mut scene = Scene::new();
    scene.binds("A", 100);
    scene.binds("B", 100);
    scene.arrives("B", ReceiptRank::Delivered);
    scene.arrives("A", ReceiptRank::Delivered);
    scene.arrives("B", ReceiptRank::Read);
    scene.tick().await;
    let told = vec!["message.delivered".to_owned(), "message.read".to_owned()];
    assert_eq!(scene.life("A"), ("read", told));
}

#[tokio::test]
async fn a_refusal_is_told_with_its_reason_and_code() {
    let mut scene = Scene::new();
    scene.binds("A", 100);
    scene.arrives("A", ReceiptRank::Error);
    scene.tick().await;
    let told = scene.worlds.with(|it| it.told.clone());
    let whole = crate::Message {
        id: Id::new(Uuid::from_u128(100)),
        provider_message_id: Some("A".to_owned()),
        request_id: Some("req-1".to_owned()),
        ..message()
    };
    let mut failed = whole;
    failed.fail(REFUSED, REFUSED_CODE, told[0].at);
    let expected = events::message_changed(told[0].id, &failed, told[0].at);
    assert_eq!(told, expected.as_slice(), "as every other failure is told");
}

/// One number whose messages meet these, one after the other, cut into batches after `cut`.
async fn restrictions(ranks: &[ReceiptRank], cut: usize) -> (Vec<Event>, Standing) {
    let mut alarms = MockAlarms::new();
    let id = Some(instance().id);
    let of_it = mockall::predicate::eq(id);
    let kind = mockall::predicate::eq(Alarm::Restricted);
    alarms
        .expect_raise()
        .with(kind, of_it)
        .times(0..=1)
        .returning(|_, _| ());
    let mut scene = Scene::with(alarms);
    for (at, rank) in ranks.iter().enumerate() {
        let key = format!("K{at}");
        // Ids of messages run the other way: the order is that of the receipts.
        scene.binds(&key, 200 - at as u128);
        scene.arrives(&key, *rank);
        if at == cut {
            scene.tick().await;
        }
    }
    scene.drain().await;
    scene.worlds.with(|it| {
        let told = it
            .told
            .iter()
            .filter(|it| it.name == events::INSTANCE_RESTRICTED);
        let standing = it.number.as_ref().map(|it| it.standing);
        (told.cloned().collect(), standing.unwrap_or_default())
    })
}

#[tokio::test]
async fn two_refusals_in_a_row_are_told_once_to_every_workspace_served_however_they_come() {
    let (error, read) = (ReceiptRank::Error, ReceiptRank::Read);
    for cut in 0..5 {
        let (told, standing) = restrictions(&[error, read, error, error, error], cut).await;
        let heard: Vec<_> = told.iter().map(|it| it.workspace).collect();
        let team = Id::new(Uuid::from_u128(0x7EA));
        assert_eq!(heard, [workspace().id, team], "cut after {cut}");
        let until = events::timestamp(standing.restricted_until.expect("restricted"));
        assert_eq!(told[0].payload["restrictedUntil"], until);
        assert_eq!(told[0].payload["status"], "connected");
        let (told, _) = restrictions(&[error, read, error, read, error], cut).await;
        assert_eq!(told, [], "cut after {cut}");
    }
}

#[tokio::test]
async fn one_message_refused_twice_is_one_refusal() {
    let mut scene = Scene::new();
    scene.binds("A", 100);
    scene.arrives("A", ReceiptRank::Error);
    scene.tick().await;
    scene.arrives("A", ReceiptRank::Error);
    scene.drain().await;
    let standing = scene
        .worlds
        .with(|it| it.number.clone())
        .map(|it| it.standing);
    assert_eq!(
        standing.map(|it| (it.errors_in_row, it.restrictions)),
        Some((1, 0))
    );
}
