use std::sync::Mutex;

use async_trait::async_trait;
use msgflash_kernel::{FixedClock, NoNudge, SequentialIds};
use serde_json::json;

use super::*;
use crate::instance::ports::MockInstanceReader;
use crate::provider::{Address, Echo, MockEventDecoder, SentRecord};
use crate::testing::{NOW, instance};

/// Keeps the sizes of what it was asked to store, and refuses the bad ones.
#[derive(Default)]
struct Kept {
    sizes: Mutex<Vec<usize>>,
    stored: Mutex<Vec<String>>,
    is_away: bool,
}

#[async_trait]
impl Inbox for Kept {
    async fn store(&self, items: &[InboxItem]) -> Result<(), StoreError> {
        self.sizes.lock().expect("whole").push(items.len());
        if self.is_away {
            return Err(StoreError::Unavailable("away".into()));
        }
        let keys: Vec<_> = items.iter().map(key_of).collect();
        if keys.iter().any(|key| key == "bad") {
            return Err(StoreError::Failed("bad".into()));
        }
        self.stored.lock().expect("whole").extend(keys);
        Ok(())
    }
    async fn depth(&self) -> Result<u64, StoreError> {
        unreachable!("nobody asks")
    }
}

fn key_of(item: &InboxItem) -> String {
    match item {
        InboxItem::Receipt(it) => it.key_id.clone(),
        InboxItem::Event(it) => it.event.clone(),
    }
}

fn receipt(key_id: &str) -> InboxItem {
    InboxItem::Receipt(StoredReceipt {
        id: Id::new(SequentialIds::default().next()),
        instance: instance().id,
        key_id: key_id.to_owned(),
        rank: ReceiptRank::Read,
        received_at: NOW,
        tries: 0,
    })
}

#[tokio::test]
async fn a_bad_event_fails_alone() {
    let inbox = Kept::default();
    let keys = ["a", "b", "c", "bad", "d"];
    let results = store_group(&inbox, keys.map(receipt).to_vec()).await;
    let failed: Vec<_> = results.iter().map(Result::is_err).collect();
    assert_eq!(failed, [false, false, false, true, false]);
    let mut stored = inbox.stored.into_inner().expect("whole");
    stored.sort();
    assert_eq!(stored, ["a", "b", "c", "d"], "each once");
}

#[tokio::test]
async fn a_database_that_is_away_is_asked_once_for_the_whole_group() {
    let inbox = Kept {
        is_away: true,
        ..Kept::default()
    };
    let results = store_group(&inbox, ["a", "b", "c"].map(receipt).to_vec()).await;
    let away = |it: &Result<(), StoreError>| matches!(it, Err(StoreError::Unavailable(_)));
    assert!(
        results.len() == 3 && results.iter().all(away),
        "{results:?}"
    );
    assert_eq!(*inbox.sizes.lock().expect("whole"), [3]);
}

/// Counts how often it was rung.
#[derive(Default)]
struct Bell(Mutex<usize>);

impl Nudge for Bell {
    fn nudge(&self) {
        *self.0.lock().expect("whole") += 1;
    }
}

struct Door {
    receive: ReceiveEvent,
    clock: Arc<FixedClock>,
    inbox: Arc<Kept>,
    events: Arc<Bell>,
}

fn door(instances: MockInstanceReader, decoder: MockEventDecoder) -> Door {
    let clock = Arc::new(FixedClock::at(NOW));
    let inbox = Arc::new(Kept::default());
    let events = Arc::new(Bell::default());
    let (receive, store) = ReceiveEvent::new(ReceivePorts {
        instances: Arc::new(instances),
        inbox: inbox.clone(),
        decoder: Arc::new(decoder),
        clock: clock.clone(),
        ids: Arc::new(SequentialIds::default()),
        receipts: Arc::new(NoNudge),
        events: events.clone(),
    });
    tokio::spawn(store.run());
    Door {
        receive,
        clock,
        inbox,
        events,
    }
}

/// Sessions that may be looked up so often.
fn sessions(times: usize) -> MockInstanceReader {
    let mut instances = MockInstanceReader::new();
    instances
        .expect_find_by_session()
        .times(times)
        .returning(|_| Ok(Some(instance())));
    instances
}

#[tokio::test]
async fn a_session_is_looked_up_once_and_its_secret_compared_each_time() {
    let door = door(sessions(2), MockEventDecoder::new());
    let ask = async |secret| {
        let known = door.receive.authenticate("mf-1", Some(secret)).await;
        known.expect("an answer").map(|it| it.id)
    };
    assert_eq!(ask("secret").await, Ok(instance().id));
    assert_eq!(ask("secret").await, Ok(instance().id));
    // Looked up again: the stored secret may be another one by now.
    assert_eq!(ask("wrong").await, Err(Received::WrongSecret));
    assert_eq!(ask("secret").await, Ok(instance().id));
}

#[tokio::test]
async fn a_wrong_secret_teaches_nothing() {
    let door = door(sessions(2), MockEventDecoder::new());
    for _ in 0..2 {
        let known = door.receive.authenticate("mf-1", Some("wrong")).await;
        assert_eq!(known.expect("an answer"), Err(Received::WrongSecret));
    }
}

#[tokio::test]
async fn a_remembered_session_is_looked_up_again_after_a_while() {
    let door = door(sessions(2), MockEventDecoder::new());
    for _ in 0..2 {
        let known = door.receive.authenticate("mf-1", Some("secret")).await;
        assert!(known.expect("an answer").is_ok());
        door.clock.advance(Duration::MINUTE);
    }
}

#[tokio::test]
async fn receipts_that_say_nothing_are_not_stored() {
    let mut decoder = MockEventDecoder::new();
    decoder.expect_decode().returning(|event, _| {
        let rank = match event {
            "read" => ReceiptRank::Read,
            _ => ReceiptRank::Nothing,
        };
        let key_id = event.to_owned();
        ProviderEvent::Receipt { key_id, rank }
    });
    let door = door(MockInstanceReader::new(), decoder);
    let mut received = vec![];
    for event in ["server-ack", "read"] {
        let data = json!({});
        let answer = door.receive.receive(&instance(), event, data).await;
        received.push(answer.expect("an answer"));
    }
    assert_eq!(received, [Received::Ignored, Received::Stored]);
    assert_eq!(*door.inbox.stored.lock().expect("whole"), ["read"]);
}

#[tokio::test]
async fn connecting_counts_when_the_link_is_open_by_now_whatever_is_remembered() {
    let mut decoder = MockEventDecoder::new();
    decoder
        .expect_decode()
        .returning(|_, _| ProviderEvent::Connecting);
    let mut instances = MockInstanceReader::new();
    instances.expect_get().returning(|_| Ok(Some(instance())));
    let door = door(instances, decoder);
    let remembered = Instance {
        status: InstanceStatus::Connecting,
        ..instance()
    };
    let answer = door.receive.receive(&remembered, "c", json!({})).await;
    assert_eq!(answer.expect("an answer"), Received::Stored);
}

#[tokio::test]
async fn an_announcement_wakes_nobody_before_it_is_looked_at() {
    let mut decoder = MockEventDecoder::new();
    decoder.expect_decode().returning(|event, _| match event {
        "sent" => ProviderEvent::Sent(SentRecord {
            key_id: "K".into(),
            address: Address::Other,
            echo: Echo {
                kind: "text",
                text: None,
            },
            at: NOW,
            receipt: None,
        }),
        _ => ProviderEvent::PairingExpired,
    });
    let door = door(MockInstanceReader::new(), decoder);
    for (event, rung) in [("sent", 0), ("expired", 1)] {
        let answer = door.receive.receive(&instance(), event, json!({})).await;
        assert_eq!(answer.expect("an answer"), Received::Stored);
        assert_eq!(*door.events.0.lock().expect("whole"), rung, "{event}");
    }
}
