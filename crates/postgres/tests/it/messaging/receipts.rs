//! Receipts on their way to messages and events.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use msgflash_kernel::{Outbox, RandomIds, StoreError, Unit};
use msgflash_messaging::campaign::ports::TallyStore;
use msgflash_messaging::message::ports::{MessageReader, SettleUnits};
use msgflash_messaging::provider::ReceiptRank;
use msgflash_messaging::receipt::batch::ApplyReceipts;
use msgflash_messaging::receipt::ports::{
    EventUnits, Inbox, InboxItem, ReceiptStore, ReceiptUnit, ReceiptUnits, StoredReceipt,
};
use msgflash_messaging::{InstanceId, Message, MessageStatus};
use msgflash_postgres::Postgres;
use serde_json::json;
use time::Duration;

use super::sample::{Silent, insert, message, phone, workspace};
use crate::stage::{NOW, SOON, Stage, clock, fresh};

fn receipt(instance: InstanceId, key_id: &str, rank: ReceiptRank) -> StoredReceipt {
    StoredReceipt {
        id: fresh(),
        instance,
        key_id: key_id.to_owned(),
        rank,
        received_at: NOW,
        tries: 0,
    }
}

async fn store(postgres: &Postgres, receipts: &[StoredReceipt]) {
    let items: Vec<_> = receipts.iter().cloned().map(InboxItem::Receipt).collect();
    postgres.store(&items).await.expect("stored");
}

/// A sent message, known by `key_id`.
async fn sent(postgres: &Postgres, instance: InstanceId, key_id: &str) -> Message {
    let mut sent = message(workspace(), instance, phone(1));
    sent.status = MessageStatus::Sent;
    sent.meta.insert("kept".into(), json!(true));
    sent.provider_message_id = Some(key_id.to_owned());
    insert(postgres, std::slice::from_ref(&sent)).await;
    bind(postgres, &sent, key_id).await;
    sent
}

async fn bind(postgres: &Postgres, message: &Message, key_id: &str) {
    let mut unit = SettleUnits::begin(postgres).await.expect("a unit");
    let (instance, workspace) = (message.instance, message.workspace.id);
    let bound = unit
        .queue()
        .bind_ref(instance, key_id, workspace, message.id, NOW);
    assert!(bound.await.expect("bound"));
    unit.commit().await.expect("committed");
}

async fn read(postgres: &Postgres, message: &Message) -> Message {
    let found = postgres.find(message.workspace.id, message.id).await;
    found.expect("read").expect("it is there")
}

fn apply(units: Arc<dyn ReceiptUnits>) -> ApplyReceipts {
    ApplyReceipts::new(
        units,
        clock(),
        Arc::new(RandomIds),
        Arc::new(Silent),
        Duration::HOUR,
    )
}

/// What was told of each message, in order.
async fn told(stage: &Stage) -> BTreeMap<String, Vec<String>> {
    let rows = stage
        .session()
        .await
        .query(
            "SELECT payload->>'messageId', name FROM events e \
             JOIN outbox o ON o.event_id = e.id ORDER BY e.id",
            &[],
        )
        .await
        .expect("read");
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows {
        told.entry(row.get(0)).or_default().push(row.get(1));
    }
    told
}

#[tokio::test]
async fn a_batch_moves_messages_tells_each_step_and_leaves_the_unknown() {
    let stage = Stage::new().await;
    let instance = fresh();
    let seen = sent(&stage.postgres, instance, "SEEN").await;
    let refused = sent(&stage.postgres, instance, "REFUSED").await;
    let elsewhere = sent(&stage.postgres, fresh(), "ELSEWHERE").await;
    let receipts = [
        receipt(instance, "SEEN", ReceiptRank::Delivered),
        receipt(instance, "REFUSED", ReceiptRank::Error),
        receipt(instance, "SEEN", ReceiptRank::Read),
        receipt(instance, "ELSEWHERE", ReceiptRank::Read),
    ];
    store(&stage.postgres, &receipts).await;
    let apply = apply(Arc::new(stage.postgres.clone()));
    apply.tick().await.expect("applied");

    let seen = read(&stage.postgres, &seen).await;
    assert_eq!((seen.status, seen.updated_at), (MessageStatus::Read, NOW));
    let refused = read(&stage.postgres, &refused).await;
    assert_eq!(refused.status, MessageStatus::Failed);
    assert_eq!(
        refused.error.as_deref(),
        Some("WhatsApp refused the message")
    );
    let meta = json!({ "kept": true, "code": "PROVIDER_ERROR" });
    assert_eq!(serde_json::Value::Object(refused.meta), meta);
    let elsewhere = read(&stage.postgres, &elsewhere).await;
    assert_eq!(
        elsewhere.status,
        MessageStatus::Sent,
        "another instance's id"
    );
    let told = told(&stage).await;
    assert_eq!(
        told[&seen.id.to_string()],
        ["message.delivered", "message.read"]
    );
    assert_eq!(told[&refused.id.to_string()], ["message.failed"]);
    assert_eq!(told.len(), 2);
    assert_eq!(
        stage.postgres.depth().await.expect("read"),
        1,
        "the unknown one"
    );
}

#[tokio::test]
async fn receipts_of_one_instance_are_with_one_unit_at_a_time() {
    let stage = Stage::new().await;
    let instance = fresh();
    let both = [
        receipt(instance, "A", ReceiptRank::Delivered),
        receipt(instance, "B", ReceiptRank::Read),
    ];
    store(&stage.postgres, &both).await;
    let mut one = ReceiptUnits::begin(&stage.postgres).await.expect("a unit");
    let claimed = one.receipts().claim(NOW, 1).await.expect("claimed");
    assert_eq!(claimed, both[..1]);
    let mut two = ReceiptUnits::begin(&stage.postgres).await.expect("a unit");
    let claimed = two.receipts().claim(NOW, 9).await.expect("claimed");
    assert_eq!(claimed, [], "the later one would overtake");
    one.abandon().await;
    let claimed = two.receipts().claim(NOW, 9).await.expect("claimed");
    assert_eq!(claimed, both);
}

#[tokio::test]
async fn a_put_off_receipt_comes_along_with_a_later_one_of_its_id() {
    let stage = Stage::new().await;
    let instance = fresh();
    let early = receipt(instance, "A", ReceiptRank::Delivered);
    let other = receipt(instance, "B", ReceiptRank::Delivered);
    store(&stage.postgres, &[early.clone(), other.clone()]).await;
    let mut unit = ReceiptUnits::begin(&stage.postgres).await.expect("a unit");
    let later = NOW + Duration::MINUTE;
    unit.receipts()
        .put_off(&[(early.id, later), (other.id, later)])
        .await
        .expect("put off");
    unit.commit().await.expect("committed");
    let late = receipt(instance, "A", ReceiptRank::Read);
    store(&stage.postgres, std::slice::from_ref(&late)).await;
    let mut unit = ReceiptUnits::begin(&stage.postgres).await.expect("a unit");
    let claimed = unit.receipts().claim(NOW, 9).await.expect("claimed");
    let claimed: Vec<_> = claimed.iter().map(|it| (it.id, it.tries)).collect();
    assert_eq!(claimed, [(late.id, 0), (early.id, 1)]);
}

#[tokio::test]
async fn a_put_off_receipt_is_found_as_soon_as_its_id_is_known() {
    let stage = Stage::new().await;
    let instance = fresh();
    let receipts = ["A", "B", "C"].map(|key| receipt(instance, key, ReceiptRank::Read));
    store(&stage.postgres, &receipts).await;
    let later = NOW + Duration::MINUTE;
    let mut unit = ReceiptUnits::begin(&stage.postgres).await.expect("a unit");
    let until: Vec<_> = receipts.iter().map(|it| (it.id, later)).collect();
    unit.receipts().put_off(&until).await.expect("put off");
    unit.commit().await.expect("committed");
    // A is bound by the answer to its call, B by an announcement that settled it.
    sent(&stage.postgres, instance, "A").await;
    let mut unit = EventUnits::begin(&stage.postgres).await.expect("a unit");
    let key = (instance, "B".to_owned());
    let woken = unit.events().wake_receipts(&key, NOW);
    woken.await.expect("woken");
    unit.commit().await.expect("committed");
    let mut unit = ReceiptUnits::begin(&stage.postgres).await.expect("a unit");
    unit.receipts().wake(NOW).await.expect("woken");
    let claimed = unit.receipts().claim(NOW, 9).await.expect("claimed");
    let keys: Vec<_> = claimed.iter().map(|it| it.key_id.as_str()).collect();
    assert_eq!(keys, ["A", "B"]);
}

/// Units of which every third is lost right before its end, as when its process is killed.
struct Mortal(Postgres, AtomicU32);

struct MortalUnit {
    unit: Box<dyn ReceiptUnit>,
    dies: bool,
}

#[async_trait]
impl ReceiptUnits for Mortal {
    async fn begin(&self) -> Result<Box<dyn ReceiptUnit>, StoreError> {
        let unit = ReceiptUnits::begin(&self.0).await?;
        let dies = self.1.fetch_add(1, Ordering::SeqCst) % 3 == 1;
        Ok(Box::new(MortalUnit { unit, dies }))
    }
}

#[async_trait]
impl Unit for MortalUnit {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        if self.dies {
            return Err(StoreError::Unavailable("killed".into()));
        }
        self.unit.commit().await
    }
}

#[async_trait]
impl ReceiptUnit for MortalUnit {
    async fn abandon(self: Box<Self>) {
        self.unit.abandon().await;
    }
    fn receipts(&mut self) -> &mut dyn ReceiptStore {
        self.unit.receipts()
    }
    fn tallies(&mut self) -> &mut dyn TallyStore {
        self.unit.tallies()
    }
    fn outbox(&mut self) -> &mut dyn Outbox {
        self.unit.outbox()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_that_die_now_and_then_tell_each_step_once_and_in_order() {
    let stage = Stage::new().await;
    let mut messages = Vec::new();
    for lane in 0..12 {
        let instance = fresh();
        for number in 0..5 {
            let key_id = format!("K{lane}-{number}");
            messages.push((sent(&stage.postgres, instance, &key_id).await, key_id));
        }
    }
    // Each round is one receipt for every message, so batches cut through all of them.
    let rounds = [
        ReceiptRank::Delivered,
        ReceiptRank::Delivered,
        ReceiptRank::Read,
        ReceiptRank::Error,
        ReceiptRank::Delivered,
    ];
    let feed = async {
        for rank in rounds {
            let of = |(it, key): &(Message, String)| receipt(it.instance, key, rank);
            let round: Vec<_> = messages.iter().map(of).collect();
            for part in round.chunks(7) {
                store(&stage.postgres, part).await;
            }
        }
    };
    let work = async {
        let units = Arc::new(Mortal(stage.postgres.clone(), AtomicU32::new(0)));
        let worker = apply(units);
        // The clock stands still: all that is stored is due. Deaths are survived.
        loop {
            drop(worker.tick().await);
            let left = stage.postgres.depth().await.expect("read");
            if left == 0 && told(&stage).await.len() == messages.len() {
                break;
            }
        }
    };
    let other = async {
        let worker = apply(Arc::new(Mortal(stage.pool(2), AtomicU32::new(1))));
        while told(&stage).await.len() < messages.len()
            || stage.postgres.depth().await.expect("read") > 0
        {
            drop(worker.tick().await);
        }
    };
    let all = async { tokio::join!(feed, work, other) };
    tokio::time::timeout(SOON, all).await.expect("an end");
    let told = told(&stage).await;
    for (message, key_id) in &messages {
        let steps = &told[&message.id.to_string()];
        assert_eq!(steps, &["message.delivered", "message.read"], "{key_id}");
        assert_eq!(
            read(&stage.postgres, message).await.status,
            MessageStatus::Read
        );
    }
}
