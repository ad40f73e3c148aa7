use std::sync::Mutex;

use async_trait::async_trait;
use msgflash_kernel::{FixedClock, Phone, SequentialIds};
use msgflash_quotas::Period;
use time::Duration;

use super::*;
use crate::testing::{FakeUnit, NOW, entry, message, phone};

struct Units(Mutex<Option<FakeUnit>>);

#[async_trait]
impl SettleUnits for Units {
    async fn begin(&self) -> Result<Box<dyn SettleUnit>, StoreError> {
        let unit = self
            .0
            .lock()
            .expect("unpoisoned")
            .take()
            .expect("one unit per test");
        Ok(Box::new(unit))
    }
}

fn settle(unit: FakeUnit) -> Settle {
    Settle::new(
        Arc::new(Units(Mutex::new(Some(unit)))),
        Arc::new(FixedClock::at(NOW)),
        Arc::new(SequentialIds::default()),
        Patience::default(),
    )
}

fn idle() -> Settle {
    settle(FakeUnit::default())
}

/// Where the message of an outcome comes from, and how its entry is had.
#[derive(Clone, Copy, PartialEq)]
enum From {
    /// Everything is at hand.
    Outcome,
    /// The entry is read, then the message.
    Rows,
}

/// A unit that holds the entry and expects it to end with these words.
fn ending(
    status: MessageStatus,
    event: &'static str,
    charged: (u32, u32),
    message_from: From,
) -> FakeUnit {
    let mut unit = FakeUnit::default();
    unit.queue.expect_lanes_up().returning(|_| Ok(()));
    if message_from == From::Outcome {
        unit.queue.expect_take().times(1).returning(|attempts| {
            assert_eq!(attempts, [(entry().key(), 1)]);
            Ok(vec![entry()])
        });
    } else {
        unit.queue.expect_lock().returning(|_| Ok(Some(begun())));
        unit.queue
            .expect_remove()
            .times(1)
            .returning(|keys| Ok(keys.to_vec()));
        unit.messages
            .expect_lock()
            .returning(|_| Ok(vec![message()]));
    }
    unit.messages
        .expect_update()
        .times(1)
        .returning(move |changed| {
            assert_eq!(changed[0].status, status);
            let month = (charged.0 > 0).then_some(Period::of(NOW));
            assert_eq!(changed[0].charged_to, month);
            Ok(())
        });
    unit.outbox
        .expect_append()
        .times(1)
        .returning(move |events| {
            assert_eq!(events[0].name, event);
            Ok(())
        });
    unit.ledger
        .expect_settle()
        .times(1)
        .returning(move |settled| {
            assert_eq!((settled[0].messages, settled[0].released), charged);
            Ok(())
        });
    unit
}

/// The entry, at its first attempt.
fn begun() -> QueueEntry {
    QueueEntry {
        attempt: 1,
        ..entry()
    }
}

/// The same with other ids.
fn numbered(n: u128) -> QueueEntry {
    QueueEntry {
        message: Id::new(uuid::Uuid::from_u128(n)),
        ..begun()
    }
}

fn outcome(verdict: Verdict, message: Option<Message>) -> Outcome {
    Outcome {
        key: entry().key(),
        account: entry().account,
        attempt: 1,
        verdict,
        safety: None,
        message: message.map(Box::new),
    }
}

fn sent() -> Verdict {
    Verdict::Sent {
        key_id: Some("3EB0".into()),
        other: None,
    }
}

#[tokio::test]
async fn a_sent_message_is_bound_told_and_charged() {
    for message_from in [From::Outcome, From::Rows] {
        let mut unit = ending(MessageStatus::Sent, "message.sent", (1, 0), message_from);
        unit.queue.expect_bind_refs().times(1).returning(|refs, _| {
            assert_eq!(refs[0].key_id, "3EB0");
            Ok(vec![])
        });
        let committed = unit.watch();
        let outcome = outcome(sent(), (message_from == From::Outcome).then(message));
        let done = settle(unit).record_all(&[outcome]).await;
        assert_eq!(done.expect("recorded"), [true]);
        assert!(committed());
    }
}

#[tokio::test]
async fn all_of_a_group_that_leave_nothing_to_decide_take_one_statement_for_each_table() {
    let mut unit = FakeUnit::default();
    unit.queue.expect_lanes_up().times(1).returning(|_| Ok(()));
    unit.queue.expect_bind_refs().times(1).returning(|refs, _| {
        assert_eq!(refs.len(), 1);
        Ok(vec![])
    });
    unit.queue
        .expect_take()
        .times(1)
        .returning(|_| Ok(vec![begun()]));
    unit.queue.expect_withdraw().times(1).returning(|attempts| {
        assert_eq!(attempts.len(), 3);
        // The third was settled by somebody else.
        Ok(vec![numbered(11), numbered(12)])
    });
    unit.ledger.expect_settle().times(1).returning(|settled| {
        let sums: Vec<_> = settled
            .iter()
            .map(|it| (it.messages, it.released))
            .collect();
        assert_eq!(sums, [(1, 0), (0, 1), (0, 1)]);
        Ok(())
    });
    unit.messages.expect_lock().times(1).returning(|keys| {
        let read = keys.iter().map(|(_, id)| Message {
            id: *id,
            ..message()
        });
        Ok(read.collect())
    });
    unit.messages.expect_update().times(1).returning(|changed| {
        let states: Vec<_> = changed.iter().map(|it| it.status).collect();
        let failed = MessageStatus::Failed;
        assert_eq!(states, [MessageStatus::Sent, failed, failed]);
        assert_eq!(changed[1].meta["code"], "INVALID_DESTINATION");
        Ok(())
    });
    unit.outbox.expect_append().times(1).returning(|events| {
        let names: Vec<_> = events.iter().map(|it| it.name).collect();
        assert_eq!(names, ["message.sent", "message.failed", "message.failed"]);
        Ok(())
    });
    let committed = unit.watch();
    let failed = |n| Outcome {
        key: numbered(n).key(),
        ..outcome(Verdict::Failed(Failure::NO_WHATSAPP), None)
    };
    let group = [
        failed(11),
        outcome(sent(), Some(message())),
        failed(12),
        failed(13),
    ];
    let first = settle(unit).record_all(&group).await;
    assert_eq!(first.expect("recorded"), [true, true, true, false]);
    assert!(committed());
}

#[tokio::test]
async fn whoever_comes_second_changes_nothing() {
    for found in [
        None,
        Some(QueueEntry {
            attempt: 2,
            ..entry()
        }),
    ] {
        let mut unit = FakeUnit::default();
        unit.queue.expect_lock().return_once(move |_| Ok(found));
        let verdict = Verdict::sent(None, phone(), None);
        let done = settle(unit).record_all(&[outcome(verdict, None)]).await;
        assert_eq!(done.expect("read"), [false]);
    }
    let mut unit = FakeUnit::default();
    unit.queue.expect_take().returning(|_| Ok(vec![]));
    unit.queue.expect_withdraw().returning(|_| Ok(vec![]));
    let late = [
        outcome(sent(), Some(message())),
        outcome(Verdict::Failed(Failure::REFUSED), None),
    ];
    let done = settle(unit).record_all(&late).await;
    assert_eq!(done.expect("read"), [false, false]);
}

#[tokio::test]
async fn an_unreserved_message_that_fails_gives_nothing_back() {
    let mut unit = FakeUnit::default();
    let waiting = QueueEntry {
        period: None,
        ..entry()
    };
    unit.queue
        .expect_remove()
        .returning(|keys| Ok(keys.to_vec()));
    unit.messages
        .expect_lock()
        .returning(|_| Ok(vec![message()]));
    unit.messages.expect_update().returning(|_| Ok(()));
    unit.outbox.expect_append().returning(|_| Ok(()));
    unit.ledger.expect_settle().never();
    let failed = idle()
        .fail_all(&mut unit, &[(&waiting, Failure::OUT_OF_QUOTA)], NOW)
        .await;
    assert!(failed.is_ok());
}

#[tokio::test]
async fn an_address_with_other_digits_is_learned_for_the_number() {
    let other = Address::Phone(Phone::parse("+33612345679").expect("valid"));
    for message_from in [From::Outcome, From::Rows] {
        let mut unit = ending(MessageStatus::Sent, "message.sent", (1, 0), message_from);
        unit.queue.expect_bind_refs().returning(|_, _| Ok(vec![]));
        let learned = KnownAddress {
            instance: entry().instance,
            address: other.clone(),
            phone: phone(),
        };
        unit.traces
            .expect_learn()
            .withf(move |told| *told == [learned.clone()])
            .times(1)
            .returning(|_| Ok(()));
        let verdict = Verdict::sent(Some("3EB0".into()), phone(), Some(other.clone()));
        let message = (message_from == From::Outcome).then(message);
        let done = settle(unit).record_all(&[outcome(verdict, message)]).await;
        assert_eq!(done.expect("recorded"), [true]);
    }
}

#[tokio::test]
async fn a_call_nobody_could_say_anything_about_is_remembered() {
    let mut unit = ending(MessageStatus::Failed, "message.failed", (0, 1), From::Rows);
    unit.traces
        .expect_lose()
        .withf(|calls| calls.len() == 1 && calls[0].message == entry().message)
        .times(1)
        .returning(|_| Ok(()));
    let given_up = QueueEntry {
        started_at: Some(NOW),
        ..begun()
    };
    let verdict = Verdict::Failed(Failure::TIMEOUT);
    let done = idle().settle(&mut unit, &given_up, &verdict, None).await;
    assert!(done.is_ok());
}

#[tokio::test]
async fn what_left_without_a_reservation_is_charged_to_the_month_it_was_due_in() {
    let mut unit = ending(MessageStatus::Sent, "message.sent", (1, 0), From::Rows);
    unit.queue.expect_bind_refs().returning(|_, _| Ok(vec![]));
    let restored = QueueEntry {
        period: None,
        due_at: NOW - Duration::days(1),
        ..entry()
    };
    let month = Period::of(restored.due_at);
    unit.ledger
        .expect_reserve()
        .times(1)
        .returning(move |wants| {
            assert_eq!((wants[0].period, wants[0].limit), (month, None));
            assert_eq!(wants[0].count, 1);
            Ok(vec![1])
        });
    let left = idle().settle(&mut unit, &restored, &sent(), None).await;
    assert!(left.is_ok());
}
