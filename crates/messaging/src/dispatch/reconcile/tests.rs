//! What a look-up decides, and when patience begins.

use std::sync::Mutex;

use async_trait::async_trait;
use msgflash_kernel::{FixedClock, SequentialIds};

use super::*;
use crate::dispatch::settle::Patience;
use crate::instance::ports::MockInstanceReader;
use crate::message::ports::{MockMessageReader, SettleUnit};
use crate::provider::{Address, Echo, FoundSent, MockWhatsAppProvider, ProviderError};
use crate::testing::{FakeUnit, NOW, entry, instance, message, phone};

/// How long before now the backup was made that these entries come from.
const BACKED_UP: Duration = Duration::days(3);

/// Hands out units in turn.
struct Units(Mutex<Vec<FakeUnit>>);

#[async_trait]
impl SettleUnits for Units {
    async fn begin(&self) -> Result<Box<dyn SettleUnit>, StoreError> {
        let unit = self.0.lock().expect("unpoisoned").pop();
        Ok(Box::new(unit.expect("a unit for each transaction")))
    }
}

/// An entry that came out of a backup so many minutes ago.
fn restored(minutes: i64, resent: bool) -> QueueEntry {
    QueueEntry {
        state: QueueState::Unknown,
        attempt: 1,
        started_at: Some(NOW - BACKED_UP),
        ready_since: Some(NOW - Duration::minutes(minutes)),
        resent,
        ..entry()
    }
}

fn echo() -> Echo {
    Echo {
        kind: "text",
        text: Some("Hello".into()),
    }
}

fn record(key_id: &str) -> SentRecord {
    SentRecord {
        key_id: key_id.into(),
        address: Address::Phone(phone()),
        echo: echo(),
        at: NOW - Duration::days(1),
        receipt: None,
    }
}

/// What the gateway shows: sends to the recipient, and the last message known to have left.
struct Shown {
    sent: Result<Vec<SentRecord>, ProviderError>,
    witness: bool,
}

/// Looks one entry up and answers what was done with it.
async fn look_up(entry: QueueEntry, shown: Shown) -> &'static str {
    let done = Arc::new(Mutex::new("nothing"));
    let note = |word: &'static str| {
        let done = Arc::clone(&done);
        move || *done.lock().expect("unpoisoned") = word
    };
    // Whatever transaction comes next may do any of these.
    let units = (0..4).map(|_| {
        let mut unit = FakeUnit::default();
        let found = entry.clone();
        unit.queue
            .expect_lock()
            .returning(move |_| Ok(Some(found.clone())));
        let again = note("asked again later");
        unit.queue.expect_mark_unknown().returning(move |_, _, at| {
            assert!(at > NOW);
            again();
            Ok(())
        });
        let resent = note("sent once more");
        unit.queue.expect_resend().returning(move |_, _| {
            resent();
            Ok(())
        });
        unit.queue
            .expect_remove()
            .returning(|keys| Ok(keys.to_vec()));
        unit.queue.expect_lanes_up().returning(|_| Ok(()));
        unit.traces.expect_lose().returning(|_| Ok(()));
        unit.queue.expect_bind_refs().returning(|_, _| Ok(vec![]));
        unit.queue.expect_find_ref().returning(|_, _| Ok(None));
        unit.queue
            .expect_last_ref()
            .returning(|_, _| Ok(Some("WITNESS".into())));
        unit.messages
            .expect_lock()
            .returning(|_| Ok(vec![message()]));
        let (sent, failed) = (note("sent"), note("failed"));
        unit.messages.expect_update().returning(move |changed| {
            match changed[0].status {
                crate::MessageStatus::Sent => sent(),
                crate::MessageStatus::Failed => failed(),
                other => panic!("{other:?}"),
            }
            Ok(())
        });
        unit.ledger.expect_settle().returning(|_| Ok(()));
        unit.outbox.expect_append().returning(|_| Ok(()));
        unit
    });
    let units: Arc<dyn SettleUnits> = Arc::new(Units(Mutex::new(units.collect())));
    let mut provider = MockWhatsAppProvider::new();
    provider.expect_expected_echo().returning(|_| echo());
    let Shown { sent, witness } = shown;
    provider
        .expect_find_sent()
        .times(1)
        .returning(move |_, to, from, until| {
            assert_eq!(to, phone());
            // Since the backup, whenever it was restored.
            assert_eq!(from, NOW - BACKED_UP - CLOCK_SLACK);
            assert!(until >= NOW);
            sent.clone().map(|records| FoundSent {
                records,
                is_whole: true,
            })
        });
    provider
        .expect_find_by_key()
        .returning(move |_, key| Ok(witness.then(|| record(key))));
    let mut instances = MockInstanceReader::new();
    instances.expect_get().returning(|_| Ok(Some(instance())));
    let mut messages = MockMessageReader::new();
    messages.expect_find().returning(|_, _| Ok(Some(message())));
    let clock: Arc<dyn Clock> = Arc::new(FixedClock::at(NOW));
    let settle = Settle::new(
        Arc::clone(&units),
        Arc::clone(&clock),
        Arc::new(SequentialIds::default()),
        Patience::default(),
    );
    let reconciler = Reconciler::new(ReconcilePorts {
        units,
        messages: Arc::new(messages),
        instances: Arc::new(instances),
        provider: Arc::new(provider),
        settle: Arc::new(settle),
        clock,
    });
    reconciler.look_up(&entry).await.expect("looked up");
    done.lock().map(|done| *done).expect("unpoisoned")
}

fn nothing(witness: bool) -> Shown {
    Shown {
        sent: Ok(vec![]),
        witness,
    }
}

#[tokio::test]
async fn what_the_gateway_sent_since_the_backup_is_found() {
    let shown = Shown {
        sent: Ok(vec![record("3EB0")]),
        witness: true,
    };
    assert_eq!(look_up(restored(0, true), shown).await, "sent");
}

#[tokio::test]
async fn patience_with_a_restored_entry_begins_at_its_restore() {
    for resent in [true, false] {
        let done = look_up(restored(4, resent), nothing(true)).await;
        assert_eq!(done, "asked again later");
    }
    let done = look_up(restored(10, true), nothing(true)).await;
    assert_eq!(done, "failed", "it must not be sent again");
}

#[tokio::test]
async fn with_a_witness_it_is_sent_however_late_somebody_looks() {
    for minutes in [5, 10, 600] {
        let done = look_up(restored(minutes, false), nothing(true)).await;
        assert_eq!(done, "sent once more", "after {minutes} min");
    }
}

#[tokio::test]
async fn without_a_witness_or_an_answer_it_fails_in_the_end() {
    for (minutes, done) in [(9, "asked again later"), (10, "failed")] {
        assert_eq!(
            look_up(restored(minutes, false), nothing(false)).await,
            done
        );
        let away = Shown {
            sent: Err(ProviderError::Unavailable),
            witness: true,
        };
        assert_eq!(look_up(restored(minutes, false), away).await, done);
    }
}
