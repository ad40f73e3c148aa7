//! Stored events of the provider.

use msgflash_messaging::InstanceId;
use msgflash_messaging::message::ports::SettleUnits;
use msgflash_messaging::provider::ReceiptRank;
use msgflash_messaging::receipt::ports::{
    EventUnits, Inbox, InboxItem, ReceiptUnits, StoredEvent, StoredReceipt,
};
use msgflash_postgres::Postgres;
use serde_json::json;
use time::Duration;

use crate::stage::{NOW, Stage, fresh};

fn event(instance: InstanceId, seconds: i64) -> StoredEvent {
    let at = NOW + Duration::seconds(seconds);
    StoredEvent {
        id: fresh(),
        instance,
        event: "messages.upsert".to_owned(),
        announces: None,
        data: json!({ "text": "é 👋 \" \\" }),
        received_at: at,
        due_at: at,
        tries: 0,
    }
}

async fn store(postgres: &Postgres, events: &[StoredEvent]) {
    let items: Vec<_> = events.iter().cloned().map(InboxItem::Event).collect();
    postgres.store(&items).await.expect("stored");
}

#[tokio::test]
async fn events_of_one_instance_are_claimed_in_order_and_by_one_unit() {
    let stage = Stage::new().await;
    let (one, other) = (fresh(), fresh());
    let events = [
        event(one, -1),
        event(one, -3),
        event(other, -2),
        event(one, 5),
    ];
    store(&stage.postgres, &events).await;
    let mut first = EventUnits::begin(&stage.postgres).await.expect("a unit");
    let mut run = first.events().claim_run(NOW, 9).await.expect("claimed");
    // The one of the future was never tried: it is held back, and comes along.
    let late = run.pop();
    assert_eq!(late.as_ref(), Some(&events[3]));
    assert_eq!(run, [events[1].clone(), events[0].clone()]);
    let mut second = EventUnits::begin(&stage.postgres).await.expect("a unit");
    let run = second.events().claim_run(NOW, 9).await.expect("claimed");
    assert_eq!(run, [events[2].clone()], "another instance's");
    let mut third = EventUnits::begin(&stage.postgres).await.expect("a unit");
    let run = third.events().claim_run(NOW, 9).await.expect("claimed");
    assert_eq!(run, [], "all of them are in work");
}

#[tokio::test]
async fn an_event_that_was_tried_waits_for_its_time() {
    let stage = Stage::new().await;
    let instance = fresh();
    let events = [event(instance, -2), event(instance, -1)];
    store(&stage.postgres, &events).await;
    let mut unit = EventUnits::begin(&stage.postgres).await.expect("a unit");
    let later = NOW + Duration::SECOND;
    unit.events()
        .put_off(events[0].id, later)
        .await
        .expect("put off");
    unit.events()
        .hold(&[events[1].id], later)
        .await
        .expect("held");
    unit.commit().await.expect("committed");
    let mut unit = EventUnits::begin(&stage.postgres).await.expect("a unit");
    let run = unit.events().claim_run(NOW, 9).await.expect("claimed");
    assert_eq!(run, [], "nothing is due, so nothing comes along");
    let run = unit.events().claim_run(later, 9).await.expect("claimed");
    let tries: Vec<_> = run.iter().map(|it| (it.id, it.tries)).collect();
    assert_eq!(tries, [(events[0].id, 1), (events[1].id, 0)]);
}

#[tokio::test]
async fn announcements_of_known_messages_go_without_being_looked_at() {
    let stage = Stage::new().await;
    let instance = fresh();
    let announcement = |key_id: &str| StoredEvent {
        announces: Some(key_id.to_owned()),
        ..event(instance, -1)
    };
    let [known, unknown] = ["KNOWN", "UNKNOWN"].map(announcement);
    store(&stage.postgres, &[known, unknown.clone()]).await;
    let mut unit = SettleUnits::begin(&stage.postgres).await.expect("a unit");
    let bound = unit
        .queue()
        .bind_ref(instance, "KNOWN", fresh(), fresh(), NOW);
    assert!(bound.await.expect("bound"));
    unit.commit().await.expect("committed");
    let mut unit = EventUnits::begin(&stage.postgres).await.expect("a unit");
    let run = unit.events().claim_run(NOW, 9).await.expect("claimed");
    assert_eq!(run, [], "announcements are no part of a run");
    assert_eq!(unit.events().drop_known(NOW, 9).await.expect("dropped"), 1);
    let left = unit.events().claim_announcement(NOW).await;
    assert_eq!(left.expect("claimed"), Some(unknown));
}

#[tokio::test]
async fn a_group_is_stored_whole_or_not_at_all() {
    let stage = Stage::new().await;
    let receipt = InboxItem::Receipt(StoredReceipt {
        id: fresh(),
        instance: fresh(),
        key_id: "3EB0".to_owned(),
        rank: ReceiptRank::Read,
        received_at: NOW,
        tries: 0,
    });
    let other = InboxItem::Event(event(fresh(), 0));
    let twice = [other, receipt.clone(), receipt.clone()];
    stage
        .postgres
        .store(&twice)
        .await
        .expect_err("one id twice");
    assert_eq!(stage.postgres.depth().await.expect("read"), 0);
    stage.postgres.store(&twice[..2]).await.expect("stored");
    assert_eq!(stage.postgres.depth().await.expect("read"), 2);
    let mut unit = ReceiptUnits::begin(&stage.postgres).await.expect("a unit");
    let claimed = unit.receipts().claim(NOW, 9).await.expect("claimed");
    assert_eq!(
        claimed
            .into_iter()
            .map(InboxItem::Receipt)
            .collect::<Vec<_>>(),
        [receipt]
    );
}

#[tokio::test]
async fn an_abandoned_claim_leaves_the_events_for_others_at_once() {
    let stage = Stage::new().await;
    let events = [event(fresh(), 0)];
    store(&stage.postgres, &events).await;
    let mut lost = EventUnits::begin(&stage.postgres).await.expect("a unit");
    let run = lost.events().claim_run(NOW, 1).await.expect("claimed");
    lost.events().remove(&[run[0].id]).await.expect("removed");
    lost.abandon().await;
    let mut next = EventUnits::begin(&stage.postgres).await.expect("a unit");
    let run = next.events().claim_run(NOW, 1).await.expect("claimed");
    assert_eq!(run, events);
}

#[tokio::test]
async fn what_postgres_cannot_hold_is_left_out_of_an_event() {
    let stage = Stage::new().await;
    let mut odd = event(fresh(), 0);
    odd.data = json!({ "a\0": ["b\0c", { "d": "\0", "e": "\\u0000" }], "n": 1 });
    store(&stage.postgres, &[odd]).await;
    let mut unit = EventUnits::begin(&stage.postgres).await.expect("a unit");
    let claimed = unit.events().claim_run(NOW, 1).await.expect("claimed");
    let expected = json!({ "a": ["bc", { "d": "", "e": "\\u0000" }], "n": 1 });
    assert_eq!(claimed[0].data, expected);
}
